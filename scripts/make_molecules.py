"""Simulate small organic molecules of C, H, N, O, S, F and Cl, to train the checkpoint `molecule`.

Every molecule is drawn from its SMILES by RDKit, relaxed and run by Langevin dynamics (friction
1/ps, fixed centre of mass, steps of 0.5 fs) on the GFN2-xTB energy surface at 300, 400 and 500 K.
A frame is kept each femtosecond. MD17's own eight molecules are left out on purpose: they, and the
molecules marked `test` below, are what the checkpoint is tested on.

    OMP_NUM_THREADS=1 python scripts/make_molecules.py FOLDER

writes FOLDER/NAME.pdb (particles and bonds), FOLDER/NAME-300K.dcd and so on, and a line of
FOLDER/molecules.jsonl for each. What is there already is left alone, so a stopped run goes on.
Needs ase, tblite and rdkit (`pip install --group simulations`).
"""

# mypy: allow-untyped-calls
# (half of ASE and RDKit is untyped)

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterator
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from time import perf_counter

import MDAnalysis as mda  # noqa: N813 (as its own documentation has it)
import numpy as np
from ase import Atoms, units
from ase.constraints import FixCom
from ase.md.langevin import Langevin
from ase.md.velocitydistribution import ZeroRotation, thermalize_momenta
from ase.optimize import LBFGS
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import AllChem
from tblite.ase import TBLite

TEMPERATURES_K = (500, 300, 400)
TIME_STEP_FS = 0.5
FRICTION_PER_PS = 1.0
EQUILIBRATION = 1_500  # steps; the start is twice as hot, and half of that goes to the potential
FRAMES = 2_000
STEPS_PER_FRAME = 2
STRETCH = 1.6  # a bond longer than this many times its relaxed length has broken

MOLECULES = {
    "train": {
        "methanol": "CO",
        "propan-1-ol": "CCCO",
        "propan-2-ol": "CC(C)O",
        "dimethyl-ether": "COC",
        "acetone": "CC(C)=O",
        "acetaldehyde": "CC=O",
        "acetic-acid": "CC(=O)O",
        "methyl-acetate": "COC(C)=O",
        "acetamide": "CC(N)=O",
        "n-methylacetamide": "CNC(C)=O",
        "dimethylamine": "CNC",
        "ethylamine": "CCN",
        "pyrrolidine": "C1CCNC1",
        "acetonitrile": "CC#N",
        "propene": "CC=C",
        "butadiene": "C=CC=C",
        "butane": "CCCC",
        "cyclohexane": "C1CCCCC1",
        "furan": "c1ccoc1",
        "thiophene": "c1ccsc1",
        "thiazole": "c1cscn1",
        "pyridine": "c1ccncc1",
        "imidazole": "c1c[nH]cn1",
        "phenol": "Oc1ccccc1",
        "aniline": "Nc1ccccc1",
        "fluorobenzene": "Fc1ccccc1",
        "chlorobenzene": "Clc1ccccc1",
        "2-chlorophenol": "Oc1ccccc1Cl",
        "anisole": "COc1ccccc1",
        "benzaldehyde": "O=Cc1ccccc1",
        "benzoic-acid": "OC(=O)c1ccccc1",
        "dimethyl-sulfoxide": "CS(C)=O",
        "dimethyl-sulfide": "CSC",
        "methanethiol": "CS",
        "dimethyl-disulfide": "CSSC",
        "dichloromethane": "ClCCl",
        "chloroethane": "CCCl",
        "1-1-difluoroethane": "CC(F)F",
        "2-2-2-trifluoroethanol": "OCC(F)(F)F",
        "nitromethane": "C[N+](=O)[O-]",
        "urea": "NC(N)=O",
        "glycine": "NCC(=O)O",
        "alanine": "CC(N)C(=O)O",
        "cytosine": "Nc1cc[nH]c(=O)n1",
        "lactic-acid": "CC(O)C(=O)O",
    },
    "val": {
        "morpholine": "C1COCCN1",
        "benzamide": "NC(=O)c1ccccc1",
        "2-chloroethanol": "OCCCl",
        "methylthio-acetone": "CC(=O)CSC",
    },
    "test": {
        "paracetamol": "CC(=O)Nc1ccc(O)cc1",
        "ethyl-acetate": "CCOC(C)=O",
        "4-fluoroaniline": "Nc1ccc(F)cc1",
        "2-chloropyridine": "Clc1ccccn1",
        "tetrahydrofuran": "C1CCOC1",
        "ethanethiol": "CCS",
    },
}
LISTED = [(part, *one) for part, molecules in MOLECULES.items() for one in molecules.items()]


