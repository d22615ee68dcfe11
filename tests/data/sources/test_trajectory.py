from __future__ import annotations

import errno
import gzip
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import MDAnalysis
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from painet_cli.data.dataset.dataset import Dataset, open_dataset
from painet_cli.data.dataset.splits import MOST_WINDOWS, split_windows
from painet_cli.data.particles.superpose import superposed
from painet_cli.data.sources.registry import Destination
from painet_cli.data.sources.trajectory import prepare_trajectory, write_trajectories
from painet_cli.data.trajectories.frames import Reading
from painet_cli.data.trajectories.unwrap import Unwrapper
from painet_cli.errors import PainetError, RequestError

ATOMS, FRAMES = 6, 40
NAMES = ("N", "CA", "C", "O", "N", "CA")
BONDS = ((0, 1), (1, 2), (2, 3), (2, 4), (4, 5))
BOX = (30.0, 30.0, 30.0, 90.0, 90.0, 90.0)
# MDAnalysis leaves files open where its readers fail half way; ours lets them go.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def walk(frames: int = FRAMES, seed: int = 0) -> NDArray[np.float32]:
    """A zigzag chain whose atoms shake a little, around (10, 10, 10)."""
    k = np.arange(ATOMS)
    chain = np.stack([1.2 * k, 0.5 * (k % 2), 0 * k], axis=1) + 10
    shake = np.random.default_rng(seed).normal(0, 0.02, (frames, ATOMS, 3)).cumsum(axis=0)
    return np.round(chain + shake, 3).astype(np.float32)


def universe(
    frames: NDArray[np.floating], *, box: Any = None, dt: float = 2.0, bonds: Any = BONDS
) -> Any:
    made = MDAnalysis.Universe.empty(
        ATOMS, 2, atom_resindex=[0, 0, 0, 0, 1, 1], residue_segindex=[0, 0], trajectory=True
    )
    made.add_TopologyAttr("names", NAMES)
    made.add_TopologyAttr("elements", [name[0] for name in NAMES])
    made.add_TopologyAttr("resnames", ["ALA", "GLY"])
    made.add_TopologyAttr("resids", [7, 8])
    made.add_TopologyAttr("chainIDs", ["A"] * ATOMS)
    if bonds:
        made.add_TopologyAttr("bonds", bonds)
    made.load_new(frames, dimensions=box, dt=dt)
    return made


def save(path: Path, made: Any, **more: Any) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if path.suffix in (".pdb", ".gro") and not more:
            made.atoms.write(path, **({"bonds": "all"} if path.suffix == ".pdb" else {}))
        else:
            more.pop("all", None)
            if path.suffix == ".dcd":
                more["dt"] = made.trajectory.dt
            with MDAnalysis.Writer(str(path), made.atoms.n_atoms, **more) as writer:
                for _ in made.trajectory:
                    writer.write(made.atoms)
    return path


def prepare(
    topology: Path,
    *trajectories: Path,
    delta_frames: int = 3,
    kind: Any = "blocks",
    force: bool = False,
    progress: Any = lambda done, total: None,
    **reading: Any,
) -> Dataset:
    return write_trajectories(
        Destination(topology.parent, force, "test", progress),
        "out",
        topology,
        trajectories,
        reading=Reading(**reading),
        delta_frames=delta_frames,
        split=partial(split_windows, kind, seed=1),
    )


@pytest.fixture
def pdb(tmp_path: Path) -> Path:
    return save(tmp_path / "top.pdb", universe(walk()))


@pytest.fixture
def dcd(tmp_path: Path) -> Path:
    return save(tmp_path / "run.dcd", universe(walk()))


