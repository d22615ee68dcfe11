"""A prediction is opened again by other programs' eyes, and is what was predicted."""

from __future__ import annotations

import csv
import time
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from MDAnalysis import Universe
from numpy.typing import NDArray

from painet_cli.data.motion.bvh_writer import parents_of
from painet_cli.data.motion.mocap_files import BONES, JOINTS
from painet_cli.data.particles.particles import Particles
from painet_cli.prediction.inputs.open import open_input
from painet_cli.prediction.inputs.recording import Input
from painet_cli.prediction.outputs.viewers import Written
from painet_cli.prediction.outputs.write import write_files

PICOSECOND, FEMTOSECOND = 1e-12, 1e-15
# In angstrom: what a column or a whole number of thousandths of a nanometre cuts off.
TOLERANCE = {".xtc": 5.1e-3, ".pdb": 5.1e-4}
N = 6


def random(*shape: int, seed: int = 0) -> NDArray[np.float32]:
    return 10 * np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.fixture
def peptide() -> Input:
    particles = Particles(
        names=("N", "CA", "C", "O", "N", "CA"),
        types=(0, 1, 1, 2, 0, 1),
        type_names=("N", "C", "O"),
        bonds=((0, 1), (1, 2), (2, 3), (2, 4), (4, 5)),
        elements=("N", "C", "C", "O", "N", "C"),
        residues=("ALA", "ALA", "ALA", "ALA", "GLY", "GLY"),
        residue_ids=(7, 7, 7, 7, 8, 8),
        chains=("A", "A", "A", "A", "B", "B"),
    )
    return Input(
        name="my peptide",
        kind="molecule",
        path=Path("some/my peptide.dcd"),
        particles=particles,
        frames=random(30, N, 3),
        frame_time_s=2 * PICOSECOND,
        length_unit="angstrom",
    )


def in_format(system: Input, ending: str) -> Input:
    return replace(system, path=Path(f"some/my peptide{ending}"))


def predict(
    system: Input,
    folder: Path,
    *,
    starts: tuple[int, ...] = (3,),
    steps: int = 5,
    times_s: NDArray[np.float64] | None = None,
    truth: bool = False,
    positions: NDArray[np.float32] | None = None,
) -> tuple[dict[str, Written], NDArray[np.float32]]:
    """Written files by name, and (S, 1 + T, N, 3) of what they should hold."""
    count, n = len(starts), len(system.particles.names)
    if positions is None:
        positions = random(count, steps, n, 3, seed=1)
    if times_s is None:
        times_s = 2 * PICOSECOND * np.arange(1, positions.shape[1] + 1)
    written = write_files(
        system,
        positions,
        times_s,
        np.array(starts),
        folder,
        truth=positions + 1 if truth else None,
    )
    assert sorted(file.path for file in written) == sorted(folder.iterdir()), "all is told"
    expected = np.concatenate([system.frames[list(starts)][:, None], positions], axis=1)
    return {file.path.name: file for file in written}, expected


def opened(*files: Path, **options: Any) -> Universe:
    with warnings.catch_warnings():  # of MDAnalysis, about times and boxes that a file lacks
        warnings.simplefilter("ignore")
        return Universe(*map(str, files), **options)


def frames_in(universe: Universe, field: str = "positions") -> NDArray[np.float32]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.array([getattr(step, field).copy() for step in universe.trajectory])


def times_in(universe: Universe) -> list[float]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [step.time for step in universe.trajectory]


