"""A run: the folder a training writes, from its first epoch to its last."""

from __future__ import annotations

import json
import platform
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import torch

from painet_cli.config.loading import load_preset, preset_yaml
from painet_cli.config.preset import Preset
from painet_cli.data.dataset import Dataset, open_dataset
from painet_cli.data.files import check_writable, write_text
from painet_cli.data.registry import how_to_prepare
from painet_cli.data.windows import target_offsets, windows_of
from painet_cli.errors import PainetError, RequestError
from painet_cli.models.registry import build_model, system_of
from painet_cli.training.checkpoint import Header, Progress, load_checkpoint, save_checkpoint
from painet_cli.training.device import MemoryMeter, flushed_denormals, seed_everything
from painet_cli.training.trainer import EpochRecord, Trainer

CONFIG = "config.yaml"
METRICS = "metrics.jsonl"
LAST = "last.safetensors"
BEST = "best.safetensors"
RECORD = "run.json"
ERRORS = "error.log"
CONTENTS = {
    CONFIG: "the preset, every default spelled out",
    METRICS: "a line an epoch: errors, learning rate, seconds",
    LAST: "weights, optimiser, random state of the last whole epoch",
    BEST: "weights with the smallest validation MSE",
    RECORD: "versions, seed, device, dataset, time and memory",
}


@dataclass(frozen=True)
class RunSummary:
    """What came of a training."""

    run: Path
    model: str
    preset: str
    seed: int
    parameters: int
    epochs: int
    best_epoch: int | None
    val_mse: float | None
    """Validation MSE of the best epoch."""
    epoch_s: float
    """Mean seconds of a training epoch, without evaluations."""
    peak_memory_gb: float
    memory_kind: str
    stopped_by: str | None
    """`epochs` or `patience`; None before the end."""


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
) -> RunSummary:
    """Train a preset in a new folder `run_dir/name/STAMP`.

    Raises
    ------
    RequestError
        The dataset is not there or does not suit the preset, or the folder cannot be written.
    PainetError
        Training failed; the last whole epoch is in the folder.
    """
    meter = MemoryMeter(device)
    trainer, header = _prepare(preset, name, data_dir, device)
    folder = _new_run_folder(run_dir / name)
    write_text(folder / CONFIG, preset_yaml(preset))
    return _train(folder, trainer, header, meter, listener)


def resume_run(
    folder: Path,
    data_dir: Path,
    device: torch.device,
    listener: Listener,
    epochs: int | None = None,
) -> RunSummary:
    """Go on with a run from its last whole epoch, to the bits it would have had without the stop.

    Parameters
    ----------
    epochs
        Train to this epoch instead of the preset's last.

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
    trainer, header = _prepare(preset, folder.resolve().parent.name, data_dir, device)
    if (folder / LAST).exists():
        state, saved = load_checkpoint(folder / LAST)
        if saved.dataset_sha256 != header.dataset_sha256:
            raise RequestError(
                f"{folder}: dataset {saved.dataset} is not the one it began with (sha256 differs)",
                "prepare the dataset as it was, or start a new run",
            )
        trainer.restore(state, saved.progress)
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


def epoch_seconds(folder: Path) -> float:
    """Mean seconds of a training epoch of a run, without evaluations.

    Raises
    ------
    RequestError
        The folder has no readable `run.json`.
    """
    try:
        return float(json.loads((folder / RECORD).read_bytes())["epoch_s"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RequestError(
            f"{folder / RECORD}: cannot be read ({error})",
            "give a folder that `painet train` wrote",
        ) from error


def _prepare(
    preset: Preset, name: str, data_dir: Path, device: torch.device
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
        preset_name=name,
        preset=preset,
        type_names=system.type_names,
        up_axis=system.up_axis,
        units=dataset.manifest.units,
        dataset=dataset.manifest.name,
        dataset_sha256=dataset.sha256,
        progress=Progress(),
    )
    return Trainer(model, preset.train, train, val), header


def _train(
    folder: Path, trainer: Trainer, header: Header, meter: MemoryMeter, listener: Listener
) -> RunSummary:
    with _recorded(folder, trainer, header, meter), flushed_denormals():
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
    return _summary(folder, trainer, header, meter)


def _summary(folder: Path, trainer: Trainer, header: Header, meter: MemoryMeter) -> RunSummary:
    progress = trainer.progress
    return RunSummary(
        run=folder,
        model=header.preset.model.name,
        preset=header.preset_name,
        seed=header.preset.train.seed,
        parameters=sum(parameter.numel() for parameter in trainer.model.parameters()),
        epochs=progress.epoch,
        best_epoch=progress.best_epoch,
        val_mse=progress.best_mse,
        epoch_s=progress.seconds / max(progress.epoch, 1),
        peak_memory_gb=meter.peak_gb(),
        memory_kind=meter.kind,
        stopped_by=trainer.finished_by,
    )


@contextmanager
def _recorded(folder: Path, trainer: Trainer, header: Header, meter: MemoryMeter) -> Iterator[None]:
    """Keep `run.json` true: while the run goes on, and however it ends."""
    started = time.time()

    def write(status: str) -> None:
        summary = asdict(_summary(folder, trainer, header, meter))
        del summary["run"]
        record: dict[str, Any] = {
            "status": status,
            **summary,
            "dataset": header.dataset,
            "dataset_sha256": header.dataset_sha256,
            "device": str(meter.device),
            "threads": torch.get_num_threads(),
            "started": datetime.fromtimestamp(started, UTC).isoformat(timespec="seconds"),
            "wall_s": round(time.time() - started, 3),
            "command": " ".join(sys.argv),
            "versions": {
                "painet": header.painet_version,
                "python": platform.python_version(),
                **{package: version(package) for package in ("torch", "numpy", "safetensors")},
            },
        }
        write_text(folder / RECORD, json.dumps(record, indent=2) + "\n")

    write("running")
    try:
        yield
    except KeyboardInterrupt:
        write("interrupted")
        raise
    except Exception as error:
        (folder / ERRORS).write_text(traceback.format_exc(), encoding="utf-8")
        write("failed")
        if isinstance(error, torch.OutOfMemoryError):
            raise PainetError(
                f"{meter.device}: out of memory", "lower train.batch_size or model.hidden"
            ) from error
        raise
    write("done")


def _new_run_folder(parent: Path) -> Path:
    stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    folder, count = parent / stamp, 1
    while folder.exists():
        count += 1
        folder = parent / f"{stamp}-{count}"
    check_writable(folder, force=False, option="--run-dir")
    try:
        folder.mkdir()
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
