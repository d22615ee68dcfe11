"""A trajectory in MD17's schema becomes a dataset, or is refused with what is wrong with it."""

from __future__ import annotations

import io
import os
import pickle
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from painet_cli.data.dataset.dataset import Dataset, open_dataset
from painet_cli.data.particles.elements import formula
from painet_cli.data.sources.md17 import COLLECTION as MD17
from painet_cli.data.sources.md22 import COLLECTION as MD22
from painet_cli.data.sources.md_collections import Molecule
from painet_cli.data.sources.registry import Destination, how_to_prepare
from painet_cli.errors import RequestError

# Benzene, angstrom: carbon ring, then hydrogens.
ANGLES = np.arange(6) * np.pi / 3
RING = np.stack([np.cos(ANGLES), np.sin(ANGLES), np.zeros(6)], axis=-1)
BENZENE = np.concatenate([1.39 * RING, 2.48 * RING])
NUMBERS = np.array([6] * 6 + [1] * 6, dtype=np.uint8)


def trajectory(frames: int = 200, dtype: str = "f8") -> NDArray[Any]:
    noise = np.random.default_rng(0).normal(scale=0.002, size=(frames, 12, 3))
    return (BENZENE + noise).astype(dtype)


def write(path: Path, *, compressed: bool = False, **arrays: Any) -> Path:
    held = {"R": trajectory(), "z": NUMBERS, "E": np.zeros((200, 1))} | arrays
    save = np.savez_compressed if compressed else np.savez
    save(path, **{name: array for name, array in held.items() if array is not None})
    return path


def prepare(
    source: Path, molecule: str = "benzene", *, force: bool = False, **options: Any
) -> Dataset:
    to = Destination(source.parent / "out", force, "painet 0")
    return MD17.prepare(to, molecule=molecule, source=source, **{"delta_frames": 10, **options})