@pytest.mark.parametrize("ending", [".pdb", ".dcd", ".xtc", ".trr", ".nc", ".ncdf", ".xyz"])
def test_a_trajectory_in_the_inputs_own_format(peptide: Input, tmp_path: Path, ending: str) -> None:
    files, expected = predict(in_format(peptide, ending), tmp_path)
    trajectory = tmp_path / f"my_peptide_predicted{ending}"
    topology = trajectory if ending == ".pdb" else tmp_path / "my_peptide_topology.pdb"
    assert list(files) == [
        trajectory.name,
        *([] if ending == ".pdb" else [topology.name]),
        "prediction.extxyz",
        "prediction.npz",
    ]
    universe = opened(topology, trajectory)
    assert files[trajectory.name].frames == universe.trajectory.n_frames == 6
    seen = frames_in(universe)
    assert np.abs(seen - expected[0]).max() <= TOLERANCE.get(ending, 1e-5)
    assert universe.atoms.names.tolist() == list(peptide.particles.names)
    assert universe.atoms.elements.tolist() == list(peptide.particles.elements)
    assert universe.residues.resnames.tolist() == ["ALA", "GLY"]
    assert universe.residues.resids.tolist() == [7, 8]
    assert universe.atoms.chainIDs.tolist() == list(peptide.particles.chains)
    assert {tuple(sorted(b)) for b in universe.bonds.indices.tolist()} == {*peptide.particles.bonds}
    if ending not in (".pdb", ".xyz"):
        assert times_in(universe) == pytest.approx([0, 2, 4, 6, 8, 10], abs=1e-5)


@pytest.mark.parametrize("ending", [".trr", ".nc"])
def test_velocities_where_the_format_has_them(peptide: Input, tmp_path: Path, ending: str) -> None:
    files, expected = predict(in_format(peptide, ending), tmp_path)
    name = f"my_peptide_predicted{ending}"
    assert "velocities in angstrom a picosecond" in files[name].what
    universe = opened(tmp_path / "my_peptide_topology.pdb", tmp_path / name)
    ahead = np.diff(expected[0], axis=0) / 2
    assert np.allclose(
        frames_in(universe, "velocities"), np.concatenate([ahead, ahead[-1:]]), atol=1e-4
    )


@pytest.mark.parametrize(
    ("ending", "reason"),
    [(".cif", ""), (".npz", ""), (".gro", "6 frames, but GRO holds at most 1")],
)
def test_dcd_where_the_inputs_format_cannot_be_written(
    peptide: Input, tmp_path: Path, ending: str, reason: str
) -> None:
    files, expected = predict(in_format(peptide, ending), tmp_path)
    assert reason in files["my_peptide_predicted.dcd"].what
    universe = opened(tmp_path / "my_peptide_topology.pdb", tmp_path / "my_peptide_predicted.dcd")
    assert np.array_equal(frames_in(universe), expected[0])


@pytest.mark.parametrize("ending", [".PDB", ".ent", ".pdb.gz"])
def test_spellings_of_pdb(peptide: Input, tmp_path: Path, ending: str) -> None:
    files, _ = predict(in_format(peptide, ending), tmp_path)
    assert "my_peptide_predicted.pdb" in files


def test_a_pdb_of_more_than_100_models_is_a_dcd(peptide: Input, tmp_path: Path) -> None:
    files, _ = predict(in_format(peptide, ".pdb"), tmp_path, steps=99)
    assert files["my_peptide_predicted.pdb"].frames == 100
    more = tmp_path / "more"
    more.mkdir()
    files, _ = predict(in_format(peptide, ".pdb"), more, steps=100)
    assert "DCD instead of PDB: 101 frames" in files["my_peptide_predicted.dcd"].what


@pytest.mark.parametrize("far", [2e4, 1e5])
def test_coordinates_that_do_not_fit_pdb(peptide: Input, tmp_path: Path, far: float) -> None:
    system = replace(in_format(peptide, ".pdb"), frames=peptide.frames + np.float32(far))
    if far > 5e4:
        system.frames[:, 0] = -far
    files, expected = predict(system, tmp_path)
    assert "does not fit PDB" in files["my_peptide_predicted.dcd"].what
    assert "moved, or zero" in files["my_peptide_topology.pdb"].what
    top = opened(tmp_path / "my_peptide_topology.pdb")
    inside = expected[0, 0] - (expected[0, 0].min(axis=0) + expected[0, 0].max(axis=0)) / 2
    assert np.allclose(top.atoms.positions, 0 if far > 5e4 else inside, atol=5e-3)
    assert len(top.bonds) == 5


