"""Models of mmCIF and PDB, units of dumps, sites that are no atoms."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from painet_cli.data.formats.lammps_dump import DumpReader
from painet_cli.data.sources.prepare import prepare
from painet_cli.errors import RequestError
from painet_cli.prediction.inputs.open import open_input
from painet_cli.prediction.inputs.recording import Input

CORPUS = Path(__file__).parents[2] / "fuzz" / "corpus"


def read(path: Path, select: str = "all", topology: Path | None = None) -> Input:
    with open_input(path, topology=topology) as recording:
        return recording.read(recording.select(select))


def kept(tmp_path: Path, target: str, name: str, suffix: str) -> Path:
    """A file of the corpus, under an ending of its format."""
    path = tmp_path / f"t{suffix}"
    path.write_bytes((CORPUS / target / name).read_bytes())
    return path


# ---- mmCIF --------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["mmcif", "bcif"])
def test_every_model_is_a_structure_of_its_own(tmp_path: Path, target: str) -> None:
    found = read(kept(tmp_path, target, "two-models", ".cif" if target == "mmcif" else ".bcif"))
    assert found.frames.shape == (2, 3, 3)
    assert found.breaks == (1,)
    assert "2 models have no times" in " ".join(found.notes)
    assert found.particles.elements == ("C", "C", "O")


def test_models_of_other_atoms_are_left_out(tmp_path: Path) -> None:
    path = kept(tmp_path, "mmcif", "two-models", ".cif")
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:-1]) + "\n")
    found = read(path)
    assert found.frames.shape == (1, 3, 3)
    assert "1 of its 2 models have other atoms" in found.notes[0]


@pytest.mark.parametrize(
    ("key", "name", "command"),
    [
        ("_atom_site_", "urea", "ase convert urea.cif urea.xyz"),
        ("_atom_site.", "my urea", "ase convert 'my urea.cif' 'my urea'.xyz"),
    ],
)
def test_a_cif_of_a_crystal_is_refused_as_that(
    tmp_path: Path, key: str, name: str, command: str
) -> None:
    columns = "".join(f"{key}{one}\n" for one in ("label", "fract_x", "fract_y", "fract_z"))
    cell = "_cell_length_a 5.4\n_cell_length_b 5.4\n_cell_length_c 5.4\n"
    path = tmp_path / f"{name}.cif"
    path.write_text(f"data_urea\n{cell}loop_\n{columns}C1 0.0 0.5 0.33\nO1 0.0 0.5 0.6\n")
    with pytest.raises(RequestError, match="core CIF, of a crystal of small molecules") as caught:
        read(path)
    assert command in caught.value.hint


# ---- PDB ----------------------------------------------------------------------------------------


def test_models_of_a_pdb_with_other_atoms_are_left_out(tmp_path: Path) -> None:
    def model(number: int, names: Sequence[str]) -> str:
        lines = (
            f"ATOM  {k + 1:5d}  {name}  LIG A   1    {1.4 * k + 0.1 * number:8.3f}{0.0:8.3f}"
            f"{0.0:8.3f}  1.00  0.00           {name[0]}\n"
            for k, name in enumerate(names)
        )
        return f"MODEL     {number:4d}\n{''.join(lines)}ENDMDL\n"

    path = tmp_path / "entry.pdb"
    same, fewer, others = ("C1", "C2", "O1"), ("C1", "C2"), ("C1", "O1", "C2")
    path.write_text("".join(model(k, one) for k, one in enumerate((same, fewer, others, same))))
    found = read(path)
    assert found.frames.shape == (2, 3, 3)
    np.testing.assert_allclose(found.frames[:, 0, 0], [0.0, 0.3], atol=1e-6)
    assert "2 of its 4 models have other atoms: left out" in found.notes[0]


@pytest.mark.parametrize(
    ("numbers", "residues"),
    [
        (("9998", "9999", "A000", "A001"), (9998, 9999, 10_000, 10_001)),
        # 26 * 36**3 numbers from 10,000 on begin with a capital; four digits are kept of each
        (("ZZZZ", "a000"), (3055, 3056)),
    ],
)
def test_residues_may_be_numbered_on_in_hybrid_36(
    tmp_path: Path, numbers: tuple[str, ...], residues: tuple[int, ...]
) -> None:
    path = tmp_path / "long.pdb"
    path.write_text(
        "".join(
            f"ATOM  {k + 1:5d}  CA  GLY A{number}    {3.8 * k:8.3f}{0.0:8.3f}{0.0:8.3f}"
            "  1.00  0.00           C\n"
            for k, number in enumerate(numbers)
        )
    )
    assert read(path).particles.residue_ids == residues


# ---- LAMMPS -------------------------------------------------------------------------------------


def test_a_dump_may_name_units_times_elements_and_velocities(tmp_path: Path) -> None:
    found = read(kept(tmp_path, "lammpsdump", "units", ".lammpstrj"))
    assert found.particles.elements == ("C", "C", "O")  # by id
    assert found.frame_time_s == pytest.approx(2e-15)
    assert found.times_s is not None
    np.testing.assert_allclose(found.times_s, [0, 2e-15])
    assert found.velocities is not None
    np.testing.assert_allclose(found.velocities[0, 0], [0, 0, 0.1 * 1e15])  # A/fs
    np.testing.assert_allclose(found.frames[0, 1], [15.5, 15, 15], atol=1e-5)  # skew box
    assert found.boxes is not None
    np.testing.assert_allclose(found.boxes[:, 1], [[1, 30, 0], [1, 30, 0]], atol=1e-5)


def test_units_of_a_dump_are_converted(tmp_path: Path) -> None:
    path = kept(tmp_path, "lammpsdump", "units", ".lammpstrj")
    plain = read(path)
    path.write_text(path.read_text().replace("\nreal\n", "\nnano\n"))
    nano = read(path)
    np.testing.assert_allclose(nano.frames, 10 * plain.frames, rtol=1e-5)
    assert nano.frame_time_s == pytest.approx(2e-9)


@pytest.mark.parametrize(("faces", "boxes"), [("ff ss fm", False), ("pp pp ff", True)])
def test_a_box_without_a_periodic_boundary_is_none(
    tmp_path: Path, faces: str, *, boxes: bool
) -> None:
    path = kept(tmp_path, "lammpsdump", "units", ".lammpstrj")
    first = path.read_text().partition("ITEM: TIME\n2")[0]
    path.write_text(first.replace("pp pp pp", faces))
    found = read(path)
    assert (found.boxes is not None) == boxes
    np.testing.assert_allclose(found.frames[0, 1], [15.5, 15, 15], atol=1e-5)  # shares of it


@pytest.mark.parametrize(("whole", "unit"), [("xu yu zu", 1.0), ("xsu ysu zsu", 10.0)])
def test_positions_that_no_box_wraps_come_before_those_that_it_does(
    tmp_path: Path, whole: str, unit: float
) -> None:
    path, moving = tmp_path / "both.dump", np.linspace(9.0, 33.0, 5)  # by more than half the box
    with path.open("w") as file:
        for k, x in enumerate(moving):
            atoms = "".join(
                f"{n + 1} C {(x + n) % 10} {n} 0 {(x + n) / unit} {n / unit} 0\n" for n in range(3)
            )
            file.write(
                f"ITEM: TIMESTEP\n{k}\nITEM: NUMBER OF ATOMS\n3\nITEM: BOX BOUNDS pp ff ff\n"
                "0 10\n0 10\n0 10\n"
                f"ITEM: ATOMS id element x y z {whole}\n{atoms}"
            )
    reader = DumpReader(path)
    found = np.array([reader[k].positions[:, 0] for k in range(5)])
    reader.close()
    np.testing.assert_allclose(found, moving[:, None] + np.arange(3), rtol=1e-5)


@pytest.mark.parametrize("hydrogen", [3.024, 4.0])
def test_hydrogens_of_a_dump_that_took_mass_from_their_neighbours_are_hydrogens(
    tmp_path: Path, hydrogen: float
) -> None:
    """Methanol across a face of the box; helium's mass is 4.003."""
    places = [
        [0, 0, 0],
        [1.43, 0, 0],
        [-0.36, 1.03, 0],
        [-0.36, -0.51, 0.89],
        [-0.36, -0.51, -0.89],
    ]
    places += [[1.75, 0.9, 0]]
    symbols, taken = ("C", "O", "H", "H", "H", "H"), hydrogen - 1.008
    masses = [12.011 - 3 * taken, 15.999 - taken, *[hydrogen] * 4]
    path = tmp_path / "heavy.dump"
    rows = [
        f"{k + 1} 1 {mass:.4f} " + " ".join(f"{one % 10:.3f}" for one in place)
        for k, (mass, place) in enumerate(zip(masses, places, strict=True))
    ]
    head = "ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n6\nITEM: BOX BOUNDS pp pp pp\n"
    head += "0 10\n0 10\n0 10\nITEM: ATOMS id type mass x y z\n"
    path.write_text(head + "\n".join(rows) + "\n")
    assert read(path).particles.elements == symbols