@pytest.fixture
def official_for_200_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the official file of benzene had 200 frames."""
    starts = {"train": [30, 20], "val": [120], "test": [150, 140]}
    molecules = {**MD17.molecules, "benzene": Molecule("C6H6", 200)}
    short = replace(MD17, molecules=molecules, published=lambda _: starts)
    monkeypatch.setitem(globals(), "MD17", short)


def test_heavy_atoms_become_particles_named_and_typed_by_element(tmp_path: Path) -> None:
    dataset = prepare(write(tmp_path / "b.npz"))
    particles = dataset.manifest.particles
    assert dataset.manifest.name == "md17-benzene"
    assert particles.names == ("C1", "C2", "C3", "C4", "C5", "C6")
    assert particles.elements == ("C",) * 6
    assert particles.type_names == ("C",)
    assert particles.bonds == ((0, 1), (0, 5), (1, 2), (2, 3), (3, 4), (4, 5))
    assert dataset.manifest.units.length == "angstrom"
    assert dataset.manifest.units.frame_time_s == 0.5e-15
    np.testing.assert_array_equal(dataset.frames, trajectory()[:, :6].astype(np.float32))
    assert open_dataset(dataset.folder).sha256 == dataset.sha256


def test_hydrogens_are_kept_on_request_and_bond_to_carbon_alone(tmp_path: Path) -> None:
    dataset = prepare(write(tmp_path / "b.npz"), hydrogens=True)
    assert dataset.manifest.particles.type_names == ("H", "C")
    assert len(dataset.manifest.particles.bonds) == 12
    assert "All atoms" in dataset.manifest.origin.notes


def test_superposed_a_molecule_that_only_tumbles_stands_still(tmp_path: Path) -> None:
    angle = 0.01 * np.arange(200)
    turns = Rotation.from_rotvec(angle[:, None] * [0.6, 0.0, 0.8]).as_matrix()
    R = BENZENE @ turns.swapaxes(1, 2) + 0.01 * angle[:, None, None]
    tumbling = prepare(write(tmp_path / "b.npz", R=R))
    still = prepare(tmp_path / "b.npz", superpose=True, force=True)
    assert np.ptp(tumbling.frames, axis=0).max() > 1
    assert np.ptp(still.frames, axis=0).max() < 1e-5
    np.testing.assert_allclose(still.frames[0], tumbling.frames[0], atol=1e-6)
    assert still.manifest.origin.label == "not MD17's own frames, superposed"
    assert "Superposed" in still.manifest.origin.notes


def test_a_molecule_that_turns_into_its_mirror_image_does_not_spin(tmp_path: Path) -> None:
    chain = np.array([[0, 0, 0], [1.2, 0.7, 0], [2.4, 0, 0], [3.6, 0.7, 0], [4.8, 0, 0]])
    bent = 0.8 * np.cos(np.pi * np.arange(200) / 199)
    heavy = chain + bent[:, None, None] * np.array([0.5, 0, -1, 0, 0.5])[:, None] * [0, 0, 1]
    R = np.concatenate([heavy, heavy[:, 1:] + [0, 1.09, 0]], axis=1)
    source = write(tmp_path / "m.npz", R=R, z=np.array([8, 6, 6, 6, 8, 1, 1, 1, 1]))
    dataset = prepare(source, "malonaldehyde", superpose=True)
    reference = dataset.manifest.reference
    assert np.abs(np.diff(dataset.frames, axis=0)).max() < 0.03  # onto the first frame 0.9
    np.testing.assert_allclose(dataset.frames[reference], heavy[reference], atol=1e-6)
    assert f"turned onto frame {reference}." in dataset.manifest.origin.notes


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("dtype", ["<f4", "<f8", ">f8"])
@pytest.mark.parametrize("chunk_bytes", [1, 5000, 2**24])
def test_stored_and_compressed_arrays_read_the_same(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    dtype: str,
    chunk_bytes: int,
    *,
    compressed: bool,
) -> None:
    monkeypatch.setattr("painet_cli.data.formats.md17_npz.CHUNK_BYTES", chunk_bytes)
    R = trajectory(dtype=dtype)
    dataset = prepare(write(tmp_path / "b.npz", compressed=compressed, R=R))
    np.testing.assert_array_equal(dataset.frames, R[:, :6].astype(np.float32))


def test_windows_are_as_many_as_published_or_all_there_are(tmp_path: Path) -> None:
    long = prepare(write(tmp_path / "b.npz", R=trajectory(12_000)))
    assert [len(long.starts(part)) for part in ("train", "val", "test")] == [500, 2000, 2000]
    short = prepare(write(tmp_path / "b.npz"), force=True)
    assert [len(short.starts(part)) for part in ("train", "val", "test")] == [98, 26, 26]


def test_blocks_is_the_split_of_frames_that_are_not_md17s(tmp_path: Path) -> None:
    origin = prepare(write(tmp_path / "b.npz")).manifest
    assert origin.split.kind == "blocks"
    assert origin.origin.label == "not MD17's own frames"
    assert "200 frames, where MD17's own file has 627,983" in origin.origin.notes


@pytest.mark.usefixtures("official_for_200_frames")
def test_published_is_the_split_of_the_official_file(tmp_path: Path) -> None:
    manifest = prepare(write(tmp_path / "b.npz")).manifest
    assert manifest.split.kind == "published"
    assert manifest.split.train == (30, 20)
    assert manifest.origin.label == ""
    chosen = prepare(write(tmp_path / "b.npz"), split="blocks", force=True).manifest
    assert chosen.split.kind == "blocks"
    with pytest.raises(RequestError, match=r"cannot have 50 frames\ndelta_frames up to 49 fits"):
        prepare(write(tmp_path / "b.npz"), delta_frames=50, force=True)


@pytest.mark.parametrize("molecule", MD17.molecules)
def test_published_starts_leave_the_first_and_last_10_000_frames_out(molecule: str) -> None:
    starts, frames = MD17.published(molecule), MD17.molecules[molecule].frames
    assert {part: len(listed) for part, listed in starts.items()} == {
        "train": 500,
        "val": 2000,
        "test": 2000,
    }
    drawn = np.concatenate([*starts.values()])
    assert len(set(drawn.tolist())) >= 4400  # a start may serve two parts by chance
    assert 10_000 <= drawn.min() <= drawn.max() < frames - 10_000


def test_random_windows_overlap_and_say_so(tmp_path: Path) -> None:
    assert prepare(write(tmp_path / "b.npz"), split="random").manifest.split.kind == "random"


@pytest.mark.parametrize(
    ("theory", "label", "expected"),
    [
        (np.array("GFN2-xTB"), None, "GFN2-xTB"),
        (np.array(b"GFN2-xTB"), None, "GFN2-xTB"),
        (np.array("GFN2-xTB"), "mine", "mine"),
        (None, "sGDML MD", "sGDML MD"),
        (np.array("x" * 10_000), None, "not MD17's own frames"),
        (np.array("\x1b[2J"), None, "not MD17's own frames"),
        (np.array(3.0), None, "not MD17's own frames"),
    ],
)
def test_other_frames_are_labelled(
    tmp_path: Path, theory: NDArray[Any] | None, label: str | None, expected: str
) -> None:
    assert (
        prepare(write(tmp_path / "b.npz", theory=theory), label=label).manifest.origin.label
        == expected
    )


def poisoned(field: int, value: float) -> NDArray[Any]:
    R = trajectory()
    R[field, 3, 1] = value
    return R


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"R": None}, "holds z, E, but not both R and z"),
        ({"z": None}, "holds R, E, but not both"),
        ({"R": trajectory()[:, :, :2]}, r"R: float64 \(200, 12, 2\), not positions"),
        ({"R": trajectory()[0]}, "not positions"),
        ({"R": trajectory().astype(int)}, "R: int64 .* not positions"),
        ({"R": trajectory()[:1]}, "R: 1 frames, not a trajectory"),
        ({"R": trajectory()[:0]}, "R: 0 frames, not a trajectory"),
        ({"R": trajectory()[:, :11]}, r"z: uint8 \(12,\) beside R \(200, 11, 3\)"),
        ({"z": NUMBERS.astype(float)}, "z: float64"),
        ({"z": np.zeros(12, int)}, "is no atomic number"),
        ({"z": np.full(12, 200)}, "is no atomic number"),
        ({"z": NUMBERS[::-1] + 1}, r"holds He6N6, not benzene \(C6H6\)"),
        ({"R": trajectory() / 10}, r"0\.109 .*\n.*look like nanometres: multiply them by 10"),
        ({"R": trajectory() / 0.529177}, "look like bohr"),
        ({"R": trajectory() * 0}, "R: atoms lie on top of each other"),
        ({"R": trajectory() * 1e300}, r"R: coordinates reach .*e\+30\d"),
        ({"R": trajectory() * 5}, r"R: in frame 0 .*\n.*no molecule's"),
        ({"R": poisoned(3, np.nan)}, "frame 3 holds a coordinate that is NaN or infinite"),
        ({"R": poisoned(199, np.inf)}, "frame 199 holds a coordinate that is NaN or infinite"),
        ({"R": poisoned(199, 1e200)}, "frame 199 holds a coordinate that is NaN or infinite"),
        ({"R": trajectory()[:30]}, r"in 30 frames, .*\ngive delta_frames=1; up to 3 fits"),
        ({"E": np.array([print], dtype=object)}, "E: holds pickled Python objects"),
    ],
)
@pytest.mark.parametrize("compressed", [False, True])
def test_a_file_that_is_not_the_molecules_trajectory_is_refused(
    tmp_path: Path, arrays: dict[str, Any], message: str, *, compressed: bool
) -> None:
    with pytest.raises(RequestError, match=message):
        prepare(write(tmp_path / "b.npz", compressed=compressed, **arrays))
    assert not list(tmp_path.glob("out/*"))


def test_another_molecule_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        RequestError,
        match=r"holds benzene \(C6H6\), not ethanol \(C2H6O\)\ngive molecule='benzene'",
    ):
        prepare(write(tmp_path / "b.npz"), molecule="ethanol")


def test_frames_in_random_order_are_no_trajectory(tmp_path: Path) -> None:
    turned = np.random.default_rng(0).uniform(0, 2 * np.pi, 200)
    turns = np.zeros((200, 3, 3))
    turns[:, 0, 0] = turns[:, 1, 1] = np.cos(turned)
    turns[:, 0, 1] = np.sin(turned)
    turns[:, 1, 0] = -turns[:, 0, 1]
    turns[:, 2, 2] = 1
    with pytest.raises(RequestError, match="expected consecutive frames, in order"):
        prepare(write(tmp_path / "b.npz", R=trajectory() @ turns))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "published"}, "is of the official file of 627,983"),
        ({"horizon": 11}, "horizon=11: targets do not fit a window of delta_frames=10"),
        ({"frame_time": "fast"}, "'fast': not a time"),
        ({"frame_time": "1as"}, "which no molecule does"),
        ({"split": "random", "delta_frames": 199}, "windows of 199 frames: no room"),
    ],
)
def test_choices_that_do_not_apply_are_refused(
    tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(RequestError, match=message):
        prepare(write(tmp_path / "b.npz"), **options)
    assert not list(tmp_path.glob("out/*"))


@pytest.mark.parametrize("molecule", ["benzen", "Bensene"])
def test_a_misspelt_molecule_is_guessed(tmp_path: Path, molecule: str) -> None:
    with pytest.raises(RequestError, match=r"not in MD17\ndid you mean benzene\?"):
        prepare(tmp_path / "none", molecule=molecule)


def test_the_longest_window_offered_fits(tmp_path: Path) -> None:
    for frames in range(13, 80):
        longest = (frames - 6) // 7
        prepare(
            write(tmp_path / "b.npz", R=trajectory(frames)),
            split="blocks",
            delta_frames=longest,
            force=True,
        )


class Malicious:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (str(self.path),))


@pytest.mark.parametrize("name", ["R", "z", "theory", "anything"])
def test_nothing_is_unpickled(tmp_path: Path, name: str) -> None:
    touched = tmp_path / "touched"
    bad = np.array([Malicious(touched)], dtype=object)
    pickle.loads(pickle.dumps(Malicious(touched)))  # noqa: S301 - what would happen
    touched.rmdir()
    with pytest.raises(RequestError, match=rf"{name}: holds pickled Python objects"):
        prepare(write(tmp_path / "b.npz", **{name: bad}))
    assert not touched.exists()


@pytest.mark.parametrize("content", [None, b"", b"<html>404</html>", b"PK\x05\x06" + bytes(17)])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes | None) -> None:
    source = tmp_path / "b.npz"
    if content is not None:
        source.write_bytes(content)
    with pytest.raises(RequestError, match=r"b\.npz: cannot be read .*\nexpected an \.npz"):
        prepare(source)


@pytest.mark.parametrize("compressed", [False, True])
def test_one_flipped_bit_is_noticed(tmp_path: Path, *, compressed: bool) -> None:
    """A mapped array is checked against the archive's checksum as an unpacked one is."""
    source = write(tmp_path / "b.npz", compressed=compressed)
    content = bytearray(source.read_bytes())
    content[30_000] ^= 1
    source.write_bytes(content)
    with pytest.raises(RequestError, match=r"b\.npz/R: cannot be read .*\nthe archive is damaged"):
        prepare(source)
    assert not list(tmp_path.glob("out/*"))


