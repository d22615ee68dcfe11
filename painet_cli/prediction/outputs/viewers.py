"""What was written, and the commands that open it, to be typed in the folder it is in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from painet_cli.data.trajectories.formats import Format

_MOLSTAR = "Mol*: https://molstar.org/viewer,"
_MOLSTAR_READS = {"DCD", "XTC", "TRR", "NCDF"}
_PYMOL_READS = {"DCD", "XTC", "TRR"}


@dataclass(frozen=True)
class Written:
    """A file that was written.

    Attributes
    ----------
    path
        The file.
    what
        What is in it, in words.
    frames
        Frames in it.
    open_with
        Commands and places that open it, best first; names of files without folders.
    """

    path: Path
    what: str
    frames: int
    open_with: list[str]


def open_models(file: str) -> list[str]:
    """Commands for a PDB of one or several models."""
    # PyMOL tells helices and strands by itself only of a file with one model
    return [f"vmd {file}", f"pymol {file} -d dss", f"{_MOLSTAR} Open Files: {file}"]


def open_trajectory(file: str, topology: str, kind: Format) -> list[str]:
    """Commands for a trajectory and the PDB with its names and bonds."""
    # VMD knows NetCDF by one of its two endings only.
    flag = "-netcdf " if kind.name == "NCDF" else ""
    commands = [f"vmd {topology} {flag}{file}"]
    if kind.name in _PYMOL_READS:
        commands += [f'pymol -d "load {topology}, painet; load_traj {file}, painet, state=1"']
    if kind.name == "XYZ":
        commands += [f"pymol {file}"]
    if kind.name in _MOLSTAR_READS:
        commands += [f"{_MOLSTAR} Load Trajectory: model {topology}, coordinates {file}"]
    return commands


def open_extxyz(file: str) -> list[str]:
    """Commands for extended XYZ."""
    return [f"ovito {file}", f"ase gui {file}", f'ase.io.read("{file}", ":")']


def open_bvh(file: str, frames: int, metres: float | None) -> list[str]:
    """How to open a BVH file, which names no unit of length, in metres and at its own rate.

    Parameters
    ----------
    frames
        Frames in the file, which Blender numbers from 1.
    metres
        Metres in its unit of length; None where that is not known.
    """
    scale = f"{metres or 1.0:.4g}"
    options = f"filepath='{file}', global_scale={scale}, update_scene_fps=True"
    script = f"import bpy; bpy.ops.import_anim.bvh({options})"
    return [
        f'blender --python-expr "{script}; bpy.context.scene.frame_end = {frames}"',
        f"Blender: File > Import > Motion Capture (.bvh): {file}, Scale {scale}, Update Scene FPS",
    ]


def open_glb(file: str) -> list[str]:
    """How to open a GLB file."""
    return [f"Blender: File > Import > glTF 2.0 (.glb): {file}"]


def open_trc(file: str) -> list[str]:
    """How to open a TRC file."""
    return [f"OpenSim: File > Preview Experimental Data: {file}"]


def open_csv(file: str) -> list[str]:
    """How to open a table."""
    return [f'pandas.read_csv("{file}")']


def open_npz(file: str) -> list[str]:
    """How to open NumPy arrays."""
    return [f'numpy.load("{file}")']
