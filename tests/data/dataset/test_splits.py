from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from painet_cli.data.dataset.manifest import (
    SPLITS,
    Segment,
    Split,
    SplitName,
)
from painet_cli.data.dataset.splits import (
    block_split,
    every_start,
    leak_fraction,
    published_windows,
)
from painet_cli.errors import RequestError

COUNTS: dict[SplitName, int] = {"train": 6, "val": 2, "test": 4}


def end_to_end(*lengths: int) -> list[Segment]:
    starts = [sum(lengths[:k]) for k in range(len(lengths))]
    return [
        Segment(name=str(k), start=start, length=length)
        for k, (start, length) in enumerate(zip(starts, lengths, strict=True))
    ]


def frames_of(starts: Sequence[int], delta_frames: int) -> set[int]:
    return {frame for start in starts for frame in range(start, start + delta_frames + 1)}


@given(
    lengths=st.lists(st.integers(200, 400), min_size=1, max_size=4),
    delta_frames=st.integers(1, 10),
    counts=st.fixed_dictionaries({part: st.integers(1, 10) for part in SPLITS}),
    seed=st.integers(0, 2**32),
)
def test_parts_lie_a_window_apart_and_windows_in_one_segment(
    lengths: list[int], delta_frames: int, counts: dict[SplitName, int], seed: int
) -> None:
    segments = end_to_end(*lengths)
    split = block_split(segments, delta_frames, counts, seed=seed)

    previous_end = -delta_frames - 1
    for part in SPLITS:
        starts = split.starts(part)
        assert len(starts) == counts[part]
        assert list(starts) == sorted(set(starts))
        assert min(starts) - previous_end > delta_frames
        previous_end = max(starts) + delta_frames
        for start in starts:
            assert any(
                segment.start <= start and start + delta_frames < segment.start + segment.length
                for segment in segments
            )
    assert leak_fraction(split) == 0.0


def test_three_fifths_of_the_frames_are_trained_on_and_one_is_tested_on() -> None:
    # 120 frames less two gaps of 10 are 100: train 0..59, val 70..89, test 100..119.
    counts: dict[SplitName, int] = {"train": 50, "val": 10, "test": 10}  # all windows there are
    split = block_split(end_to_end(120), 10, counts, seed=0)
    assert split.train == tuple(range(50))
    assert split.val == tuple(range(70, 80))
    assert split.test == tuple(range(100, 110))
    assert (split.kind, split.delta_frames) == ("blocks", 10)


def test_the_seed_decides_and_parts_draw_for_themselves() -> None:
    segments = end_to_end(1000)
    split = block_split(segments, 10, COUNTS, seed=1)
    assert block_split(segments, 10, COUNTS, seed=1) == split
    assert block_split(segments, 10, COUNTS, seed=2) != split
    more = block_split(segments, 10, {**COUNTS, "train": 60}, seed=1)
    assert (more.val, more.test) == (split.val, split.test)


@pytest.mark.parametrize(
    ("lengths", "delta_frames", "part"),
    [
        ((15,), 10, "train"),  # the two gaps alone are longer
        ((100,), 30, "train"),  # 24 frames, and a window needs 31
        ((100,), 15, "val"),  # 14 frames, and a window needs 16
        ((10,) * 20, 10, "train"),  # long enough, but every segment is too short
    ],
)
def test_a_stretch_without_room_is_refused(
    lengths: tuple[int, ...], delta_frames: int, part: str
) -> None:
    counts: dict[SplitName, int] = {"train": 1, "val": 1, "test": 1}
    with pytest.raises(RequestError, match=f"^{part} split: .* has room for 0"):
        block_split(end_to_end(*lengths), delta_frames, counts, seed=0)


def test_more_windows_than_there_are_is_refused_with_their_number() -> None:
    with pytest.raises(RequestError, match=r"^test split: 11 windows .* has room for 10"):
        block_split(end_to_end(120), 10, {**COUNTS, "test": 11}, seed=0)


starts = st.lists(st.integers(0, 60), max_size=8).map(tuple)


@given(train=starts, test=starts, delta_frames=st.integers(1, 12))
def test_leak_fraction_counts_test_windows_that_share_a_frame_with_training(
    train: tuple[int, ...], test: tuple[int, ...], delta_frames: int
) -> None:
    split = Split(kind="random", delta_frames=delta_frames, train=train, val=(), test=test)
    seen = frames_of(train, delta_frames)
    leaks = [bool(seen & frames_of([start], delta_frames)) for start in test]
    assert leak_fraction(split) == (sum(leaks) / len(leaks) if leaks else 0.0)


def test_every_start_fills_up_between_listed_ones_and_keeps_away_from_other_parts() -> None:
    segments = end_to_end(100, 100)
    split = Split(
        kind="published", delta_frames=10, train=(40, 20, 130, 110), val=(75,), test=(121, 180)
    )
    every = every_start(split, segments)
    # Starts 111 to 131 share a frame with the test window at 121; 130 is listed all the same.
    assert every.train == (*range(20, 41), 110, 130)
    assert (every.val, every.test) == (split.val, split.test)
    assert leak_fraction(every) == leak_fraction(split) == 0.5


def test_windows_of_a_published_split_are_as_long_as_the_last_start_leaves_room_for() -> None:
    starts: dict[SplitName, list[int]] = {"train": [30, 20], "val": [120], "test": [150, 140]}
    split = published_windows(starts, frames=200, delta_frames=49)
    assert (split.kind, split.delta_frames, split.train) == ("published", 49, (30, 20))
    with pytest.raises(RequestError, match=r"frame 150 of 200 and .*\ndelta_frames up to 49 fits"):
        published_windows(starts, frames=200, delta_frames=50)


def test_windows_that_have_one_frame_in_common_meet() -> None:
    split = Split(kind="published", delta_frames=10, train=(20, 60), val=(), test=(40,))
    # The test window begins with the last frame of the one at 30, and ends with the first at 50.
    every = every_start(split, end_to_end(100))
    assert every.train == (*range(20, 30), *range(51, 61))


@given(
    lengths=st.lists(st.integers(200, 400), min_size=1, max_size=4),
    delta_frames=st.integers(1, 10),
    seed=st.integers(0, 2**32),
)
def test_every_start_of_blocks_leaks_nothing_and_leaves_no_segment(
    lengths: list[int], delta_frames: int, seed: int
) -> None:
    segments = end_to_end(*lengths)
    split = block_split(segments, delta_frames, {"train": 8, "val": 2, "test": 4}, seed=seed)
    every = every_start(split, segments)
    assert set(split.train) <= set(every.train)
    assert leak_fraction(every) == 0.0
    ends = [segment.start + segment.length for segment in segments]
    for start in every.train:
        assert start + delta_frames < min(end for end in ends if end > start)
