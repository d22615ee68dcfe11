"""A run: the folder a training writes, from its first epoch to its last."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import torch
from pydantic import ValidationError

from painet_cli.config.presets import Preset, load_preset, preset_yaml
from painet_cli.config.schema import Activations
from painet_cli.data.batches.spacing import frame_times_of
from painet_cli.data.batches.windows import (
    Windows,
    before_of,
    check_no_answer,
    target_offsets,
    windows_of,
    with_velocity,
)
from painet_cli.data.dataset.dataset import Dataset, open_dataset
from painet_cli.data.dataset.manifest import Manifest
from painet_cli.data.particles.structure import Structure, structure_of
from painet_cli.data.sources.registry import how_to_prepare
from painet_cli.errors import RequestError
from painet_cli.models.memory import fit_memory
from painet_cli.models.registry import build_model, package_of, system_of
from painet_cli.storage.atomic import append_line, sweep, write_text
from painet_cli.storage.locks import LOCK, held
from painet_cli.storage.provenance import command_line, versions
from painet_cli.training.augmentation import augmentation_of
from painet_cli.training.checkpoint import (
    Header,
    TrainingState,
    keep_confidence,
    load_checkpoint,
    read_header,
    save_checkpoint,
)
from painet_cli.training.device import (
    MemoryMeter,
    flushed_denormals,
    free_memory,
    seed_everything,
)
from painet_cli.training.distributed.world import SINGLE, World
from painet_cli.training.loss import check_loss
from painet_cli.training.record import RunSummary, begun_with, recorded, summarise
from painet_cli.training.run_folder import (
    BEST,
    CONFIG,
    LAST,
    METRICS,
    RECORD,
    RunLabel,
    keep_epochs,
    label_in,
    new_run_folder,
)
from painet_cli.training.setup.members import take_members, with_members
from painet_cli.training.setup.prior import fit_prior
from painet_cli.training.several import check_several, check_types
from painet_cli.training.start import read_start, take_weights
from painet_cli.training.threads import computing_with, threads_for
from painet_cli.training.trainer import EpochRecord, Trainer
from painet_cli.training.watching.callback import Callback

_MEASURED = 50
"""Training windows by whose starts the structure is measured."""
CONTENTS = {
    CONFIG: "the preset, every default spelled out",
    METRICS: "a line an epoch: errors, learning rate, seconds",
    LAST: "weights, optimiser, random state of the last whole epoch",
    BEST: "weights with the smallest validation MSE",
    RECORD: "versions, seed, device, dataset, time and memory",
}


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
    with world.all_or_none():
        trainer, header = _prepare(preset, name, data_dir, device, budget_s, world)
        take_members(trainer.model, header.preset)
    header = _fit_memory(trainer, header, memory_budget)
    _align(trainer, header)
    folder = Path(world.broadcast_text(lambda: str(run_folder_of(header, run_dir / name))))
    with alone(folder, world):
        return _train(folder, trainer, header, meter, callback, label)


def begun(
    preset: Preset,
    name: str,
    data_dir: Path,
    device: torch.device,
    budget_s: float | None = None,
    memory_budget: int | None = None,
) -> tuple[Trainer, Header]:
    """A training of this process alone, before its first epoch; as `start_run` has it."""
    trainer, header = _prepare(preset, name, data_dir, device, budget_s, SINGLE)
    take_members(trainer.model, header.preset)
    return trainer, _fit_memory(trainer, header, memory_budget)


def run_folder_of(header: Header, runs: Path) -> Path:
    """Make a new folder for a run, `runs/STAMP`, with its preset."""
    return new_run_folder(runs, {CONFIG: preset_yaml(header.preset)})


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
        preset = _preset_of(folder, epochs)
    with alone(folder, world):
        with world.all_or_none():
            name = folder.resolve().parent.name
            trainer, header = _prepare(preset, name, data_dir, device, budget_s, world)
            _restore(trainer, header, folder)
        header = _fit_memory(trainer, header, None)
        _align(trainer, header)
        return _train(folder, trainer, header, meter, callback, label_in(folder))


def _preset_of(folder: Path, epochs: int | None) -> Preset:
    if not (folder / CONFIG).is_file():
        raise RequestError(
            f"{folder}: no run here ({CONFIG} is missing)",
            "give a folder that `painet train` wrote",
        )
    changes: dict[str, Any] = {} if epochs is None else {"train.epochs": epochs}
    if (folder / LAST).is_file():  # older configs do not say
        changes["data.velocity"] = read_header(folder / LAST).preset.data.velocity
    return load_preset(str(folder / CONFIG), changes)


@contextmanager
def alone(folder: Path, world: World) -> Iterator[None]:
    """Keep other trainings out of a run: the process that writes holds it for all of its world."""
    with ExitStack() as stack:
        with world.all_or_none():
            if world.is_writer:
                stack.enter_context(held(folder / LOCK, folder))
                sweep(folder)
        yield


def _restore(trainer: Trainer, header: Header, folder: Path) -> None:
    if (folder / LAST).exists():
        state, saved = load_checkpoint(folder / LAST)
        if saved.dataset_sha256 != header.dataset_sha256:
            raise RequestError(
                f"{folder}: dataset {saved.dataset} is not the one it began with (sha256 differs)",
                "prepare the dataset as it was, or start a new run",
            )
        try:
            trainer.restore(state, saved.progress)
        except (KeyError, RuntimeError, ValueError) as error:
            raise RequestError(
                f"{folder / LAST}: its tensors do not fit the preset in {CONFIG}",
                str(error).splitlines()[-1].strip(),
            ) from error
    else:
        take_members(trainer.model, header.preset)


def dataset_of(preset: Preset, data_dir: Path) -> Dataset:
    """Open the dataset a preset names.

    Raises
    ------
    RequestError
        It is not there; says which command prepares it.
    """
    folder = data_dir / preset.data.dataset
    if not folder.exists():
        raise RequestError(
            f"{folder}: dataset {preset.data.dataset} is not prepared",
            how_to_prepare(preset.data.dataset),
        )
    return open_dataset(folder)


def _prepare(
    preset: Preset,
    name: str,
    data_dir: Path,
    device: torch.device,
    budget_s: float | None,
    world: World,
) -> tuple[Trainer, Header]:
    if preset.train.batch_size < world.size:
        raise RequestError(
            f"train.batch_size={preset.train.batch_size}: {world.size} processes share a batch, "
            "and each needs a window",
            "raise it, or start fewer processes",
        )
    dataset = dataset_of(preset, data_dir)
    preset = preset.model_copy(update={"data": with_velocity(preset.data, dataset.manifest)})
    check_no_answer(preset.data)
    check_loss(preset, dataset.manifest)
    preset = with_members(preset, dataset)
    where = preset.train.start_from
    start = None if where is None else read_start(where, dataset.manifest)
    known = () if start is None else start.header.type_names
    system, graph = system_of(dataset.manifest, preset, known)
    offsets, before = target_offsets(preset.data), before_of(preset.data)
    times = frame_times_of(preset.data)
    train, val = (
        windows_of(dataset, part, offsets, graph, device, before, times)
        for part in ("train", "val")
    )
    check_types(dataset, train, graph, system.type_names, len(known))
    seed_everything(preset.train.seed, device)
    model = build_model(preset, system).to(device)
    check_several(dataset.manifest, model, preset)
    augmentation = augmentation_of(preset, dataset)
    fit_prior(model, train, val, augmentation)
    if start is None:
        model.fit_scales(train.batches(preset.train.batch_size))
    else:
        take_weights(model, start, system.type_names)
    header = _header(
        painet_version=version("painet"),
        model_package=package_of(preset.model.name),
        preset_name=name,
        preset=preset,
        type_names=system.type_names,
        composition=(
            {}  # no one system's
            if dataset.manifest.systems
            else Counter(system.type_names[index] for index in graph.types.tolist())
        ),
        structure=_structure(dataset, train),
        systems=_trained_on(dataset.manifest, train),
        treatment=dataset.manifest.treatment,
        reference=_reference(dataset),
        up_axis=system.up_axis,
        units=dataset.manifest.units,
        dataset=dataset.manifest.name,
        dataset_label=dataset.manifest.origin.label,
        dataset_sha256=dataset.sha256,
        progress=TrainingState(),
        command=command_line(),
        versions=versions(),
        start=None if start is None else start.facts(),
    )
    report = preset.data.report
    return Trainer(model, preset.train, train, val, budget_s, world, augmentation, report), header


def _trained_on(manifest: Manifest, train: Windows) -> tuple[str, ...]:
    """Names of the systems that training windows are of, where there are several."""
    numbers = np.unique(train.systems.numpy()).tolist() if manifest.systems else []
    return tuple(manifest.systems[number].name for number in numbers)


def _reference(dataset: Dataset) -> list[list[float]]:
    """What the frames were superposed on: the first of them, which `prepare` left where it was."""
    manifest = dataset.manifest
    if manifest.systems or "superposed" not in manifest.treatment:
        return []
    positions: list[list[float]] = dataset.frames[0].astype(float).tolist()
    return positions


def _structure(dataset: Dataset, train: Windows) -> Structure | None:
    """How the system is built, by the first frames of training windows."""
    manifest = dataset.manifest
    if manifest.systems or any(segment.types is not None for segment in manifest.segments):
        return None
    frames = dataset.frames[train.starts[:_MEASURED]]
    return structure_of(manifest.particles, frames, manifest.units.length)


def _header(**content: Any) -> Header:
    try:
        return Header(**content)
    except ValidationError as error:
        first = error.errors()[0]
        raise RequestError(
            f"no checkpoint can say this: {first['loc'][0]} {str(first['input'])[:60]!r}",
            "choose another name for the preset or the dataset",
        ) from error


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
                    keep_confidence(
                        folder / BEST,
                        trainer.evaluated_model,
                        trainer.train_windows,
                        trainer.val_windows,
                    )
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
            write_text(folder / CONFIG, preset_yaml(header.preset))
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


def _threads(folder: Path, trainer: Trainer, header: Header) -> int:
    """Threads of a run: as many as it began with, or as its largest batch is worth."""
    windows = trainer.train_windows
    if windows.device.type != "cpu":
        return torch.get_num_threads()
    share = -(-header.preset.train.batch_size // trainer.world.size)
    edges = windows.batch(torch.arange(min(share, len(windows)))).graph.edge_hop.shape[0]
    width = getattr(header.preset.model, "hidden", 1)
    return threads_for(edges * header.preset.data.horizon * width, begun_with(folder))


def _save_epoch(folder: Path, trainer: Trainer, header: Header, record: EpochRecord | None) -> None:
    now = header.model_copy(update={"progress": trainer.progress})
    if record is not None:
        # the line goes first: resuming drops lines past the checkpoint, but cannot make one up
        append_line(folder / METRICS, json.dumps(asdict(record)))
    save_checkpoint(folder / LAST, trainer.state(), now)
    if (
        record is not None and record.best
    ):  # last: resuming makes up for it from the weights that are saved
        _save_best(folder, trainer, now)


def _save_best(folder: Path, trainer: Trainer, header: Header) -> None:
    weights = trainer.evaluated_model.state_dict()
    save_checkpoint(
        folder / BEST, {f"model/{name}": value for name, value in weights.items()}, header
    )


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
