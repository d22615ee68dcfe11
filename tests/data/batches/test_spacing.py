"""Windows whose frames are so far apart as is drawn, and batches that say how far."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from painet_cli.config.schema import DataConfig
from painet_cli.data.batches.batch import from_pyg, to_pyg
from painet_cli.data.batches.cut import windows
from painet_cli.data.batches.spacing import (
    FrameTimes,
    UsualErrors,
    draw_strides,
    frame_times_of,
)
from painet_cli.data.dataset.dataset import Dataset, write_dataset
from painet_cli.data.units import seconds
from painet_cli.errors import RequestError
from several import merged, three
from systems import frames_of, manifest

__all__ = ["three"]


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """60 frames 1 fs apart, windows of up to 12 frames."""
    starts = range(8, 40)
    described = manifest((60,), delta_frames=12, train=starts, val=(41,), test=(43, 44))
    return write_dataset(tmp_path / "long", frames_of(described), described)


def config(times: tuple[str, str], **changes: Any) -> DataConfig:
    chosen = {"horizon": 2, "delta_frames": 2, "velocity": "before", **changes}
    return DataConfig(dataset="long", delta_time=times, **chosen)


def test_a_window_takes_every_so_many_frames_and_says_so(dataset: Dataset) -> None:
    made = windows(dataset, "train", config(("2fs", "6fs"), history=2))
    batch = made.batch(torch.arange(len(made)))
    strides = (batch.frame_time_s / 1e-15).round().long() if batch.frame_time_s is not None else 0
    assert set(strides.tolist()) == {2, 3, 4, 5, 6}
    n = dataset.frames.shape[1]
    for window, (start, stride) in enumerate(zip(made.starts, strides.tolist(), strict=True)):
        frames = {
            ahead: torch.tensor(dataset.frames[start + ahead * stride]) for ahead in range(-2, 3)
        }
        own = slice(window * n, (window + 1) * n)
        assert torch.equal(batch.positions[own], frames[0])
        assert torch.equal(batch.velocities[own], frames[0] - frames[-1])
        assert torch.equal(batch.known_targets()[:, own], torch.stack([frames[1], frames[2]]))
        assert torch.equal(
            batch.known_past(2)[:, own], torch.stack([frames[-1], frames[-2]]) - frames[0]
        )


def test_a_draw_depends_on_its_seed_alone(dataset: Dataset) -> None:
    made, other = (windows(dataset, "train", config(("1fs", "6fs"))) for _ in range(2))
    first = made.batch(torch.arange(5)).frame_time_s
    made.draw((1, 7))
    drawn = made.batch(torch.arange(5)).frame_time_s
    other.draw((1, 7))
    assert first is not None
    assert drawn is not None
    assert not torch.equal(first, drawn)
    again = other.batch(torch.arange(5)).frame_time_s
    assert again is not None
    assert torch.equal(drawn, again)


def test_strides_are_drawn_evenly_in_their_logarithm() -> None:
    bounds = np.tile([1, 15], (20_000, 1))
    counts = np.bincount(draw_strides(bounds, (3,)), minlength=17)[1:16]
    expected = np.log2(1 + 1 / np.arange(1, 16)) / 4 * 20_000
    assert np.abs(counts - expected).max() < 5 * np.sqrt(expected.max())


def test_no_window_leaves_its_segment_or_the_room_of_the_split(dataset: Dataset) -> None:
    made = windows(dataset, "train", config(("1fs", "6fs"), history=3))
    for seed in range(5):
        made.draw((seed,))
        for k in range(len(made)):
            frames = made.frames_of(k)
            assert frames.min() >= 0
            assert frames.max() <= made.starts[k] + 12


def test_systems_of_unlike_times_meet_in_one_range(three: list[Dataset], tmp_path: Path) -> None:
    slow = three[1].manifest.units.model_copy(update={"frame_time_s": 2e-15})
    other = write_dataset(
        tmp_path / "slow",
        np.array(three[1].frames),
        three[1].manifest.model_copy(update={"units": slow, "name": "slow"}),
    )
    together = merged([three[0], other], tmp_path)
    made = windows(together, "train", config(("2fs", "2fs"), velocity="next"))
    times = made.batch(torch.arange(len(made))).frame_time_s
    assert times is not None
    assert torch.allclose(times, torch.full_like(times, 2e-15))
    assert np.ptp(made.frames_of(0)) == 4
    assert np.ptp(made.frames_of(len(made) - 1)) == 2


def test_systems_of_unlike_times_are_refused_without_a_range(
    three: list[Dataset], tmp_path: Path
) -> None:
    slow = three[1].manifest.units.model_copy(update={"frame_time_s": 2e-15})
    described = three[1].manifest.model_copy(update={"units": slow, "name": "slow"})
    other = write_dataset(tmp_path / "slow", np.array(three[1].frames), described)
    data = DataConfig(dataset="all", delta_frames=2)
    with pytest.raises(RequestError, match="frames are 1 fs apart in chain, 2 fs in slow"):
        windows(merged([three[0], other], tmp_path), "train", data)


@pytest.mark.parametrize(
    ("times", "said"),
    [
        (("6fs", "2fs"), "6fs is longer than 2fs"),
        (("1fs", "40fs"), "leave room for 6 fs between frames, not for 40 fs"),
        (("1.2fs", "1.8fs"), r"no train window has frames 1.2 fs to 1.8 fs apart"),
    ],
)
def test_a_range_that_cannot_be_is_refused(
    dataset: Dataset, times: tuple[str, str], said: str
) -> None:
    with pytest.raises(RequestError, match=said):
        windows(dataset, "train", config(times))


def test_a_time_without_a_unit_is_refused() -> None:
    with pytest.raises(ValidationError):
        config(("2", "50fs"))


def test_a_range_holds_its_ends() -> None:
    times = frame_times_of(config(("0.3fs", "0.9fs")))
    assert times == FrameTimes(0.3e-15, 0.9e-15)
    assert all(time in times for time in (0.3e-15, 3 * 0.1e-15, 9 * 0.1e-15))
    assert 0.91e-15 not in times
    assert times.strides(0.1e-15) == (3, 9)


@pytest.mark.parametrize(
    ("shortest", "longest", "frame_time", "strides"),
    [("3fs", "9fs", "0.3fs", (10, 30)), ("17fs", "31fs", "0.5fs", (34, 62))],
)
def test_a_whole_number_of_frames_counts_as_one_whatever_binary_numbers_make_of_it(
    shortest: str, longest: str, frame_time: str, strides: tuple[int, int]
) -> None:
    # 3 fs / 0.3 fs is 10.000000000000002 in floating point, 31 fs / 0.5 fs 61.99999999999999
    assert FrameTimes(seconds(shortest), seconds(longest)).strides(seconds(frame_time)) == strides


def test_the_time_goes_to_pyg_and_back(dataset: Dataset) -> None:
    batch = windows(dataset, "train", config(("1fs", "6fs"))).batch(torch.arange(3))
    again = from_pyg(to_pyg(batch))
    assert batch.frame_time_s is not None
    assert again.frame_time_s is not None
    assert torch.equal(again.frame_time_s, batch.frame_time_s)


def test_frames_before_the_first_count_as_the_first_that_lies_a_whole_step_away(
    tmp_path: Path,
) -> None:
    described = manifest((30, 30), delta_frames=8, train=(0, 1, 5, 31, 40), val=(18,), test=(19,))
    whole = write_dataset(tmp_path / "long", frames_of(described), described)
    data = config(("2fs", "2fs"), history=3, history_known=0)
    made, x = windows(whole, "train", data), whole.frames
    batch, n = made.batch(torch.arange(len(made))), x.shape[1]
    reached = {0: (0, 0, 0), 1: (0, 0, 0), 5: (2, 4, 4), 31: (0, 0, 0), 40: (2, 4, 6)}
    assert made.starts.tolist() == list(reached)
    for window, (start, behind) in enumerate(reached.items()):
        own = slice(window * n, (window + 1) * n)
        past = torch.tensor(np.stack([x[start - back] for back in behind]) - x[start])
        assert torch.equal(batch.known_past(3)[:, own], past)
        assert torch.equal(batch.velocities[own], -past[0])


@pytest.mark.parametrize(("known", "left"), [(None, [40]), (2, [5, 40]), (1, [5, 31, 40])])
def test_windows_with_fewer_frames_before_their_start_than_must_be_are_left_out(
    tmp_path: Path, known: int | None, left: list[int]
) -> None:
    described = manifest((30, 30), delta_frames=4, train=(0, 5, 31, 40), val=(18,), test=(19,))
    whole = write_dataset(tmp_path / "long", frames_of(described), described)
    data = config(("1fs", "1fs"), history=6, history_known=known)
    assert windows(whole, "train", data).starts.tolist() == left


def test_usual_errors_lie_on_lines_between_logarithms() -> None:
    usual = UsualErrors(np.array([1.0, 100.0]), np.array([2.0, 200.0]))
    assert usual.after(np.array([0.5, 1.0, 10.0, 1000.0])) == pytest.approx([2.0, 2.0, 20.0, 200.0])