@pytest.mark.parametrize(
    ("suffix", "error"),
    [(".dcd", 0), (".trr", 1e-5), (".nc", 0), (".xtc", 0.01), (".xyz", 1e-5), (".pdb", 1e-5)],
)
def test_what_a_format_holds_is_in_the_dataset(
    pdb: Path, tmp_path: Path, suffix: str, error: float
) -> None:
    path = save(tmp_path / f"run{suffix}", universe(walk(), box=BOX), all=True)
    timed = suffix not in (".xyz", ".pdb")
    dataset = prepare(pdb, path, frame_time_s=None if timed else 2e-12)
    np.testing.assert_allclose(dataset.frames, walk(), rtol=0, atol=error + 1e-6)
    assert dataset.manifest.units.frame_time_s == pytest.approx(2e-12, rel=1e-5, abs=0)
    assert dataset.manifest.units.length == "angstrom"
    assert [segment.name for segment in dataset.manifest.segments] == ["run"]
    assert open_dataset(dataset.folder).sha256 == dataset.sha256


def test_particles_are_those_of_the_topology(pdb: Path, dcd: Path) -> None:
    particles = prepare(pdb, dcd, select="name CA C N").manifest.particles
    assert particles.names == ("N", "CA", "C", "N", "CA")
    assert particles.elements == ("N", "C", "C", "N", "C")
    assert particles.type_names == ("C", "N")
    assert particles.residues == ("ALA", "ALA", "ALA", "GLY", "GLY")
    assert particles.residue_ids == (7, 7, 7, 8, 8)
    assert particles.chains == ("A",) * 5
    assert particles.bonds == ((0, 1), (1, 2), (2, 3), (3, 4))


def test_a_topology_with_frames_needs_no_trajectory(tmp_path: Path) -> None:
    path = save(tmp_path / "many.pdb", universe(walk()), all=True)
    assert prepare(path, frame_time_s=1e-12).frames.shape == (FRAMES, ATOMS, 3)


def test_the_manifest_tells_what_was_done(pdb: Path, dcd: Path) -> None:
    how = {"stride": 2, "center": True, "superpose": True, "start": 4, "delta_frames": 1}
    origin = prepare(pdb, dcd, **how).manifest.origin
    assert "run.dcd (" in origin.source and "sha256" in origin.source
    for word in ("Selection: all", "Frames 4 to the end, every 2", "Centred", "Superposed"):
        assert word in origin.notes
    assert "2 ps, as they say" in origin.notes
    assert origin.prepared_by == "test"


def test_stride_start_and_stop_choose_frames_and_stretch_time(pdb: Path, dcd: Path) -> None:
    dataset = prepare(pdb, dcd, start=1, stop=38, stride=2, delta_frames=2)
    np.testing.assert_array_equal(dataset.frames, walk()[1:38:2])
    assert dataset.manifest.units.frame_time_s == pytest.approx(4e-12, abs=0)


