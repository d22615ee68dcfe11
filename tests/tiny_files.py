"""Small files that tests write as users have them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import MDAnalysis
import numpy as np
from numpy.typing import NDArray

from painet_cli.data.dataset.dataset import open_dataset
from painet_cli.data.particles.particles import Particles

ASF = """:version 1.10
:units
  angle deg
:root
  order TX TY TZ RX RY RZ
  axis XYZ
  position 0 0 0
  orientation 0 0 0
:bonedata
  begin
    name hip
    direction 0 -1 0
    length 2
    axis 0 0 0 XYZ
    dof rx
  end
  begin
    name knee
    direction 0 -1 0
    length 3
    axis 0 0 0 XYZ
    dof rx
  end
:hierarchy
  begin
    root hip
    hip knee
  end
"""


@dataclass(frozen=True)
class Made:
    """Particles and frames, (F, N, 3), of the sample."""

    particles: Particles
    frames: NDArray[np.float32]


def ethanol(data_dir: Path) -> Made:
    """The sample's molecule: C, C, O, and six hydrogens."""
    dataset = open_dataset(data_dir / "sample")
    return Made(dataset.manifest.particles, np.array(dataset.frames[:400]))


def atoms_of(made: Made, positions: NDArray[np.float32] | None = None) -> Any:
    """MDAnalysis universe of the molecule, 0.5 fs a frame."""
    universe = MDAnalysis.Universe.empty(len(made.particles.names), trajectory=False)
    universe.add_TopologyAttr("names", made.particles.names)
    universe.add_TopologyAttr("elements", made.particles.elements)
    universe.add_TopologyAttr("resnames", ["ETH"])
    universe.load_new(made.frames if positions is None else positions, dt=5e-4)
    return universe


def write_pdb(path: Path, made: Made, *, frames: int, atoms: int = 9) -> Path:
    """PDB of one or several models."""
    universe = atoms_of(made)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with MDAnalysis.Writer(str(path), multiframe=frames > 1) as writer:
            for _ in universe.trajectory[:frames]:
                writer.write(universe.atoms[:atoms])
    return path


def write_trajectory(
    folder: Path,
    made: Made,
    *,
    frames: int,
    positions: NDArray[np.float32] | None = None,
    box: NDArray[np.float32] | None = None,
    dt: float = 5e-4,
) -> tuple[Path, Path]:
    """PDB of the first frame, and DCD of all; `dt` in picoseconds."""
    universe = atoms_of(made, positions)
    dcd = folder / "ethanol.dcd"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with MDAnalysis.Writer(str(dcd), n_atoms=9, dt=dt) as writer:
            for step in universe.trajectory[:frames]:
                step.dimensions = box
                writer.write(universe.atoms)
    return write_pdb(folder / "ethanol.pdb", made, frames=1), dcd


def write_amc(folder: Path, *, frames: int) -> Path:
    """Motion of three joints, its skeleton `7.asf` beside it."""
    (folder / "7.asf").write_text(ASF)
    lines = [":FULLY-SPECIFIED", ":DEGREES"]
    for k in range(frames):
        lines += [str(k + 1), f"root {k} 10 0 0 0 0", f"hip {5 * k}", f"knee {-5 * k}"]
    path = folder / "7_01.amc"
    path.write_text("\n".join([*lines, ""]))
    return path
