"""Simulate proteins and peptides, to train the checkpoint `protein-backbone`.

OpenMM with the force field amber14 (ff14SB) and the implicit solvent OBC2, Langevin dynamics at
300 K (friction 1/ps, 4 fs steps, hydrogens of 1.5 amu, their bonds constrained). A frame is kept
each picosecond. Folded proteins start from structures of the Protein Data Bank (CC0) that the
source packages of biopython and pdbfixer carry as test data; their ends are charged. Peptides
start from their sequence, as helices or strands that PeptideBuilder draws, capped by ACE and NME.

    OMP_NUM_THREADS=1 python scripts/make_proteins.py FOLDER STRUCTURES [--frames 100]

STRUCTURES is a folder with `Tests/PDB` of biopython's and `pdbfixer/tests/data` of pdbfixer's
source package. Writes FOLDER/NAME.pdb, FOLDER/NAME-0.dcd, NAME-1.dcd and so on, each the next
`--frames` picoseconds of the same run, and a line of FOLDER/proteins.jsonl for each. Proteins take
turns, the one with the fewest frames first.

The sums of PDBFixer and of OpenMM's CPU platform are not the same to the last bit twice, so that a
repetition gives another trajectory of the same protein: the checksums of `scripts/proteins.json`
tell which ones were used. Needs openmm, pdbfixer and PeptideBuilder
(`pip install --group simulations`).
"""

# mypy: allow-untyped-calls
# (OpenMM is untyped)

from __future__ import annotations

import argparse
import hashlib
import io
import json
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

import numpy as np
import openmm
import PeptideBuilder
from Bio.PDB import PDBIO, MMCIFParser, PDBParser, Select
from openmm import app, unit
from pdbfixer import PDBFixer

TEMPERATURE_K = 300
FRICTION_PER_PS = 1.0
TIME_STEP_PS = 0.004
STEPS_PER_FRAME = 250
CUTOFF_NM = 1.2
SOLVENT_DIELECTRIC = 78.5
RADIUS_OFFSET_NM = 0.009  # of OBC2, which the formula's radii are less
EQUILIBRATION_PS = 20
LARGEST_STEP = 20.0  # angstrom that no atom goes in a picosecond, unless the simulation has failed

HELIX, STRAND, COIL = (-60.0, -45.0), (-120.0, 130.0), (-75.0, 145.0)


@dataclass(frozen=True)
class Protein:
    """Where a protein starts from: a chain of a structure, or a sequence and its shape.

    The shape has a letter for each residue: `h` helix, `e` strand, `-` coil.
    """

    part: str
    file: str = ""
    chain: str = ""
    sequence: str = ""
    shape: str = ""


def _helix(part: str, sequence: str, shape: str = "") -> Protein:
    return Protein(part, sequence=sequence, shape=shape or "h" * len(sequence))


PROTEINS = {
    "trp-cage": _helix("train", "NLYIQWLKDGGPSSGRPPPS", "-hhhhhhhh------hhhh-"),
    "villin-hp36": Protein("val", "test.pdb", "A"),
    "glucagon": _helix("test", "HSQGTFTSDYSKYLDSRRAQDFVQWLMNT"),
    "gb1-hairpin": Protein("train", sequence="GEWTYDDATKTFTVTE", shape="-eeeeehhhheeeeee"),
    "abeta-2beg": Protein("train", "2BEG.pdb", "A"),
    "lac-headpiece-1lcd": Protein("test", "1LCD.pdb", "A"),
    "magainin-2": _helix("train", "GIGKFLHSAKKFGKAFVGEIMNS"),
    "melittin": _helix("train", "GIGAVLKVLTTGLPALISWIKRKRQQ"),
    "gcn4-zipper": _helix("train", "RMKQLEDKVEELLSKNYHLENEVARLKKLVGER"),
    "hiv-capsid-1a8o": Protein("train", "1A8O.pdb", "A"),
    "g-gamma-7cfn": Protein("train", "7CFN.cif", "G"),
    "neck-3jqh": Protein("train", "3JQH.cif", "A"),
    "hpv-e2-1a7g": Protein("train", "1A7G.cif", "E"),
    "ziaa-2ofg": Protein("train", "2OFG.cif", "X"),
    "nanobody-7cfn": Protein("train", "7CFN.cif", "N"),
    "bromodomain-4cup": Protein("train", "4CUP.cif", "A"),
    "trypsin-1gbt": Protein("train", "1GBT.cif", "A"),
}