def test_replicas_are_segments(pdb: Path, dcd: Path, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    other = save(tmp_path / "b" / "run.dcd", universe(walk(20, seed=1)))
    seen: list[tuple[int, int]] = []
    dataset = prepare(pdb, dcd, other, progress=lambda *said: seen.append(said))
    assert [s.name for s in dataset.manifest.segments] == ["run-1", "run-2"]
    assert [s.length for s in dataset.manifest.segments] == [40, 20]
    np.testing.assert_array_equal(dataset.frames[40:], walk(20, seed=1))
    assert seen[-1] == (60, 60)


def test_replicas_with_other_times_are_refused_unless_one_is_given(
    pdb: Path, dcd: Path, tmp_path: Path
) -> None:
    other = save(tmp_path / "slow.dcd", universe(walk(), dt=5.0))
    with pytest.raises(RequestError, match=r"slow\.dcd: 5 ps .*run\.dcd has 2 ps[\s\S]*frame_time"):
        prepare(pdb, dcd, other)
    dataset = prepare(pdb, dcd, other, frame_time_s=1e-12)
    assert dataset.manifest.units.frame_time_s == 1e-12
    assert "1 ps, given (they say 2 ps)" in dataset.manifest.origin.notes


def test_more_windows_than_are_useful_are_drawn_down(
    pdb: Path, dcd: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MOST_WINDOWS, "train", 7)
    dataset = prepare(pdb, dcd)
    assert [len(dataset.starts(part)) for part in MOST_WINDOWS] == [7, 4, 4]


@pytest.mark.parametrize("kind", ["blocks", "random"])
def test_both_splits(pdb: Path, dcd: Path, kind: str) -> None:
    assert prepare(pdb, dcd, kind=kind).manifest.split.kind == kind


def test_bonds_are_guessed_where_elements_are_known(tmp_path: Path, dcd: Path) -> None:
    # GRO has neither bonds nor elements; those of a polymer follow from atom names
    gro = save(tmp_path / "top.gro", universe(walk()))
    dataset = prepare(gro, dcd)
    assert dataset.manifest.particles.elements == tuple(name[0] for name in NAMES)
    assert set(dataset.manifest.particles.bonds) == {(k, k + 1) for k in range(5)}
    assert "guessed from distances" in dataset.manifest.origin.notes


def test_bonds_by_length_take_the_place_of_the_topology_s(pdb: Path, dcd: Path) -> None:
    dataset = prepare(pdb, dcd, bond_length=2.5)
    assert (0, 2) in dataset.manifest.particles.bonds
    with pytest.raises(RequestError, match=r"bond_length=50\.0: not the length of a bond"):
        prepare(pdb, dcd, bond_length=50.0, force=True)


def test_unknown_names_have_no_element_and_no_bonds(tmp_path: Path) -> None:
    made = universe(walk(), bonds=None)
    made.atoms.names = ["CAX"] * ATOMS
    made.residues.resnames = ["LIG", "LIG"]
    gro = save(tmp_path / "top.gro", made)
    particles = prepare(gro, save(tmp_path / "run.dcd", made)).manifest.particles
    assert particles.elements == ()
    assert particles.bonds == ()
    assert particles.type_names == ("CAX",)


def test_names_of_beads_in_xyz_are_types(tmp_path: Path) -> None:
    path = tmp_path / "beads.xyz"
    path.write_text("3\n\nBB 0 0 0\nB7x 2 0 0\nBB 4 0 0\n" * 30)
    particles = prepare(path, frame_time_s=1e-12).manifest.particles
    assert particles.type_names == ("B7x", "BB")
    assert particles.elements == particles.residues == particles.bonds == ()


def psf(folder: Path) -> Path:
    """The chain as CHARMM writes it: no elements and no coordinates, but masses and bonds."""
    masses = {"N": 14.007, "C": 12.011, "O": 15.999}
    path = folder / "chain.psf"
    atoms = "".join(
        f"{k + 1:8d} 4AKE {7 + k // 4:<4d} {('ALA', 'GLY')[k // 4]:<4s} {name:<4s} {22:4d}"
        f" {0:10.6f}     {masses[name[0]]:9.4f} {0:11d}\n"
        for k, name in enumerate(NAMES)
    )
    bonds = "".join(f"{first + 1:8d}{second + 1:8d}" for first, second in BONDS)
    path.write_text(
        f"PSF\n\n{1:8d} !NTITLE\n REMARKS a chain\n\n{ATOMS:8d} !NATOM\n{atoms}\n"
        f"{len(BONDS):8d} !NBOND: bonds\n{bonds}\n\n"
    )
    return path


def test_masses_tell_elements(tmp_path: Path) -> None:
    from painet_cli.data.trajectories.atom_elements import elements_of
    from painet_cli.data.trajectories.reader import open_topology

    atoms = open_topology(psf(tmp_path)).atoms
    assert tuple(elements_of(atoms)) == tuple(name[0] for name in NAMES)


# -- periodic boxes ---------------------------------------------------------------------------


def drift(frames: int = FRAMES) -> NDArray[np.float64]:
    return walk(frames) + np.arange(frames)[:, None, None] * [0.9, -0.7, 0.4]


def wrapped(positions: NDArray[np.floating], box: NDArray[np.floating]) -> NDArray[np.float32]:
    fractional = positions @ np.linalg.inv(box)
    return ((fractional - np.floor(fractional)) @ box).astype(np.float32)


@pytest.mark.parametrize("angles", [(90, 90, 90), (70, 80, 65)])
def test_unwrapping_undoes_wrapping(tmp_path: Path, angles: tuple[float, ...]) -> None:
    from MDAnalysis.lib.mdamath import triclinic_vectors

    dimensions = (14.0, 13.0, 12.0, *angles)
    inside = wrapped(drift(), triclinic_vectors(dimensions))
    pdb = save(tmp_path / "top.pdb", universe(inside, box=dimensions))
    trr = save(tmp_path / "run.trr", universe(inside, box=dimensions))
    with pytest.raises(RequestError, match=r"the periodic box cuts a molecule[\s\S]*unwrap=True"):
        prepare(pdb, trr)
    dataset = prepare(pdb, trr, unwrap=True)
    expected = drift() - drift()[0, 0]
    found = dataset.frames - dataset.frames[0, 0]
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert "Unwrapped" in dataset.manifest.origin.notes
    # a selection is made whole by the bonds of atoms that it leaves out
    dataset = prepare(pdb, trr, unwrap=True, select="name CA", force=True)
    np.testing.assert_allclose(
        dataset.frames - dataset.frames[0, 0], (drift() - drift()[0, 1])[:, [1, 5]], atol=1e-4
    )


def test_molecules_are_made_whole_as_mdanalysis_makes_them() -> None:
    from MDAnalysis.lib.mdamath import make_whole, triclinic_vectors

    dimensions = (14.0, 13.0, 12.0, 70, 80, 65)
    box = triclinic_vectors(dimensions)
    made = universe(wrapped(drift()[20:21], box), box=dimensions)
    before = made.atoms.positions.copy()
    ours = Unwrapper(np.array(BONDS), ATOMS, np.arange(ATOMS))(before, box)
    make_whole(made.atoms)
    np.testing.assert_allclose(
        ours - ours[0], made.atoms.positions - made.atoms.positions[0], atol=1e-5
    )


def test_a_molecule_that_moves_half_a_box_stays_in_one_piece() -> None:
    box = np.eye(3) * 20
    unwrap = Unwrapper(np.array([[0, 1]]), 2, np.arange(2))
    unwrap(np.array([[1.0, 0, 0], [2.0, 0, 0]]), box)
    moved = unwrap(np.array([[10.8, 0, 0], [12.2, 0, 0]]), box)
    assert moved[1, 0] - moved[0, 0] == pytest.approx(1.4)


@pytest.mark.parametrize("length", [1, 2, 3, 8, 1000])
def test_chains_of_any_length_and_order_are_made_whole(length: int) -> None:
    order = np.random.default_rng(length).permutation(length)
    straight = np.zeros((length, 3))
    straight[order, 0] = 1.5 * np.arange(length)
    bonds = np.stack([order[:-1], order[1:]], axis=1)
    box = np.eye(3) * 10.0
    whole = Unwrapper(bonds, length, np.arange(length))(straight % 10, box)
    np.testing.assert_allclose(whole - whole[order[0]], straight, atol=1e-9)


def test_unwrapping_needs_a_box_and_follows_atoms(pdb: Path, dcd: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"unwrap=True: .*run\.dcd has no periodic box"):
        prepare(pdb, dcd, unwrap=True)
    argon = tmp_path / "argon.xyz"
    argon.write_text('2\nLattice="9 0 0 0 9 0 0 0 9"\nAr 0 0 0\nAr 4 0 0\n' * 40)
    assert len(prepare(argon, unwrap=True, frame_time_s=1e-13).frames) == 40


def test_centring_puts_centroids_at_the_origin(pdb: Path, dcd: Path) -> None:
    frames = prepare(pdb, dcd, center=True).frames
    np.testing.assert_allclose(frames.mean(axis=1), 0, atol=1e-5)
    np.testing.assert_allclose(frames[3] - frames[3, 0], walk()[3] - walk()[3, 0], atol=1e-5)


def rotation(seed: int) -> NDArray[np.float64]:
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return np.asarray(q * np.sign(np.linalg.det(q)))


def test_superposition_takes_rotation_and_shift_out(pdb: Path, tmp_path: Path) -> None:
    turned = np.stack([x @ rotation(k) + k for k, x in enumerate(walk())])
    dcd = save(tmp_path / "turned.dcd", universe(turned))
    frames = prepare(pdb, dcd, superpose=True).frames
    np.testing.assert_allclose(frames[0], turned[0], atol=1e-5)
    apart = walk() - walk().mean(axis=1, keepdims=True)
    assert np.sqrt(np.mean((frames - frames[0]) ** 2)) <= np.sqrt(np.mean((apart - apart[0]) ** 2))


def test_superposition_that_spins_is_refused(pdb: Path, tmp_path: Path) -> None:
    bent = np.cos(np.pi * np.arange(FRAMES) / (FRAMES - 1))[:, None] * [1, 0.0, -1, -1, 0, 1]
    wagging = walk()[:1] + 1.2 * bent[..., None] * [0, 0, 1]
    dcd = save(tmp_path / "wagging.dcd", universe(wagging.astype(np.float32)))
    refused(tmp_path, "nearly is a mirror image of the first", pdb, dcd, superpose=True)
    assert len(prepare(pdb, dcd, superpose=True, start=FRAMES // 2, delta_frames=1).frames) == 20


@pytest.mark.parametrize("seed", range(5))
def test_no_rotation_is_closer_than_the_superposition(seed: int) -> None:
    x, reference = np.random.default_rng(seed).normal(size=(2, 7, 3))
    best = np.sum((superposed(x, reference) - reference) ** 2)
    centred, origin = x - x.mean(axis=0), reference.mean(axis=0)
    for k in range(100):
        assert best <= np.sum((centred @ rotation(k) + origin - reference) ** 2) + 1e-9
    np.testing.assert_allclose(
        np.linalg.norm(superposed(x, reference) - superposed(x, reference)[0], axis=1),
        np.linalg.norm(x - x[0], axis=1),
    )


# -- bad input --------------------------------------------------------------------------------


def refused(tmp_path: Path, message: str, *files: Path, **how: Any) -> None:
    before = {path.name for path in tmp_path.iterdir()}
    with pytest.raises(RequestError, match=message) as caught:
        prepare(*files, **how)
    assert caught.value.hint
    assert len(str(caught.value).splitlines()) <= 3
    left = {path.name for path in tmp_path.iterdir()} - before
    assert not {name for name in left if "offsets" not in name}, "nothing half written"


def test_a_topology_that_does_not_match(pdb: Path, tmp_path: Path) -> None:
    more = MDAnalysis.Merge(universe(walk()).atoms, universe(walk()).atoms)
    more.load_new(np.concatenate([walk(), walk()], axis=1), dt=2.0)
    large = save(tmp_path / "large.dcd", more)
    refused(tmp_path, r"large\.dcd: 12 atoms, .*top\.pdb has 6[\s\S]*drop_extra=True", pdb, large)
    dataset = prepare(pdb, large, drop_extra=True)
    np.testing.assert_array_equal(dataset.frames, walk())
    assert "left out at the end of every frame: 6" in dataset.manifest.origin.notes
    wide = save(tmp_path / "wide.pdb", more)
    few = save(tmp_path / "few.dcd", universe(walk()))
    refused(
        tmp_path, r"few\.dcd: 6 atoms, .*wide\.pdb has 12", wide, few, drop_extra=True, force=True
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("nowhere.dcd", None, "no such file"),
        ("run.dcd", b"", "empty"),
        ("run.dcd", b"junk" * 99, "has no head of a DCD"),
        ("run.xtc", b"junk" * 99, r"run\.xtc: cannot be read[\s\S]*XTC"),
        ("run.nc", b"junk" * 99, r"run\.nc: cannot be read[\s\S]*NCDF"),
        ("run.npz", b"PK\3\4", "NPZ holds no coordinates of atoms"),
        ("run", b"junk", "no format that is read ends in nothing"),
        ("run.xyz", b"junk\n", r"run\.xyz:1: 'junk' is not a number of atoms"),
        ("run.xyz", b"99999999999\n\nC 0 0 0\n", "says it has 99,999,999,999 atoms"),
    ],
)
def test_a_trajectory_that_is_none(
    pdb: Path, tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    refused(tmp_path, message, pdb, tmp_path / name)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("top.psf", b"junk\n", r"cannot be read[\s\S]*PSF"),
        ("top.prmtop", b"junk\n", r"cannot be read[\s\S]*PRMTOP"),
        ("top.npz", b"PK\3\4", "NPZ holds no names of atoms"),
        ("none.pdb", b"REMARK\n", "no atoms|cannot be read"),
    ],
)
def test_a_topology_that_is_none(
    dcd: Path, tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    refused(tmp_path, message, tmp_path / name, dcd)


def test_a_topology_without_coordinates_needs_a_trajectory(dcd: Path, tmp_path: Path) -> None:
    topology = psf(tmp_path)
    refused(tmp_path, r"chain\.psf: PSF holds no coordinates[\s\S]*a trajectory with", topology)
    assert prepare(topology, dcd).manifest.particles.bonds == BONDS


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"select": "name XX"}, "select='name XX': none of the 6 atoms"),
        ({"select": "backbonee"}, "select='backbonee': MDAnalysis cannot select it"),
        ({"select": "name CA and"}, "select='name CA and'"),
        ({"select": ""}, "select=''"),
        ({"select": "(" * 5000 + "all" + ")" * 5000}, "too deeply nested|select"),
        ({"select": "mass > 3"}, "select='mass > 3'"),
        ({"stride": 40}, r"run\.dcd: 1 of its 40 frames chosen"),
        ({"start": 50}, r"run\.dcd: 0 of its 40 frames chosen"),
        ({"delta_frames": 40}, r"windows of 40 frames: no room[\s\S]*delta_frames=\d+"),
    ],
)
def test_requests_that_cannot_be_carried_out(
    pdb: Path, dcd: Path, tmp_path: Path, how: dict[str, Any], message: str
) -> None:
    refused(tmp_path, message, pdb, dcd, **how)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_coordinates_that_are_not_finite(pdb: Path, tmp_path: Path, value: float) -> None:
    frames = walk()
    frames[27, 2, 1] = value
    path = save(tmp_path / "bad.dcd", universe(frames))
    refused(tmp_path, r"bad\.dcd: frame 27 holds a coordinate that is NaN or inf", pdb, path)
    assert len(prepare(pdb, path, stop=27).frames) == 27


