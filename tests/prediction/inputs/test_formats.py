"""Formats that users expect to be read, each written by hand or by its own library."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from painet_cli.data.formats.amber_restart import RestartReader
from painet_cli.data.formats.frame import angstroms
from painet_cli.data.trajectories.formats import FORMATS
from painet_cli.data.trajectories.readable import BY_NAME, READABLE, format_of
from painet_cli.errors import RequestError
from painet_cli.prediction.inputs.open import open_input
from painet_cli.prediction.inputs.recording import Input

SYMBOLS = ("C", "C", "O", "H", "H", "H", "H", "H", "H")
NUMBERS = (6, 6, 8, 1, 1, 1, 1, 1, 1)
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


def frames(count: int = 3) -> NDArray[np.float64]:
    """(count, 9, 3) of a molecule that drifts by 0.1 angstrom a frame."""
    return ETHANOL + 0.1 * np.arange(count)[:, None, None] + 5


def read(path: Path, topology: Path | None = None, **how: Any) -> Input:
    with open_input(path, topology=topology, **how) as recording:
        return recording.read(recording.select("all"))


def check(found: Input, count: int = 3, *, tolerance: float = 1e-3) -> None:
    np.testing.assert_allclose(found.frames, frames(count), atol=tolerance)
    assert len(found.particles.bonds) == 8
    assert found.particles.elements == SYMBOLS


def xyz(
    path: Path, comment: str, names: tuple[Any, ...] = SYMBOLS, scale: float = 1.0, more: str = ""
) -> Path:
    text = ""
    for k, x in enumerate(frames()):
        text += f"9\n{comment.format(k=k)}\n"
        text += "".join(
            f"{name} {a:.6f} {b:.6f} {c:.6f}{more}\n"
            for name, (a, b, c) in zip(names, x * scale, strict=True)
        )
    path.write_text(text)
    return path


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """An XYZ with the names of the atoms."""
    return xyz(tmp_path / "top.xyz", "")


# ---- XYZ ----------------------------------------------------------------------------------------


def test_xyz_of_atomic_numbers(tmp_path: Path) -> None:
    check(read(xyz(tmp_path / "a.xyz", "", NUMBERS)))


def test_a_single_frame_has_the_time_that_its_file_gives(tmp_path: Path) -> None:
    path = xyz(tmp_path / "a.xyz", "time = 2{k} ps")
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[22:33]) + "\n")
    found = read(path)
    assert found.frame_time_s is None
    assert found.times_s == pytest.approx([22e-12])


def test_deuterium_in_xyz_is_hydrogen(tmp_path: Path) -> None:
    path = tmp_path / "heavy.xyz"
    path.write_text("3\n\nO 0 0 0\nD 0.96 0 0\nD -0.24 0.93 0\n")
    found = read(path)
    assert found.particles.elements == ("O", "H", "H")
    assert found.particles.bonds == ((0, 1), (0, 2))


def test_deuterium_in_a_pdb_is_hydrogen(tmp_path: Path) -> None:
    """Of a structure by neutrons: without elements it had no bonds either."""
    path = tmp_path / "neutrons.pdb"
    atoms = [
        ("N", "ALA", 0.0, 0.0, 0.0),
        ("D", "ALA", 0.0, 1.0, 0.0),
        ("CA", "ALA", 1.45, 0.0, 0.0),
        ("DA", "ALA", 1.85, 1.0, 0.0),
        ("O", "DOD", 9.0, 0.0, 0.0),
        ("D1", "DOD", 9.96, 0.0, 0.0),
        ("D2", "DOD", 8.76, 0.93, 0.0),
    ]
    path.write_text(
        "".join(
            f"ATOM  {k:5}  {name:<3} {residue} A{1 + (residue == 'DOD'):4}    "
            f"{x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00          {name[0]:>2}\n"
            for k, (name, residue, x, y, z) in enumerate(atoms, 1)
        )
        + "END\n"
    )
    found = read(path).particles
    assert found.elements == ("N", "H", "C", "H", "O", "H", "H")
    assert found.bonds == ((0, 1), (0, 2), (2, 3), (4, 5), (4, 6))


def test_numbers_in_xyz_of_lammps_are_types(tmp_path: Path) -> None:
    types = (1, 1, 2, 3, 3, 3, 3, 3, 3)
    found = read(xyz(tmp_path / "a.xyz", "Atoms. Timestep: {k}", types))
    assert found.particles.elements == ()
    assert found.particles.names[:3] == ("1", "1", "2")


@pytest.mark.parametrize(
    ("comment", "femtoseconds"),
    [
        (" i = {k}, time = {k}.500, E = -17.1", 1.0),  # CP2K
        ("Properties=species:S:1:pos:R:3 Time={k}", 1.0),  # QUIP, painet
        ("Properties=species:S:1:pos:R:3 Time={k} nsteps={k}", 1.0),  # no nanoseconds
        ("energy: -5.1 gnorm: 0.01 xtb: 6.6.1", None),
        ("frame {k}", None),
        ("time = {k} ps", 1000.0),
        ("t= {k}.0 ps step= {k}", 1000.0),
        ("Ethanol t={k} fs", 1.0),
        ("time = {k}.0 a.u.", 0.024188843),
        ("time={k}au", 0.024188843),
        ("time={k}", None),  # no unit
        ("T = {k} K", None),
    ],
)
def test_the_comment_of_xyz_may_tell_the_time(
    tmp_path: Path, comment: str, femtoseconds: float | None
) -> None:
    found = read(xyz(tmp_path / "a.xyz", comment))
    check(found)
    if femtoseconds is None:
        assert found.frame_time_s is None
    else:
        assert found.frame_time_s == pytest.approx(femtoseconds * 1e-15)


def test_centroids_of_ipi_are_in_the_unit_that_their_comment_names(tmp_path: Path) -> None:
    comment = (
        "# CELL(abcABC): 40 40 40 90 90 90 Traj: x_centroid{{atomic_unit}} cell{{atomic_unit}}"
    )
    check(read(xyz(tmp_path / "a.xyz", comment, scale=1 / 0.529177210903)))
    with pytest.raises(RequestError, match="frame 0: holds velocities and no positions"):
        read(xyz(tmp_path / "b.xyz", comment.replace("x_centroid", "velocities")))


def test_extended_xyz_has_a_box_and_velocities(tmp_path: Path) -> None:
    comment = 'Lattice="20 0 0 0 21 0 0 0 22" Properties=species:S:1:pos:R:3:velo:R:3 pbc="T T T"'
    found = read(xyz(tmp_path / "a.extxyz", comment, more=" 0.01 0 0"))
    check(found)
    assert found.velocities is not None
    assert found.boxes is not None
    np.testing.assert_allclose(found.velocities[0, 0], [1e13, 0, 0])  # 0.01 A/fs
    np.testing.assert_allclose(np.diag(found.boxes[0]), [20, 21, 22])


def test_columns_of_extended_xyz_come_in_any_order(tmp_path: Path) -> None:
    path = tmp_path / "a.xyz"
    rows = "".join(
        f"0 0 0 {a:.6f} {b:.6f} {c:.6f} {z}\n"
        for z, (a, b, c) in zip(NUMBERS, frames()[0], strict=True)
    )
    path.write_text(f"9\nProperties=forces:R:3:pos:R:3:Z:I:1\n{rows}")
    check(read(path), 1)


def test_a_name_that_may_be_a_carbon_is_no_calcium(tmp_path: Path) -> None:
    path = tmp_path / "chain.xyz"
    path.write_text("3\n\nN 0 0 0\nCA 1.46 0 0\nC 2.0 1.4 0\n")
    assert read(path).particles.elements == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("9\nx\nC 0 0\n", "holds no whole frame"),
        ("2\nx\nC 0 0\nC 0 0 0\n", "'C 0 0' is no atom"),
        ("2\nx\nC 0 0 0\nC 0 zero 0\n", "'0 zero 0' of atom 1 are no coordinates"),
        ("1\nProperties=species:S\nC 0 0 0\n", "names no columns"),
        ("2\npositions{cubit}\nC 0 0 0\nC 1 0 0\n", "'cubit' is no unit of length"),
    ],
)
def test_xyz_that_cannot_be_read(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.xyz").write_text(text)
    with pytest.raises(RequestError, match=message):
        read(tmp_path / "a.xyz")


def test_an_unknown_unit_of_length_names_those_that_are_known() -> None:
    with pytest.raises(RequestError, match=r"a\.xyz: 'cubit' is no unit") as refused:
        angstroms("cubit", "a.xyz")
    named = refused.value.hint.removeprefix("expected one of ").split(", ")
    assert [angstroms(unit, "a.xyz") for unit in named] == [
        1,
        10,
        pytest.approx(0.5292, 1e-4),
        1e10,
    ]


@pytest.mark.parametrize("blank", ["\n", "\n \n", "\r\n\n\n"])
def test_frames_of_xyz_with_blank_lines_between_them_are_all_read(
    tmp_path: Path, blank: str
) -> None:
    path = xyz(tmp_path / "a.xyz", "")
    path.write_text(path.read_text().replace("9\n\n", f"{blank}9\n\n") + blank)
    check(read(path))


# ---- AMBER --------------------------------------------------------------------------------------


def rst7(path: Path, *, velocities: bool = True, box: bool = True) -> Path:
    values = frames(1)[0].ravel()
    numbers = [values, np.full(27, 0.1)] if velocities else [values]
    numbers += [np.array([20.0, 21, 22, 90, 90, 90])] if box else []
    text = "title\n    9  0.5000000E+01\n"
    for block in numbers:
        for row in range(0, len(block), 6):
            text += "".join(f"{value:12.7f}" for value in block[row : row + 6]) + "\n"
    path.write_text(text)
    return path


def test_restart_as_text(tmp_path: Path, top: Path) -> None:
    found = read(rst7(tmp_path / "a.rst7"), top)
    check(found, 1)
    assert found.velocities is not None
    assert found.boxes is not None
    np.testing.assert_allclose(found.velocities, 0.1 * 20.455e12, rtol=1e-6)
    np.testing.assert_allclose(np.diag(found.boxes[0]), [20, 21, 22])


def test_restart_without_velocities_or_box(tmp_path: Path, top: Path) -> None:
    found = read(rst7(tmp_path / "a.inpcrd", velocities=False, box=False), top)
    check(found, 1)
    assert found.velocities is None
    assert found.boxes is None


@pytest.mark.parametrize("velocities", [True, False])
def test_restart_of_three_lengths_has_a_rectangular_box_which_is_said(
    tmp_path: Path, top: Path, velocities: bool
) -> None:
    path = rst7(tmp_path / "a.inpcrd", velocities=velocities, box=False)
    path.write_text(path.read_text() + "".join(f"{one:12.7f}" for one in (20, 21, 22)) + "\n")
    found = read(path, top)
    check(found, 1)
    assert found.boxes is not None
    np.testing.assert_allclose(found.boxes[0], np.diag([20, 21, 22]), atol=1e-9)
    assert any("no angles: they are taken for 90 degrees" in one for one in found.notes)


def test_restart_cut_within_its_velocities_is_refused(tmp_path: Path, top: Path) -> None:
    path = rst7(tmp_path / "a.rst7", box=False)
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-2]))
    with pytest.raises(RequestError, match="18 numbers follow its 9 atoms, neither velocities nor"):
        read(path, top)


@pytest.mark.parametrize("left", [6, 3])
def test_restart_cut_after_a_few_velocities_has_no_box_of_them(
    tmp_path: Path, top: Path, left: int
) -> None:
    path = rst7(tmp_path / "a.rst7", velocities=False, box=False)
    path.write_text(path.read_text() + f"{0.1:12.7f}" * left + "\n")
    with pytest.raises(RequestError, match=f"{left} numbers follow its 9 atoms, neither"):
        read(path, top)


def test_restart_of_two_atoms_has_velocities_before_its_box(tmp_path: Path) -> None:
    path = tmp_path / "a.rst7"
    rows = [[0, 0, 0, 1, 0, 0], [0.1] * 6, [20, 21, 22, 90, 90, 90]]
    path.write_text("\n".join(["", "2", *("".join(f"{x:12.7f}" for x in row) for row in rows)]))
    frame = RestartReader(path)[0]
    assert frame.box is not None
    np.testing.assert_allclose(np.diag(frame.box), [20, 21, 22])
    np.testing.assert_allclose(frame.velocities, np.full((2, 3), 2.0455), rtol=1e-6)


def test_restart_of_two_atoms_may_have_velocities_or_a_box_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.rst7"
    for row, moves in (([0.1, -0.2, 0.3] * 2, True), ([20, 21, 22, 90, 90, 90], False)):
        rows = [[0, 0, 0, 1, 0, 0], row]
        path.write_text("\n".join(["", "2", *("".join(f"{x:12.7f}" for x in r) for r in rows)]))
        frame = RestartReader(path)[0]
        assert (frame.velocities is not None) == moves
        assert (frame.box is None) == moves


def test_restart_in_netcdf(tmp_path: Path, top: Path) -> None:
    from scipy.io import netcdf_file

    path = tmp_path / "a.ncrst"
    with netcdf_file(path, "w") as file:
        for name, size in (("atom", 9), ("spatial", 3), ("cell_spatial", 3), ("cell_angular", 3)):
            file.createDimension(name, size)
        file.createVariable("coordinates", "d", ("atom", "spatial"))[:] = frames(1)[0]
        moving = file.createVariable("velocities", "d", ("atom", "spatial"))
        moving[:] = 0.1
        moving.scale_factor = 20.455
        file.createVariable("cell_lengths", "d", ("cell_spatial",))[:] = (20, 21, 22)
        file.createVariable("cell_angles", "d", ("cell_angular",))[:] = 90
        file.createVariable("time", "d", ()).data[()] = 5.0
    found = read(path, top)
    check(found, 1)
    assert found.velocities is not None
    np.testing.assert_allclose(found.velocities, 0.1 * 20.455e12, rtol=1e-6)


def netcdf(path: Path) -> Path:
    """Four frames by the convention of AMBER, 112 bytes each."""
    from scipy.io import netcdf_file

    with netcdf_file(path, "w", version=2) as file:
        file.Conventions, file.ConventionVersion = "AMBER", "1.0"
        file.program, file.programVersion = "made", "1"
        for name, size in (("frame", None), ("spatial", 3), ("atom", 9)):
            file.createDimension(name, size)
        time = file.createVariable("time", "f", ("frame",))
        x = file.createVariable("coordinates", "f", ("frame", "atom", "spatial"))
        time.units, x.units = "picosecond", "angstrom"
        for k, frame in enumerate(frames(4)):
            time[k], x[k] = 0.5 * k, frame
    return path


@pytest.mark.parametrize(("bytes_off", "whole"), [(0, 4), (1, 3), (112, 3), (113, 2), (335, 1)])
@pytest.mark.parametrize("ended", [True, False])
def test_netcdf_is_read_up_to_where_it_was_cut(
    tmp_path: Path, top: Path, bytes_off: int, whole: int, ended: bool
) -> None:
    raw = bytearray(netcdf(tmp_path / "run.nc").read_bytes())
    if not ended:  # its writer was stopped before it wrote how many frames there are
        raw[4:8] = b"\xff" * 4
    (tmp_path / "run.nc").write_bytes(raw[: len(raw) - bytes_off])
    found = read(tmp_path / "run.nc", top)
    check(found, whole)
    said = [note for note in found.notes if "cut short" in note]
    # a file that says nothing and ends with a frame is whole as far as anyone can tell
    assert bool(said) == bool(bytes_off % 112 if not ended else bytes_off)
    assert found.frame_time_s == (pytest.approx(5e-13) if whole > 1 else None)


@pytest.mark.parametrize("kept", [3, 40, 300, 450])
def test_netcdf_that_ends_within_its_first_frame_is_refused(
    tmp_path: Path, top: Path, kept: int
) -> None:
    path = netcdf(tmp_path / "run.nc")
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(RequestError):
        read(path, top)


# ---- chemistry ----------------------------------------------------------------------------------

BONDS = ((0, 1), (1, 2), (0, 3), (0, 4), (0, 5), (1, 6), (1, 7), (2, 8))


def sdf(path: Path, bonds: tuple[tuple[int, int], ...] = BONDS) -> Path:
    record = f"ethanol\n  made\n\n{9:3d}{len(bonds):3d}  0  0  0  0  0  0  0  0999 V2000\n"
    text = ""
    for x in frames():
        rows = "".join(
            f"{a:10.4f}{b:10.4f}{c:10.4f} {name:<3} 0  0\n"
            for name, (a, b, c) in zip(SYMBOLS, x, strict=True)
        )
        ends = "".join(f"{i + 1:3d}{j + 1:3d}  1  0\n" for i, j in bonds)
        text += f"{record}{rows}{ends}M  END\n$$$$\n"
    path.write_text(text)
    return path


def test_sdf(tmp_path: Path) -> None:
    found = read(sdf(tmp_path / "a.sdf"))
    check(found)
    assert found.particles.bonds == tuple(sorted(BONDS))
    assert found.frame_time_s is None


def test_sdf_of_a_bond_to_nowhere(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="does not join two of the 9 atoms"):
        read(sdf(tmp_path / "a.sdf", (*BONDS, (0, 98))))


def test_sdf_of_an_isomer_with_the_same_elements_is_of_another_molecule(tmp_path: Path) -> None:
    other = sdf(tmp_path / "b.sdf", ((0, 2), (1, 2), *BONDS[2:])).read_text()
    path = sdf(tmp_path / "a.sdf")
    path.write_text(path.read_text() + other)
    with pytest.raises(RequestError, match="record 3 is another molecule than record 0"):
        read(path)


def mol2(path: Path, last: int = 9) -> Path:
    rows = "".join(
        f"{k + 1:7d} {name}{k + 1} {a:9.4f} {b:9.4f} {c:9.4f} {name} 1 ETH 0.0\n"
        for k, (name, (a, b, c)) in enumerate(zip(SYMBOLS, frames()[0], strict=True))
    )
    ends = "".join(
        f"{k + 1:6d} {i + 1:5d} {j + 1 if k < 7 else last:5d} 1\n" for k, (i, j) in enumerate(BONDS)
    )
    path.write_text(
        f"@<TRIPOS>MOLECULE\nethanol\n 9 8 1 0 0\nSMALL\nUSER_CHARGES\n\n@<TRIPOS>ATOM\n{rows}"
        f"@<TRIPOS>BOND\n{ends}"
    )
    return path


def test_mol2(tmp_path: Path) -> None:
    found = read(mol2(tmp_path / "a.mol2"))
    np.testing.assert_allclose(found.frames, frames(1), atol=1e-3)
    assert len(found.particles.bonds) == 8


def test_mol2_of_a_bond_to_nowhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"a\.mol2: cannot be read"):
        read(mol2(tmp_path / "a.mol2", last=77))


def test_binary_cif(tmp_path: Path) -> None:
    msgpack = pytest.importorskip("msgpack")
    encoded = {"kind": "ByteArray", "type": 3}

    def numbers(name: str, values: Any, how: list[dict[str, Any]]) -> dict[str, Any]:
        data = np.asarray(values, dtype="<i4").tobytes()
        return {"name": name, "data": {"data": data, "encoding": [*how, encoded]}, "mask": None}

    def words(name: str, values: list[str]) -> dict[str, Any]:
        kinds = list(dict.fromkeys(values))
        offsets = np.cumsum([0, *map(len, kinds)]).astype("<i4").tobytes()
        how = {
            "kind": "StringArray",
            "dataEncoding": [encoded],
            "stringData": "".join(kinds),
            "offsetEncoding": [encoded],
            "offsets": offsets,
        }
        data = np.array([kinds.index(value) for value in values], dtype="<i4").tobytes()
        return {"name": name, "data": {"data": data, "encoding": [how]}, "mask": None}

    fixed = [{"kind": "FixedPoint", "factor": 1000, "srcType": 33}]
    x = np.rint(frames(1)[0] * 1000)
    steps = [{"kind": "Delta", "origin": 1, "srcType": 3}]
    columns = [
        words("group_PDB", ["HETATM"] * 9),
        numbers("id", [0] + [1] * 8, steps),
        words("type_symbol", list(SYMBOLS)),
        words("label_atom_id", [f"{name}{k}" for k, name in enumerate(SYMBOLS)]),
        words("label_alt_id", ["."] * 9),
        words("label_comp_id", ["EOH"] * 9),
        words("label_asym_id", ["A"] * 9),
        numbers("label_seq_id", [1, 9], [{"kind": "RunLength", "srcType": 3, "srcSize": 9}]),
        *(numbers(f"Cartn_{axis}", x[:, k], fixed) for k, axis in enumerate("xyz")),
        words("auth_asym_id", ["A"] * 9),
        numbers("auth_seq_id", [1] * 9, []),
        numbers("pdbx_PDB_model_num", [1] * 9, []),
    ]
    category = {"name": "_atom_site", "rowCount": 9, "columns": columns}
    content = {"version": "0.3.0", "dataBlocks": [{"header": "X", "categories": [category]}]}
    path = tmp_path / "a.bcif"
    path.write_bytes(msgpack.packb(content))
    check(read(path), 1)
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(RequestError, match="damaged, or no BinaryCIF"):
        read(path)


# ---- by optional packages -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.traj", "XDATCAR"])
def test_files_of_ase_and_vasp(tmp_path: Path, name: str) -> None:
    pytest.importorskip("ase")
    import ase
    import ase.io

    images = [
        ase.Atoms(numbers=NUMBERS, positions=x, cell=[20, 21, 22], pbc=True) for x in frames()
    ]
    kind = "traj" if name == "a.traj" else "vasp-xdatcar"
    ase.io.write(tmp_path / name, images, format=kind)
    (tmp_path / "md.out").write_bytes((tmp_path / name).read_bytes())
    kind = "TRAJ" if name == "a.traj" else "XDATCAR"
    for found in (read(tmp_path / name), read(tmp_path / "md.out", format_name=kind)):
        np.testing.assert_allclose(found.frames, frames(), atol=1e-5)
        assert found.particles.elements == SYMBOLS
        assert found.boxes is not None
        np.testing.assert_allclose(np.diag(found.boxes[0]), [20, 21, 22])


def test_an_atomic_number_of_ase_that_is_none(tmp_path: Path) -> None:
    pytest.importorskip("ase")
    import ase
    import ase.io

    ase.io.write(tmp_path / "a.traj", ase.Atoms(numbers=[0, 0], positions=frames()[0, :2]))
    with pytest.raises(RequestError, match="0 is no atomic number"):
        read(tmp_path / "a.traj")


def test_velocities_of_ase(tmp_path: Path) -> None:
    pytest.importorskip("ase")
    import ase
    import ase.io
    from ase.units import fs

    image = ase.Atoms(numbers=NUMBERS, positions=frames()[0])
    image.set_velocities(np.full((9, 3), 0.02 / fs))
    ase.io.write(tmp_path / "a.traj", image)
    found = read(tmp_path / "a.traj")
    assert found.velocities is not None
    np.testing.assert_allclose(found.velocities, 0.02e15, rtol=1e-5)


def test_gsd(tmp_path: Path) -> None:
    hoomd = pytest.importorskip("gsd.hoomd")
    with hoomd.open(tmp_path / "a.gsd", "w") as file:
        for k, x in enumerate(frames()):
            one = hoomd.Frame()
            one.configuration.step = k
            one.configuration.box = [40, 40, 40, 0, 0, 0]
            one.particles.N = 9
            one.particles.position = x
            one.particles.types = ["C", "O", "H"]
            one.particles.typeid = [0, 0, 1, 2, 2, 2, 2, 2, 2]
            one.particles.mass = [12.011, 12.011, 15.999] + [1.008] * 6
            one.bonds.N = 8
            one.bonds.group = BONDS
            file.append(one)
    found = read(tmp_path / "a.gsd")
    np.testing.assert_allclose(found.frames, frames(), atol=1e-4)
    assert len(found.particles.bonds) == 8


def h5md(path: Path) -> Any:
    """A file as MDAnalysis writes it, still open."""
    h5py = pytest.importorskip("h5py")
    file = h5py.File(path, "w")
    file.create_group("h5md").attrs["version"] = [1, 1]
    group = file.create_group("particles/trajectory")
    box = group.create_group("box")
    box.attrs["dimension"] = 3
    box.attrs["boundary"] = np.array(["none"] * 3, dtype="S")
    at = group.create_group("position")
    at["step"] = np.arange(3)
    at["time"] = np.arange(3) * 0.5
    at["time"].attrs["unit"] = "ps"
    at["value"] = frames() / 10
    at["value"].attrs["unit"] = "nm"
    return file


def test_h5md(tmp_path: Path, top: Path) -> None:
    h5md(tmp_path / "a.h5md").close()
    found = read(tmp_path / "a.h5md", top)
    check(found)
    assert found.frame_time_s == pytest.approx(5e-13)


@pytest.mark.parametrize("edges", [[2.0, 2.1, 2.2], [[2.0, 0, 0], [0.5, 2.1, 0], [0, 0, 2.2]]])
def test_edges_of_h5md_may_be_the_same_in_all_frames(
    tmp_path: Path, top: Path, edges: list[Any]
) -> None:
    with h5md(tmp_path / "a.h5md") as file:
        box = file["particles/trajectory/box"]
        box.attrs["boundary"] = np.array(["periodic"] * 3, dtype="S")
        box["edges"] = edges
    found = read(tmp_path / "a.h5md", top)
    check(found)
    assert found.boxes is not None
    whole = 10 * np.array(edges)
    np.testing.assert_allclose(found.boxes[2], np.diag(whole) if whole.ndim == 1 else whole)


def test_h5md_without_times_does_not_say_its_time(tmp_path: Path, top: Path) -> None:
    for name, gone in (("none", ["time"]), ("neither", ["time", "step"]), ("unit", [])):
        with h5md(tmp_path / f"{name}.h5md") as file:
            at = file["particles/trajectory/position"]
            for key in gone:
                del at[key]
            if not gone:
                del at["time"].attrs["unit"]
        found = read(tmp_path / f"{name}.h5md", top)
        check(found)
        assert found.frame_time_s is None


def test_times_of_h5md_may_be_the_first_and_the_interval(tmp_path: Path, top: Path) -> None:
    with h5md(tmp_path / "a.h5md") as file:
        at = file["particles/trajectory/position"]
        del at["time"], at["step"]
        at["step"], at["time"] = 100, 0.5
        at["time"].attrs.update({"unit": "ps", "offset": 7.0})
    found = read(tmp_path / "a.h5md", top)
    check(found)
    np.testing.assert_allclose(found.times_s, [7e-12, 7.5e-12, 8e-12])


class TngReader:
    """What MDAnalysis makes of a TNG: times of frames, and a `dt` that it invents."""

    n_frames, n_atoms = 3, 9

    def __init__(self, *_: Any, **__: Any) -> None: ...

    @property
    def dt(self) -> float:
        warnings.warn("Reader has no dt information, set to 1.0 ps", stacklevel=2)
        return 1.0

    def __getitem__(self, number: int) -> SimpleNamespace:
        x = frames()[number].astype(np.float32)
        return SimpleNamespace(positions=x, dimensions=None, time=10.0 * number)

    def close(self) -> None: ...


def test_times_of_tng_are_those_of_its_frames(
    tmp_path: Path, top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("painet_cli.data.trajectories.readable.find_spec", lambda _: True)
    monkeypatch.setattr(
        "painet_cli.data.trajectories.mda_reader._reader_of", lambda kind: TngReader
    )
    (tmp_path / "a.tng").write_bytes(b"x")
    found = read(tmp_path / "a.tng", top)
    check(found)
    assert found.frame_time_s == pytest.approx(1e-11)
    monkeypatch.setattr(TngReader, "n_frames", 1)
    assert read(tmp_path / "a.tng", top).frame_time_s is None


def mdtraj_h5(path: Path, **topology: Any) -> Path:
    """A file as mdtraj writes it."""
    h5py = pytest.importorskip("h5py")
    atoms = [
        {"index": k, "name": f"{one}{k}", "element": one, "serial": k + 1}
        for k, one in enumerate(SYMBOLS)
    ]
    residue = {"index": 0, "name": "EOH", "resSeq": 7, "segmentID": "", "atoms": atoms}
    chains = [{"index": 0, "residues": [residue]}]
    said = {"chains": chains, "bonds": [list(pair[::-1]) for pair in BONDS]} | topology
    columns = (
        ("coordinates", frames() / 10, "nanometers"),
        ("time", np.arange(3) * 0.5, "picoseconds"),
        ("cell_lengths", np.full((3, 3), 5.0), "nanometers"),
        ("cell_angles", np.full((3, 3), 90.0), "degrees"),
    )
    with h5py.File(path, "w") as file:
        file.attrs["conventions"] = "Pande"
        for name, values, unit in columns:
            file[name] = values.astype(np.float32)
            file[name].attrs["units"] = unit
        file["topology"] = np.array([json.dumps(said).encode()])
    return path


@pytest.mark.parametrize("name", ["a.h5", "a.hdf5", "trajectory"])
def test_hdf5_of_mdtraj(tmp_path: Path, name: str) -> None:
    found = read(mdtraj_h5(tmp_path / name))
    check(found)
    assert found.frame_time_s == pytest.approx(5e-13)
    assert found.particles.residues == ("EOH",) * 9
    assert found.particles.residue_ids == (7,) * 9
    assert found.boxes is not None
    np.testing.assert_allclose(found.boxes[0], 50 * np.eye(3), atol=1e-4)


@pytest.mark.parametrize(
    "topology", [{"chains": []}, {"bonds": [[0, 99]]}, {"bonds": [[0]]}, {"chains": 3}]
)
def test_hdf5_of_mdtraj_with_another_topology_is_refused(tmp_path: Path, topology: Any) -> None:
    with pytest.raises(RequestError):
        read(mdtraj_h5(tmp_path / "a.h5", **topology))


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("a.h5md", "h5py"),
        ("a.h5", "h5py"),
        ("a.gsd", "gsd"),
        ("a.traj", "ase"),
        ("a.c3d", "ezc3d"),
    ],
)
def test_a_package_that_is_missing_is_named_with_its_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, package: str
) -> None:
    monkeypatch.setattr("painet_cli.data.trajectories.readable.find_spec", lambda _: None)
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(RequestError, match=package) as caught:
        open_input(tmp_path / name)
    assert "pip install 'painet[" in caught.value.hint


# ---- the registry -------------------------------------------------------------------------------


def test_every_ending_is_of_one_format_or_told_by_the_content() -> None:
    endings = [suffix for one in READABLE for suffix in one.suffixes]
    assert {one for one in endings if endings.count(one) > 1} == {".top", ".trc", ".trj", ".h5"}


def test_what_is_written_is_read() -> None:
    assert {kind.name for kind in FORMATS.values()} <= BY_NAME.keys()


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("run", b"ITEM: TIMESTEP\n0\n", "LAMMPSDUMP"),
        ("model.txt", b"data_1ABC\n", "MMCIF"),
        ("take.trc", b"PathFileType\t4\n", "TRC"),
        ("top.top", b"%VERSION  VERSION_STAMP = V0001\n", "PRMTOP"),
        ("top.top", b"; made by hand\n[ moleculetype ]\n", "ITP"),
        ("run.trc", b"TITLE\nx\nEND\n", "GROMOS"),
        ("CONTCAR_relaxed", b"x", "POSCAR"),
        (
            "xtb.trj",
            b"     2\n energy: -1.0 xtb: 6.7.1\nO   0.1  -0.2 3.0\nH  1.0 0.0 0.0\n",
            "XYZ",
        ),
        ("movie", b"2\r\n\r\nC1\t0.5 .2 -1.5\r\n", "XYZ"),
        ("amber.trj", b"2 steps\n   1.234   2.345   3.456\n", "MDCRD"),
        ("a.PDB.GZ", b"x", "PDB"),
    ],
)
def test_formats_are_told_by_name_or_content(
    tmp_path: Path, name: str, content: bytes, found: str
) -> None:
    (tmp_path / name).write_bytes(content)
    assert format_of(tmp_path / name).name == found


@pytest.mark.parametrize("junk", [b"", b"\0" * 100, b"junk\n" * 50, bytes(range(256)) * 8])
@pytest.mark.parametrize("kind", READABLE, ids=lambda one: one.name)
def test_junk_of_any_format_is_refused_in_plain_words(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], kind: Any, junk: bytes
) -> None:
    path = tmp_path / f"junk{kind.suffixes[0]}"
    path.write_bytes(junk)
    with pytest.raises(RequestError) as caught, open_input(path, format_name=kind.name) as found:
        found.read(found.select("all"))
    said = str(caught.value)
    assert caught.value.hint
    assert "Error" not in said
    assert "Traceback" not in said
    assert "ignored in" not in capfd.readouterr().err


@pytest.mark.parametrize(
    ("name", "what", "mends"),
    [
        ("a.mmtf", "MMTF, which the PDB has given up: not read", "mmCIF"),
        ("a.xml", "XML: not read", "GSD with HOOMD"),
        ("a.fbx", "FBX: not read", "export it as BVH"),
        ("a.npy", "an array without names: not read", "numpy.savez"),
        ("a.smi", "SMILES, which hold no coordinates: not read", "a structure"),
    ],
)
def test_what_is_not_read_says_what_to_give_instead(
    tmp_path: Path, name: str, what: str, mends: str
) -> None:
    path = tmp_path / name
    path.write_bytes(b"x")
    with pytest.raises(RequestError) as caught:
        open_input(path)
    assert what in caught.value.what
    assert mends in caught.value.hint


@pytest.mark.parametrize(("magic", "name"), [(1995, "XTC"), (1993, "TRR")])
def test_gromacs_trajectories_are_known_by_how_they_begin(
    tmp_path: Path, magic: int, name: str
) -> None:
    path = tmp_path / "production"
    path.write_bytes(magic.to_bytes(4) + bytes(60))
    assert format_of(path).name == name


def halide(path: Path, program: str, z: float) -> Path:
    atoms = [("C", 0, 0, 0), ("F", 1.4, 0, 0), ("F", -0.5, 1.3, 0), ("F", -0.5, -0.7, z)]
    atoms.append(("Cl", -0.6, -0.8, -1.5 * bool(z)))
    rows = "".join(f"{x:10.4f}{y:10.4f}{w:10.4f} {e:<3s} 0\n" for e, x, y, w in atoms)
    bonds = "".join(f"{1:3d}{k:3d}  1  0\n" for k in range(2, 6))
    path.write_text(f"x\n{program}\n\n  5  4  0\n{rows}{bonds}M  END\n$$$$\n")
    return path


@pytest.mark.parametrize(
    ("program", "z"), [("     RDKit          2D", 1.1), ("     RDKit          3D", 0.0), ("", 0.0)]
)
def test_a_drawing_is_no_structure(tmp_path: Path, program: str, z: float) -> None:
    with pytest.raises(RequestError, match="a drawing in two dimensions, and no structure"):
        read(halide(tmp_path / "a.sdf", program, z))


@pytest.mark.parametrize("program", ["     RDKit          3D", ""])
def test_a_structure_is_no_drawing(tmp_path: Path, program: str) -> None:
    assert read(halide(tmp_path / "a.sdf", program, 1.1)).frames.shape == (1, 5, 3)


def test_a_lammps_data_file_holds_a_frame(tmp_path: Path) -> None:
    path = tmp_path / "a.data"
    path.write_text(
        "x\n\n3 atoms\n2 atom types\n2 bonds\n1 bond types\n\n0 20 xlo xhi\n0 20 ylo yhi\n"
        "0 20 zlo zhi\n\nMasses\n\n1 15.999\n2 1.008\n\nAtoms # full\n\n1 1 1 0 5 5 5\n"
        "2 1 2 0 5.96 5 5\n3 1 2 0 4.76 5.93 5\n\nBonds\n\n1 1 1 2\n2 1 1 3\n"
    )
    found = read(path)
    assert found.particles.elements == ("O", "H", "H")
    np.testing.assert_allclose(found.frames[0, 2], [4.76, 5.93, 5.0], atol=1e-5)


@pytest.mark.parametrize(
    ("said", "factor"), [("units = real", 1e3), ("units = metal", 1.0), ("by ASE", None)]
)
def test_velocities_of_lammps_data_are_in_the_units_that_it_names(
    tmp_path: Path, said: str, factor: float | None
) -> None:
    """They were taken for angstrom a femtosecond, a thousand times too fast with `metal`."""
    path = tmp_path / "a.data"
    path.write_text(
        f"LAMMPS data file, {said}\n\n2 atoms\n1 atom types\n\n0 20 xlo xhi\n0 20 ylo yhi\n"
        "0 20 zlo zhi\n\nMasses\n\n1 15.999\n\nAtoms # atomic\n\n1 1 5 5 5\n2 1 6.2 5 5\n\n"
        "Velocities\n\n1 0.5 0 0\n2 -0.25 0 0\n"
    )
    found = read(path)
    if factor is None:
        assert found.velocities is None
        assert "does not name its units" in found.notes[0]
    else:
        assert found.velocities is not None
        np.testing.assert_allclose(
            found.velocities[0, :, 0] * 1e-12, np.array([0.5, -0.25]) * factor, rtol=1e-6
        )


def test_fhi_aims_with_blank_lines_and_velocities(tmp_path: Path) -> None:
    """As ASE writes it; MDAnalysis' reader refuses the empty lines."""
    pytest.importorskip("ase")
    path = tmp_path / "geometry.in"
    rows = "".join(
        f"atom {a:.8f} {b:.8f} {c:.8f} {name}\n    velocity 1.5 0.0 -2.0\n"
        for name, (a, b, c) in zip(SYMBOLS, frames()[0], strict=True)
    )
    path.write_text(
        f"# made by hand\n\nlattice_vector 20 0 0\nlattice_vector 0 21 0\n"
        f"lattice_vector 0 0 22\n{rows}"
    )
    found = read(path)
    check(found, 1)
    assert found.velocities is not None
    assert found.boxes is not None
    np.testing.assert_allclose(found.velocities[0, 0] * 1e-12, [1.5, 0.0, -2.0], rtol=1e-6)
    np.testing.assert_allclose(np.diag(found.boxes[0]), [20, 21, 22])