def main() -> None:
    """Take turns until stopped, or until every protein has enough frames."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("structures", type=Path)
    parser.add_argument("--frames", type=int, default=100, help="of one turn, each 1 ps")
    parser.add_argument("--turns", type=int, default=5, help="of a protein")
    parser.add_argument("--runs", type=int, default=10**9, help="stop after so many turns")
    parser.add_argument("--only", choices=PROTEINS, action="append")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    wanted = [(turn, name) for turn in range(options.turns) for name in options.only or PROTEINS]
    missing = [one for one in wanted if not (options.folder / f"{one[1]}-{one[0]}.dcd").exists()]
    for turn, name in missing[: options.runs]:
        run(options.folder, options.structures, name, turn, options.frames)


def run(folder: Path, structures: Path, name: str, turn: int, frames: int) -> None:
    """Simulate one turn of one protein."""
    started = perf_counter()
    protein = PROTEINS[name]
    seed = 1 + 1000 * list(PROTEINS).index(name) + turn
    topology, state = folder / f"{name}.pdb", folder / f"{name}.xml"
    trajectory = folder / f"{name}-{turn}.dcd"
    if not state.exists():
        _prepare(protein, structures, topology, state)
    pdb = app.PDBFile(str(topology))
    simulation = _simulation(pdb.topology, seed)
    simulation.loadState(str(state))
    _frames(simulation, frames, trajectory)
    unfinished = state.with_suffix(".unfinished")
    simulation.saveState(str(unfinished))
    unfinished.replace(state)
    seconds = perf_counter() - started
    row = {
        "name": name,
        "part": protein.part,
        "start": f"{protein.file} chain {protein.chain}" if protein.file else protein.sequence,
        "residues": pdb.topology.getNumResidues(),
        "atoms": pdb.topology.getNumAtoms(),
        "turn": turn,
        "seed": seed,
        "frames": frames,
        "seconds": round(seconds, 1),
        "sha256": {path.name: sha256(path) for path in (topology, trajectory)},
        "versions": {one: version(one) for one in ("openmm", "pdbfixer", "PeptideBuilder")},
    }
    with (folder / "proteins.jsonl").open("a", encoding="utf-8") as log:
        log.write(json.dumps(row) + "\n")
    print(json.dumps(row), flush=True)


def _prepare(protein: Protein, structures: Path, topology: Path, state: Path) -> None:
    """Complete, relax and equilibrate; write the particles and the state to go on from."""
    fixer = PDBFixer(pdbfile=io.StringIO(_start(protein, structures)))
    fixer.findMissingResidues()
    fixer.missingResidues = {}
    if protein.sequence:
        length = len(protein.sequence)
        fixer.missingResidues = {(0, 0): ["ACE"], (0, length): ["NME"]}
    fixer.findNonstandardResidues()
    fixer.replaceNonstandardResidues()
    fixer.removeHeterogens(keepWater=False)
    fixer.findMissingAtoms()
    fixer.addMissingAtoms(seed=1)
    fixer.addMissingHydrogens(7.0)
    simulation = _simulation(fixer.topology, seed=1)
    simulation.context.setPositions(fixer.positions)
    simulation.minimizeEnergy(maxIterations=200)
    simulation.context.setVelocitiesToTemperature(TEMPERATURE_K * unit.kelvin, 1)
    simulation.step(round(EQUILIBRATION_PS / TIME_STEP_PS))
    positions = simulation.context.getState(getPositions=True).getPositions()
    text = io.StringIO()
    app.PDBFile.writeFile(fixer.topology, positions, text, keepIds=True)
    _, _, undated = text.getvalue().partition("\n")  # the first line has the day's date
    topology.write_text(undated, encoding="utf-8")
    simulation.saveState(str(state))


def _start(protein: Protein, structures: Path) -> str:
    """The chain alone, as the text of a PDB file."""
    if protein.sequence:
        angles = [{"h": HELIX, "e": STRAND, "-": COIL}[letter] for letter in protein.shape]
        phi, psi = ([pair[which] for pair in angles] for which in (0, 1))
        chain = PeptideBuilder.make_structure(list(protein.sequence), phi[1:], psi[:-1])
        keep = Select()
    else:
        (path,) = structures.rglob(protein.file)
        reader = PDBParser(QUIET=True) if path.suffix == ".pdb" else MMCIFParser(QUIET=True)
        chain = next(iter(reader.get_structure(protein.file, str(path))))[protein.chain]
        keep = _FirstConformer()
    writer, text = PDBIO(), io.StringIO()
    writer.set_structure(chain)
    writer.save(text, keep)
    return text.getvalue()


class _FirstConformer(Select):  # type: ignore[misc]  # biopython is untyped
    def accept_atom(self, atom: object) -> bool:
        return not atom.is_disordered() or atom.get_altloc() in "A "  # type: ignore[attr-defined]


def _simulation(topology: app.Topology, seed: int) -> app.Simulation:
    """The system on one thread, its random numbers drawn from the seed."""
    field = app.ForceField("amber14/protein.ff14SB.xml", "implicit/obc2.xml")
    system = field.createSystem(
        topology,
        nonbondedMethod=app.CutoffNonPeriodic,
        nonbondedCutoff=CUTOFF_NM * unit.nanometer,
        constraints=app.HBonds,
        hydrogenMass=1.5 * unit.amu,
    )
    _use_built_in_solvent(system)
    integrator = openmm.LangevinMiddleIntegrator(
        TEMPERATURE_K * unit.kelvin,
        FRICTION_PER_PS / unit.picosecond,
        TIME_STEP_PS * unit.picosecond,
    )
    integrator.setRandomNumberSeed(seed)
    return app.Simulation(
        topology, system, integrator, openmm.Platform.getPlatformByName("CPU"), {"Threads": "1"}
    )


def _use_built_in_solvent(system: openmm.System) -> None:
    """Put OpenMM's own OBC2 in the place of the same as a formula, which takes four times as long.

    Energies and forces agree to their rounding.
    """
    forces = enumerate(system.getForces())
    where, formula = next(one for one in forces if isinstance(one[1], openmm.CustomGBForce))
    built_in = openmm.GBSAOBCForce()
    for particle in range(formula.getNumParticles()):
        charge, radius, screened = formula.getParticleParameters(particle)
        built_in.addParticle(charge, radius + RADIUS_OFFSET_NM, screened / radius)
    built_in.setSolventDielectric(SOLVENT_DIELECTRIC)
    built_in.setNonbondedMethod(formula.getNonbondedMethod())
    built_in.setCutoffDistance(formula.getCutoffDistance())
    system.addForce(built_in)
    system.removeForce(where)


def _frames(simulation: app.Simulation, frames: int, path: Path) -> None:
    """Write a DCD file, whole or not at all."""
    unfinished = path.with_name(f"unfinished-{path.name}")
    before = None
    with unfinished.open("wb") as written:
        dcd = app.DCDFile(
            written, simulation.topology, TIME_STEP_PS * unit.picosecond, 0, STEPS_PER_FRAME
        )
        for frame in range(frames):
            simulation.step(STEPS_PER_FRAME)
            found = simulation.context.getState(getPositions=True).getPositions(asNumpy=True)
            now = found.value_in_unit(unit.angstrom)
            moved = 0.0 if before is None else np.linalg.norm(now - before, axis=1).max()
            if not moved < LARGEST_STEP:
                raise SystemExit(f"{path.name}, frame {frame}: an atom moved {moved:.1f} A in 1 ps")
            before = now
            dcd.writeModel(found)
    unfinished.replace(path)


def sha256(path: Path) -> str:
    """The file's checksum in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
