"""The figures the paper printed, to stand beside ours."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml


@dataclass(frozen=True)
class PaperFigure:
    """What the paper printed for one model on one preset (Tables 1 to 4).

    Times and memory are of one NVIDIA H20; None where nothing was printed.
    """

    horizon: int
    """Steps predicted, T."""
    mse: float
    """F-MSE where the horizon is 1, otherwise A-MSE; mean over runs, in squared length units."""
    sd: float | None = None
    """Standard deviation of `mse` over runs."""
    step_mse: tuple[float, ...] = ()
    """MSE at each step, where printed."""
    epoch_s: float | None = None
    """Seconds to train an epoch."""
    predict_s: float | None = None
    """Seconds to predict the test windows."""
    memory_gb: float | None = None
    """GPU memory, of training for motion capture, of prediction for AdK."""


def paper_figure(preset: str, model: str) -> PaperFigure | None:
    """Look up what the paper printed for a model on a preset; None where it did not."""
    return _figures().get((preset, model))


@cache
def _figures() -> dict[tuple[str, str], PaperFigure]:
    text = files("painet_cli.report").joinpath("paper.yaml").read_text(encoding="utf-8")
    return {
        (preset, model): PaperFigure(
            horizon=table["horizon"],
            step_mse=tuple(printed.pop("step_mse", ())),
            **printed,
        )
        for preset, table in yaml.safe_load(text).items()
        for model, printed in table["figures"].items()
    }
