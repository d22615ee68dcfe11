"""The folder of a run while it is trained: held, begun, saved after every epoch, and closed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from copy import deepcopy
from dataclasses import asdict
from pathlib import Path

from torch import Tensor

from painet_cli.errors import RequestError
from painet_cli.models.confidence.kept import measure
from painet_cli.storage.atomic import append_line, sweep, write_text
from painet_cli.storage.locks import LOCK, held
from painet_cli.training.checkpoint import (
    Header,
    load_checkpoint,
    read_header,
    save_checkpoint,
    under,
)
from painet_cli.training.device import MemoryMeter
from painet_cli.training.distributed.world import World
from painet_cli.training.record import recorded, summarise
from painet_cli.training.run_folder import BEST, CONFIG, LAST, METRICS, RunLabel, keep_epochs
from painet_cli.training.trainer import EpochRecord, Trainer
from painet_cli.training.trainer_state import state_of
from painet_cli.training.watching.callback import Callback


@contextmanager
def alone(folder: Path, world: World) -> Iterator[None]:
    """Keep other trainings out of a run: the process that writes holds it for all of its world."""
    with ExitStack() as stack:
        with world.all_or_none():
            if world.is_writer:
                stack.enter_context(held(folder / LOCK, folder))
                sweep(folder)
        yield


@contextmanager
def kept(
    folder: Path,
    trainer: Trainer,
    header: Header,
    meter: MemoryMeter,
    callback: Callback,
    label: RunLabel,
) -> Iterator[None]:
    """Keep what the folder says true while a training goes on, and however it ends."""
    is_writer, summary = trainer.world.is_writer, None
    record = recorded(folder, trainer, header, meter, label) if is_writer else nullcontext()
    try:
        with record:
            _begin(folder, trainer, header, callback)
            yield
            _choose_best(folder, trainer, header)
            with trainer.world.all_or_none():
                if is_writer:
                    _keep_confidence(folder / BEST, trainer)
        summary = summarise(folder, trainer, header, meter, label)
    finally:
        if is_writer:
            callback.ended(summary)


def _begin(folder: Path, trainer: Trainer, header: Header, callback: Callback) -> None:
    """Make the folder as a running training has it, and say so."""
    with trainer.world.all_or_none():
        if trainer.world.is_writer:
            # not before: until it is said to be running, the folder is as `run.json` has it
            _make_up_best(folder, trainer, header)
            write_text(folder / CONFIG, header.preset.to_yaml())
            keep_epochs(folder / METRICS, trainer.progress.epoch)
            callback.started(folder, trainer)


def keep_epoch(
    folder: Path,
    trainer: Trainer,
    header: Header,
    record: EpochRecord | None,
    callback: Callback,
) -> None:
    """Save an epoch that is done, or what the budget allowed of it, and say so."""
    with trainer.world.all_or_none():
        if trainer.world.is_writer:
            _save_epoch(folder, trainer, header, record)
            if record is not None:
                callback.epoch(record, trainer)


def _save_epoch(folder: Path, trainer: Trainer, header: Header, record: EpochRecord | None) -> None:
    now = header.model_copy(update={"progress": trainer.progress})
    if record is not None:
        # the line goes first: resuming drops lines past the checkpoint, but cannot make one up
        append_line(folder / METRICS, json.dumps(asdict(record)))
    save_checkpoint(folder / LAST, state_of(trainer), now)
    if record is not None and record.best:
        # last: resuming makes up for it from the weights that are saved
        _save_best(folder, trainer, now)


def _save_best(folder: Path, trainer: Trainer, header: Header) -> None:
    save_checkpoint(folder / BEST, _named(trainer.evaluated_model.state_dict()), header)


def _named(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights as a checkpoint names those of a model."""
    return {f"model/{name}": value for name, value in weights.items()}


def _keep_confidence(path: Path, trainer: Trainer) -> None:
    """Measure the weights of a checkpoint on windows that they were not trained on, and keep it.

    The weights stay as they are. Nothing is done where there are none: no epoch was evaluated.
    """
    if not path.is_file():
        return
    tensors, header = load_checkpoint(path)
    weights = under("model", tensors)
    model = deepcopy(trainer.evaluated_model)
    model.load_state_dict(weights)
    found = measure(model.eval(), trainer.train_windows, trainer.val_windows)
    save_checkpoint(path, _named(weights) | found, header)


def _choose_best(folder: Path, trainer: Trainer, header: Header) -> None:
    """Where the budget ended a training before its first evaluation, take what there is as best.

    What is saved to go on from does not know of it: a training that goes on comes to the same bits.
    """
    if trainer.progress.best_epoch is None:
        trainer.choose_best()
        with trainer.world.all_or_none():
            if trainer.world.is_writer:
                now = header.model_copy(update={"progress": trainer.progress})
                _save_best(folder, trainer, now)


def _make_up_best(folder: Path, trainer: Trainer, header: Header) -> None:
    """Save the best weights of a training that was killed before it did, right after its epoch."""
    progress = trainer.progress
    if progress.epoch == 0 or progress.best_epoch != progress.epoch:
        return
    try:
        there = read_header(folder / BEST).progress.epoch
    except RequestError:
        there = None
    if there != progress.epoch:
        _save_best(folder, trainer, header.model_copy(update={"progress": progress}))