def test_a_failed_preparation_leaves_the_old_dataset(tmp_path: Path) -> None:
    dataset = prepare(write(tmp_path / "b.npz"))
    with pytest.raises(RequestError, match="frame 199"):
        prepare(write(tmp_path / "b.npz", R=poisoned(199, np.nan)), force=True)
    assert open_dataset(dataset.folder).sha256 == dataset.sha256
    assert [path.name for path in dataset.folder.parent.iterdir()] == ["md17-benzene"]


def archive_of(save: Any) -> bytes:
    raw = io.BytesIO()
    save(raw, R=trajectory(60, "f4"), z=NUMBERS, theory=np.array("xTB"))
    return raw.getvalue()


ARCHIVES = [archive_of(np.savez), archive_of(np.savez_compressed)]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    raw = bytearray(draw(st.sampled_from(ARCHIVES)))
    if draw(st.booleans()):
        del raw[draw(st.integers(0, len(raw))) :]
    for _ in range(draw(st.integers(0, 3))):
        # headers are a thousandth of the file, so bytes near its ends are drawn more often
        at = draw(st.one_of(st.integers(0, 300), st.integers(-700, -1), st.integers(0, len(raw))))
        raw[at : at + draw(st.integers(0, 4))] = draw(st.binary(max_size=4))
    return bytes(raw)