@pytest.mark.parametrize("suffix", [".xyz", ".pdb"])
def test_files_without_times_ask_for_one(pdb: Path, tmp_path: Path, suffix: str) -> None:
    path = save(tmp_path / f"run{suffix}", universe(walk()), all=True)
    refused(tmp_path, r"does not say the time between its frames\n.*frame_time='2ps'", pdb, path)


def test_uneven_times_are_refused_unless_one_is_given(pdb: Path, tmp_path: Path) -> None:
    made = universe(walk())
    with MDAnalysis.Writer(str(tmp_path / "run.trr"), ATOMS) as writer:
        for step in made.trajectory:
            step.time = 2.0 * step.frame + 10 * (step.frame > 20)
            writer.write(made.atoms)
    refused(tmp_path, "12 ps from frame 20 to 21, but 2 ps at the", pdb, tmp_path / "run.trr")
    assert len(prepare(pdb, tmp_path / "run.trr", frame_time_s=1e-12).frames) == FRAMES


@pytest.mark.parametrize("again", [20, 0])
def test_a_frame_that_a_restart_wrote_again_is_named(pdb: Path, tmp_path: Path, again: int) -> None:
    made = universe(walk())
    with MDAnalysis.Writer(str(tmp_path / "run.trr"), ATOMS) as writer:
        for step in made.trajectory:
            step.time = 2.0 * (step.frame - (step.frame > again))
            writer.write(made.atoms)
    said = (
        rf"frames {again} and {again + 1} are at the same time.*\n.*restarted.*leave one of the two"
    )
    refused(tmp_path, said, pdb, tmp_path / "run.trr")


