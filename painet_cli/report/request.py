"""What is asked of `predict`, and the beginning of its answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from painet_cli.data.particles.names import Axis
from painet_cli.data.units import seconds
from painet_cli.prediction.adapting.wish import NEVER, Wish
from painet_cli.prediction.checkpoints import Checkpoint
from painet_cli.prediction.inputs.open import open_input
from painet_cli.prediction.inputs.recording import Recording
from painet_cli.prediction.loading import LoadedModel
from painet_cli.prediction.outputs.motion_style import AS_PREDICTED, MOST_PAST, MotionStyle
from painet_cli.prediction.pipeline import Begun, RecordingForecast, begin_forecast


@dataclass(frozen=True)
class PredictionRequest:
    """What is to be predicted of a file; attributes as `write_prediction` has them."""

    steps: int
    topology: Path | None = None
    select: str | None = None
    start: str = "last"
    frame_time: str | None = None
    wish: Wish = NEVER
    flag_above: float | None = None
    drop_extra: bool = False
    format_name: str | None = None
    up: Axis | None = None
    memory_budget: int | None = None
    data_dir: Path = Path("data")
    style: MotionStyle = AS_PREDICTED
    keep_bones: bool = False
    physics: bool = False
    distribution: bool = False
    conserve: bool = False

    def opened(self, file: Path) -> Recording:
        """The file, to be read as is asked for."""
        return open_input(
            file,
            topology=self.topology,
            frame_time_s=None if self.frame_time is None else seconds(self.frame_time),
            data_dir=self.data_dir,
            drop_extra=self.drop_extra,
            format_name=self.format_name,
            up_axis=self.up,
        )


def begin_prediction(
    file: Path,
    request: PredictionRequest,
    checkpoints: Sequence[Checkpoint],
    load: Callable[[Checkpoint], LoadedModel],
    notice: Callable[[str], None],
) -> RecordingForecast | Begun:
    """Open a file and begin its forecast; raises as `write_prediction` does."""
    with request.opened(file) as recording:
        return begin_forecast(
            recording,
            request.steps,
            checkpoints,
            load,
            select=request.select,
            start=request.start,
            wish=request.wish,
            flag_above=request.flag_above,
            memory_budget=request.memory_budget,
            notice=notice,
            behind=MOST_PAST if request.style.past else 0,
        )
