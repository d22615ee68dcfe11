"""A run: the folder a training writes, from its first epoch to its last."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from datetime import datetime
from importlib.metadata import version
from itertools import chain, count
from pathlib import Path
from typing import Protocol

import torch

from painet_cli.config.loading import load_preset, preset_yaml
from painet_cli.config.preset import Preset
from painet_cli.data.dataset import Dataset, open_dataset
from painet_cli.data.files import check_writable, write_text
from painet_cli.data.sources import how_to_prepare
from painet_cli.data.windows import target_offsets, windows_of
from painet_cli.errors import RequestError
from painet_cli.models.registry import build_model, package_of, system_of
from painet_cli.training.checkpoint import Header, Progress, load_checkpoint, save_checkpoint
from painet_cli.training.device import MemoryMeter, flushed_denormals, seed_everything
from painet_cli.training.record import RECORD, RunSummary, recorded, summarise
from painet_cli.training.trainer import EpochRecord, Trainer

CONFIG = "config.yaml"
METRICS = "metrics.jsonl"
LAST = "last.safetensors"
BEST = "best.safetensors"
CONTENTS = {
    CONFIG: "the preset, every default spelled out",
    METRICS: "a line an epoch: errors, learning rate, seconds",
    LAST: "weights, optimiser, random state of the last whole epoch",
    BEST: "weights with the smallest validation MSE",
    RECORD: "versions, seed, device, dataset, time and memory",
}


class Listener(Protocol):
    """Someone who is told how a training goes."""

    def started(self, run: Path, trainer: Trainer) -> None:
        """The run folder exists; training begins at `trainer.progress`."""

    def epoch(self, record: EpochRecord, trainer: Trainer) -> None:
        """An epoch is done and saved."""


def start_run(
    preset: Preset,
    name: str,
    data_dir: Path,
    run_dir: Path,
    device: torch.device,
    listener: Listener,
    budget_s: float | None = None,
) -> RunSummary:
    """Train a preset in a new folder `run_dir/name/STAMP`.

    Parameters
    ----------
    budget_s
        Stop at the first evaluation after this many seconds of training; None for no limit.

    Raises
    ------
    RequestError
        The dataset is not there or does not suit the preset, or the folder cannot be written.
    PainetError
        Training failed; the last whole epoch is in the folder.
    """
    meter = MemoryMeter(device)
    trainer, header = _prepare(preset, name, data_dir, device, budget_s)
    folder = _new_run_folder(run_dir / name)
    write_text(folder / CONFIG, preset_yaml(preset))
    return _train(folder, trainer, header, meter, listener)


def resume_run(
    folder: Path,
    data_dir: Path,
    device: torch.device,
    listener: Listener,
    epochs: int | None = None,
    budget_s: float | None = None,
) -> RunSummary:
    """Go on with a run from its last whole epoch, to the bits it would have had without the stop.

    Parameters
    ----------
    epochs
        Train to this epoch instead of the preset's last.
    budget_s
        Stop at the first evaluation after this many seconds of training, those before the stop
        included; None for no limit.

    Raises
    ------
    RequestError
        The folder is no run, or its dataset changed since.
    """
    if not (folder / CONFIG).is_file():
        raise RequestError(
            f"{folder}: no run here ({CONFIG} is missing)",
            "give a folder that `painet train` wrote",
        )
    preset = load_preset(str(folder / CONFIG), [] if epochs is None else [f"train.epochs={epochs}"])
    meter = MemoryMeter(device)
    name = folder.resolve().parent.name
    trainer, header = _prepare(preset, name, data_dir, device, budget_s)
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
    write_text(folder / CONFIG, preset_yaml(preset))
    _keep_epochs(folder / METRICS, trainer.progress.epoch)
    return _train(folder, trainer, header, meter, listener)


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
    preset: Preset, name: str, data_dir: Path, device: torch.device, budget_s: float | None
) -> tuple[Trainer, Header]:
    dataset = dataset_of(preset, data_dir)
    system, graph = system_of(dataset.manifest, preset)
    offsets = target_offsets(preset.data)
    train, val = (windows_of(dataset, part, offsets, graph, device) for part in ("train", "val"))
    seed_everything(preset.train.seed, device)
    model = build_model(preset, system).to(device)
    model.fit_scales(train.batches(preset.train.batch_size))
    header = Header(
        painet_version=version("painet"),
        model_package=package_of(preset.model.name),
        preset_name=name,
        preset=preset,
        type_names=system.type_names,
        composition=Counter(system.type_names[index] for index in graph.types.tolist()),
        up_axis=system.up_axis,
        units=dataset.manifest.units,
        dataset=dataset.manifest.name,
        dataset_label=dataset.manifest.origin.label,
        dataset_sha256=dataset.sha256,
        progress=Progress(),
    )
    return Trainer(model, preset.train, train, val, budget_s), header


def _train(
    folder: Path, trainer: Trainer, header: Header, meter: MemoryMeter, listener: Listener
) -> RunSummary:
    with recorded(folder, trainer, header, meter), flushed_denormals():
        listener.started(folder, trainer)
        while trainer.finished_by is None:
            record = trainer.run_epoch()
            now = header.model_copy(update={"progress": trainer.progress})
            if record.best:
                best = {
                    f"model/{name}": value
                    for name, value in trainer.evaluated_model.state_dict().items()
                }
                save_checkpoint(folder / BEST, best, now)
            # the line goes first: resuming drops lines past the checkpoint, but cannot make one up
            with (folder / METRICS).open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(record)) + "\n")
            save_checkpoint(folder / LAST, trainer.state(), now)
            listener.epoch(record, trainer)
    return summarise(folder, trainer, header, meter)


def _new_run_folder(parent: Path) -> Path:
    stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    check_writable(parent / stamp, force=True, option="--run-dir")
    names = chain([stamp], (f"{stamp}-{k}" for k in count(2)))
    while True:
        folder = parent / next(names)
        try:
            folder.mkdir()
        except FileExistsError:  # another training began in the same second
            continue
        except OSError as error:
            raise RequestError(
                f"{folder}: cannot be made ({error.strerror})", "choose another --run-dir"
            ) from error
        return folder


def _keep_epochs(path: Path, epochs: int) -> None:
    """Drop lines of epochs that the checkpoint does not have, and a half-written last line."""
    if path.exists():
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        write_text(path, "".join(lines[:epochs]))