def dump_of_steps(path: Path, steps: Sequence[int]) -> Path:
    """A molecule that drifts, at these steps, whose time the file does not say."""
    path.write_text(
        "".join(
            f"ITEM: TIMESTEP\n{step}\nITEM: NUMBER OF ATOMS\n3\nITEM: BOX BOUNDS ff ff ff\n"
            "0 90\n0 90\n0 90\nITEM: ATOMS id element x y z\n"
            + "".join(f"{n + 1} C {1.5 * n} {n % 2} {0.001 * step}\n" for n in range(3))
            for step in steps
        )
    )
    return path


@pytest.mark.parametrize("frame_time_s", [None, 1e-14])
def test_steps_of_a_dump_show_gaps_where_no_time_does(
    tmp_path: Path, frame_time_s: float | None
) -> None:
    path = dump_of_steps(tmp_path / "a.dump", [0, 10, 20, 70, 80, 40, 50])
    with open_input(path) as recording:
        if frame_time_s:
            recording.give_frame_time(frame_time_s)
        found = recording.read(recording.select("all"))
    assert found.breaks == (3, 5)
    assert found.notes == (
        "a.dump: its TIMESTEPs are uneven in 2 places, first before frame 3: no motion is taken "
        "across",
    )
    even = read(dump_of_steps(tmp_path / "even.dump", [5, 15, 25]))
    assert (even.breaks, even.notes) == ((), ())


