"""A run: the folder a training writes, from its first epoch to its last."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, cast

import torch

from painet_cli.config.presets import Preset, load_preset
from painet_cli.config.schema import Activations
from painet_cli.errors import RequestError
from painet_cli.models.memory import fit_memory
from painet_cli.storage.archives import last_line
from painet_cli.training.checkpoint import Header, load_checkpoint, read_header
from painet_cli.training.device import MemoryMeter, flushed_denormals, free_memory
from painet_cli.training.distributed.world import SINGLE, World
from painet_cli.training.record import RunSummary, begun_with, summarise
from painet_cli.training.run_folder import CONFIG, LAST, RunLabel, label_in, new_run_folder
from painet_cli.training.saving import alone, keep_epoch, kept
from painet_cli.training.setup.build import build_trainer
from painet_cli.training.setup.members import take_members
from painet_cli.training.threads import computing_with, threads_for
from painet_cli.training.trainer import Trainer
from painet_cli.training.trainer_state import restore
from painet_cli.training.watching.callback import Callback


def start_run(
    preset: Preset,
    name: str,
    data_dir: Path,
    run_dir: Path,
    device: torch.device,
    callback: Callback,
    budget_s: float | None = None,
    world: World = SINGLE,
    memory_budget: int | None = None,
    label: RunLabel = RunLabel(),  # noqa: B008 - frozen
) -> RunSummary:
    """Train a preset in a new folder `run_dir/name/STAMP`.

    Parameters
    ----------
    budget_s
        Stop after the batch with which so many seconds of training are spent; None for no limit.
        Where there was no evaluation before, there is one then.
    world
        The processes that train together; one of them writes the folder and tells the callback.
    memory_budget
        Bytes that `train.activations: auto` fits a step in; by default what is free. What it comes
        to is the run's from then on, so that a resumed run computes as it did.
    label
        What the run is called.

    Raises
    ------
    RequestError
        The dataset is not there or does not suit the preset, or the folder cannot be written.
    PainetError
        Training failed; the last whole epoch is in the folder.
    """
    meter = MemoryMeter(device)
    trainer, header = begun(preset, name, data_dir, device, budget_s, memory_budget, world)
    _align(trainer, header)
    folder = Path(world.broadcast_text(lambda: str(run_folder_of(header, run_dir / name))))
    with alone(folder, world):
        return _train(folder, trainer, header, meter, callback, label)


def begun(
    preset: Preset,
    name: str,
    data_dir: Path,
    device: torch.device,
    budget_s: float | None,
    memory_budget: int | None,
    world: World = SINGLE,
) -> tuple[Trainer, Header]:
    """A training before its first epoch; as `start_run` has it."""
    with world.all_or_none():
        trainer, header = build_trainer(preset, name, data_dir, device, budget_s, world)
        take_members(trainer.model, header.preset)
    return trainer, _fit_memory(trainer, header, memory_budget)


def run_folder_of(header: Header, runs: Path) -> Path:
    """Make a new folder for a run, `runs/STAMP`, with its preset."""
    return new_run_folder(runs, {CONFIG: header.preset.to_yaml()})


def resume_run(
    folder: Path,
    data_dir: Path,
    device: torch.device,
    callback: Callback,
    epochs: int | None = None,
    budget_s: float | None = None,
    world: World = SINGLE,
) -> RunSummary:
    """Go on with a run from its last whole epoch, to the bits it would have had without the stop.

    Parameters
    ----------
    epochs
        Train to this epoch instead of the preset's last.
    budget_s
        As for `start_run`, the seconds before the stop included.
    world
        The processes that go on together; they need not be as many as before.

    Raises
    ------
    RequestError
        The folder is no run, another process trains it, or its dataset changed since.
    """
    meter = MemoryMeter(device)
    with world.all_or_none():
        begun = read_header(folder / LAST) if (folder / LAST).is_file() else None
        preset = _preset_of(folder, epochs, begun)
    with alone(folder, world):
        with world.all_or_none():
            name = folder.resolve().parent.name
            trainer, header = build_trainer(preset, name, data_dir, device, budget_s, world, begun)
            _restore(trainer, header, folder)
        header = _fit_memory(trainer, header, None)
        _align(trainer, header)
        return _train(folder, trainer, header, meter, callback, label_in(folder))


def _preset_of(folder: Path, epochs: int | None, begun: Header | None) -> Preset:
    if not (folder / CONFIG).is_file():
        raise RequestError(
            f"{folder}: no run here ({CONFIG} is missing)",
            "give a folder that `painet train` wrote",
        )
    changes: dict[str, Any] = {} if epochs is None else {"train.epochs": epochs}
    if begun is not None:  # older configs do not say
        changes["data.velocity"] = begun.preset.data.velocity
    return load_preset(str(folder / CONFIG), changes)


def _restore(trainer: Trainer, header: Header, folder: Path) -> None:
    if (folder / LAST).exists():
        state, saved = load_checkpoint(folder / LAST)
        if saved.dataset_sha256 != header.dataset_sha256:
            raise RequestError(
                f"{folder}: dataset {saved.dataset} is not the one it began with (sha256 differs)",
                "prepare the dataset as it was, or start a new run",
            )
        try:
            restore(trainer, state, saved.progress)
        except (KeyError, RuntimeError, ValueError) as error:
            raise RequestError(
                f"{folder / LAST}: its tensors do not fit the preset in {CONFIG}",
                last_line(error),
            ) from error
    else:
        take_members(trainer.model, header.preset)


def _fit_memory(trainer: Trainer, header: Header, budget: int | None) -> Header:
    """Have the model keep for the backward pass what the preset says, or what memory allows."""
    way: Activations | Literal["auto"] = header.preset.train.activations
    world, windows = trainer.world, trainer.train_windows
    if way == "auto":
        share = -(-header.preset.train.batch_size // world.size)
        largest = windows.batch(windows.largest(share))
        free = budget or free_memory(windows.device)
        trainer.memory = fit_memory(trainer.model, largest, free, training=True)
        way = cast("Activations", world.broadcast_text(lambda: trainer.model.activations))
    for model in (trainer.model, trainer.evaluated_model):
        model.activations = way
    return header.model_copy(update={"preset": header.preset.changed({"train.activations": way})})


def _align(trainer: Trainer, header: Header) -> None:
    identity = header.model_copy(update={"progress": trainer.progress}).model_dump_json()
    trainer.world.broadcast_weights((trainer.model, trainer.evaluated_model), identity)


def _train(
    folder: Path,
    trainer: Trainer,
    header: Header,
    meter: MemoryMeter,
    callback: Callback,
    label: RunLabel,
) -> RunSummary:
    with (
        computing(folder, trainer, header),
        kept(folder, trainer, header, meter, callback, label),
    ):
        on_step = callback.step if trainer.world.is_writer else None
        while trainer.finished_by is None:
            keep_epoch(folder, trainer, header, trainer.run_epoch(on_step), callback)
    return summarise(folder, trainer, header, meter, label)


@contextmanager
def computing(folder: Path, trainer: Trainer, header: Header) -> Iterator[None]:
    """Compute with as many threads as the run is worth, and with tiny numbers as zeros."""
    with computing_with(_threads(folder, trainer, header)), flushed_denormals():
        yield


def _threads(folder: Path, trainer: Trainer, header: Header) -> int:
    """Threads of a run: as many as it began with, or as its largest batch is worth."""
    windows = trainer.train_windows
    if windows.device.type != "cpu":
        return torch.get_num_threads()
    share = -(-header.preset.train.batch_size // trainer.world.size)
    edges = windows.batch(torch.arange(min(share, len(windows)))).graph.edge_hop.shape[0]
    width = getattr(header.preset.model, "hidden", 1)
    return threads_for(edges * header.preset.data.horizon * width, begun_with(folder))