def main() -> None:
    """Simulate what is missing in the folder."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=10**9, help="stop after so many")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for temperature, number in islice(missing(options.folder), options.runs):
        part, name, smiles = LISTED[number]
        run(options.folder, name, smiles, part, temperature, seed=1000 * number + temperature)


def missing(folder: Path) -> Iterator[tuple[int, int]]:
    """Temperatures and numbers of the molecules still to run, parts and sizes well mixed."""
    order = np.random.default_rng(1).permutation(len(LISTED))
    for temperature in TEMPERATURES_K:
        for number in map(int, order):
            if not (folder / f"{LISTED[number][1]}-{temperature}K.dcd").exists():
                yield temperature, number


def run(folder: Path, name: str, smiles: str, part: str, temperature: int, seed: int) -> None:
    """Simulate one molecule at one temperature; nothing is written when a check fails."""
    started = perf_counter()
    drawn = draw(smiles)
    atoms = relaxed(drawn)
    bonds = np.array([[b.GetBeginAtomIdx(), b.GetEndAtomIdx()] for b in drawn.GetBonds()])
    lengths = bond_lengths(atoms.positions, bonds)
    universe = as_universe(name, atoms, bonds)
    positions, measured = simulate(atoms, temperature, seed)
    stretch = (bond_lengths(positions, bonds) / lengths).max()
    row = {
        "name": name,
        "smiles": smiles,
        "part": part,
        "atoms": len(atoms),
        "temperature_K": temperature,
        "measured_K": round(measured, 1),
        "seed": seed,
        "frames": len(positions),
        "seconds": round(perf_counter() - started, 1),
    }
    if stretch > STRETCH:
        row |= {"left_out": f"a bond stretched {stretch:.2f} times"}
    else:
        topology, trajectory = folder / f"{name}.pdb", folder / f"{name}-{temperature}K.dcd"
        if not topology.exists():
            universe.atoms.write(topology, bonds="all")
        write(universe, positions, trajectory)
        row |= {"sha256": {path.name: sha256(path) for path in (topology, trajectory)}}
    row |= {"versions": {one: version(one) for one in ("ase", "rdkit", "tblite", "numpy")}}
    with (folder / "molecules.jsonl").open("a", encoding="utf-8") as log:
        log.write(json.dumps(row) + "\n")
    print(json.dumps(row), flush=True)


def draw(smiles: str) -> Chem.Mol:
    """A conformer with hydrogens; its seed is fixed, for one start serves every temperature."""
    drawn = Chem.AddHs(Chem.MolFromSmiles(smiles))
    if AllChem.EmbedMolecule(drawn, randomSeed=1) != 0:
        raise SystemExit(f"RDKit finds no conformer of {smiles}")
    AllChem.MMFFOptimizeMolecule(drawn)
    return drawn


def relaxed(drawn: Chem.Mol) -> Atoms:
    """The conformer at its minimum on the GFN2-xTB surface."""
    symbols = [atom.GetSymbol() for atom in drawn.GetAtoms()]
    atoms = Atoms(symbols, positions=drawn.GetConformer().GetPositions())
    atoms.calc = TBLite(method="GFN2-xTB", verbosity=0)
    LBFGS(atoms, logfile=None).run(fmax=0.02, steps=300)
    return atoms


def simulate(atoms: Atoms, temperature: int, seed: int) -> tuple[NDArray[np.float32], float]:
    """Frames of (atoms, 3) angstrom, and the mean temperature in K."""
    rng = np.random.default_rng(seed)
    atoms.set_constraint(FixCom())
    thermalize_momenta(atoms, 2 * temperature, rng=rng)
    ZeroRotation(atoms)
    dynamics = Langevin(
        atoms,
        TIME_STEP_FS * units.fs,
        temperature_K=temperature,
        friction=FRICTION_PER_PS / (1000 * units.fs),
        fixcm=False,
        rng=rng,
    )
    dynamics.run(EQUILIBRATION)
    positions = np.empty((FRAMES, len(atoms), 3), np.float32)
    temperatures = np.empty(FRAMES)
    for frame in range(FRAMES):
        dynamics.run(STEPS_PER_FRAME)
        positions[frame], temperatures[frame] = atoms.positions, atoms.get_temperature()
    return positions, float(temperatures.mean())


def bond_lengths(positions: NDArray[np.floating], bonds: NDArray[np.int64]) -> NDArray[np.float64]:
    """Lengths (..., bonds) in angstrom of positions (..., atoms, 3)."""
    between = positions[..., bonds[:, 0], :] - positions[..., bonds[:, 1], :]
    lengths: NDArray[np.float64] = np.linalg.norm(between, axis=-1)
    return lengths


def as_universe(name: str, atoms: Atoms, bonds: NDArray[np.int64]) -> mda.Universe:
    """The molecule as MDAnalysis writes it, its atoms named by element and number."""
    symbols = atoms.get_chemical_symbols()
    universe = mda.Universe.empty(len(atoms), trajectory=True)
    names = [f"{symbol}{1 + symbols[:at].count(symbol)}" for at, symbol in enumerate(symbols)]
    universe.add_TopologyAttr("name", names)
    universe.add_TopologyAttr("element", symbols)
    universe.add_TopologyAttr("resname", ["MOL"])
    universe.add_TopologyAttr("bonds", bonds)
    universe.atoms.positions = atoms.positions
    return universe


def write(universe: mda.Universe, positions: NDArray[np.float32], path: Path) -> None:
    """Write a DCD file, whole or not at all."""
    unfinished = path.with_name(f"unfinished-{path.name}")
    spacing = TIME_STEP_FS * STEPS_PER_FRAME / 1000
    with mda.Writer(str(unfinished), universe.atoms.n_atoms, dt=spacing, nsavc=1) as writer:
        for frame in positions:
            universe.atoms.positions = frame
            writer.write(universe.atoms)
    unfinished.replace(path)


def sha256(path: Path) -> str:
    """The file's checksum in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