def test_no_dataset_goes_across_such_a_gap(tmp_path: Path) -> None:
    path = dump_of_steps(tmp_path / "a.dump", [*range(0, 400, 10), *range(900, 1300, 10)])
    asked = {
        "data_dir": tmp_path, "topology": [path], "trajectory": [path], "name": "a",
        "frame_time": "10fs", "delta_frames": 2, "horizon": 1,
    }  # fmt: skip
    for stride in (1, 3):
        with pytest.raises(RequestError, match="frame 40 does not follow the one before by the us"):
            prepare("trajectory", **asked, stride=stride)
    assert prepare("trajectory", **asked, stop=40).manifest.segments[0].length == 40


def test_a_dump_without_ids_says_that_it_goes_by_its_lines(tmp_path: Path) -> None:
    path = kept(tmp_path, "lammpsdump", "units", ".lammpstrj")
    path.write_text(path.read_text().replace("ATOMS id type", "ATOMS mol type"))
    assert "its atoms are taken in the order of their lines" in read(path).notes[0]


def test_a_frame_of_a_dump_with_as_many_other_atoms_is_refused(tmp_path: Path) -> None:
    path = kept(tmp_path, "lammpsdump", "units", ".lammpstrj")
    first, between, second = path.read_text().partition("ITEM: TIME\n2")
    path.write_text(first + between + second.replace("\n3 2 O", "\n4 2 O"))
    with pytest.raises(RequestError, match="frame 1: other ids of atoms than in frame 0"):
        read(path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("0 31 1", "0", "'ITEM: BOX BOUNDS xy xz yz pp pp pp' is out of place"),
        ("1 1 C .45 .52 .5 0 0 .1", "1 1 C .45", "atom line 1 has 4 columns, not 9"),
        ("id type element xs ys zs", "id type element fx fy fz", "no positions among its columns"),
        ("ITEM: TIMESTEP\n4", "ITEM: TIMESTEP\nfour", "is out of place"),
        ("ATOMS\n3\nITEM: BOX BOUNDS abc", "ATOMS\n2\nITEM: BOX BOUNDS abc", "frame 1 has 2 atoms"),
    ],
)
def test_a_damaged_dump_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = kept(tmp_path, "lammpsdump", "units", ".lammpstrj")
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(RequestError) as caught:
        read(path)
    assert said in caught.value.what


# ---- sites that are no atoms --------------------------------------------------------------------


def water(path: Path, sites: Sequence[str]) -> Path:
    """A GRO file of two water molecules of such a model."""
    lines = ["water", str(2 * len(sites))]
    for k in range(2):
        for j, name in enumerate(sites):
            x, y = 0.3 * k + 0.08 * (j == 1), 0.1 * (j == 2) + 0.015 * (j > 2)
            lines.append(f"{k + 1:>5}SOL  {name:>5}{k * 4 + j + 1:>5}{x:8.3f}{y:8.3f}{0:8.3f}")
    path.write_text("\n".join([*lines, "   3.0   3.0   3.0", ""]))
    return path


@pytest.mark.parametrize("site", ["MW", "MW1", "M", "EP", "EPW", "LP1"])
def test_sites_of_water_models_are_left_out_and_said(tmp_path: Path, site: str) -> None:
    found = read(water(tmp_path / "t.gro", ["OW", "HW1", "HW2", site]))
    assert found.particles.elements == ("O", "H", "H", "O", "H", "H")
    assert found.notes == (
        f"2 sites that are no atoms are left out ({site}: charges of a water model, or lone pairs)",
    )


def test_a_site_that_is_asked_for_by_name_is_taken(tmp_path: Path) -> None:
    path = water(tmp_path / "t.gro", ["OW", "HW1", "HW2", "MW"])
    assert read(path, "name OW MW").particles.names == ("OW", "MW", "OW", "MW")
