"""Boxes whose edges lie otherwise than their lengths and angles say, as MDAnalysis keeps them."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import MDAnalysis
import numpy as np
import pytest
from numpy.typing import NDArray

from painet_cli.prediction.inputs.open import open_input
from painet_cli.prediction.inputs.recording import Input
from painet_cli.prediction.loading import load

predict_module = import_module("painet_cli.prediction.predict")

TURN = np.array([[0.8, -0.6, 0.0], [0.6, 0.8, 0.0], [0.0, 0.0, 1.0]])
BOX = np.diag([10.0, 11.0, 12.0]) @ TURN
WHOLE = np.array([[9.2, 5.0, 0.4], [10.7, 5.0, 0.4], [10.7, 6.2, -0.5], [12.2, 6.2, -0.5]]) @ TURN
_FRACTIONS = WHOLE @ np.linalg.inv(BOX)
CUT = (_FRACTIONS - np.floor(_FRACTIONS)) @ BOX


def check(found: Input, box: NDArray[np.float64] = BOX) -> None:
    assert found.particles.bonds == ((0, 1), (1, 2), (2, 3))
    for frame in found.frames:
        np.testing.assert_allclose(np.diff(frame, axis=0), np.diff(WHOLE, axis=0), atol=1e-4)
    assert found.boxes is not None
    np.testing.assert_allclose(found.boxes[-1], box, atol=1e-5)


def read(path: Path, topology: Path | None = None) -> Input:
    with open_input(path, topology=topology) as recording:
        return recording.read(recording.select("all"))


def lines(values: NDArray[np.float64]) -> str:
    return "".join("".join(f"{one:20.10f}" for one in row) + "\n" for row in values)


def dl_poly(positions: NDArray[np.float64], periodic: int, frames: int = 0) -> str:
    """A HISTORY of so many frames, or a CONFIG."""
    more = " 12.011 0.0 0.0" if frames else ""
    atoms = "".join(f"C{k:17d}{more}\n{lines(x[None])}" for k, x in enumerate(positions, 1))
    begins = [f"timestep{k:10d}         4         0{periodic:10d}  0.0005\n" for k in range(frames)]
    head = f"carbon\n         0{periodic:10d}         4{frames:10d}\n"
    return head + "".join(f"{begin}{lines(BOX)}{atoms}" for begin in begins or [""])


def test_of_dl_poly(tmp_path: Path) -> None:
    (tmp_path / "HISTORY").write_text(dl_poly(CUT, 3, frames=3))
    (tmp_path / "CONFIG").write_text(dl_poly(CUT, 3))
    check(read(tmp_path / "HISTORY"))
    check(read(tmp_path / "CONFIG"))


def test_a_slab_of_dl_poly_is_open(tmp_path: Path) -> None:
    inside = CUT.copy()
    inside[:, 2] = WHOLE[:, 2]
    (tmp_path / "HISTORY").write_text(dl_poly(inside, 6, frames=2))
    check(read(tmp_path / "HISTORY"), BOX * [[1], [1], [0]])


def h5md(tmp_path: Path) -> tuple[Path, Path]:
    """A trajectory of two frames, and names of its atoms."""
    h5py = pytest.importorskip("h5py")
    top = tmp_path / "top.xyz"
    top.write_text("4\n\n" + "".join(f"C {x} {y} {z}\n" for x, y, z in WHOLE.tolist()))
    with h5py.File(tmp_path / "a.h5md", "w") as file:
        file.create_group("h5md").attrs["version"] = [1, 1]
        position = file.create_group("particles/all/position")
        position["value"] = np.stack([CUT, CUT]) / 10
        position["value"].attrs["unit"] = "nm"
        position["step"], position["time"] = np.arange(2), np.arange(2.0)
        position["time"].attrs["unit"] = "ps"
        box = file.create_group("particles/all/box")
        box.attrs.update(dimension=3, boundary=["periodic"] * 3)
        box["edges/value"] = np.stack([BOX, BOX]) / 10
        box["edges/value"].attrs["unit"] = "nm"
        box["edges/step"], box["edges/time"] = np.arange(2), np.arange(2.0)
    return tmp_path / "a.h5md", top


def test_of_h5md(tmp_path: Path) -> None:
    check(read(*h5md(tmp_path)))


@pytest.mark.parametrize("kind", ["H5MD", "HISTORY", "CONFIG"])
def test_of_an_atom_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    path = tmp_path / kind
    if kind == "H5MD":
        path, top = h5md(tmp_path)
        universe = MDAnalysis.Universe(str(top), str(path))
    else:
        path.write_text(dl_poly(CUT, 3, frames=2 * (kind == "HISTORY")))
        universe = MDAnalysis.Universe(str(path), format=kind, topology_format=kind)
    given: list[Input] = []
    monkeypatch.setattr(
        predict_module, "make_forecast", lambda _, system, *others: given.append(system) or 1 / 0
    )
    universe.trajectory[-1]
    with pytest.raises(ZeroDivisionError):
        predict_module.predict(load("sample", "cpu"), universe.atoms)
    for frame in given[0].frames:
        np.testing.assert_allclose(np.diff(frame, axis=0), np.diff(WHOLE, axis=0), atol=1e-4)
