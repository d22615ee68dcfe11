"""Which windows train, which stop the training, which are tested, and whether they share frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.dataset.manifest import SPLITS, Segment, Split, SplitName
from painet_cli.errors import RequestError, option

Splitter = Callable[[Sequence[Segment], int], Split]
MOST_WINDOWS: dict[SplitName, int] = {"train": 2000, "val": 1000, "test": 1000}
"""More windows than these are drawn down to them."""
_SHARES = (0.6, 0.2, 0.2)
"""Of the train, val and test stretches in the frames, or of their windows."""


def block_split(
    segments: Sequence[Segment],
    delta_frames: int,
    counts: Mapping[SplitName, int] | None,
    *,
    seed: int,
) -> Split:
    """Cut the frames into one stretch a part, in order of time, and draw windows inside each.

    The segments are laid end to end and cut twice, so at most two of them serve more than one part.
    At each cut `delta_frames` frames are left out: windows of different parts share no frame, and
    lie at least a window's length apart.

    Parameters
    ----------
    segments
        All segments of the dataset, at least one, end to end from frame 0. A window never
        leaves its segment.
    delta_frames
        Frames from a window's start to its last target.
    counts
        Number of windows of each part; None takes every window there is.
    seed
        Of the draw, not negative. Each part draws for itself: more training windows leave the
        test windows as they are.

    Returns
    -------
    Split
        Distinct start frames, sorted in each part.

    Raises
    ------
    RequestError
        A stretch holds no window, or fewer than its count.
    """
    total = sum(segment.length for segment in segments)
    usable = max(total - (len(SPLITS) - 1) * delta_frames, 0)
    edges = np.rint(np.cumsum((0.0, *_SHARES)) * usable).astype(int)
    starts: dict[SplitName, tuple[int, ...]] = {}
    for k, part in enumerate(SPLITS):
        gaps = k * delta_frames
        possible = starts_inside(segments, edges[k] + gaps, edges[k + 1] + gaps, delta_frames)
        count = max(1, len(possible)) if counts is None else counts[part]
        if not 0 < count <= len(possible):
            raise RequestError(
                f"{part} split: {count} windows of {delta_frames} frames asked for, but its "
                f"stretch of {edges[k + 1] - edges[k]} frames has room for {len(possible)}",
                "ask for fewer or shorter windows, or prepare a longer trajectory",
            )
        drawn = np.random.default_rng((seed, k)).choice(possible, count, replace=False)
        starts[part] = tuple(np.sort(drawn).tolist())
    return Split(kind="blocks", delta_frames=delta_frames, **starts)


def random_split(
    segments: Sequence[Segment],
    delta_frames: int,
    counts: Mapping[SplitName, int] | None,
    *,
    seed: int,
) -> Split:
    """Draw the windows of all parts from anywhere, as papers do that split at random.

    Neighbouring windows then serve different parts: `leak_fraction` says how many.

    Parameters
    ----------
    segments, delta_frames, seed
        As in `block_split`.
    counts
        Number of windows of each part; None shares out every window there is.

    Returns
    -------
    Split
        Distinct start frames, sorted in each part.

    Raises
    ------
    RequestError
        There are fewer windows than asked for.
    """
    possible = starts_inside(segments, 0, segments[-1].stop, delta_frames)
    if counts is None:
        edges = np.rint(np.cumsum(_SHARES) * len(possible)).astype(int)
    else:
        edges = np.cumsum([counts[part] for part in SPLITS])
    sizes = np.diff(edges, prepend=0)
    if edges[-1] > len(possible) or min(sizes) <= 0:
        raise RequestError(
            f"random split: {', '.join(map(str, sizes))} windows of {delta_frames} frames for "
            f"{', '.join(SPLITS)}, but there is room for {len(possible)}",
            "ask for fewer or shorter windows, or prepare a longer trajectory",
        )
    drawn = np.split(np.random.default_rng(seed).permutation(possible)[: edges[-1]], edges[:-1])
    return Split(
        kind="random",
        delta_frames=delta_frames,
        **{part: tuple(np.sort(own).tolist()) for part, own in zip(SPLITS, drawn, strict=True)},
    )


def starts_inside(
    segments: Sequence[Segment], begin: int, end: int, delta_frames: int
) -> NDArray[np.int64]:
    """List the starts of the windows that lie in one segment and between `begin` and `end`."""
    return np.concatenate(
        [
            np.arange(
                max(begin, segment.start),
                min(end, segment.stop) - delta_frames,
                dtype=np.int64,
            )
            for segment in segments
        ]
    )


def leak_fraction(split: Split) -> float:
    """Share of the test windows that have a frame in common with some training window.

    A window holds the frames from its start to `delta_frames` later, both included. 0 for a split
    without test windows.
    """
    if not split.test:
        return 0.0
    return float(np.mean(_meet(np.asarray(split.test), split.train, split.delta_frames)))


def every_start(split: Split, segments: Sequence[Segment]) -> Split:
    """The split with a training window at every frame between the first and the last of a segment.

    Left out are those that have a frame in common with a window of validation or test.

    Parameters
    ----------
    segments
        All segments of the dataset, end to end from frame 0.

    Returns
    -------
    Split
        Training starts are sorted, and those that `split` lists are among them.
    """
    listed = np.sort(split.train)
    ends = [segment.stop for segment in segments]
    stretches = np.split(
        listed, np.flatnonzero(np.diff(np.searchsorted(ends, listed, "right"))) + 1
    )
    between = np.concatenate([np.arange(one[0], one[-1] + 1) for one in stretches])
    apart = between[~_meet(between, split.val + split.test, split.delta_frames)]
    return split.model_copy(update={"train": tuple(np.union1d(listed, apart).tolist())})


def _meet(starts: NDArray[np.int64], others: Sequence[int], delta_frames: int) -> NDArray[np.bool_]:
    """Which windows have a frame in common with one of the others."""
    # Windows of equal length do exactly when their starts are at most that length apart.
    there = np.sort(np.asarray(others, dtype=np.int64))
    first = np.searchsorted(there, starts - delta_frames, side="left")
    last = np.searchsorted(there, starts + delta_frames, side="right")
    return np.asarray(last > first)


def split_windows(
    kind: Literal["blocks", "random"],
    segments: Sequence[Segment],
    delta_frames: int,
    *,
    seed: int,
    most: Mapping[SplitName, int] = MOST_WINDOWS,
) -> Split:
    """All windows there are, each part drawn down to the `most` it may have.

    Raises
    ------
    RequestError
        A part has no room for a window.
    """
    make = block_split if kind == "blocks" else random_split
    split = make(segments, delta_frames, None, seed=seed)
    counts = {part: min(count, most[part]) for part, count in split.counts.items()}
    return split if counts == split.counts else make(segments, delta_frames, counts, seed=seed)


def published_windows(
    starts: Mapping[SplitName, Sequence[int]], frames: int, delta_frames: int
) -> Split:
    """Windows that start where a published split has them, of whatever length there is room for.

    Parameters
    ----------
    frames
        Of the trajectory, which is one segment.

    Raises
    ------
    RequestError
        The last window does not fit.
    """
    last = max(max(listed) for listed in starts.values())
    if last + delta_frames >= frames:
        raise RequestError(
            f"{option('split', 'published')}: its last window starts at frame {last:,} of "
            f"{frames:,} and cannot have {delta_frames:,} frames",
            f"{option('delta_frames')} up to {frames - last - 1:,} fits",
        )
    listed = {part: tuple(own) for part, own in starts.items()}
    return Split(kind="published", delta_frames=delta_frames, **listed)


def checked_split(split: Splitter, segments: Sequence[Segment], delta_frames: int) -> Split:
    """Split the windows; where they do not fit, say how long they may be."""
    try:
        return split(segments, delta_frames)
    except RequestError as error:
        fits, too_long = 0, delta_frames
        while too_long - fits > 1:
            middle = (fits + too_long) // 2
            try:
                split(segments, middle)
                fits = middle
            except RequestError:
                too_long = middle
        lengths = [segment.length for segment in segments]
        raise RequestError(
            f"windows of {delta_frames} frames: no room for training, validation and test in "
            f"{sum(lengths):,} frames, at most {max(lengths):,} of them in one segment",
            f"give {option('delta_frames', max(1, fits // 3))}; up to {fits} fits, with few windows"
            if fits
            else "prepare a longer trajectory: windows of any length are too long",
        ) from error
