"""Recorders: where the numbers of a training go besides `metrics.jsonl`, which has them always.

Those of this package are TensorBoard, Weights & Biases and MLflow. Another package adds one by an
entry point of the group `painet.recorders`, whose value makes a `Recorder` when it is called.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from painet_cli.config.differences import flat_settings
from painet_cli.config.plugins import RECORDERS, Plugin, plugins
from painet_cli.config.presets import load_preset
from painet_cli.errors import RequestError
from painet_cli.training.record import RunSummary
from painet_cli.training.run_folder import CONFIG
from painet_cli.training.trainer import EpochRecord, Trainer
from painet_cli.training.watching.callback import Callback

_HERE = "painet_cli.training.watching"
OWN = {
    "tensorboard": f"{_HERE}.tensorboard:TensorBoard",
    "wandb": f"{_HERE}.weights_and_biases:WeightsAndBiases",
    "mlflow": f"{_HERE}.mlflow_store:MLflow",
}


@runtime_checkable
class Recorder(Protocol):
    """Somewhere that numbers of a training are written to."""

    def begin(self, run: Path, settings: Mapping[str, Any], epochs_done: int) -> None:
        """Training begins, or goes on.

        Parameters
        ----------
        run
            The run folder, into which a recorder may write below a name of its own.
        settings
            The preset by dotted keys.
        epochs_done
            Epochs that are kept; what was written of later ones holds no more.
        """

    def write(self, epoch: int, numbers: Mapping[str, float]) -> None:
        """An epoch is done: `train_mse`, `lr`, `seconds` and, where it was measured, `val_mse`."""

    def end(self, summary: Mapping[str, Any] | None) -> None:
        """Training has come to its end; None where it was interrupted or failed."""


def registered_recorders() -> dict[str, Plugin]:
    """All recorders by name, those of this package first; none is imported."""
    own = {name: Plugin(RECORDERS, name, at, "painet", "") for name, at in OWN.items()}
    return {**own, **plugins(RECORDERS, OWN)}


def recording(name: str) -> Callback:
    """A callback that hands the numbers of a training to the recorder of that name.

    Raises
    ------
    RequestError
        There is none, or the package it needs is not installed or broken.
    """
    known = registered_recorders()
    if name not in known:
        raise RequestError(f"recorder {name}: no such recorder", f"there are {', '.join(known)}")
    try:
        recorder: Recorder = known[name].load()()
    except RequestError as error:
        if name not in OWN or not isinstance(error.__cause__, ModuleNotFoundError):
            raise
        raise RequestError(
            f"recorder {name}: the package {error.__cause__.name} is not installed",
            f'install it with `pip install "painet[{name}]"`',
        ) from error
    if not isinstance(recorder, Recorder):
        raise known[name].broken("what it makes lacks `begin`, `write` or `end`")
    return RecorderCallback(recorder)


class RecorderCallback(Callback):
    """Hands the numbers of a training to a recorder."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._begun = False

    def started(self, run: Path, trainer: Trainer) -> None:
        """Begin, with the preset as the run folder has it."""
        settings = flat_settings(load_preset(str(run / CONFIG)))
        self._recorder.begin(run, settings, trainer.progress.epoch)
        self._begun = True

    def epoch(self, record: EpochRecord, trainer: Trainer) -> None:
        """Write an epoch's numbers."""
        numbers = {"train_mse": record.train_mse, "lr": record.lr, "seconds": record.seconds}
        if record.val_mse is not None:
            numbers["val_mse"] = record.val_mse
        self._recorder.write(record.epoch, numbers)

    def ended(self, summary: RunSummary | None) -> None:
        """End."""
        if self._begun:
            self._recorder.end(None if summary is None else asdict(summary))
