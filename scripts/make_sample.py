"""Simulate the trajectory that painet carries: ethanol, all nine atoms, at MD17's conditions.

MD17 ran its molecules at 500 K in steps of 0.5 fs and kept every frame. So does this script, with
Langevin dynamics (friction 1/ps, fixed centre of mass) on the GFN2-xTB energy surface in place of
MD17's density functional. The result is `painet_cli/data/sources/sample_files/ethanol_xtb.npz` in
MD17's own schema (`R`, `z`, `E`), without forces.

The file in the repository was made by

    OMP_NUM_THREADS=1 python scripts/make_sample.py

with ase 3.29.0 and tblite 0.8.0 (`pip install --group sample`), in 49 s on one core.
"""

# mypy: allow-untyped-calls
# (half of ASE is untyped)

from __future__ import annotations

import io
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

import numpy as np
from ase import Atoms, units
from ase.build import molecule
from ase.constraints import FixCom
from ase.md.langevin import Langevin
from ase.md.velocitydistribution import ZeroRotation, thermalize_momenta
from numpy.typing import NDArray
from rich.progress import track
from tblite.ase import TBLite

OUTPUT = Path(__file__).parents[1] / "painet_cli/data/sources/sample_files/ethanol_xtb.npz"
MAX_BYTES = 3_000_000

SEED = 1
TEMPERATURE_K = 500.0
TIME_STEP_FS = 0.5
FRICTION_PER_PS = 1.0
EQUILIBRATION = 20_000  # steps: ten times the thermostat's 1 ps, for a start at the minimum is cold
FRAMES = 20_000

HEAVY_BONDS = ((0, 1), (1, 2))  # C-C, C-O in the order of ASE's molecule
HYDROGEN_BONDS = ((2, 3), (1, 4), (1, 5), (0, 6), (0, 7), (0, 8))
LONGEST_HEAVY_BOND = 1.9  # angstrom; beyond it the molecule has come apart
TEMPERATURE_TOLERANCE = 0.1  # relative; 10 ps of 24 degrees of freedom settle the mean to about 6 %


@dataclass(frozen=True)
class Trajectory:
    """What a simulation leaves: positions in angstrom, energies in kcal/mol, temperatures in K."""

    positions: NDArray[np.float32]  # (frames, atoms, 3)
    energies: NDArray[np.float64]  # (frames, 1)
    temperatures: NDArray[np.float64]  # (frames,)


def main() -> None:
    """Simulate, check, write; nothing is written when a check fails."""
    started = perf_counter()
    atoms = ethanol()
    trajectory = simulate(atoms)
    check(atoms, trajectory)
    write(atoms, trajectory)
    print(f"{OUTPUT}: {OUTPUT.stat().st_size:,} bytes, {perf_counter() - started:.0f} s")


def ethanol() -> Atoms:
    """One molecule at 500 K that neither drifts nor, at first, turns."""
    atoms: Atoms = molecule("CH3CH2OH")
    atoms.calc = TBLite(method="GFN2-xTB", verbosity=0)
    atoms.set_constraint(FixCom())
    thermalize_momenta(atoms, TEMPERATURE_K, rng=np.random.default_rng(SEED))
    ZeroRotation(atoms)
    return atoms


def simulate(atoms: Atoms) -> Trajectory:
    """Equilibrate, then keep every frame."""
    dynamics = Langevin(
        atoms,
        timestep=TIME_STEP_FS * units.fs,
        temperature_K=TEMPERATURE_K,
        friction=FRICTION_PER_PS / (1000.0 * units.fs),
        fixcm=False,  # FixCom does it; ASE's own switch does not sample the canonical ensemble
        rng=np.random.default_rng(SEED + 1),
    )
    for _ in track(dynamics.irun(EQUILIBRATION), "equilibrate", total=EQUILIBRATION + 1):
        pass
    positions = np.empty((FRAMES, len(atoms), 3), dtype=np.float32)
    energies = np.empty((FRAMES, 1))
    temperatures = np.empty(FRAMES)
    # irun yields the state it starts from, too: frame 0 is the last of the equilibration.
    for frame, _ in enumerate(track(dynamics.irun(FRAMES - 1), "simulate", total=FRAMES)):
        positions[frame] = atoms.positions
        energies[frame] = atoms.get_potential_energy() / (units.kcal / units.mol)
        temperatures[frame] = atoms.get_temperature()
    return Trajectory(positions, energies, temperatures)


def check(atoms: Atoms, trajectory: Trajectory) -> None:
    """Print what the simulation measured.

    Raises
    ------
    SystemExit
        The mean temperature is off, or a C-C or C-O bond broke.
    """
    temperature = trajectory.temperatures.mean()
    blocks = trajectory.temperatures.reshape(10, -1).mean(axis=1)  # 1 ps each
    error = blocks.std(ddof=1) / np.sqrt(len(blocks))
    print(f"temperature {temperature:.1f} +- {error:.1f} K")

    energies = trajectory.energies
    print(
        f"energy {energies.mean():.2f} kcal/mol, standard deviation {energies.std():.2f},", end=" "
    )
    print(f"from {energies.min():.2f} to {energies.max():.2f}")

    longest_heavy = bond_lengths(trajectory, HEAVY_BONDS).max()
    longest_hydrogen = bond_lengths(trajectory, HYDROGEN_BONDS).max()
    print(f"longest bond {longest_heavy:.3f} A (C-C, C-O), {longest_hydrogen:.3f} A (C-H, O-H)")

    if abs(temperature / TEMPERATURE_K - 1) > TEMPERATURE_TOLERANCE:
        raise SystemExit(f"the mean temperature is not {TEMPERATURE_K} K")
    if longest_heavy > LONGEST_HEAVY_BOND:
        raise SystemExit("the molecule came apart")


def bond_lengths(trajectory: Trajectory, bonds: tuple[tuple[int, int], ...]) -> NDArray[np.float32]:
    """Lengths of some bonds in every frame, (frames, bonds), in angstrom."""
    i, j = np.array(bonds).T
    lengths: NDArray[np.float32] = np.linalg.norm(
        trajectory.positions[:, i] - trajectory.positions[:, j], axis=-1
    )
    return lengths


def write(atoms: Atoms, trajectory: Trajectory) -> None:
    """Write the npz beside its place and rename it; plain arrays only, so that nothing is pickled.

    Raises
    ------
    SystemExit
        The file is larger than a package should carry.
    """
    theory = (
        f"GFN2-xTB (tblite {version('tblite')}), Langevin dynamics (ase {version('ase')}), "
        f"{TEMPERATURE_K:g} K, {TIME_STEP_FS} fs, {FRICTION_PER_PS:g}/ps, seed {SEED}"
    )
    file = io.BytesIO()
    np.savez_compressed(
        file,
        R=trajectory.positions,
        z=atoms.numbers.astype(np.uint8),
        E=trajectory.energies,
        name=np.array("ethanol"),
        theory=np.array(theory),
    )
    if file.tell() >= MAX_BYTES:
        raise SystemExit(f"{file.tell():,} bytes are too many: keep fewer frames")
    OUTPUT.parent.mkdir(exist_ok=True)
    staging = OUTPUT.with_suffix(".tmp")
    staging.write_bytes(file.getvalue())
    staging.replace(OUTPUT)


if __name__ == "__main__":
    main()
