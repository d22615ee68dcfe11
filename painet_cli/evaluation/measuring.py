"""`evaluate`: a run to its figures, for Python, by the functions that `painet evaluate` calls."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from painet_cli.config.arguments import checked
from painet_cli.data.dataset.manifest import SplitName
from painet_cli.evaluation.evaluate import evaluate_run
from painet_cli.evaluation.evaluation import Evaluation, save_evaluation
from painet_cli.training.device import resolve_device


@checked
def evaluate(
    run: str | Path,
    *,
    split: SplitName = "test",
    horizon: Annotated[int, Field(ge=1)] | None = None,
    physics: bool = False,
    yardsticks: bool = False,
    error_bars: bool = False,
    distribution: bool = False,
    data_dir: str | Path = "data",
    device: str = "auto",
    save: bool = False,
) -> Evaluation:
    """Measure a trained run: errors a step, time and memory.

    Parameters
    ----------
    run
        A folder that a training wrote, such as `train(...).run`.
    split
        Which windows of its dataset: `train`, `val` or `test`.
    horizon
        Steps to predict, past the trained T by rollout; by default what the preset says.
    physics
        Whether to check bonds, clashes and the like too, on at most 200 windows.
    yardsticks
        Whether to measure what needs no network on the same windows: nothing moves, straight on,
        the nearest training window, a kernel, ...
    error_bars
        Whether to try 90 % error bars, the checkpoint's or of validation windows, on these windows.
    distribution
        Whether to compare torsions, size and fluctuation, or bones and feet, with those of what
        happened, on at most 200 windows.
    data_dir
        Folder of the prepared datasets.
    device
        `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.
    save
        Write `evaluation.json` into the run folder, as `painet evaluate` does.

    Returns
    -------
    Evaluation
        `mse` is the mean over windows, steps, particles and coordinates, in `unit`.

    Raises
    ------
    RequestError
        The folder holds no checkpoint, its dataset is missing or not the one it was trained on, or
        no window is long enough for the horizon.

    Examples
    --------
    >>> import painet
    >>> evaluation = painet.evaluate(run, data_dir=data)  # a run of two steps
    >>> evaluation.split, evaluation.horizon, len(evaluation.step_mse), evaluation.unit
    ('test', 2, 2, 'angstrom²')
    >>> painet.evaluate(run, horizon=4, data_dir=data).mse > evaluation.mse  # by rollout
    True
    """
    evaluation = evaluate_run(
        Path(run),
        Path(data_dir),
        resolve_device(device),
        part=split,
        horizon=horizon,
        physics=physics,
        rivals=yardsticks,
        error_bars=error_bars,
        distribution=distribution,
    )
    if save:
        save_evaluation(evaluation)
    return evaluation
