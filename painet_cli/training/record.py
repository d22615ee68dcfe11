"""What a run folder says of its training: `run.json`, kept true however the training ends."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from painet_cli.errors import PainetError, RequestError, out_of_memory
from painet_cli.storage.archives import brief, read_json
from painet_cli.storage.atomic import file_sha256, write_text
from painet_cli.storage.provenance import command_line, sealed, versions
from painet_cli.training.checkpoint import Header
from painet_cli.training.device import MemoryMeter
from painet_cli.training.run_folder import RECORD, RunLabel

if TYPE_CHECKING:  # a prediction reads what a run says of itself, and trains nothing
    from painet_cli.training.trainer import Trainer

ERRORS = "error.log"
_SEALED = {".yaml", ".jsonl", ".safetensors"}
"""Endings of the files whose sha256 `run.json` has from the end of the training on."""


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
    """`epochs`, `patience` or `budget`; None before the end."""
    name: str = ""
    """What its owner calls it."""
    tags: tuple[str, ...] = ()
    seconds: float = 0.0
    """Time spent in training, without evaluations."""


def summarise(
    folder: Path,
    trainer: Trainer,
    header: Header,
    meter: MemoryMeter,
    label: RunLabel,
) -> RunSummary:
    """What has come of a training so far."""
    progress = trainer.progress
    return RunSummary(
        run=folder,
        model=header.preset.model.name,
        preset=header.preset_name,
        seed=header.preset.train.seed,
        parameters=trainer.model.parameter_count,
        epochs=progress.epoch,
        best_epoch=progress.best_epoch,
        val_mse=progress.best_mse,
        epoch_s=progress.seconds / (trainer.epochs_done or 1.0),
        peak_memory_gb=meter.peak_gb(),
        memory_kind=meter.kind,
        stopped_by=trainer.finished_by,
        name=label.name,
        tags=label.tags,
        seconds=progress.seconds,
    )


@contextmanager
def recorded(
    folder: Path, trainer: Trainer, header: Header, meter: MemoryMeter, label: RunLabel
) -> Iterator[None]:
    """Keep `run.json` true: while the run goes on, and however it ends."""
    started = time.time()

    def write(status: str) -> None:
        summary = asdict(summarise(folder, trainer, header, meter, label))
        del summary["run"]
        record: dict[str, Any] = {
            "status": status,
            **summary,
            "dataset": header.dataset,
            "dataset_sha256": header.dataset_sha256,
            **({} if header.start is None else {"start": header.start}),
            "device": str(meter.device),
            "world_size": trainer.world.size,
            "threads": torch.get_num_threads(),
            "started": datetime.fromtimestamp(started, UTC).isoformat(timespec="seconds"),
            "wall_s": round(time.time() - started, 3),
            "command": command_line(),
            "model_package": header.model_package or f"painet {header.painet_version}",
            "versions": versions(),
            "outputs": {} if status == "running" else _sealed(folder),
        }
        write_text(folder / RECORD, sealed(record))

    write("running")
    (folder / ERRORS).unlink(missing_ok=True)  # of an earlier start
    try:
        yield
    except KeyboardInterrupt:
        with suppress(PainetError):  # the disk may be full: what is saved is saved
            write("interrupted")
        raise
    except Exception as error:
        with suppress(PainetError):
            write_text(folder / ERRORS, traceback.format_exc())
            write("failed")
        if out_of_memory(error):
            raise PainetError(
                f"{meter.device}: out of memory",
                f"lower train.batch_size or model.hidden; whole epochs are kept in {folder}",
            ) from error
        raise
    write("done")


def _sealed(folder: Path) -> dict[str, str]:
    """Hex sha256 of the files that a training has written, once it writes no more."""
    return {
        path.name: file_sha256(path)
        for path in sorted(folder.iterdir())
        if path.suffix in _SEALED and not path.name.startswith(".")
    }


def trained_facts(header: Header) -> dict[str, Any]:
    """What a result of a checkpoint depends on, for its provenance."""
    return {
        "dataset": header.dataset,
        "dataset_sha256": header.dataset_sha256,
        **({} if header.start is None else {"start": header.start}),
        "preset": header.preset_name,
        "seed": header.preset.train.seed,
        "trained_with": header.versions or {"painet": header.painet_version},
    }


def begun_with(folder: Path) -> int | None:
    """Threads that a run has computed with so far; None where it has not begun."""
    with suppress(PainetError, ValueError, KeyError, TypeError, OverflowError):
        return max(int(read_json(folder / RECORD, "")["threads"]), 1)
    return None


def epoch_seconds(folder: Path) -> float:
    """Mean seconds of a training epoch of a run, without evaluations.

    Raises
    ------
    RequestError
        The folder has no readable `run.json`.
    """
    try:
        return float(read_json(folder / RECORD, "")["epoch_s"])
    except (RequestError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise RequestError(
            f"{folder / RECORD}: cannot be read ({brief(error)})",
            "give a folder that `painet train` wrote",
        ) from error
