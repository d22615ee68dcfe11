"""Distributions of a model's predictions on the windows of a dataset."""

from __future__ import annotations

from collections.abc import Iterator

from painet_cli.data.batches.windows import Windows
from painet_cli.data.dataset.dataset import Dataset
from painet_cli.evaluation.distributions.compare import Guess, compare
from painet_cli.evaluation.distributions.frames import FrameSet
from painet_cli.evaluation.distributions.report import Distribution
from painet_cli.evaluation.sampled import Sampled
from painet_cli.evaluation.yardsticks import Guesses


def compare_windows(
    dataset: Dataset, windows: Windows, some: Sampled, rivals: Guesses | None
) -> Distribution:
    """Compare predictions of some windows, and yardsticks, with what happened in them."""
    manifest, times_s = dataset.manifest, windows.target_times_s(some.numbers)

    def guesses() -> Iterator[Guess]:
        yield "prediction", some.predicted
        if rivals is not None:
            yield from rivals.positions(some.numbers)

    return compare(
        some.starts,
        guesses(),
        FrameSet(some.starts, some.truth, times_s),
        "what happened",
        manifest.particles,
        length_unit=manifest.units.length,
        up_axis=manifest.up_axis,
        times_s=times_s,
    )
