"""Times of a recording at which candidates are held against what came."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from painet_cli.errors import PainetError
from painet_cli.prediction.adapting.blocks import Blocks, earlier, thinned
from painet_cli.prediction.adapting.guesses import Candidate
from painet_cli.prediction.adapting.lesson import Lesson
from painet_cli.prediction.adapting.superposition import superposed_mse

_EARLIER = 2
_MOST_PARTICLES = 5_000


@dataclass(frozen=True, eq=False)
class Cut:
    """One time of a recording.

    Attributes
    ----------
    starts
        (S,) starts of windows that no candidate was fitted to.
    truth
        (S, T, N, 3) what came.
    candidates, guesses
        What predicts there, by name, and the (S, T, N, 3) that it predicts.
    """

    starts: NDArray[np.int64]
    truth: NDArray[np.floating]
    candidates: Mapping[str, Candidate]
    guesses: Mapping[str, NDArray[np.floating]]

    @cached_property
    def mse(self) -> dict[str, list[float]]:
        """MSE of every candidate at each step."""
        return {
            name: np.square(guess - self.truth).mean(axis=(0, 2, 3), dtype=np.float64).tolist()
            for name, guess in self.guesses.items()
        }

    @property
    def best(self) -> str:
        """The candidate with the least, over all steps."""
        return min(self.mse, key=lambda name: float(np.mean(self.mse[name])))

    def superposed_mse(self, name: str) -> list[float]:
        """MSE at each step, after superposition on what came."""
        errors: list[float] = superposed_mse(self.guesses[name], self.truth).tolist()
        return errors

    def of(self, names: Iterable[str]) -> Cut:
        """The same with some candidates alone."""
        kept = list(names)
        return replace(
            self,
            candidates={name: self.candidates[name] for name in kept},
            guesses={name: self.guesses[name] for name in kept},
        )

    def beside(self, name: str, candidate: Candidate, guess: NDArray[np.floating]) -> Cut:
        """The same with one candidate more."""
        return replace(
            self,
            candidates={**self.candidates, name: candidate},
            guesses={**self.guesses, name: guess},
        )


def measured(
    lesson: Lesson,
    starts: NDArray[np.int64],
    candidates: Mapping[str, Candidate],
    notes: list[str],
) -> Cut:
    """What every candidate predicts from these starts; what fails is said, and left out."""
    guesses = {}
    for name, candidate in candidates.items():
        try:
            guesses[name] = candidate.guess(lesson.known, starts)
        except PainetError as error:  # it runs away, or does not fit: so it is no candidate
            notes.append(f"{name} was not measured: {error.what}")
    truth = lesson.known[starts[:, None] + lesson.offsets]
    return Cut(starts, truth, candidates, guesses).of(guesses)


def earlier_cuts(lesson: Lesson, latest: Cut) -> Iterator[Cut]:
    """Up to two times before the latest, to which what is fitted in seconds is fitted again.

    Windows that are held out at one time lie side by side and share frames: they are one time of
    the recording more than they are many windows. There is no earlier one where nothing can be
    fitted again, of large systems, of what was trained for minutes, and of few frames.
    """
    candidates, blocks = latest.candidates, lesson.blocks
    trained = any(one.run is not None for one in candidates.values())
    if trained or all(one.again is None for one in candidates.values()):
        return
    if lesson.known.shape[1] > _MOST_PARTICLES:
        return
    for _ in range(_EARLIER):
        before = earlier(lesson.begin, blocks, int(lesson.offsets[-1]))
        if before is None:
            return
        blocks = before
        candidates = again(candidates, blocks)
        starts = thinned(blocks.held, len(latest.starts))
        cut = measured(lesson, starts, candidates, [])
        if cut.guesses.keys() < candidates.keys():  # one runs away there
            return
        yield cut


def again(candidates: Mapping[str, Candidate], blocks: Blocks) -> dict[str, Candidate]:
    """Candidates, of which what can be is fitted to other blocks."""
    return {
        name: one if one.again is None else one.again(blocks) for name, one in candidates.items()
    }
