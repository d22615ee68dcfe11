"""Windows: which frames are read, and what a batch makes of them."""

from __future__ import annotations

import mmap
import threading
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from painet_cli.config.schema import DataConfig
from painet_cli.data.batches import system_frames as frames_module
from painet_cli.data.batches.batch import Batch, from_pyg, to_pyg
from painet_cli.data.batches.bond_graph import bond_graph
from painet_cli.data.batches.cut import windows_of
from painet_cli.data.batches.offsets import Before, check_no_answer, target_offsets, with_velocity
from painet_cli.data.batches.windows import Windows
from painet_cli.data.dataset.dataset import Dataset, write_dataset
from painet_cli.data.dataset.manifest import SplitName
from painet_cli.errors import RequestError
from systems import frames_of, manifest

CPU = torch.device("cpu")


def config(horizon: int, delta_frames: int, sampling: str) -> DataConfig:
    return DataConfig.model_validate(
        {
            "dataset": "small",
            "horizon": horizon,
            "delta_frames": delta_frames,
            "sampling": sampling,
        }
    )


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    described = manifest()
    return write_dataset(tmp_path / "small", frames_of(described), described)


def windows(dataset: Dataset, offsets: list[int], part: SplitName = "train") -> Windows:
    particles = dataset.manifest.particles
    graph = bond_graph(particles.types, particles.bonds, hops=2)
    return windows_of(dataset, part, np.array(offsets), graph, CPU)


def gathered_slowly(dataset: Dataset, starts: list[int], offsets: list[int]) -> Batch:
    graph = bond_graph(dataset.manifest.particles.types, dataset.manifest.particles.bonds, hops=2)
    x = [torch.from_numpy(dataset.frames[s].copy()) for s in starts]
    following = [torch.from_numpy(dataset.frames[s + 1].copy()) for s in starts]
    targets = [
        torch.cat([torch.from_numpy(dataset.frames[s + offset].copy()) for s in starts])
        for offset in offsets
    ]
    return Batch(
        graph.repeat(len(starts)),
        torch.cat(x),
        torch.cat(following) - torch.cat(x),
        torch.stack(targets),
    )


def assert_same(left: Batch, right: Batch) -> None:
    assert torch.equal(left.positions, right.positions)
    assert torch.equal(left.velocities, right.velocities)
    assert torch.equal(left.known_targets(), right.known_targets())
    assert torch.equal(left.graph.edge_index, right.graph.edge_index)
    assert torch.equal(left.graph.types, right.graph.types)


@pytest.mark.parametrize(
    ("sampling", "horizon", "delta_frames", "offsets"),
    [
        ("tail", 1, 30, [30]),
        ("tail", 5, 30, [26, 27, 28, 29, 30]),
        ("tail", 4, 4, [1, 2, 3, 4]),
        ("uniform", 1, 30, [30]),
        ("uniform", 5, 30, [6, 12, 18, 24, 30]),
        ("uniform", 3, 10, [3, 7, 10]),
        ("uniform", 8, 3000, [375, 750, 1125, 1500, 1875, 2250, 2625, 3000]),
        ("uniform", 4, 4, [1, 2, 3, 4]),
    ],
)
def test_offsets_of_targets(
    sampling: str, horizon: int, delta_frames: int, offsets: list[int]
) -> None:
    assert target_offsets(config(horizon, delta_frames, sampling)).tolist() == offsets


@given(
    sampling=st.sampled_from(["tail", "uniform"]),
    horizon=st.integers(1, 30),
    more=st.integers(0, 200),
)
def test_offsets_rise_to_the_end_of_the_window(sampling: str, horizon: int, more: int) -> None:
    offsets = target_offsets(config(horizon, horizon + more, sampling))
    assert len(offsets) == horizon
    assert offsets[0] >= 1
    assert offsets[-1] == horizon + more
    assert (np.diff(offsets) >= 1).all()


@pytest.mark.parametrize("sampling", ["tail", "uniform"])
def test_more_targets_than_frames_are_refused(sampling: str) -> None:
    with pytest.raises(RequestError, match=r"data\.horizon"):
        target_offsets(config(6, 5, sampling))


@pytest.mark.parametrize("resident", [True, False])
@pytest.mark.parametrize("offsets", [[4], [1], [2, 3, 4]])
def test_a_batch_gathers_its_frames(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch, offsets: list[int], *, resident: bool
) -> None:
    if not resident:
        monkeypatch.setattr(frames_module, "_RESIDENT_BYTES", 0)
    made = windows(dataset, offsets)
    starts = list(dataset.manifest.split.train)
    assert len(made) == len(starts)
    for chosen in ([0], [2, 0], [3, 3, 1]):
        batch = made.batch(torch.tensor(chosen))
        expected = gathered_slowly(dataset, [starts[k] for k in chosen], offsets)
        assert_same(batch, expected)
        assert batch.known_targets().shape == (len(offsets), 4 * len(chosen), 3)


def test_the_velocity_is_the_forward_difference(dataset: Dataset) -> None:
    batch = windows(dataset, [4], "val").batch(torch.tensor([0]))
    assert np.array_equal(batch.velocities.numpy(), dataset.frames[6] - dataset.frames[5])


def test_every_window_is_met_once_and_the_last_batch_is_smaller(dataset: Dataset) -> None:
    made = windows(dataset, [4])
    batches = list(made.batches(3))
    assert [batch.graph.num_systems for batch in batches] == [3, 1]
    together = made.batch(torch.arange(4))
    assert torch.equal(torch.cat([b.positions for b in batches]), together.positions)