def test_extended_xyz_has_the_columns_that_are_read(tmp_path: Path) -> None:
    def write(name: str, properties: str, columns: int) -> Path:
        rows = "C " + "0.0 " * columns + "\nC " + "0.9 " * columns + "\n"
        one = f'2\nLattice="9 0 0 0 9 0 0 0 9" Properties={properties} pbc="T T T"\n{rows}'
        (tmp_path / name).write_text(one * 40)
        return tmp_path / name

    plain = write("plain.extxyz", "species:S:1:pos:R:3:forces:R:3", 6)
    assert prepare(plain, frame_time_s=1e-15).frames.shape == (40, 2, 3)
    other = write("other.xyz", "species:S:1:forces:R:3:pos:R:3", 6)
    assert prepare(other, frame_time_s=1e-15, force=True).frames.shape == (40, 2, 3)
    bare = write("bare.xyz", "forces:R:3:pos:R:3", 6)
    refused(tmp_path, "no names or no positions", bare, frame_time_s=1e-15, force=True)


@pytest.mark.parametrize("suffix", [".xyz", ".xyz.gz"])
def test_the_box_of_extended_xyz_is_minded(tmp_path: Path, suffix: str) -> None:
    def write(pbc: str, name: str) -> Path:
        text = ""
        for k in range(40):
            side = 9 + 0.01 * k
            text += f'1\nLattice="{side} 0 0 0 {side} 0 0 0 {side}" {pbc}\nAr {k % side:.6f} 0 0\n'
        path = tmp_path / f"{name}{suffix}"
        path.write_bytes(gzip.compress(text.encode()) if suffix == ".xyz.gz" else text.encode())
        return path

    inside = write('pbc="T T T"', "inside")
    refused(tmp_path, r"in frame (9|10) the periodic box", inside, frame_time_s=1e-13)
    assert len(prepare(write('pbc="F F F"', "free"), frame_time_s=1e-13).frames) == 40
    broken = tmp_path / "broken.xyz"
    broken.write_text('1\nLattice="1 2"\nAr 0 0 0\n' * 40)
    refused(tmp_path, "Lattice is not 9 numbers", broken, frame_time_s=1e-13, force=True)


