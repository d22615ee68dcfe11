"""Which starts of a part of the split are windows: those with room ahead and behind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from painet_cli.data.batches.bond_graph import bond_graph
from painet_cli.data.batches.cut import windows_of
from painet_cli.data.batches.offsets import NOTHING_BEFORE, Before
from painet_cli.data.batches.windows import Windows
from painet_cli.data.dataset.dataset import Dataset, write_dataset
from painet_cli.data.dataset.manifest import SplitName
from painet_cli.errors import RequestError
from systems import frames_of, manifest


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    described = manifest()
    return write_dataset(tmp_path / "small", frames_of(described), described)


def cut(
    dataset: Dataset,
    offsets: list[int],
    part: SplitName = "train",
    before: Before = NOTHING_BEFORE,
) -> Windows:
    particles = dataset.manifest.particles
    graph = bond_graph(particles.types, particles.bonds, hops=2)
    return windows_of(dataset, part, np.array(offsets), graph, torch.device("cpu"), before)


@pytest.mark.parametrize(
    ("offsets", "starts"),
    [
        ([4], [0, 1, 2, 13]),
        ([6], [0, 1, 2, 13]),  # the second trial's last frame is 19
        ([7], [0, 1, 2]),
        ([3, 10], [0, 1]),
        ([11], [0]),
    ],
)
def test_a_start_too_near_the_end_of_its_segment_is_left_out(
    dataset: Dataset, offsets: list[int], starts: list[int]
) -> None:
    assert cut(dataset, offsets).starts.tolist() == starts


def test_a_part_without_a_fitting_window_is_refused(dataset: Dataset) -> None:
    with pytest.raises(RequestError, match="no val window has 7 frames"):
        cut(dataset, [7], "val")


def test_windows_without_enough_frames_before_them_are_left_out(dataset: Dataset) -> None:
    first = {segment.start for segment in dataset.manifest.segments}
    every, later = cut(dataset, [2]).starts, cut(dataset, [2], before=Before(1)).starts
    assert sorted(set(every.tolist()) - set(later.tolist())) == sorted(first & set(every.tolist()))


def test_a_history_longer_than_every_segment_is_refused(dataset: Dataset) -> None:
    with pytest.raises(RequestError, match="no train window has 900 frames before its start"):
        cut(dataset, [2], before=Before(900))