def test_a_universe_is_all_of_its_atoms(tmp_path: Path) -> None:
    import warnings

    from MDAnalysis import Universe

    import painet

    path = tmp_path / "a.xyz"
    rows = zip(SYMBOLS, ETHANOL, strict=True)
    path.write_text("9\n\n" + "".join(f"{one} {a} {b} {c}\n" for one, (a, b, c) in rows))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        universe = Universe(str(path))
        expected = painet.predict("sample", universe.atoms, 1)
        np.testing.assert_array_equal(painet.predict("sample", universe, 1), expected)
        np.testing.assert_array_equal(painet.predict("sample", universe.residues, 1), expected)


def test_models_of_a_pdb_without_times_are_no_motion_of_an_atom_group_either(
    tmp_path: Path,
) -> None:
    import warnings

    from MDAnalysis import Universe

    import painet

    path = tmp_path / "models.pdb"
    rows = [
        "".join(
            f"ATOM  {k:5d}  {name:<3s} EOH A   1    {a + shift:8.3f}{b:8.3f}{c:8.3f}  1.00  0.00"
            f"          {name:>2s}\n"
            for k, (name, (a, b, c)) in enumerate(zip(SYMBOLS, ETHANOL, strict=True), 1)
        )
        for shift in (0.0, 0.01)
    ]
    path.write_text("".join(f"MODEL {k:8d}\n{row}ENDMDL\n" for k, row in enumerate(rows, 1)))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        universe = Universe(str(path))
        universe.trajectory[1]
        painet.predict("sample", universe.atoms, 1)
    assert any("velocity zero" in str(one.message) for one in caught)
