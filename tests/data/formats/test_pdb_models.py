"""What a PDB file says of its models, however they are parted, and whether it is whole."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from painet_cli.data.formats.pdb_models import read_models
from painet_cli.errors import RequestError
from painet_cli.prediction.inputs.open import open_input
from painet_cli.prediction.inputs.recording import Input


def atoms(shift: float = 0.0, names: tuple[str, ...] = ("C1", "C2", "O1")) -> str:
    return "".join(
        f"ATOM  {k + 1:5d}  {name}  LIG A   1    {1.4 * k + shift:8.3f}{0.0:8.3f}{0.0:8.3f}"
        f"  1.00  0.00           {name[0]}\n"
        for k, name in enumerate(names)
    )


def written(folder: Path, text: str) -> Path:
    path = folder / "x.pdb"
    path.write_text(text)
    return path


def read(path: Path) -> Input:
    with open_input(path) as recording:
        return recording.read(recording.select("all"))


@pytest.mark.parametrize("end", ["END\n", "TER\nEND\n", "END   \r\n", "\nEND\n\n"])
def test_frames_that_end_alone_parts_are_models(tmp_path: Path, end: str) -> None:
    path = written(tmp_path, "".join(atoms(0.1 * k) + end for k in range(2)) + atoms(0.2).rstrip())
    found = read(path)
    assert found.frames.shape == (3, 3, 3)
    np.testing.assert_allclose(found.frames[:, 0, 0], [0.0, 0.1, 0.2], atol=1e-6)
    assert found.breaks == (1, 2)  # models without times are structures of their own


def test_a_frame_that_end_parts_and_that_has_other_atoms_is_left_out(tmp_path: Path) -> None:
    found = read(written(tmp_path, atoms() + "END\n" + atoms(names=("C1", "O1")) + "END\n"))
    assert found.frames.shape == (1, 3, 3)
    assert "1 of its 2 models have other atoms: left out" in found.notes[0]


def test_the_box_before_the_first_of_such_frames_is_that_of_all(tmp_path: Path) -> None:
    cell = "CRYST1   20.000   20.000   20.000  90.00  90.00  90.00 P 1           1\n"
    found = read(written(tmp_path, cell + atoms() + "END\n" + atoms(0.1) + "END\n"))
    assert found.boxes is not None
    np.testing.assert_allclose(found.boxes[1], np.diag([20.0] * 3), atol=1e-4)


def test_one_block_of_atoms_is_no_model(tmp_path: Path) -> None:
    models = read_models(written(tmp_path, atoms() + "END\n"))
    assert (models.text, models.same, models.count) == (None, (0,), 1)


def test_times_in_the_titles_of_models_make_them_a_motion(tmp_path: Path) -> None:
    text = "".join(
        f"TITLE     Ethanol in water t= {0.5 * k:9.5f} step= {k}\nMODEL     {k + 1:4d}\n"
        f"{atoms(0.01 * k)}TER\nENDMDL\n"
        for k in range(3)
    )
    found = read(written(tmp_path, text))
    assert found.breaks == ()
    assert found.frame_time_s == pytest.approx(0.5e-12)
    np.testing.assert_allclose(found.times_s, [0.0, 0.5e-12, 1e-12])


@pytest.mark.parametrize("name", ["x.pdb", "x.pdb.gz", "x.pdb1"])
def test_a_pdb_of_any_name_has_models_and_lists_some_bonds(tmp_path: Path, name: str) -> None:
    blocks = (f"MODEL {k + 1:8d}\n{atoms(0.1 * k)}ENDMDL\n" for k in range(2))
    text = f"HEADER    MADE\n{''.join(blocks)}CONECT    1    2\nEND\n"
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    found = read(path)
    assert found.breaks == (1,)
    assert found.particles.bonds == ((0, 1), (1, 2))


def test_a_time_that_one_title_has_is_none_of_the_others(tmp_path: Path) -> None:
    text = f"TITLE at t= 5\nMODEL        1\n{atoms()}ENDMDL\nMODEL        2\n{atoms(0.1)}ENDMDL\n"
    found = read(written(tmp_path, text))
    assert found.frame_time_s is None
    assert found.breaks == (1,)


def test_a_last_line_that_ends_within_its_coordinates_is_left_out_and_said(tmp_path: Path) -> None:
    found = read(written(tmp_path, (atoms() + atoms(5.0))[: 5 * 79 + 50]))
    assert found.frames.shape[1] == 5
    assert found.notes == ("x.pdb is cut short: it ends within the line of an atom, left out",)


def test_a_last_line_that_has_its_coordinates_is_an_atom(tmp_path: Path) -> None:
    found = read(written(tmp_path, atoms().rstrip()[:-20]))
    assert found.frames.shape[1] == 3
    assert found.notes == ()


def test_an_entry_with_a_header_and_no_end_may_be_cut(tmp_path: Path) -> None:
    header = "HEADER    HYDROLASE                               01-JAN-00   1XXX\n"
    assert "no END" in read(written(tmp_path, header + atoms())).notes[0]
    assert not read(written(tmp_path, header + atoms() + "END\n")).notes


@pytest.mark.parametrize(
    "line",
    [
        "ATOM      1  C1  LIG A   1    12345.123   0.000   0.000  1.00  0.00           C",
        "ATOM 1 C1 LIG A 1 0.000 0.000 0.000 1.00 0.00 C",
    ],
)
def test_coordinates_out_of_their_columns_are_named(tmp_path: Path, line: str) -> None:
    with pytest.raises(RequestError, match=r"x\.pdb:1: columns 31 to 54, .* are no coordinates"):
        open_input(written(tmp_path, f"{line}\n{atoms()}END\n"))
