"""From the frames before a start to runs that were trained on them, as `painet train` writes them.

The frames become a prepared dataset whose parts are the blocks of `blocks.py`: training windows to
learn from, validation windows to choose by, and test windows that are held out. So what is learned
here and what `painet train` would learn of that dataset is the same.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from painet_cli.config.presets import Preset
from painet_cli.data.dataset.dataset import open_dataset, write_dataset
from painet_cli.data.dataset.manifest import Manifest, Origin, Segment, Split, Units
from painet_cli.data.motion.length_units import METRES_OF
from painet_cli.errors import PainetError, option
from painet_cli.prediction.adapting.adapt import KERNEL, Adapted
from painet_cli.prediction.adapting.blocks import HELD, Blocks, thinned
from painet_cli.prediction.adapting.guesses import Candidate
from painet_cli.prediction.adapting.lesson import Lesson
from painet_cli.prediction.adapting.recipes import goes_on, kernel_preset, network_preset
from painet_cli.prediction.adapting.wish import Wish
from painet_cli.prediction.asked import make_forecast
from painet_cli.prediction.checkpoints import Checkpoint
from painet_cli.prediction.forecast import Forecast
from painet_cli.prediction.inputs.recording import Input
from painet_cli.prediction.loading import load
from painet_cli.storage.atomic import check_writable, file_stem, new_folder
from painet_cli.storage.provenance import command_line

_ANGSTROM = 1e-10
_EPOCH = 1000
"""Predicted positions of an epoch for each second of the training: it stops after whole epochs."""
_MOST_KERNEL = 2000
"""Particles of a kernel that is kept."""


def keep_dataset(lesson: Lesson, folder: Path, *, force: bool = False) -> None:
    """Write the frames that a lesson is about as a prepared dataset; raises as writing does."""
    system, begin = lesson.system, lesson.begin
    frames = system.frames[begin : lesson.start + 1]
    parts = {
        name: tuple((starts - begin).tolist())
        for name, starts in (
            ("train", lesson.blocks.learn),
            ("val", lesson.blocks.choose),
            ("test", lesson.blocks.held),
        )
    }
    manifest = Manifest(
        name=folder.name,
        origin=Origin(
            source=f"frames {system.first_frame + begin} to {system.first_frame + lesson.start} "
            f"of {system.path or system.name}",
            licence="not stated: that of the file's owner",
            citation="not stated",
            prepared_by=command_line(),
        ),
        units=Units(
            length=system.length_unit,
            length_in_metres=_metres(system),
            frame_time_s=lesson.frame_time_s,
        ),
        up_axis=system.up_axis,
        velocity="before",
        treatment=system.treatment,
        particles=system.particles,
        segments=(Segment(name="recording", start=0, length=len(frames)),),
        split=Split(kind="blocks", delta_frames=int(lesson.offsets[-1]), **parts),
    )
    write_dataset(folder, frames, manifest, force=force)


def _metres(system: Input) -> float:
    """Length of the unit of a recording."""
    if system.kind == "dataset" and system.path is not None:
        return open_dataset(system.path).manifest.units.length_in_metres
    return _ANGSTROM if system.length_unit == "angstrom" else METRES_OF.get(system.length_unit, 1.0)


def candidate_of(run: Path, system: Input, steps: int) -> Candidate:
    """What a run predicts from the frames of a system."""
    loaded = load(run, "cpu")

    def guess(_: NDArray[np.floating], starts: NDArray[np.int64]) -> NDArray[np.floating]:
        return whole(make_forecast(loaded, system, starts, steps), steps)

    return Candidate(guess, run=run)


def whole(forecast: Forecast, steps: int) -> NDArray[np.floating]:
    """Positions of a forecast that has all its steps.

    Raises
    ------
    PainetError
        It ended before.
    """
    if forecast.positions.shape[1] < steps:
        raise PainetError(forecast.sanity.sentence if forecast.sanity else "it runs away")
    return forecast.positions


class OwnRuns:
    """Trains on a recording what was wished, and keeps the best run of it.

    Parameters
    ----------
    wish
        For how long, and where the run is kept.
    begin
        The checkpoint that may be trained further.
    notice
        Told what is trained, before it is.
    stack
        Clears up what is not kept.
    """

    def __init__(
        self,
        wish: Wish,
        begin: Checkpoint | None,
        notice: Callable[[str], None],
        stack: ExitStack,
    ) -> None:
        self.wish = wish
        self.notice = notice
        self.begin = begin
        self._stack = stack
        self._folder: Path | None = None

    def train(self, lesson: Lesson) -> dict[str, Candidate]:
        """A network, trained for the time that was given; nothing where its steps are uneven."""
        lesson = self._in_time(lesson)
        further = self.begin is not None and goes_on(lesson, self.begin)
        name = f"{self.begin.name}, trained further" if self.begin and further else "PAINET"
        try:
            preset = network_preset(lesson, self._name, self.begin, self.wish.budget_s)
            self.notice(f"training {name} for {self.wish.budget_s:,.0f} s")
            run = self._trained(lesson, preset, self.wish.budget_s)
        except PainetError as error:
            self.notice(f"{name} was not trained: {error.what}")
            return {}
        return {name: candidate_of(run, lesson.system, len(lesson.offsets))}

    def keep(self, found: Adapted) -> list[str]:
        """Keep the best run where that is wished; gives what is to be said where it cannot be."""
        where, lesson = self.wish.save_run, self._in_time(found.lesson)
        if where is None:
            return []
        if len(lesson.blocks.learn) < HELD or not lesson.moves:
            return ["no run was kept: too few frames to learn from, or nothing moves in them"]
        runs = {name: one.run for name, one in found.candidates.items() if one.run is not None}
        means = found.verdict.means
        name = min(runs.keys() & means.keys(), key=lambda key: means[key], default=None)
        if name is None or means[name] > means.get(KERNEL, np.inf):
            name = KERNEL
            if len(lesson.system.particles.names) > _MOST_KERNEL:
                return [
                    f"no run was kept: {len(lesson.system.particles.names):,} particles are too "
                    f"many for a kernel ({option('adapt', '5m')} trains a network)"
                ]
            try:
                run = self._trained(lesson, kernel_preset(lesson, self._name), None)
            except PainetError as error:
                return [f"no run was kept: {error.what}"]
        else:
            run = runs[name]
        keep_dataset(lesson, self.wish.data_dir / self._name, force=self.wish.force)
        with new_folder(where, force=self.wish.force) as staging:
            shutil.copytree(run, staging, dirs_exist_ok=True)
        self.notice(f"{name} is kept as the run {where}, its frames as the dataset {self._name}")
        return []

    def _in_time(self, lesson: Lesson) -> Lesson:
        """With so few windows to learn from that several epochs fit into the time."""
        if not self.wish.budget_s:
            return lesson
        size = lesson.known.shape[1] * len(lesson.offsets)
        most = int(self.wish.budget_s * _EPOCH) // size
        blocks = lesson.blocks
        learn, choose = (thinned(part, most) for part in (blocks.learn, blocks.choose))
        return replace(lesson, blocks=Blocks(learn, choose, blocks.held))

    @property
    def _name(self) -> str:
        where = self.wish.save_run
        return "recording" if where is None else dataset_name(where)

    def _trained(self, lesson: Lesson, preset: Preset, budget_s: float | None) -> Path:
        """A run folder among what is cleared up."""
        from painet_cli.training.train import train  # most predictions train nothing

        if self._folder is None:
            made = tempfile.TemporaryDirectory(prefix="painet-")
            self._folder = Path(self._stack.enter_context(made))
            keep_dataset(lesson, self._folder / self._name)
        return train(
            preset,
            budget_s=budget_s,
            data_dir=self._folder,
            run_dir=self._folder / "runs",
            name=self._name,
            device="cpu",
        ).run


def dataset_name(where: Path) -> str:
    """Name of the dataset of a run that is kept there."""
    return file_stem(f"{where.resolve().name or 'run'}-frames").lstrip("-.")[:100]


def check_keeping(wish: Wish) -> None:
    """Refuse early to keep a run where something is already.

    Raises
    ------
    RequestError
        The run's folder or its dataset's is there, or cannot be written.
    """
    if wish.save_run is not None:
        check_writable(wish.save_run, force=wish.force, place="save_run")
        check_writable(wish.data_dir / dataset_name(wish.save_run), force=wish.force)
