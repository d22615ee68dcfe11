"""MLflow: runs in the server of `MLFLOW_TRACKING_URI`, else in `mlruns/` beside the runs."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlflow.entities import Metric, Param
from mlflow.tracking import MlflowClient

EXPERIMENT = "painet"
KEPT = "mlflow.txt"
"""File of the run folder with the id of its MLflow run, which goes on when the training does."""
_LONGEST = 500


class MLflow:
    """Writes a run as MLflow has it."""

    def begin(self, run: Path, settings: Mapping[str, Any], epochs_done: int) -> None:
        """Begin a run with the preset as its parameters, or go on with the folder's own."""
        # its plain files are what needs no server; newer versions ask whether that is meant
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
        beside = (run.resolve().parents[1] / "mlruns").as_uri()
        self._client = MlflowClient(os.environ.get("MLFLOW_TRACKING_URI", beside))
        if (run / KEPT).is_file():
            self._id = (run / KEPT).read_text(encoding="ascii").strip()
            return
        found = self._client.get_experiment_by_name(EXPERIMENT)
        experiment = found.experiment_id if found else self._client.create_experiment(EXPERIMENT)
        name = f"{run.parent.name}/{run.name}"
        self._id = self._client.create_run(experiment, run_name=name).info.run_id
        (run / KEPT).write_text(f"{self._id}\n", encoding="ascii")
        params = [Param(key, str(value)[:_LONGEST]) for key, value in settings.items()]
        self._client.log_batch(self._id, params=params)

    def write(self, epoch: int, numbers: Mapping[str, float]) -> None:
        """Log an epoch."""
        now = int(1000 * time.time())
        metrics = [Metric(key, value, now, epoch) for key, value in numbers.items()]
        self._client.log_batch(self._id, metrics=metrics)

    def end(self, summary: Mapping[str, Any] | None) -> None:
        """Say that the run has ended, or was stopped."""
        self._client.set_terminated(self._id, "FINISHED" if summary is not None else "KILLED")