@given(st.one_of(damaged(), st.binary(max_size=200)))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_become_a_dataset_or_are_refused(tmp_path: Path, raw: bytes) -> None:
    source = tmp_path / "b.npz"
    source.write_bytes(raw)
    out = tmp_path / "out"
    try:
        dataset = prepare(source, delta_frames=5, force=True)
    except RequestError as error:
        assert "\n" not in error.what
    else:
        assert np.isfinite(open_dataset(dataset.folder).frames).all()
    assert {path.name for path in out.iterdir()} <= {"md17-benzene"} if out.exists() else True


def header(text: str) -> bytes:
    body = text.encode("latin-1").ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(body).to_bytes(2, "little") + body


@pytest.mark.parametrize(
    "raw",
    [
        header("{'descr': '<f8', 'fortran_order': False, 'shape': (10**9, 12, 3)}"),
        header("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000, 12, 3)}"),
        header("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, -12, 0)}"),
        header("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}"),
        header("{'descr': '<f8'}"),
        header("__import__('os').getcwd()"),
        header("(" * 100),
        b"\x93NUMPY\x09\x00",
        b"\x93NUMPY\x02\x00\xff\xff\xff\xff",
        b"",
    ],
)
def test_headers_that_lie_are_refused(tmp_path: Path, raw: bytes) -> None:
    source = tmp_path / "b.npz"
    with zipfile.ZipFile(source, "w") as archive:
        archive.writestr("R.npy", raw)
        archive.writestr("z.npy", raw)
    with pytest.raises(RequestError, match=r"b\.npz/R: "):
        prepare(source)


