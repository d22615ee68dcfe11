"""Simulate MD22's tetrapeptide, Ac-Ala3-NHMe, as a stand-in for MD22's own file.

OpenMM with the force field amber14 (ff14SB) in vacuum, Langevin dynamics at 500 K (friction 1/ps,
0.5 fs steps, nothing constrained); a frame is kept each femtosecond, as in MD22, whose frames are
of density functional theory. It starts as a helix that PeptideBuilder draws, is relaxed and kept at
500 K for 20 ps.

    OMP_NUM_THREADS=1 python scripts/make_tetrapeptide.py md22_Ac-Ala3-NHMe.npz [--frames 30000]
    painet prepare md22 --molecule Ac-Ala3-NHMe --source md22_Ac-Ala3-NHMe.npz \
        --label "ff14SB MD" --superpose

Writes MD22's schema: R (frames, 42, 3) in angstrom and z (42,). Needs openmm, pdbfixer and
PeptideBuilder (`pip install --group simulations`).
"""

# mypy: allow-untyped-calls
# (OpenMM is untyped)

from __future__ import annotations

import argparse
import io
from pathlib import Path

import numpy as np
import openmm
import PeptideBuilder
from Bio.PDB import PDBIO
from openmm import app, unit
from pdbfixer import PDBFixer

TEMPERATURE_K = 500
FRICTION_PER_PS = 1.0
TIME_STEP_FS = 0.5
STEPS_PER_FRAME = 2
EQUILIBRATION_PS = 20
RESIDUES = 3
PHI, PSI = -60.0, -45.0
SEED = 1


def main() -> None:
    """Simulate, then write the whole file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--frames", type=int, default=30_000, help="each 1 fs")
    options = parser.parse_args()
    topology, positions = capped_peptide()
    simulation = app.Simulation(
        topology,
        app.ForceField("amber14/protein.ff14SB.xml").createSystem(
            topology, nonbondedMethod=app.NoCutoff, constraints=None, rigidWater=False
        ),
        _langevin(),
        openmm.Platform.getPlatformByName("CPU"),
        {"Threads": "1"},
    )
    simulation.context.setPositions(positions)
    simulation.minimizeEnergy()
    simulation.context.setVelocitiesToTemperature(TEMPERATURE_K * unit.kelvin, SEED)
    simulation.step(round(1000 * EQUILIBRATION_PS / TIME_STEP_FS))
    frames = np.empty((options.frames, topology.getNumAtoms(), 3), dtype=np.float32)
    for frame in frames:
        simulation.step(STEPS_PER_FRAME)
        found = simulation.context.getState(getPositions=True).getPositions(asNumpy=True)
        frame[:] = found.value_in_unit(unit.angstrom)
    elements = np.array([atom.element.atomic_number for atom in topology.atoms()], dtype=np.uint8)
    np.savez_compressed(options.file, R=frames, z=elements)


def capped_peptide() -> tuple[app.Topology, unit.Quantity]:
    """ACE-ALA-ALA-ALA-NME as a helix, with hydrogens."""
    drawn = PeptideBuilder.make_structure(["A"] * RESIDUES, [PHI] * 2, [PSI] * 2)
    writer, text = PDBIO(), io.StringIO()
    writer.set_structure(drawn)
    writer.save(text)
    fixer = PDBFixer(pdbfile=io.StringIO(text.getvalue()))
    fixer.missingResidues = {(0, 0): ["ACE"], (0, RESIDUES): ["NME"]}
    fixer.findMissingAtoms()
    fixer.addMissingAtoms(seed=SEED)
    fixer.addMissingHydrogens(7.0)
    return fixer.topology, fixer.positions


def _langevin() -> openmm.Integrator:
    integrator = openmm.LangevinMiddleIntegrator(
        TEMPERATURE_K * unit.kelvin,
        FRICTION_PER_PS / unit.picosecond,
        TIME_STEP_FS * unit.femtosecond,
    )
    integrator.setRandomNumberSeed(SEED)
    return integrator


if __name__ == "__main__":
    main()