def test_extended_xyz_has_elements_times_velocities_and_truth(
    peptide: Input, tmp_path: Path
) -> None:
    files, expected = predict(peptide, tmp_path, truth=True)
    for name, shift in (("prediction.extxyz", 0), ("reference.extxyz", 1)):
        seen = opened(tmp_path / name, format="XYZ", topology_format="XYZ")
        assert files[name].frames == 6
        wanted = expected[0].copy()
        wanted[1:] += shift
        assert np.allclose(frames_in(seen), wanted, atol=1e-5)
        assert seen.atoms.names.tolist() == list(peptide.particles.elements)
    lines = (tmp_path / "prediction.extxyz").read_text().splitlines()
    assert len(lines) == 6 * (N + 2)
    assert lines[9].startswith("Properties=species:S:1:pos:R:3:velo:R:3 Time=2000 start=3 step=1")
    row = np.array(lines[10].split()[1:], dtype=float)
    ahead = (expected[0, 2, 0] - expected[0, 1, 0]) / 2000  # A/fs
    assert np.allclose(row[3:], ahead, atol=1e-7)


def test_the_truth_is_a_trajectory_of_its_own(peptide: Input, tmp_path: Path) -> None:
    files, expected = predict(peptide, tmp_path, truth=True)
    assert "what really came next" in files["my_peptide_reference.dcd"].what
    seen = frames_in(
        opened(tmp_path / "my_peptide_topology.pdb", tmp_path / "my_peptide_reference.dcd")
    )
    assert np.allclose(seen[1:], expected[0, 1:] + 1)
    assert np.array_equal(seen[0], expected[0, 0]), "both begin where the prediction began"


