"""From a run folder to what is evaluated: its best weights, and windows of a part of a split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from painet_cli.config.presets import Preset
from painet_cli.data.batches.cut import windows_of
from painet_cli.data.batches.offsets import before_of, target_offsets
from painet_cli.data.batches.spacing import FrameTimes, frame_times_of
from painet_cli.data.batches.windows import Windows
from painet_cli.data.dataset.dataset import Dataset
from painet_cli.data.dataset.manifest import SplitName
from painet_cli.errors import RequestError
from painet_cli.evaluation.elsewhere import check_known, narrowed
from painet_cli.evaluation.sampled import MOST_WINDOWS, Sampled, sample_windows
from painet_cli.models.base import DynamicsModel
from painet_cli.models.registry import system_of
from painet_cli.prediction.loading import restore
from painet_cli.prediction.rollout import rollout_offsets
from painet_cli.training.checkpoint import Header
from painet_cli.training.run_folder import best_weights
from painet_cli.training.setup.build import dataset_of

CPU = torch.device("cpu")


@dataclass(frozen=True, eq=False)
class OpenedRun:
    """What is measured on which windows.

    Attributes
    ----------
    model, header
        The best weights of the run.
    preset
        The run's, with the times between frames that were asked for.
    windows
        Those of `part` of the dataset's split.
    """

    run: Path
    model: DynamicsModel
    header: Header
    dataset: Dataset
    preset: Preset
    part: SplitName
    windows: Windows

    @property
    def batch_size(self) -> int:
        """Windows that are predicted at once."""
        return self.preset.train.batch_size

    @property
    def trained(self) -> NDArray[np.int64]:
        """(T,) frames from a start to each target that the model was trained on."""
        return target_offsets(self.preset.data)

    @property
    def times(self) -> FrameTimes | None:
        """Between which the time from frame to frame is drawn; None where it is the dataset's."""
        return frame_times_of(self.preset.data)

    @property
    def several(self) -> bool:
        """Whether there are several systems or times, whose errors mean something one by one."""
        return bool(self.dataset.manifest.systems) or self.times is not None

    @property
    def upright(self) -> bool:
        """Whether there is an up axis, which a superposition would lose."""
        return self.dataset.manifest.up_axis is not None

    def sampled(self, most: int = MOST_WINDOWS, windows: Windows | None = None) -> Sampled:
        """Some of its windows, or of others, with what the model says of them."""
        return sample_windows(
            self.model, windows or self.windows, self.batch_size, self.trained, most
        )


def open_run(
    run: Path,
    data_dir: Path,
    device: torch.device,
    part: SplitName,
    horizon: int | None,
    on: str | None,
    delta_time: tuple[str, str] | None,
) -> OpenedRun:
    """Find and check what is measured; parameters and errors are those of `evaluate_run`."""
    model, header, dataset = load_run(run, data_dir, device, on)
    preset = header.preset if delta_time is None else narrowed(header.preset, delta_time)
    steps = horizon or preset.evaluation.horizon or preset.data.horizon
    offsets = rollout_offsets(target_offsets(preset.data), steps)
    windows = windows_for(dataset, preset, part, offsets, device, header.type_names)
    return OpenedRun(run, model, header, dataset, preset, part, windows)


def load_run(
    run: Path, data_dir: Path, device: torch.device, on: str | None = None
) -> tuple[DynamicsModel, Header, Dataset]:
    """Best weights of a run, what they are of, and the dataset they were trained on.

    Parameters
    ----------
    on
        Another dataset, of particle types that the model knows.

    Raises
    ------
    RequestError
        One of them is missing, or they do not belong together.
    """
    model, header = restore(best_weights(run), device)
    if on is not None:
        dataset = dataset_of(header.preset.changed({"data.dataset": on}), data_dir)
        check_known(dataset, header)
        return model, header, dataset
    dataset = dataset_of(header.preset, data_dir)
    if dataset.sha256 != header.dataset_sha256:
        raise RequestError(
            f"{run}: trained on another version of dataset {header.dataset} (sha256 differs)",
            f"prepare {header.dataset} as it was, or train again",
        )
    return model, header, dataset


def windows_for(
    dataset: Dataset,
    preset: Preset,
    part: SplitName,
    offsets: NDArray[np.int64] | None = None,
    device: torch.device = CPU,
    known: Sequence[str] = (),
) -> Windows:
    """Windows of one part of the split with a preset's edges.

    Parameters
    ----------
    offsets
        (T,) frames from a start to its targets; by default the preset's.
    device
        Where batches are made.
    known
        Names of the particle types of the model that reads them, in its order.

    Raises
    ------
    RequestError
        No window of that part leaves room for the offsets.
    """
    offsets = target_offsets(preset.data) if offsets is None else offsets
    graph, before = system_of(dataset.manifest, preset, known)[1], before_of(preset.data)
    times = frame_times_of(preset.data)
    return windows_of(dataset, part, offsets, graph, device, before, times)