def test_md22_reads_the_same_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    molecule = Molecule("C6H6", 5)
    monkeypatch.setitem(MD22.molecules, "DHA", molecule)
    source = write(tmp_path / "b.npz")
    to = Destination(tmp_path)
    manifest = MD22.prepare(to, molecule="dha", source=source, delta_frames=10).manifest
    assert manifest.name == "md22-DHA"
    assert manifest.units.frame_time_s == 1e-15
    assert manifest.origin.label == "not MD22's own frames"
    with pytest.raises(RequestError, match="MD22 has none for DHA"):
        MD22.prepare(replace(to, force=True), molecule="DHA", source=source, split="published")


def test_formulas_have_as_many_atoms_as_published() -> None:
    atoms = {"Ac-Ala3-NHMe": 42, "DHA": 56, "stachyose": 87, "AT-AT": 60, "AT-AT-CG-CG": 118}
    atoms |= {"buckyball-catcher": 148, "double-walled_nanotube": 370}
    for name, molecule in MD22.molecules.items():
        counts = [
            int(n or 1)
            for n in "".join(c if c.isdigit() else " " for c in molecule.formula).split(" ")
            if n
        ]
        singles = sum(
            c.isalpha() and not molecule.formula[k + 1 : k + 2].isdigit()
            for k, c in enumerate(molecule.formula)
        )
        assert sum(counts) + singles == atoms[name]


def test_formula_follows_hill() -> None:
    assert formula([8, 1, 6, 6, 1, 1, 1, 1, 1]) == "C2H6O"
    assert formula([1, 1, 8]) == "H2O"
    assert formula([17, 11]) == "ClNa"


@pytest.mark.parametrize(
    ("dataset", "command"),
    [
        ("md17-benzene", "painet prepare md17 --molecule benzene"),
        ("md22-AT-AT-CG-CG", "painet prepare md22 --molecule AT-AT-CG-CG"),
        ("nbody", "painet prepare nbody"),
    ],
)
def test_the_command_that_prepares_is_named(dataset: str, command: str) -> None:
    assert f"`{command}`" in how_to_prepare(dataset)


@pytest.mark.parametrize("molecule", MD17.molecules)
def test_the_sgdml_trajectories_prepare(shared: Path, tmp_path: Path, molecule: str) -> None:
    source = shared / "data" / "md17" / "sgdml" / f"md17_{molecule}.npz"
    to = Destination(tmp_path)
    dataset = MD17.prepare(to, molecule=molecule, source=source, label="sGDML MD")
    split = dataset.manifest.split
    assert (len(split.train), len(split.val), len(split.test)) == (500, 2000, 2000)
    assert (split.kind, split.delta_frames) == ("blocks", 3000)
    assert dataset.manifest.origin.label == "sGDML MD"
    assert "H" not in dataset.manifest.particles.elements


def test_the_real_dft_frames_prepare(shared: Path, tmp_path: Path) -> None:
    source = shared / "data" / "md17" / "ethanol_dft_2000.npz"
    with pytest.raises(RequestError, match=r"in 2,000 .*\ngive delta_frames=95; up to 285"):
        MD17.prepare(Destination(tmp_path), molecule="ethanol", source=source)
    to = Destination(tmp_path)
    dataset = MD17.prepare(to, molecule="ethanol", source=source, delta_frames=250)
    split = dataset.manifest.split
    assert (len(split.train), len(split.val), len(split.test)) == (500, 50, 50)
    assert dataset.manifest.particles.bonds == ((0, 1), (0, 2))


MEASURE = """
import resource, sys, time
from pathlib import Path
from painet_cli.data.sources.md17 import COLLECTION as MD17
from painet_cli.data.sources.registry import Destination
start = time.perf_counter()
MD17.prepare(Destination(Path(sys.argv[2])), molecule="aspirin", source=Path(sys.argv[1]))
print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in KiB on Linux")
@pytest.mark.parametrize("compressed", [False, True])
def test_aspirins_200_000_frames_take_5_s_and_1_gb(
    shared: Path, tmp_path: Path, *, compressed: bool
) -> None:
    with np.load(shared / "data" / "md17" / "sgdml" / "md17_aspirin.npz") as archive:
        R = np.resize(archive["R"].astype(np.float64), (200_000, 21, 3))
        z = archive["z"]
    save = np.savez_compressed if compressed else np.savez
    save(tmp_path / "a.npz", R=R, F=R, z=z, E=np.zeros((200_000, 1)))
    del R
    command = [sys.executable, "-c", MEASURE, tmp_path / "a.npz", tmp_path]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, kib = map(float, done.stdout.split())
    assert seconds < 5
    assert kib < 2**20