def test_frames_that_stay_on_disk_are_read_a_batch_ahead(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames_module, "_RESIDENT_BYTES", 0)
    made = windows(dataset, [4])
    read: list[list[int]] = []
    second_is_read = threading.Event()

    def noted(indices: torch.Tensor) -> Batch:
        batch = Windows.batch(made, indices)
        read.append(indices.tolist())
        if len(read) == 2:
            second_is_read.set()
        return batch

    monkeypatch.setattr(made, "batch", noted)
    batches = made.batches(1)
    assert_same(next(batches), Windows.batch(made, torch.tensor([0])))
    assert second_is_read.wait(60)  # without anyone having asked for it
    list(batches)
    assert read == [[0], [1], [2], [3]]


class Advised(mmap.mmap):
    """A mapped file that notes which bytes it is told to read."""

    advice: ClassVar[list[tuple[int, int]]] = []

    def madvise(self, option: int, start: int = 0, length: int = 0) -> None:
        assert option == mmap.MADV_WILLNEED
        self.advice.append((start, start + length))
        super().madvise(option, start, length)


def test_the_system_is_told_which_frames_of_a_file_come_next(tmp_path: Path) -> None:
    stored = np.arange(40 * 500 * 3, dtype=np.float32).reshape(40, 500, 3)
    path = tmp_path / "frames"
    path.write_bytes(b"x" * 16 + stored.tobytes())
    with path.open("rb") as file:
        mapped = Advised(file.fileno(), 0, access=mmap.ACCESS_READ)
    whole = np.ndarray(stored.shape, np.float32, buffer=mapped, offset=16)
    array = whole[5:]  # as of a system after another
    places = np.array([[30, 7], [8, 30]])
    assert np.array_equal(frames_module.taken(array, places), stored[5:][places])
    size, page = 500 * 12, mmap.PAGESIZE
    runs = [(16 + size * 12, 16 + size * 14), (16 + size * 35, 16 + size * 36)]
    assert Advised.advice == [(begin - begin % page, end) for begin, end in runs]
    assert np.array_equal(frames_module.taken(stored, places), stored[places])


def test_batches_keep_the_order_they_are_given(dataset: Dataset) -> None:
    made = windows(dataset, [4])
    order = torch.tensor([2, 0, 3, 1])
    first, second = made.batches(2, order)
    assert_same(first, made.batch(order[:2]))
    assert_same(second, made.batch(order[2:]))


def test_batches_of_one_size_share_their_graph(dataset: Dataset) -> None:
    made = windows(dataset, [4])
    first, second = made.batches(2)
    assert first.graph is second.graph


def with_past(dataset: Dataset, history: int, velocity: str) -> Windows:
    particles = dataset.manifest.particles
    graph = bond_graph(particles.types, particles.bonds, hops=2)
    before = Before(history, velocity)  # type: ignore[arg-type]
    return windows_of(dataset, "train", np.array([2]), graph, CPU, before)


def test_the_past_is_displacements_to_the_frames_before_the_latest_first(dataset: Dataset) -> None:
    made = with_past(dataset, 2, "next")
    batch, start = made.batch(torch.tensor([0])), int(made.starts[0])
    assert batch.past is not None
    x = dataset.frames[start]
    for k in (1, 2):
        np.testing.assert_array_equal(batch.past[k - 1], dataset.frames[start - k] - x)
    np.testing.assert_array_equal(batch.velocities, dataset.frames[start + 1] - x)


def test_a_velocity_from_the_frame_before_reads_no_later_frame(dataset: Dataset) -> None:
    made = with_past(dataset, 0, "before")
    batch, start = made.batch(torch.tensor([0])), int(made.starts[0])
    expected = dataset.frames[start] - dataset.frames[start - 1]
    np.testing.assert_array_equal(batch.velocities, expected)
    assert batch.past is None


def test_the_past_goes_through_pytorch_geometric_and_back(dataset: Dataset) -> None:
    batch = with_past(dataset, 1, "next").batch(torch.tensor([0, 2]))
    again = from_pyg(to_pyg(batch))
    assert again.past is not None
    assert batch.past is not None
    torch.testing.assert_close(again.past, batch.past)
    assert torch.equal(batch.known_past(1), batch.past)
    with pytest.raises(RequestError, match="holds 1 frames before its start, and the model reads"):
        batch.known_past(3)


def test_a_preset_that_does_not_say_takes_the_datasets_velocity(dataset: Dataset) -> None:
    asked = DataConfig(dataset="chain", delta_frames=3)
    own = dataset.manifest.model_copy(update={"velocity": "before"})
    assert with_velocity(asked, own).velocity == "before"
    assert with_velocity(asked, dataset.manifest).velocity == "next"
    said = asked.model_copy(update={"velocity": "next"})
    assert with_velocity(said, own).velocity == "next"


def test_a_velocity_that_is_the_first_target_is_refused() -> None:
    near = DataConfig(dataset="chain", delta_frames=5, horizon=5)
    with pytest.raises(RequestError, match="the answer would be in the question"):
        check_no_answer(near)
    check_no_answer(near.model_copy(update={"velocity": "before"}))
    check_no_answer(near.model_copy(update={"delta_frames": 10}))
