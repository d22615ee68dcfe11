"""TensorBoard: curves in the run folder's `tensorboard/`, for `tensorboard --logdir runs`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

FOLDER = "tensorboard"


class TensorBoard:
    """Writes scalars as TensorBoard reads them."""

    def begin(self, run: Path, settings: Mapping[str, Any], epochs_done: int) -> None:
        """Open an event file; points of epochs that are done again are left out of the curve."""
        self._writer = EventFileWriter(str(run / FOLDER))
        again = SessionLog(status=SessionLog.START)
        self._writer.add_event(Event(step=epochs_done + 1, session_log=again))

    def write(self, epoch: int, numbers: Mapping[str, float]) -> None:
        """Add a point to each curve."""
        values = [Summary.Value(tag=key, simple_value=value) for key, value in numbers.items()]
        self._writer.add_event(Event(step=epoch, summary=Summary(value=values)))
        self._writer.flush()

    def end(self, summary: Mapping[str, Any] | None) -> None:
        """Close the file."""
        self._writer.close()
