"""Atoms in another unit than angstrom are refused, wherever they come from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from painet_cli.data.particles.unit import refuse_other_unit
from painet_cli.data.sources.prepare import prepare
from painet_cli.errors import RequestError
from painet_cli.prediction.inputs.open import open_input
from painet_cli.prediction.predict import predict

HEAVY = Path(__file__).parents[2] / "reference/ethanol-heavy.safetensors"
SYMBOLS = ("C", "C", "O", "H", "H", "H", "H", "H", "H")
ETHANOL = np.array(
    [
        [-1.18, -0.21, 0.0],
        [0.0, 0.55, 0.0],
        [1.18, -0.34, 0.0],
        [-2.06, 0.43, 0.0],
        [-1.23, -0.84, 0.88],
        [-1.23, -0.84, -0.88],
        [0.06, 1.19, 0.89],
        [0.06, 1.19, -0.89],
        [1.93, 0.25, 0.0],
    ]
)
OTHERS = [
    (0.1, "nanometres"),
    (1 / 0.529177, "bohr"),
    (1e-10, "metres"),
    (0.529177, "angstrom that were taken for bohr"),
    (10.0, "angstrom that were taken for nanometres"),
]


def written(path: Path, scale: float) -> Path:
    rows = "".join(
        f"{name} {x:.6e} {y:.6e} {z:.6e}\n"
        for name, (x, y, z) in zip(SYMBOLS, ETHANOL * scale, strict=True)
    )
    path.write_text(f"9\n\n{rows}" * 12)
    return path


@pytest.mark.parametrize(("scale", "unit"), OTHERS)
def test_a_file_in_another_unit_is_refused(tmp_path: Path, scale: float, unit: str) -> None:
    path = written(tmp_path / "a.xyz", scale)
    with pytest.raises(RequestError) as caught:
        open_input(path)
    assert unit in caught.value.hint
    with pytest.raises(RequestError) as caught:
        prepare(
            "trajectory",
            data_dir=tmp_path / "data",
            name="a",
            topology=path,
            trajectory=path,
            frame_time="0.5fs",
            delta_frames=1,
        )
    assert unit in caught.value.hint


@pytest.mark.parametrize(("scale", "unit"), OTHERS)
def test_arrays_in_another_unit_are_refused(scale: float, unit: str) -> None:
    with pytest.raises(RequestError) as caught:
        predict(
            HEAVY,
            ETHANOL[:3] * scale if scale < 1 else ETHANOL * scale,
            types=(SYMBOLS[:3] if scale < 1 else SYMBOLS),
        )
    assert unit in caught.value.hint


def test_what_is_not_bonded_may_be_farther_apart() -> None:
    grid = np.stack(np.meshgrid(*[np.arange(3.0)] * 3), axis=-1).reshape(-1, 3)
    for element, apart in (("Ar", 3.8), ("O", 2.8), ("Cu", 2.55), ("C", 3.8), ("H", 1.8)):
        refuse_other_unit("it", (element,) * 27, grid * apart)


def test_atoms_of_unknown_elements_may_lie_anywhere() -> None:
    refuse_other_unit("it", (), ETHANOL / 10)


HELIX = np.array(  # N CA C O of three residues of a helix
    [
        [0.0, 0.0, 0.0],
        [1.46, 0.0, 0.0],
        [2.0, 1.42, 0.0],
        [1.25, 2.39, 0.0],
        [3.32, 1.54, 0.0],
        [3.98, 2.84, 0.0],
        [5.49, 2.67, 0.0],
        [6.0, 1.55, 0.0],
    ]
)
BACKBONE = ("N", "C", "C", "O") * 2


def test_heavy_atoms_that_are_all_as_far_apart_as_bonds_in_bohr_are_refused() -> None:
    refuse_other_unit("it", BACKBONE, HELIX)
    for elements, positions in ((BACKBONE, HELIX), (SYMBOLS[:3], ETHANOL[:3])):
        with pytest.raises(RequestError) as caught:
            refuse_other_unit("it", elements, positions / 0.529177)
        assert "bohr: multiply them by 0.529177" in caught.value.hint


def test_heavy_atoms_of_which_some_are_not_bonded_may_be_farther_apart() -> None:
    alphas = HELIX[[1, 5]] + np.array([[0.0] * 3, [0.0, 0.0, 2.0]])
    refuse_other_unit("it", ("C", "N"), alphas)
    refuse_other_unit("it", ("C",) * 4, np.arange(4.0)[:, None] * [2.54, 0.0, 0.0])
    refuse_other_unit("it", BACKBONE[:6], HELIX[[0, 2, 5, 7, 4, 1]] * 1.4)


def test_an_atom_that_is_listed_twice_is_refused() -> None:
    twice = np.concatenate([ETHANOL, ETHANOL[2:3]])
    with pytest.raises(RequestError, match=r"atoms 2 \(O\) and 9 \(O\) are at one place"):
        refuse_other_unit("it", (*SYMBOLS, "O"), twice)


def test_copies_that_lie_on_top_of_each_other_are_refused() -> None:
    with pytest.raises(RequestError) as caught:
        refuse_other_unit("it", SYMBOLS * 2, np.concatenate([ETHANOL, ETHANOL + 0.02]))
    assert "on top of each other" in caught.value.what
    assert "MODEL and ENDMDL" in caught.value.hint


def test_a_molecule_whose_atoms_are_all_in_two_places_is_in_angstrom(tmp_path: Path) -> None:
    rows = (
        f"ATOM  {2 * k + b + 1:5d}  {name}{k} {'AB'[b]}LIG A   1    {x + 0.6 * b:8.3f}{y:8.3f}"
        f"{z:8.3f}  0.50  0.00           {name}\n"
        for k, (name, (x, y, z)) in enumerate(zip(SYMBOLS, ETHANOL, strict=True))
        for b in range(2)
    )
    path = tmp_path / "two.pdb"
    path.write_text("".join(rows) + "END\n")
    with open_input(path) as recording:
        assert len(recording.select("all").indices) == 9
