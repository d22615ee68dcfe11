"""Adenylate kinase: the benchmark's split, and runs of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import MDAnalysis
import numpy as np
import pytest

from painet_cli.data.dataset.dataset import Dataset
from painet_cli.data.dataset.manifest import Segment
from painet_cli.data.dataset.splits import leak_fraction
from painet_cli.data.sources.adk import ADK, OWN_LABEL, prepare_adk, sequential_split
from painet_cli.data.sources.registry import Destination
from painet_cli.errors import RequestError

OFFICIAL_FRAMES = 4187


def segments(*lengths: int) -> tuple[Segment, ...]:
    ends = np.cumsum(lengths).tolist()
    return tuple(
        Segment(name=f"s{k}", start=end - length, length=length)
        for k, (end, length) in enumerate(zip(ends, lengths, strict=True))
    )


def prepare(folder: Path, topology: Path, *trajectories: Path, **how: Any) -> Dataset:
    return prepare_adk(Destination(folder), topology=topology, trajectory=trajectories, **how)


def test_the_split_of_the_official_frames_is_the_benchmark_s() -> None:
    split = sequential_split(segments(OFFICIAL_FRAMES), 50)
    assert split.kind == "published"
    assert (len(split.train), len(split.val), len(split.test)) == (2481, 827, 828)
    assert split.train + split.val + split.test == tuple(range(4136))
    # papers print the frames left for testing, of which the last 50 start no window
    assert OFFICIAL_FRAMES - 1 - (2481 + 827) == 828 + 50


def test_the_windows_of_several_segments_are_laid_end_to_end() -> None:
    split = sequential_split(segments(20, 3, 14), 4)
    starts = [*range(16), *range(23, 32)]
    assert split.train + split.val + split.test == tuple(starts)
    assert (len(split.train), len(split.val)) == (15, 5)


@pytest.mark.parametrize("lengths", [(50,), (53,), (20, 20, 20)])
def test_windows_that_do_not_fit_are_refused(lengths: tuple[int, ...]) -> None:
    with pytest.raises(RequestError, match=r"have room for \d, too few"):
        sequential_split(segments(*lengths), 50)


@pytest.fixture
def small_adk(tmp_path: Path) -> tuple[Path, Path]:
    """A glycine as PDB, and as many frames of it as the official trajectory has."""
    made = MDAnalysis.Universe.empty(5, 1, atom_resindex=[0] * 5, trajectory=True)
    for name, values in {
        "names": ["N", "CA", "C", "O", "HN"],
        "elements": ["N", "C", "C", "O", "H"],
        "resnames": ["GLY"],
        "resids": [1],
        "chainIDs": ["A"] * 5,
        "bonds": [(0, 1), (1, 2), (2, 3), (0, 4)],
        "altLocs": [""] * 5,
        "occupancies": [1.0] * 5,
        "tempfactors": [0.0] * 5,
        "icodes": [""],
        "record_types": ["ATOM"] * 5,
        "formalcharges": [0] * 5,
        "segids": ["A"],
    }.items():
        made.add_TopologyAttr(name, values)
    chain = np.array([[0, 0, 0], [1.4, 0, 0], [2.0, 1.3, 0], [1.5, 2.3, 0], [-0.6, -0.8, 0]])
    shake = np.random.default_rng(0).normal(0, 0.05, (OFFICIAL_FRAMES, 5, 3))
    made.load_new((chain + shake).astype(np.float32), dimensions=[50, 50, 50, 90, 90, 90])
    made.atoms.write(tmp_path / "small.pdb", bonds="all")
    with MDAnalysis.Writer(str(tmp_path / "small.dcd"), 5, dt=240.0) as writer:
        for _ in made.trajectory:
            writer.write(made.atoms)
    return tmp_path / "small.pdb", tmp_path / "small.dcd"


def test_as_many_frames_as_the_official_ones(small_adk: tuple[Path, Path], tmp_path: Path) -> None:
    manifest = prepare(tmp_path, *small_adk).manifest
    assert manifest.particles.names == ("N", "CA", "C", "O"), "the backbone"
    assert manifest.particles.bonds == ((0, 1), (1, 2), (2, 3))
    assert manifest.frame_count == OFFICIAL_FRAMES
    assert manifest.units.frame_time_s == pytest.approx(240e-12, rel=1e-6, abs=0)
    assert [len(part) for part in (manifest.split.train, manifest.split.val)] == [2481, 827]
    assert len(manifest.split.test) == 828
    assert manifest.origin.label == OWN_LABEL, "not the official bytes"


def test_the_official_files_are_fetched_and_need_no_label(
    small_adk: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from painet_cli.storage.atomic import file_sha256

    topology, trajectory = small_adk
    known = {"topology": file_sha256(topology), "trajectory": file_sha256(trajectory)}
    listed = [f.model_copy(update={"known_hash": known[f.key]}) for f in ADK.about.downloads["adk"]]
    monkeypatch.setitem(ADK.about.downloads, "adk", listed)
    fetched = {"topology": topology, "trajectory": trajectory}
    monkeypatch.setattr("painet_cli.data.sources.fetch.fetch_files", lambda name, progress: fetched)
    origin = prepare_adk(Destination(tmp_path)).manifest.origin
    assert origin.label == ""
    assert origin.licence == "CC BY 4.0"
    assert "Beckstein" in origin.citation
    assert "828 test windows" in origin.notes and "878" in origin.notes


@pytest.mark.parametrize("kind", ["blocks", "random"])
def test_other_splits(small_adk: tuple[Path, Path], tmp_path: Path, kind: Any) -> None:
    split = prepare(tmp_path, *small_adk, split=kind, stop=400).manifest.split
    assert split.kind == kind
    assert (leak_fraction(split) == 0) == (kind == "blocks")


def test_one_file_alone_is_refused(tmp_path: Path) -> None:
    for topology, trajectories in ((tmp_path / "a.psf", ()), (None, (tmp_path / "a.dcd",))):
        with pytest.raises(RequestError, match="topology and trajectory belong together"):
            prepare_adk(Destination(tmp_path), topology=topology, trajectory=trajectories)


def test_the_transitions_of_adk(shared: Path, tmp_path: Path) -> None:
    folder = shared / "data" / "protein" / "adk"
    names = ("adk_dims.dcd", "psa_DIMS_001_path.dcd", "psa_DIMS_002_path.dcd")
    runs = [folder / name for name in names]
    manifest = prepare(tmp_path, folder / "adk.psf", *runs, delta_frames=5).manifest
    assert [segment.length for segment in manifest.segments] == [98, 102, 92]
    assert [segment.name for segment in manifest.segments] == [p.stem for p in runs]
    assert len(manifest.particles.names) == 855
    assert set(manifest.particles.names) == {"N", "CA", "C", "O"}
    assert len(manifest.particles.bonds) == 854
    assert manifest.units.frame_time_s == pytest.approx(1e-12, rel=1e-6, abs=0)
    assert [len(manifest.split.starts(p)) for p in ("train", "val", "test")] == [165, 55, 56]

    with pytest.raises(RequestError, match=r"0\.01 ps between frames, but .* has 1 ps"):
        prepare(tmp_path / "b", folder / "adk.psf", *runs, folder / "adk_gbis_tmd-fast1_NAMD.dcd")
    with pytest.raises(RequestError, match=r"windows of 98 frames: .*\n.*delta_frames=31"):
        prepare(tmp_path / "b", folder / "adk.psf", runs[0], delta_frames=98)
    mixed = [runs[0], folder / "adk_gbis_tmd-fast1_NAMD.dcd"]
    dataset = prepare(
        tmp_path / "b", folder / "adk.psf", *mixed, delta_frames=5, frame_time="1ps", stride=2
    )
    assert dataset.manifest.units.frame_time_s == pytest.approx(2e-12, abs=0)
