"""Figures of one run on one part of the split, and their file beside its weights."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from painet_cli.evaluation.coverage import Coverage
from painet_cli.evaluation.distributions.report import Distribution
from painet_cli.evaluation.physics.checks import PhysicsReport
from painet_cli.evaluation.systems import SystemErrors
from painet_cli.storage.archives import read_array
from painet_cli.storage.atomic import new_file
from painet_cli.storage.locks import held
from painet_cli.storage.provenance import KEY, provenance, sealed
from painet_cli.training.run_folder import EVALUATION, RunLabel

WINDOW_ERRORS = "window_errors.npy"
_LONGEST_SAVE_S = 60.0


@dataclass(frozen=True)
class Evaluation:
    """Figures of one run on one part of the split; the JSON of `painet evaluate`."""

    run: Path
    model: str
    preset: str
    seed: int
    epochs: int
    """Epoch of the weights."""
    parameters: int
    dataset: str
    split: str
    split_kind: str
    """`published`, `blocks`, `random` or `systems`."""
    leak: float
    """Share of test windows that overlap a training window."""
    windows: int
    horizon: int
    """Steps predicted."""
    trained_horizon: int
    """T; steps past it were rolled out."""
    mse: float
    """A-MSE; F-MSE where the preset reports the last step alone."""
    f_mse: float
    a_mse: float
    step_mse: list[float]
    msd: float
    """Mean squared distance from prediction to truth, 3 x mse: the sum over x, y, z of E.1."""
    unit: str
    """Unit of the errors."""
    time_s: float
    """Seconds to predict all windows once."""
    peak_memory_gb: float
    memory_kind: str
    device: str
    label: str = ""
    """What the data are called, where they are not the benchmark's own."""
    as_published: bool = True
    """Whether the windows are cut as the shipped preset of that name has it."""
    delta_time: str = ""
    """Time between the frames of the windows, where it was drawn: `2 fs to 5 fs`."""
    systems: tuple[SystemErrors, ...] = ()
    """Errors of each system beside two yardsticks, where there are several or times are drawn."""
    answer_given: bool = False
    """Whether the velocity at the start tells the first step: the frame after it is both."""
    yardsticks: dict[str, list[float]] = field(default_factory=dict)
    """MSE a step of predictions that need no network, by name, where they were asked for."""
    superposed_step_mse: list[float] = field(default_factory=list)
    """MSE a step after superposition; empty where there is an up axis, which would be lost."""
    superposed_yardsticks: dict[str, list[float]] = field(default_factory=dict)
    """The same of the yardsticks."""
    coverage: Coverage | None = None
    """What error bars hold, where that was asked for."""
    physics: PhysicsReport | None = None
    """Physical checks of some of the windows, where they were asked for."""
    distribution: Distribution | None = None
    """Distributions beside those of what happened, where they were asked for."""
    squared: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0)), compare=False)
    """Errors of every window and step, (windows, horizon); not part of `plain`."""
    traced: dict[str, Any] = field(default_factory=dict, compare=False)
    """What the figures depend on, for the provenance; not part of `plain`."""
    called: RunLabel = field(default_factory=RunLabel, compare=False)
    """What its owner calls the run; `name` and `tags` of `plain`."""
    validated: bool = field(default=True, compare=False)
    """Whether the weights were chosen by a validation; else they are those of the last epoch."""
    settings: dict[str, Any] = field(default_factory=dict, compare=False)
    """The run's preset by dotted keys; not part of `plain`."""

    def plain(self) -> dict[str, Any]:
        """All but the errors of single windows, as JSON has it.

        `physics`, `coverage` and `distribution` are null where they were not asked for.
        """
        return {name: getattr(self, name) for name in self.plain_names()} | {
            "name": self.called.name,
            "tags": list(self.called.tags),
            "validated": self.validated,
            "systems": [system.plain() for system in self.systems],
            "physics": self.physics and self.physics.plain(),
            "coverage": self.coverage and self.coverage.plain(),
            "distribution": self.distribution and self.distribution.plain(),
        }

    @classmethod
    def plain_names(cls) -> list[str]:
        """Keys of `plain`, less what the run is called."""
        apart = ("squared", "traced", "called", "validated", "settings")
        return [f.name for f in fields(cls) if f.name not in apart]


def save_evaluation(evaluation: Evaluation) -> Path:
    """Write an evaluation beside the weights it is of; return the path of its `evaluation.json`.

    The errors of single windows go to `window_errors.npy`.

    Raises
    ------
    RequestError
        The run folder cannot be written.
    """
    run, path = evaluation.run, evaluation.run / EVALUATION
    with ExitStack() as files:
        files.enter_context(held(run / f".{EVALUATION}.lock", path, wait_s=_LONGEST_SAVE_S))
        # both are whole before one takes its place: no more than a moment lies between
        figures, windows = (
            files.enter_context(new_file(run / name)) for name in (EVALUATION, WINDOW_ERRORS)
        )
        with windows.open("wb") as file:
            np.save(file, evaluation.squared, allow_pickle=False)
        record = provenance({WINDOW_ERRORS: windows}, facts=evaluation.traced)
        content = {**evaluation.plain(), KEY: record}
        figures.write_text(sealed(content), encoding="utf-8")
    return path


def read_window_errors(run: Path) -> NDArray[np.float64]:
    """(S, T) errors of a run's test windows.

    Raises
    ------
    OSError, RequestError, ValueError
        They cannot be read, or are none.
    """
    path = run / WINDOW_ERRORS
    errors = read_array(path.read_bytes(), str(path))
    if errors.ndim != 2 or not errors.size or errors.dtype.kind != "f":
        raise ValueError("no errors of windows")
    return errors.astype(np.float64)
