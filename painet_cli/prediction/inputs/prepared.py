"""A prepared dataset, as an input of a prediction."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.dataset.dataset import open_dataset
from painet_cli.errors import RequestError
from painet_cli.prediction.inputs.described import ParticleRecording
from painet_cli.prediction.inputs.recording import Frames, check_several


class PreparedRecording(ParticleRecording):
    """A prepared dataset; its segments are recordings of their own."""

    kind = "dataset"

    def __init__(self, folder: Path) -> None:
        dataset = open_dataset(folder)
        manifest = dataset.manifest
        if any(segment.types is not None for segment in manifest.segments):
            raise RequestError(
                f"{folder}: its particle types differ by segment, so it is no one system",
                "`painet evaluate RUN` measures a model on such a dataset",
            )
        super().__init__(folder, manifest.frame_count, manifest.units.frame_time_s)
        self.name = folder.resolve().name
        self.length_unit = manifest.units.length
        self.up_axis = manifest.up_axis
        self.breaks = tuple(segment.start for segment in manifest.segments[1:])
        self.fingerprint = dataset.sha256
        self.treatment = manifest.treatment
        self.particles = manifest.particles
        self._all = dataset.frames
        self.first = dataset.frames[0]
        check_several(folder, len(self.particles.names))

    def _frames(self, first: int, stop: int, indices: NDArray[np.int64]) -> Frames:
        return Frames(np.ascontiguousarray(self._all[first:stop, indices]))