def test_a_full_disk(pdb: Path, dcd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(
        "painet_cli.data.dataset.dataset.np.lib.format.write_array_header_1_0", full
    )
    before = set(tmp_path.iterdir())
    with pytest.raises(PainetError, match="No space left on device"):
        prepare(pdb, dcd)
    assert set(tmp_path.iterdir()) == before


def test_an_interruption_leaves_nothing(pdb: Path, dcd: Path, tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done == 20:
            raise KeyboardInterrupt

    before = set(tmp_path.iterdir())
    with pytest.raises(KeyboardInterrupt):
        prepare(pdb, dcd, progress=stop)
    assert set(tmp_path.iterdir()) == before


def test_what_is_there_is_not_replaced_unasked(pdb: Path, dcd: Path) -> None:
    prepare(pdb, dcd)
    with pytest.raises(RequestError, match="exists already"):
        prepare(pdb, dcd)
    assert len(prepare(pdb, dcd, force=True, stop=30).frames) == 30


# -- fuzzing ----------------------------------------------------------------------------------

SUFFIXES = (".pdb", ".gro", ".xyz", ".dcd", ".xtc", ".trr", ".nc")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("whole")
    made = universe(walk(12), box=BOX)
    files = {
        suffix: save(folder / f"run{suffix}", made, **({} if suffix == ".gro" else {"all": True}))
        for suffix in SUFFIXES
    }
    return {suffix: path.read_bytes() for suffix, path in files.items()}


@st.composite
def changes(draw: st.DrawFn) -> Any:
    """Cut, or put other bytes in the place of some, or give other bytes altogether."""
    if draw(st.booleans()):
        cut = draw(st.floats(0, 1))
        return lambda raw: raw[: int(cut * len(raw))]
    if draw(st.integers(0, 4)) == 0:
        junk = draw(st.binary(max_size=300))
        return lambda raw: junk
    edits = draw(
        st.lists(
            st.tuples(st.floats(0, 0.999), st.binary(min_size=1, max_size=4)),
            min_size=1,
            max_size=3,
        )
    )

    def edited(raw: bytes) -> bytes:
        for where, new in edits:
            at = int(where * len(raw))
            raw = raw[:at] + new + raw[at + len(new) :]
        return raw

    return edited


def read_or_refuse(folder: Path, topology: Path, trajectories: list[Path]) -> None:
    given = set(folder.iterdir())
    try:
        dataset = prepare(topology, *trajectories, delta_frames=1, frame_time_s=1e-12)
    except RequestError as error:
        assert 1 <= len(str(error).splitlines()) <= 3
        left = {path for path in folder.iterdir() if "offsets" not in path.name}
        assert left == given
    else:
        assert open_dataset(dataset.folder).sha256 == dataset.sha256
        assert np.isfinite(dataset.frames).all()


# XTC and TRR are read in a process of their own, which takes a second to start
QUICK = [suffix for suffix in SUFFIXES if suffix not in (".xtc", ".trr")]
SLOW = [pytest.param(suffix, marks=pytest.mark.slow) for suffix in (".xtc", ".trr")]
FUZZ = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize("suffix", [*QUICK, *SLOW])
@FUZZ
@given(change=changes())
def test_a_damaged_trajectory_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, whole: dict[str, bytes], suffix: str, change: Any
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    (folder / "top.pdb").write_bytes(whole[".pdb"])
    (folder / f"run{suffix}").write_bytes(change(whole[suffix]))
    read_or_refuse(folder, folder / "top.pdb", [folder / f"run{suffix}"])


@pytest.mark.parametrize("suffix", [".xtc", ".trr"])
def test_a_file_that_kills_its_decoder_is_refused(
    pdb: Path, tmp_path: Path, whole: dict[str, bytes], suffix: str
) -> None:
    """Another frame's number of atoms, made a thousand times larger, makes it overrun buffers."""
    raw = bytearray(whole[suffix])
    count = (ATOMS).to_bytes(4, "big")
    for at in range(len(raw) // 2, len(raw) - 4, 4):
        if raw[at : at + 4] == count:
            raw[at : at + 4] = (1000 * ATOMS).to_bytes(4, "big")
    path = tmp_path / f"run{suffix}"
    path.write_bytes(raw)
    refused(tmp_path, r"run\.\w+: frame 6 cannot be read", pdb, path, delta_frames=1)


@pytest.mark.parametrize("suffix", [".pdb", ".gro", ".xyz"])
@FUZZ
@given(change=changes())
def test_a_damaged_topology_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, whole: dict[str, bytes], suffix: str, change: Any
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    (folder / f"top{suffix}").write_bytes(change(whole[suffix]))
    (folder / "run.dcd").write_bytes(whole[".dcd"])
    read_or_refuse(folder, folder / f"top{suffix}", [folder / "run.dcd"])


# -- real data --------------------------------------------------------------------------------


def test_dhfr_has_one_site_more_than_its_topology(shared: Path, tmp_path: Path) -> None:
    source = shared / "data" / "protein" / "dhfr"
    dataset = prepare_trajectory(
        Destination(tmp_path),
        topology=[source / "1rx2-CA.pdb"],
        trajectory=[source / "1rx2_5ns.nc"],
        name="dhfr",
        drop_extra=True,
        frame_time="5ps",
        bond_length=4.2,
    )
    assert dataset.frames.shape == (1000, 159, 3)
    assert set(dataset.manifest.particles.elements) == {"C"}
    assert len(dataset.manifest.particles.bonds) >= 158
