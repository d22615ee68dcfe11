"""Datasets of several systems: merged, described, taken out again, and refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from painet_cli.data.dataset.dataset import Dataset, open_dataset
from painet_cli.data.dataset.describe import describe
from painet_cli.data.dataset.manifest import Manifest, Units
from painet_cli.data.dataset.merge import merge_datasets
from painet_cli.data.dataset.merged_manifest import merged_manifest
from painet_cli.data.dataset.splits import leak_fraction
from painet_cli.errors import RequestError
from several import NAMES, merged, three

__all__ = ["three"]


def test_systems_come_out_of_a_merged_dataset_as_they_went_in(
    three: list[Dataset], tmp_path: Path
) -> None:
    together = merged(three, tmp_path)
    assert [system.name for system in together.manifest.systems] == NAMES
    for number, whole in enumerate(three):
        for only in (together.only(number), together.only(NAMES[number])):
            assert np.array_equal(only.frames, whole.frames)
            assert only.manifest.particles.bonds == whole.manifest.particles.bonds
            assert only.manifest.split == whole.manifest.split
            assert only.manifest.units == whole.manifest.units
            assert [s.length for s in only.manifest.segments] == [12, 8]


def test_particle_types_of_a_merged_dataset_are_those_of_all_by_name(
    three: list[Dataset], tmp_path: Path
) -> None:
    particles = merged(three, tmp_path).manifest.particles
    assert [particles.type_names[index] for index in particles.types] == [
        one.manifest.particles.type_names[index]
        for one in three
        for index in one.manifest.particles.types
    ]


def test_a_merged_dataset_opens_again_with_its_fingerprint(
    three: list[Dataset], tmp_path: Path
) -> None:
    together = merged(three, tmp_path)
    again = open_dataset(together.folder)
    assert again.sha256 == together.sha256
    assert again.array.shape == (20 * sum(one.frames.shape[1] for one in three), 3)


def test_one_of_several_merged_datasets_is_merged_system_by_system(
    three: list[Dataset], tmp_path: Path
) -> None:
    first = merge_datasets(tmp_path / "first", three[:2], command="pytest")
    both = merge_datasets(tmp_path / "both", [first, three[2]], command="pytest")
    at_once = merged(three, tmp_path)
    assert np.array_equal(both.array, at_once.array)
    assert both.manifest.systems == at_once.manifest.systems


def test_frames_of_a_dataset_of_several_systems_are_refused(
    three: list[Dataset], tmp_path: Path
) -> None:
    with pytest.raises(RequestError, match="3 systems, and this is for one"):
        _ = merged(three, tmp_path).frames


def test_windows_keep_their_part(three: list[Dataset], tmp_path: Path) -> None:
    split = merged(three, tmp_path).manifest.split
    assert split.train == (0, 1, 2, 13, 20, 21, 22, 33, 40, 41, 42, 53)
    assert split.kind == "published"


def test_named_systems_serve_one_part_with_all_their_windows(
    three: list[Dataset], tmp_path: Path
) -> None:
    together = merged(three, tmp_path, val=[NAMES[2]], test=[NAMES[1]])
    split = together.manifest.split
    assert split.kind == "systems"
    assert split.train == (0, 1, 2, 5, 7, 13, 14)
    assert split.test == (20, 21, 22, 25, 27, 33, 34)
    assert split.val == (40, 41, 42, 45, 47, 53, 54)
    assert leak_fraction(split) == 0


def test_without_a_system_for_validation_the_others_keep_their_own(
    three: list[Dataset], tmp_path: Path
) -> None:
    split = merged(three, tmp_path, test=[NAMES[1]]).manifest.split
    assert split.train == (0, 1, 2, 13, 40, 41, 42, 53)
    assert split.val == (5, 45)
    assert split.test == (20, 21, 22, 25, 27, 33, 34)


def test_a_description_has_a_line_a_system_and_sums_over_all(
    three: list[Dataset], tmp_path: Path
) -> None:
    described = describe(merged(three, tmp_path, test=[NAMES[1]]))
    alone = [describe(one) for one in three]
    assert [line.name for line in described.systems] == NAMES
    assert [line.windows for line in described.systems] == [
        {"train": 4, "val": 1, "test": 0},
        {"train": 0, "val": 0, "test": 7},
        {"train": 4, "val": 1, "test": 0},
    ]
    assert described.particles == sum(one.particles for one in alone)
    assert described.bonds == sum(one.bonds for one in alone)
    assert described.frames == 60
    weights = [one.particles for one in alone]
    squares = [one.rms_step**2 for one in alone if one.rms_step is not None]
    assert described.rms_step == pytest.approx(np.average(squares, weights=weights) ** 0.5)


def test_a_single_system_is_described_without_lines(three: list[Dataset]) -> None:
    assert describe(three[0]).systems == []


def _other(manifest: Manifest, **changes: object) -> Manifest:
    return manifest.model_copy(update=changes)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"units": Units(length="ASF unit", length_in_metres=0.056, frame_time_s=1e-15)},
            "in angstrom, other in ASF unit",
        ),
        ({"up_axis": "y"}, "vertical None, other with the vertical y"),
        ({"name": "chain"}, "system chain: two of the datasets"),
    ],
)
def test_datasets_that_do_not_go_together_are_refused(
    three: list[Dataset], change: dict[str, object], said: str
) -> None:
    other = _other(three[1].manifest, name="other").model_copy(update=change)
    with pytest.raises(RequestError, match=said):
        merged_manifest("all", [three[0].manifest, other], command="pytest")


def test_types_that_differ_by_segment_are_refused(three: list[Dataset]) -> None:
    first, second = (one.manifest for one in three[:2])
    segment = second.segments[0].model_copy(update={"types": second.particles.types})
    typed = _other(second, segments=(segment, *second.segments[1:]))
    with pytest.raises(RequestError, match="differ by segment"):
        merged_manifest("all", [first, typed], command="pytest")


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"test": ["benzene"]}, "system benzene: in none of the datasets"),
        ({"test": ["ring"], "val": ["ring"]}, "system ring: named for two parts"),
        ({"val": ["ring"]}, "none is for tests"),
        ({"test": ["chain", "ring", "branched"]}, "no system is left to train on"),
    ],
)
def test_parts_that_cannot_be_are_refused(
    three: list[Dataset], parts: dict[str, list[str]], said: str
) -> None:
    with pytest.raises(RequestError, match=said):
        merged_manifest("all", [one.manifest for one in three], command="pytest", **parts)


def test_one_dataset_is_nothing_to_merge(three: list[Dataset]) -> None:
    with pytest.raises(RequestError, match="one dataset"):
        merged_manifest("all", [three[0].manifest], command="pytest")


def test_a_system_that_is_not_there_is_refused(three: list[Dataset], tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no system benzene"):
        merged(three, tmp_path).only("benzene")


def test_a_manifest_whose_bond_joins_two_systems_is_refused(
    three: list[Dataset], tmp_path: Path
) -> None:
    content = merged(three, tmp_path).manifest.model_dump()
    content["particles"]["bonds"] = (*content["particles"]["bonds"], (0, 5))
    with pytest.raises(ValueError, match=r"bond \(0, 5\) joins two systems"):
        Manifest.model_validate(content)
