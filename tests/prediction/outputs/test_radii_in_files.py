"""Radii that hold nine in ten particles stand in every file that has room for them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from painet_cli.data.particles.particles import Particles
from painet_cli.prediction.inputs.recording import Input
from painet_cli.prediction.outputs.write import write_files

RADIUS = np.array([[[0.25, 0.5], [0.75, 1.25]]])


def _system(path: Path) -> Input:
    particles = Particles(
        names=("C1", "O1"),
        types=(0, 1),
        type_names=("C", "O"),
        elements=("C", "O"),
        bonds=((0, 1),),
    )
    frames = np.array([[[0, 0, 0], [1.2, 0, 0]]], dtype=np.float32)
    return Input("made", "molecule", path, particles, frames, 1e-15, "angstrom")


def _write(system: Input, folder: Path) -> None:
    ahead = np.repeat(system.frames[None], 2, axis=1) + np.float32(0.1)
    times = np.array([1e-15, 2e-15])
    write_files(system, ahead, times, np.array([0]), folder, radius=RADIUS)


def test_arrays_and_extended_xyz_and_b_factors_hold_them(tmp_path: Path) -> None:
    _write(_system(tmp_path / "made.pdb"), tmp_path)
    with np.load(tmp_path / "prediction.npz") as arrays:
        np.testing.assert_array_equal(arrays["sigma"], RADIUS)
    lines = (tmp_path / "prediction.extxyz").read_text("ascii").splitlines()
    assert "sigma:R:1" in lines[1]
    assert [float(line.split()[-1]) for line in lines if line[:1] in "CO"] == [0, 0, *RADIUS.flat]
    pdb = (tmp_path / "made_predicted.pdb").read_text("ascii").splitlines()
    columns = [float(line[60:66]) for line in pdb if line.startswith(("ATOM", "HETATM"))]
    np.testing.assert_allclose(columns, [0, 0, *RADIUS.flat], atol=0.006)


def test_a_table_of_motion_has_columns_of_them(tmp_path: Path) -> None:
    _write(replace(_system(tmp_path / "made.amc"), kind="motion", up_axis="y"), tmp_path)
    head, *rows = (tmp_path / "made_predicted.csv").read_text("utf-8").splitlines()
    assert head.endswith("C1_sigma,O1_sigma")
    assert rows[-1].endswith("0.75,1.25")
