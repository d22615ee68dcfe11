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

    table: int
    """Number of the paper's table."""
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
    doubt: str = ""
    """Why its windows may be others than a preset's that is cut as the paper says."""


@dataclass(frozen=True)
class BestPrinted:
    """The lowest figure printed for a preset, in whatever paper."""

    model: str
    mse: float
    source: str
    note: str = ""
    """Where the setting differs from the preset's."""


def best_printed(preset: str) -> BestPrinted | None:
    """Lowest figure printed for a preset; None where no paper has it."""
    elsewhere, here = _best_elsewhere().get(preset), paper_rows().get(preset)
    if elsewhere is not None or here is None:
        return elsewhere
    model = min(here, key=lambda name: here[name].mse)
    return BestPrinted(model, here[model].mse, f"the PAINET paper, Table {here[model].table}")


@cache
def letters() -> dict[tuple[str, str], str]:
    """A letter for each source of a lowest figure, and its setting, the same in all tables."""
    presets = dict.fromkeys([*paper_rows(), *_best_elsewhere()])
    printed = [one for preset in presets if (one := best_printed(preset))]
    found = dict.fromkeys((one.source, one.note) for one in printed)
    return {key: chr(ord("a") + place) for place, key in enumerate(found)}


@cache
def _best_elsewhere() -> dict[str, BestPrinted]:
    text = files("painet_cli.report.tables").joinpath("best.yaml").read_text(encoding="utf-8")
    return {preset: BestPrinted(**content) for preset, content in yaml.safe_load(text).items()}


def paper_figure(preset: str, model: str) -> PaperFigure | None:
    """Look up what the paper printed for a model on a preset; None where it did not."""
    rows = paper_rows()
    return rows[preset].get(model) if preset in rows else None


@cache
def paper_rows() -> dict[str, dict[str, PaperFigure]]:
    """Figures by preset and model, in the order of Tables 1 to 4."""
    text = files("painet_cli.report.tables").joinpath("paper.yaml").read_text(encoding="utf-8")
    return {
        preset: {
            model: PaperFigure(
                table=content["table"],
                horizon=content["horizon"],
                doubt=content.get("doubt", ""),
                step_mse=tuple(printed.pop("step_mse", ())),
                **printed,
            )
            for model, printed in content["figures"].items()
        }
        for preset, content in yaml.safe_load(text).items()
    }