def test_no_extended_xyz_without_elements_or_angstrom(peptide: Input, tmp_path: Path) -> None:
    bare = Particles(names=("p",) * N, types=(0,) * N, type_names=("p",), bonds=())
    for number, system in enumerate(
        (replace(peptide, particles=bare), replace(peptide, length_unit="unit", kind="dataset"))
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        files, _ = predict(system, folder)
        assert list(files) == [
            "my_peptide_predicted.dcd",
            "my_peptide_topology.pdb",
            "prediction.npz",
        ]


def test_one_file_a_start(peptide: Input, tmp_path: Path) -> None:
    system = replace(peptide, first_frame=100)
    files, expected = predict(system, tmp_path, starts=(2, 9))
    for k, number in enumerate((102, 109)):
        name = f"my_peptide_predicted_from_{number:06d}.dcd"
        assert f"from frame {number}" in files[name].what
        universe = opened(tmp_path / "my_peptide_topology.pdb", tmp_path / name)
        assert np.array_equal(frames_in(universe), expected[k])
    assert files["prediction.extxyz"].frames == 12
    assert np.load(tmp_path / "prediction.npz")["starts"].tolist() == [102, 109]


def test_of_many_starts_the_first_the_middle_and_the_last(peptide: Input, tmp_path: Path) -> None:
    files, expected = predict(peptide, tmp_path, starts=tuple(range(21)), truth=True)
    assert [name for name in files if name.endswith(".dcd")] == [
        f"my_peptide_{title}_from_{start:06d}.dcd"
        for title in ("predicted", "reference")
        for start in (0, 10, 20)
    ]
    with np.load(tmp_path / "prediction.npz", allow_pickle=False) as arrays:
        assert np.array_equal(arrays["positions"], expected[:, 1:]), "all starts are here"


def test_arrays(peptide: Input, tmp_path: Path) -> None:
    files, expected = predict(peptide, tmp_path, starts=(2, 9), truth=True)
    assert "all 2 starts" in files["prediction.npz"].what
    with np.load(tmp_path / "prediction.npz", allow_pickle=False) as arrays:
        assert np.array_equal(arrays["positions"], expected[:, 1:])
        assert np.array_equal(arrays["start_positions"], expected[:, 0])
        assert np.array_equal(arrays["truth"], expected[:, 1:] + 1)
        assert arrays["times_s"].tolist() == pytest.approx([k * 2e-12 for k in range(1, 6)])
        assert arrays["names"].tolist() == list(peptide.particles.names)
        assert arrays["residue_ids"].tolist() == list(peptide.particles.residue_ids)
        assert arrays["bonds"].tolist() == [list(bond) for bond in peptide.particles.bonds]
        assert str(arrays["unit"]) == "angstrom"


@pytest.mark.parametrize("ending", [".dcd", ".xtc", ".trr", ".nc"])
def test_the_start_frame_is_left_out_where_one_time_step_cannot_hold_it(
    peptide: Input, tmp_path: Path, ending: str
) -> None:
    times = 2 * PICOSECOND * np.array([26, 27, 28, 29, 30])
    files, expected = predict(in_format(peptide, ending), tmp_path, times_s=times)
    name = f"my_peptide_predicted{ending}"
    assert "the start frame is left out" in files[name].what
    universe = opened(tmp_path / "my_peptide_topology.pdb", tmp_path / name)
    assert np.abs(frames_in(universe) - expected[0, 1:]).max() <= TOLERANCE.get(ending, 1e-5)
    assert times_in(universe) == pytest.approx([52, 54, 56, 58, 60], rel=1e-5)
    assert files["prediction.extxyz"].frames == 6, "times of their own hold it"


def clocked(system: Input, first_s: float, frame_time_s: float) -> Input:
    """The same, with times of a recording that begins at another than 0."""
    return replace(system, times_s=first_s + frame_time_s * np.arange(len(system.frames)))


@pytest.mark.parametrize("ending", [".dcd", ".xtc", ".trr", ".nc", ".h5md"])
def test_the_clock_of_the_input_goes_on(peptide: Input, tmp_path: Path, ending: str) -> None:
    late = clocked(in_format(peptide, ending), 1000 * PICOSECOND, 2 * PICOSECOND)
    files, _ = predict(late, tmp_path, truth=True)
    for title in ("predicted", "reference"):
        name = f"my_peptide_{title}{'.dcd' if ending == '.h5md' else ending}"
        assert "times are the input's" in files[name].what
        universe = opened(tmp_path / "my_peptide_topology.pdb", tmp_path / name)
        assert times_in(universe) == pytest.approx([1006, 1008, 1010, 1012, 1014, 1016], rel=1e-6)
    lines = (tmp_path / "prediction.extxyz").read_text().split()
    assert [one for one in lines if one.startswith("Time=")][:2] == ["Time=1006000", "Time=1008000"]
    with np.load(tmp_path / "prediction.npz") as arrays:
        assert arrays["start_times_s"] == pytest.approx([1006e-12])
        assert arrays["times_s"][0] == pytest.approx(2e-12), "these are from the start"


@pytest.mark.parametrize(("ending", "first_ns"), [(".xtc", 1e6), (".trr", 1e6), (".dcd", 1e7)])
def test_a_clock_too_late_for_a_format_is_left_out_and_said(
    peptide: Input, tmp_path: Path, ending: str, first_ns: float
) -> None:
    late = clocked(in_format(peptide, ending), first_ns * 1000 * PICOSECOND, 2 * PICOSECOND)
    files, _ = predict(late, tmp_path)
    name = f"my_peptide_predicted{ending}"
    assert "times are from the start, at" in files[name].what
    universe = opened(tmp_path / "my_peptide_topology.pdb", tmp_path / name)
    assert times_in(universe) == pytest.approx([0, 2, 4, 6, 8, 10], abs=1e-5)


@pytest.mark.parametrize("lost", [0, 2])
def test_steps_that_are_not_finite_are_left_out(peptide: Input, tmp_path: Path, lost: int) -> None:
    positions = random(1, 5, N, 3, seed=1)
    positions[0, lost, 1, 2] = np.nan
    for ending in (".pdb", ".trr"):
        folder = tmp_path / ending
        folder.mkdir()
        files, expected = predict(in_format(peptide, ending), folder, positions=positions)
        name = f"my_peptide_predicted{ending}"
        assert f"where {5 - lost} steps are not finite" in files[name].what
        top = [] if ending == ".pdb" else [folder / "my_peptide_topology.pdb"]
        seen = frames_in(opened(*top, folder / name))
        assert np.allclose(seen, expected[0, : 1 + lost], atol=6e-4)


def test_commands_name_files_that_are_there(peptide: Input, tmp_path: Path) -> None:
    for ending in (".pdb", ".dcd", ".xyz", ".nc"):
        folder = tmp_path / ending
        folder.mkdir()
        files, _ = predict(in_format(peptide, ending), folder)
        vmd, *others = files[f"my_peptide_predicted{ending}"].open_with
        assert vmd.startswith("vmd ")
        assert others
        named = [word for word in vmd.split()[1:] if not word.startswith("-")]
        assert all((folder / name).is_file() for name in named)


def test_20_000_atoms_take_seconds(tmp_path: Path) -> None:
    n = 20_000
    particles = Particles(
        names=("C",) * n,
        types=(0,) * n,
        type_names=("C",),
        bonds=tuple((k, k + 1) for k in range(0, n - 1, 2)),
        elements=("C",) * n,
        residues=("LIG",) * n,
        residue_ids=tuple(k // 10 for k in range(n)),
    )
    system = Input("big", "molecule", Path("big.dcd"), particles, random(2, n, 3), None, "angstrom")
    began = time.process_time()
    predict(system, tmp_path, starts=(1,))
    assert time.process_time() - began < 5
    universe = opened(tmp_path / "big_topology.pdb", tmp_path / "big_predicted.dcd")
    assert len(universe.bonds) == n // 2
    assert len(universe.residues) == n // 10


def test_more_atoms_than_pdb_numbers(tmp_path: Path) -> None:
    n = 100_001
    particles = Particles(names=("p",) * n, types=(0,) * n, type_names=("p",), bonds=((0, 1),))
    system = Input("huge", "molecule", Path("a.pdb"), particles, random(1, n, 3), None, "angstrom")
    files, _ = predict(system, tmp_path, starts=(0,), steps=1)
    assert "PDB numbers at most 99,999 particles" in files["huge_predicted.dcd"].what
    assert "bonds are left out" in files["huge_topology.pdb"].what
    lines = (tmp_path / "huge_topology.pdb").read_text().splitlines()
    assert sum(line.startswith("ATOM") for line in lines) == n
    assert not any(line.startswith("CONECT") for line in lines)


# Motion capture


@pytest.fixture
def dancer() -> Input:
    frames = walking(40, seed=3)
    joints = len(JOINTS)
    particles = Particles(names=JOINTS, types=tuple(range(joints)), type_names=JOINTS, bonds=BONES)
    return Input(
        "35_01", "motion", Path("35_01.amc"), particles, frames, 1 / 120, "ASF unit", up_axis="y"
    )


def walking(count: int, seed: int) -> NDArray[np.float32]:
    """(F, 31, 3) joints of a body whose bones keep their length and swing one by one."""
    rng = np.random.default_rng(seed)
    frames = np.zeros((count, len(JOINTS), 3))
    frames[:, 0] = np.linspace(0, 20, count)[:, None] + rng.normal(size=3)
    for parent, child in BONES:
        swing = rng.normal(size=3) + np.linspace(0, 2, count)[:, None] * rng.normal(size=3)
        length = rng.uniform(1, 5)
        frames[:, child] = frames[:, parent] + length * swing / np.linalg.norm(
            swing, axis=1, keepdims=True
        )
    return frames.astype(np.float32)


def read_bvh(path: Path) -> tuple[dict[str, NDArray[np.float64]], float]:
    """Far ends of all bones by name, (F, 3), and the frame time: forward kinematics of any BVH."""
    head, motion = path.read_text().split("MOTION\n")
    words = head.split()
    lines = motion.splitlines()
    assert lines[0] == f"Frames: {len(lines) - 2}"
    values = np.array([line.split() for line in lines[2:]], dtype=float)
    column, stack, at, name = 0, [], 0, ""
    ends: dict[str, NDArray[np.float64]] = {}
    place, turn = np.zeros((len(values), 3)), np.tile(np.eye(3), (len(values), 1, 1))
    while at < len(words):
        word = words[at]
        if word in ("ROOT", "JOINT", "End"):
            name, at = words[at + 1], at + 2
        elif word == "{":
            stack.append((place, turn, name))
            at += 1
        elif word == "}":
            place, turn, _ = stack.pop()
            at += 1
        elif word == "OFFSET":
            place = place + turn @ np.array(words[at + 1 : at + 4], dtype=float)
            if len(stack) > 1:  # a bone ends where what it carries begins
                ends[stack[-2][2]] = place
            at += 4
        elif word == "CHANNELS":
            count = int(words[at + 1])
            for channel in words[at + 2 : at + 2 + count]:
                axis = "XYZ".index(channel[0])
                if channel.endswith("position"):
                    place = place + values[:, column, None] * np.eye(3)[axis]
                else:
                    turn = turn @ about(axis, np.radians(values[:, column]))
                column += 1
            at += 2 + count
        else:
            assert word == "HIERARCHY"
            at += 1
    assert column == values.shape[1]
    assert not stack
    return ends, float(lines[1].removeprefix("Frame Time: "))


def about(axis: int, angle: NDArray[np.float64]) -> NDArray[np.float64]:
    turn = np.zeros((len(angle), 3, 3))
    i, j = (axis + 1) % 3, (axis + 2) % 3
    turn[:, axis, axis] = 1
    turn[:, i, i] = turn[:, j, j] = np.cos(angle)
    turn[:, j, i], turn[:, i, j] = np.sin(angle), -np.sin(angle)
    return turn


def joints_in(path: Path) -> NDArray[np.float64]:
    ends, _ = read_bvh(path)
    assert sorted(ends) == sorted(JOINTS)
    return np.stack([ends[name] for name in JOINTS], axis=1)


def test_bvh_of_rigid_bones_is_exact(dancer: Input, tmp_path: Path) -> None:
    positions = dancer.frames[None, 4:14]
    times = np.arange(1, 11) / 120
    files, expected = predict(dancer, tmp_path, positions=positions, times_s=times)
    endings = ("bvh", "glb", "trc", "csv")
    assert list(files) == [*(f"35_01_predicted.{end}" for end in endings), "prediction.npz"]
    assert np.abs(joints_in(tmp_path / "35_01_predicted.bvh") - expected[0]).max() < 2e-5
    assert read_bvh(tmp_path / "35_01_predicted.bvh")[1] == pytest.approx(1 / 120)
    assert files["35_01_predicted.bvh"].frames == 11


def test_bvh_of_bones_that_stretch_says_how_far_off_it_is(dancer: Input, tmp_path: Path) -> None:
    positions = dancer.frames[None, 4:14] + np.float32(0.01) * random(1, 10, 31, 3)
    times = np.arange(1, 11) / 120
    files, expected = predict(dancer, tmp_path, positions=positions, times_s=times)
    seen = joints_in(tmp_path / "35_01_predicted.bvh")
    off = np.linalg.norm(seen - expected[0], axis=-1).max()
    assert off > 0.05
    assert f"joints up to {off:.2g} ASF unit off" in files["35_01_predicted.bvh"].what
    # no farther than the bones' changes of length add up to on the way from the root
    lengths = np.stack(
        [np.linalg.norm(expected[0, :, c] - expected[0, :, p], axis=-1) for p, c in BONES]
    )
    change = dict(zip([c for _, c in BONES], np.abs(lengths - lengths[:, :1]), strict=True))
    bound = {0: np.zeros(11)}
    for parent, child in BONES:
        bound[child] = bound[parent] + change[child]
        apart = np.linalg.norm(seen[:, child] - expected[0, :, child], axis=-1)
        assert (apart <= bound[child] + 2e-5).all()


def test_bvh_of_tail_steps_leaves_the_start_out(dancer: Input, tmp_path: Path) -> None:
    times = np.arange(26, 31) / 120
    files, expected = predict(
        dancer, tmp_path, positions=dancer.frames[None, 29:34], times_s=times, truth=True
    )
    assert "the start frame is left out" in files["35_01_predicted.bvh"].what
    assert "first 216.7 ms after the start" in files["35_01_predicted.bvh"].what
    assert np.abs(joints_in(tmp_path / "35_01_predicted.bvh") - expected[0, 1:]).max() < 2e-5
    assert "35_01_reference.bvh" in files


def test_bones_that_turn_round_or_vanish(dancer: Input, tmp_path: Path) -> None:
    start = dancer.frames[3]
    turned = 2 * start[0] - start  # every bone the other way round
    gone = np.broadcast_to(start[0], start.shape)
    positions = np.stack([turned, gone])[None]
    predict(dancer, tmp_path, positions=positions, times_s=np.array([1, 2]) / 120)
    seen = joints_in(tmp_path / "35_01_predicted.bvh")
    assert np.abs(seen[1] - turned).max() < 1e-4
    assert np.isfinite(seen).all()


def test_a_table_of_joints(dancer: Input, tmp_path: Path) -> None:
    files, expected = predict(dancer, tmp_path, times_s=np.arange(26, 31) / 120)
    with (tmp_path / "35_01_predicted.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert files["35_01_predicted.csv"].frames == len(rows) == 6
    assert [int(row["step"]) for row in rows] == [0, 1, 2, 3, 4, 5]
    assert [float(row["time_s"]) for row in rows] == pytest.approx([0, *(np.arange(26, 31) / 120)])
    predict(clocked(dancer, 5.0, 1 / 120), tmp_path)
    with (tmp_path / "35_01_predicted.csv").open(newline="") as file:
        row = next(csv.DictReader(file))
    assert float(row["time_s"]) == pytest.approx(5 + 3 / 120), "the recording's clock goes on"
    seen = [[[float(row[f"{j}_{axis}"]) for axis in "xyz"] for j in JOINTS] for row in rows]
    assert np.allclose(seen, expected[0], rtol=1e-6)


def test_no_bvh_where_bones_are_no_tree(dancer: Input, tmp_path: Path) -> None:
    for number, bonds in enumerate((BONES[:-1], (*BONES, (3, 9)))):
        folder = tmp_path / str(number)
        folder.mkdir()
        particles = dancer.particles.model_copy(update={"bonds": bonds})
        files, _ = predict(replace(dancer, particles=particles), folder)
        assert list(files) == ["35_01_predicted.trc", "35_01_predicted.csv", "prediction.npz"]
        assert "no BVH" in files["35_01_predicted.csv"].what


def test_a_tree_of_bonds_in_any_order() -> None:
    assert parents_of(((2, 1), (0, 1), (3, 0)), 4) == {1: 0, 2: 1, 3: 0}
    assert list(parents_of(((2, 1), (0, 1), (3, 0)), 4) or ()) == [1, 2, 3], "children follow"


@pytest.mark.parametrize("suffix", [".pdb", ".gro", ".dcd", ".xyz"])
def test_box_chains_and_insertion_codes_travel_into_written_files(
    tmp_path: Path, suffix: str
) -> None:
    names = ("N", "CA", "N", "CA")
    particles = Particles(
        names=names,
        types=(0, 1, 0, 1),
        type_names=("N", "C"),
        bonds=((0, 1), (2, 3)),
        elements=("N", "C", "N", "C"),
        residues=("GLY",) * 4,
        residue_ids=(52,) * 4,
        insertions=("", "", "A", "A"),
        chains=("B",) * 4,
    )
    x = np.array([[0, 0, 0], [1.5, 0, 0], [4, 0, 0], [5.5, 0, 0]], dtype=np.float32)
    box = np.array([[20.0, 0, 0], [0, 21, 0], [5, 0, 22]])
    system = Input(
        name="chain",
        kind="molecule",
        path=Path(f"chain{suffix}"),
        particles=particles,
        frames=np.stack([x, x]),
        frame_time_s=1e-12,
        length_unit="angstrom",
        first_frame=3,
        boxes=np.stack([np.zeros((3, 3)), box]),
    )
    write_files(system, x[None, None] + 0.1, np.array([1e-12]), np.array([1]), tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MDAnalysis': no charges, no masses
        names_of = Universe(next(tmp_path.glob("chain_*.pdb")), to_guess=())
        assert set(names_of.atoms.chainIDs) == {"B"}
        assert names_of.residues.icodes.tolist() == ["", "A"]
        if suffix in (".gro", ".dcd"):
            names_of.load_new(str(next(tmp_path.glob("chain_predicted.*"))))
            np.testing.assert_allclose(names_of.trajectory.ts.triclinic_dimensions, box, atol=0.02)
    if suffix == ".pdb":  # MDAnalysis does not see a cell before the models
        with open_input(tmp_path / "chain_predicted.pdb") as recording:
            found = recording.read(recording.select("all"))
        assert found.boxes is not None
        np.testing.assert_allclose(found.boxes[1], box, atol=0.02)
        assert found.particles.insertions == particles.insertions
    extended = (tmp_path / "prediction.extxyz").read_text().splitlines()[1]
    assert 'Lattice="20.000000 0.000000 0.000000 0.000000 21.000000' in extended
    assert 'pbc="T T T"' in extended


@pytest.mark.parametrize("suffix", [".pdb", ".cif"])
def test_ligands_and_water_are_what_the_input_calls_them(tmp_path: Path, suffix: str) -> None:
    records = ("ATOM", "ATOM", "HETATM", "HETATM")
    rows = zip(records, ("N", "CA", "C1", "O"), ("GLY", "GLY", "LIG", "HOH"), strict=True)
    lines = [
        f"{kind:<6}{k + 1:5d}  {name:<3} {residue} A{k // 2 + k % 2 * (k // 2) + 1:4d}    "
        f"{1.5 * k:8.3f}{0.0:8.3f}{0.0:8.3f}  1.00  0.00           {name[0]}"
        for k, (kind, name, residue) in enumerate(rows)
    ]
    path = tmp_path / "complex.pdb"
    path.write_text("\n".join([*lines, "END", ""]))
    with open_input(path) as recording:
        found = recording.read(recording.select("all"))
        assert recording.read(recording.select("resname GLY")).particles.records == ()
    assert found.particles.records == records
    out = tmp_path / "out"
    out.mkdir()
    predict(replace(found, path=tmp_path / f"complex{suffix}"), out, starts=(0,), steps=1)
    for file in out.glob("complex_*.pdb"):
        seen = [line[:6].strip() for line in file.read_text().splitlines() if line[:6] in KINDS]
        assert seen == list(records) * (len(seen) // 4)


KINDS = ("ATOM  ", "HETATM")


def test_a_box_that_is_turned_is_in_no_file_that_would_turn_it_back(
    peptide: Input, tmp_path: Path
) -> None:
    """DCD and PDB hold its sizes and angles alone, and the positions are not turned to them."""
    plain = np.array([[20.0, 0.0, 0.0], [3.0, 25.0, 0.0], [-2.0, 4.0, 30.0]])
    quarter = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    boxes = {"plain": plain, "turned": plain @ quarter, "left-handed": plain[[1, 0, 2]]}
    for name, box in boxes.items():
        (tmp_path / name).mkdir()
        system = replace(peptide, boxes=np.stack([box] * len(peptide.frames)))
        files, _ = predict(system, tmp_path / name)
        said = "without the box" in files["my_peptide_predicted.dcd"].what
        assert said == (name != "plain")
        folder = tmp_path / name
        written = opened(folder / "my_peptide_topology.pdb", folder / "my_peptide_predicted.dcd")
        assert (written.dimensions is None) == (name != "plain")
        edges = " ".join(f"{value:.6f}" for value in box.ravel())
        assert f'Lattice="{edges}"' in (folder / "prediction.extxyz").read_text()


def test_chains_keep_their_letters_in_pdb(tmp_path: Path) -> None:
    """Chain A was written as B where a chain of a longer name came before it."""
    from painet_cli.data.trajectories.universe import universe_of

    chains = ("PROA", "A", "C", "B2", "")
    particles = Particles(
        names=("CA",) * 5, types=(0,) * 5, type_names=("C",), bonds=(), chains=chains
    )
    universe = universe_of(particles, np.zeros((5, 3), dtype=np.float32), 1e-12)
    assert universe.atoms.chainIDs.tolist() == ["B", "A", "C", "D", "X"]


def test_names_of_residues_that_are_cut_stay_different_and_are_said(tmp_path: Path) -> None:
    """Ligands of five letters, as the PDB gives them out now."""
    from painet_cli.data.trajectories.writer import write_topology

    particles = Particles(
        names=("C1", "C1"),
        types=(0, 0),
        type_names=("C",),
        bonds=(),
        residues=("A1BXY", "A1BXZ"),
        residue_ids=(1, 2),
    )
    write_topology(tmp_path / "a.pdb", particles, np.eye(2, 3, dtype=np.float32), remarks=())
    text = (tmp_path / "a.pdb").read_text()
    atoms = [line for line in text.splitlines() if line.startswith("ATOM")]
    assert [line[17:21] for line in atoms] == ["A1BX", "A1B2"]
    assert "A1B2: A1BXZ" in text
