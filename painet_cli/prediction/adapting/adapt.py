"""Learning from the frames before a start, and choosing by what was held out of them.

Candidates are the checkpoint, what is fitted to the recording's own frames (a weighted past, and
for small systems a kernel), and yardsticks that nothing is learned for. All are measured on the
same windows in the last frames before the start, which none was fitted to. The best one predicts;
where it is the weighted past or the mean structure, it is fitted again to all frames up to there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from painet_cli.config.schema import KernelConfig
from painet_cli.data.batches.batch import Batch
from painet_cli.data.batches.graph import Graph, bond_graph
from painet_cli.data.batches.windows import Before
from painet_cli.data.particles.origin import is_far
from painet_cli.errors import PainetError, RequestError, option
from painet_cli.models.base import SystemSpec
from painet_cli.models.kernel.model import fit_kernel
from painet_cli.prediction.adapting.blocks import (
    Blocks,
    cut,
    frames_needed,
    last_jump,
    repeats,
    seen_again,
)
from painet_cli.prediction.adapting.conformal import radii
from painet_cli.prediction.adapting.guesses import Guess, weighted_past, yardsticks
from painet_cli.prediction.adapting.superposition import superposed_mse
from painet_cli.prediction.adapting.verdict import Verdict
from painet_cli.prediction.inputs.recording import Input
from painet_cli.prediction.yardsticks import MEAN

PAST, KERNEL = "weighted past", "kernel"
_MOST_BYTES = 2**28
"""Frames before a start that are read."""
_MOST_FRAMES = 5000
_MOST_PARTICLES = 2_000_000
"""Particles of all windows to learn from or to measure on."""
_MOST_WINDOWS = 800
_MOST_HELD, _FEWEST = 120, 10
_KERNEL_WINDOWS, _KERNEL_PARTICLES = 300, 60
_CHECKPOINT_PARTICLES = 100_000
"""Particles of all windows that a checkpoint is measured on."""
_BATCH = 100


@dataclass(frozen=True, eq=False)
class Adapted:
    """A verdict, and what predicts; None where the checkpoint does."""

    verdict: Verdict
    guess: Guess | None


def frames_to_read(first_start: int, particles: int) -> int:
    """First frame to read of those before the first start."""
    most = max(1, min(_MOST_FRAMES, _MOST_BYTES // (12 * particles)))
    return max(0, first_start - most)


def adapt(
    system: Input,
    start: int,
    offsets: NDArray[np.int64],
    checkpoint: Guess | None,
    name: str,
    *,
    keep_checkpoint: bool = False,
    notice: Callable[[str], None] = lambda message: None,
) -> Adapted | str:
    """Learn from the frames up to a start, and choose.

    Parameters
    ----------
    system
        The recording; no frame after `start` is looked at.
    start
        Index of the first start.
    offsets
        (T,) frames from a start to each step.
    checkpoint
        Predicts from the system's frames at some starts, where there is one that can.
    name
        Of the checkpoint.
    keep_checkpoint
        Measure, but predict with the checkpoint all the same.

    Returns
    -------
    Adapted
        Or a sentence that says why nothing was learned.
    """
    begin = max((at for at in system.breaks if at <= start), default=0)
    known = system.frames[: start + 1]
    jump = begin + last_jump(known[begin:])
    where = system.first_frame
    notes = []
    if jump > begin:
        notes.append(
            f"the recording jumps at frame {where + jump:,}: only what comes after is learned from"
        )
    blocks = cut(jump, start, int(offsets[-1]))
    if blocks is None:
        after = f" after the jump at frame {where + jump:,}" if jump > begin else ""
        return (
            f"nothing was learned from {system.name}: {start + 1 - jump:,} frames up to the "
            f"start{after}, and {frames_needed(int(offsets[-1])):,} are needed to learn "
            f"{int(offsets[-1]):,} frames ahead and hold some out"
        )
    same = repeats(known[jump:])
    if same:
        notes.append(f"{same:,} frames are equal to the one before: their velocities are zero")
    again = seen_again(known, blocks.held)
    learn = blocks.learn[~again[blocks.learn]]
    if len(learn) < len(blocks.learn):
        notes.append(
            f"{len(blocks.learn) - len(learn):,} frames appear again among those held out, and "
            "are not learned from"
        )
    count = known.shape[1]
    learn = _thinned(learn, min(_MOST_WINDOWS, _MOST_PARTICLES // count))
    held = _thinned(blocks.held, min(_MOST_HELD, _MOST_PARTICLES // count))
    begin_held = int(blocks.choose[0])
    near = known[jump:begin_held]
    rivals = yardsticks(near, offsets)
    candidates: dict[str, Guess] = {}
    if checkpoint is not None and count * _FEWEST <= _CHECKPOINT_PARTICLES:
        held = _thinned(held, _CHECKPOINT_PARTICLES // count)
        candidates[name] = checkpoint
    elif checkpoint is not None:
        notes.append(f"{name} was not measured: it would take too long on {count:,} particles")
    moving = bool((near[1:] != near[:-1]).any())
    if moving and len(learn) >= _FEWEST:
        notice(f"learning from {len(learn):,} windows of {system.name}")
        # the past reaches back as far as the recording's own part
        candidates[PAST] = _within(jump, weighted_past(near, learn - jump, offsets))
        if count <= _KERNEL_PARTICLES and not is_far(known[-1], system.up_axis):
            candidates[KERNEL] = _kernel(system, known, learn, blocks, offsets)
    guesses = {**candidates, **{key: _within(jump, one) for key, one in rivals.items()}}
    kept = name if keep_checkpoint and name in candidates else None
    found = _judged(known, held, offsets, guesses, tuple(rivals), len(near), notes, kept, name)
    if found.guess is None or found.verdict.chosen not in (PAST, MEAN):
        return found
    # what chose is done with: these have nothing to be chosen by, and learn from all that is known
    own = known[jump:]
    if found.verdict.chosen == PAST:
        late = np.arange(blocks.choose[0], start + 1 - offsets[-1])
        most = min(_MOST_WINDOWS, _MOST_PARTICLES // count)
        everything = _thinned(np.concatenate([learn, late]), most)
        again_fitted = weighted_past(own, everything - jump, offsets)
    else:
        again_fitted = yardsticks(own, offsets)[MEAN]
    verdict = replace(found.verdict, learned_from=len(own))
    return Adapted(verdict, _within(jump, again_fitted))


def _judged(
    known: NDArray[np.floating],
    held: NDArray[np.int64],
    offsets: NDArray[np.int64],
    guesses: Mapping[str, Guess],
    rivals: tuple[str, ...],
    learned_from: int,
    notes: list[str],
    kept: str | None,
    checkpoint: str,
) -> Adapted:
    truth = known[held[:, None] + offsets]
    mse, laid, made = {}, {}, {}
    for key, guess in guesses.items():
        try:
            made[key] = guess(known, held)
        except PainetError as error:  # it runs away, or does not fit: so it is no candidate
            notes.append(f"{key} was left out: {error}")
            continue
        mse[key] = np.square(made[key].astype(np.float64) - truth).mean(axis=(0, 2, 3)).tolist()
        laid[key] = superposed_mse(made[key], truth).tolist()
    best = kept if kept in mse else min(mse, key=lambda key: float(np.mean(mse[key])))
    radius_90, radius = radii(made[best], truth)
    verdict = Verdict(
        best, len(held), learned_from, mse, laid, rivals, radius_90, radius, tuple(notes)
    )
    return Adapted(verdict, None if best == checkpoint else guesses[best])


def _thinned(values: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """At most so many, but `_FEWEST`, evenly spaced."""
    keep = min(len(values), max(most, _FEWEST))
    return values[np.linspace(0, len(values) - 1, keep).round().astype(np.int64)]


def _within(begin: int, guess: Guess) -> Guess:
    """A guess that looks at no frame before `begin`."""
    return lambda frames, starts: guess(frames[begin:], starts - begin)


def _kernel(
    system: Input,
    known: NDArray[np.floating],
    learn: NDArray[np.int64],
    blocks: Blocks,
    offsets: NDArray[np.int64],
) -> Guess:
    """The kernel (models/kernel), with the velocity from the frame before."""
    before = Before(0, "before")
    wanted = np.concatenate([[0], before.offsets, offsets])
    names = system.particles.names
    kinds = {name: number for number, name in enumerate(dict.fromkeys(names))}
    graph = bond_graph([kinds[name] for name in names], system.particles.bonds, 2)

    def batches(
        frames: NDArray[np.floating], starts: NDArray[np.int64], at: NDArray[np.int64]
    ) -> list[Batch]:
        parts = np.array_split(starts, -(-len(starts) // _BATCH))
        return [_batch(frames[part[:, None] + at], graph, before) for part in parts]

    model = fit_kernel(
        batches(known, _thinned(learn, _KERNEL_WINDOWS), wanted),
        batches(known, _thinned(blocks.choose, _KERNEL_WINDOWS), wanted),
        SystemSpec(tuple(kinds), 2, system.up_axis, 0, names),
        KernelConfig(form="rbf"),
    )

    def guess(frames: NDArray[np.floating], starts: NDArray[np.int64]) -> NDArray[np.floating]:
        with torch.inference_mode():
            made = [
                model(one).unflatten(1, (-1, len(names))).transpose(0, 1).numpy()
                for one in batches(frames, starts, wanted[:2])
            ]
        return np.concatenate(made).astype(frames.dtype)

    return guess


def _batch(frames: NDArray[np.floating], graph: Graph, before: Before) -> Batch:
    """Windows (S, 2 + T, N, 3) as a batch."""
    by_time = torch.from_numpy(np.ascontiguousarray(frames, dtype=np.float32)).transpose(0, 1)
    return before.batch(graph.repeat(len(frames)), by_time.flatten(1, 2))


def check_adapt(text: str) -> bool:
    """Whether to learn from the recording: `auto` or `never`.

    Raises
    ------
    RequestError
        It is neither.
    """
    if text in ("auto", "never"):
        return text == "auto"
    raise RequestError(
        f"{option('adapt', text[:40])}: expected auto or never",
        "to train a network on it: `painet prepare trajectory`, then `painet train`",
    )
