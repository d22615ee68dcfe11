"""Several seeds of a preset trained as one; each a run of its own, as if it were trained alone."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import torch

from painet_cli.config.presets import Preset
from painet_cli.config.schema import TimedSchedule
from painet_cli.errors import RequestError
from painet_cli.models.registry import find_model
from painet_cli.training.checkpoint import Header
from painet_cli.training.device import MemoryMeter, free_memory
from painet_cli.training.distributed.world import SINGLE, Share
from painet_cli.training.record import RunSummary, summarise
from painet_cli.training.run import begun, computing, run_folder_of
from painet_cli.training.run_folder import RunLabel
from painet_cli.training.saving import alone, keep_epoch, kept
from painet_cli.training.steps.optimizers import set_rate
from painet_cli.training.steps.stacked import Stack, stacked
from painet_cli.training.trainer import EpochRecord, Trainer
from painet_cli.training.watching.callback import Callback


@dataclass(frozen=True, eq=False)
class _Run:
    """One of the trainings, and what is open while it goes on."""

    folder: Path
    trainer: Trainer
    header: Header
    callback: Callback
    open: ExitStack = field(default_factory=ExitStack)


def start_together(
    presets: Sequence[Preset],
    name: str,
    data_dir: Path,
    run_dir: Path,
    device: torch.device,
    callbacks: Sequence[Callback],
    budget_s: float | None = None,
    memory_budget: int | None = None,
    label: RunLabel = RunLabel(),  # noqa: B008 - frozen
) -> list[RunSummary]:
    """Train presets that differ in their seed alone, each in a new folder `run_dir/name/STAMP`.

    Each run ends when its own patience says so, and is to rounding what it would be alone; it goes
    on alone, too, by `resume_run`. What fails in one ends all.

    Parameters
    ----------
    presets
        At least one.
    callbacks
        One a preset.
    budget_s
        Stop a run when so many seconds of training are spent, of which it counts its share.
    memory_budget
        Bytes that all steps together are to fit in; by default what is free.
    label
        What the runs are called.

    Raises
    ------
    RequestError
        The model, the optimiser or the dataset does not allow it; or as `start_run`.
    PainetError
        A training failed; the last whole epoch is in each folder.
    """
    for preset in presets:
        _check_preset(preset)
    meter = MemoryMeter(device)
    share = (memory_budget or free_memory(device)) // len(presets)
    prepared = [begun(preset, name, data_dir, device, budget_s, share) for preset in presets]
    for trainer, _ in prepared:
        _check(trainer)
    runs = [
        _Run(run_folder_of(header, run_dir / name), trainer, header, callback)
        for (trainer, header), callback in zip(prepared, callbacks, strict=True)
    ]
    with ExitStack() as all_open:
        all_open.enter_context(computing(runs[0].folder, runs[0].trainer, runs[0].header))
        for run in runs:
            all_open.enter_context(run.open)
            run.open.enter_context(alone(run.folder, SINGLE))
            run.open.enter_context(
                kept(run.folder, run.trainer, run.header, meter, run.callback, label)
            )
        _train(runs)
        return [summarise(run.folder, run.trainer, run.header, meter, label) for run in runs]


def _check_preset(preset: Preset) -> None:
    """Refuse what cannot be computed as one, whatever the dataset."""
    model, train = find_model(preset.model.name), preset.train
    if model.closed_form or not model.stackable:
        raise _refusal(f"the model {preset.model.name} is fitted, draws, or chooses its steps")
    if train.optimizer not in ("adam", "adamw"):
        raise _refusal(f"train.optimizer={train.optimizer} moves a matrix as a whole")
    if isinstance(train.schedule, TimedSchedule):
        raise _refusal("train.schedule.kind=timed gives every seed rates of its own")
    if train.compile:
        raise _refusal("train.compile=true compiles one model")


def _check(trainer: Trainer) -> None:
    """Refuse batches that cannot lie on one another, and steps that keep less than all."""
    windows, way = trainer.train_windows, trainer.model.activations
    manifest = windows.dataset.manifest
    typed = any(segment.types is not None for segment in manifest.segments)
    if manifest.systems or typed or windows.graph.radius is not None:
        raise _refusal("batches differ in their particles or edges (several systems, data.cutoff)")
    if way != "keep":
        raise _refusal(f"train.activations={way}: all must be kept, and may not fit the memory")


def _refusal(what: str) -> RequestError:
    return RequestError(f"together: {what}", "train the seeds one after the other")


def _train(runs: Sequence[_Run]) -> None:
    """Train until all have ended; those that go on are stacked anew when one has."""
    going: list[_Run] = []
    while left := [run for run in runs if run.trainer.finished_by is None]:
        if left != going:
            going, stack = left, _stack([run.trainer for run in left])
        for run, record in zip(going, _epoch(stack, going), strict=True):
            keep_epoch(run.folder, run.trainer, run.header, record, run.callback)
            if run.trainer.finished_by is not None:
                run.open.close()


def _stack(trainers: Sequence[Trainer]) -> Stack:
    first = trainers[0]
    return Stack(
        [trainer.model for trainer in trainers],
        [trainer.optimizers[0] for trainer in trainers],
        first.config,
        first.train_windows.device,
    )


def _epoch(stack: Stack, runs: Sequence[_Run]) -> list[EpochRecord | None]:
    """Train an epoch of all, and evaluate each that is due."""
    trainers = [run.trainer for run in runs]
    started, losses, rate = time.perf_counter(), [], 0.0
    for steps in zip(*(trainer.shares() for trainer in trainers), strict=True):
        rate = steps[0][0]
        batches = [share.batch for _, share in steps if share.batch is not None]
        set_rate([stack.optimizer], rate)
        losses.append(stack.step(Share(stacked(batches), 1.0)))
        done = len(trainers[0].losses) + len(losses)
        for run in runs:
            run.trainer.update_average()
            run.callback.step(done, run.trainer.steps, run.trainer)
        spent = (time.perf_counter() - started) / len(runs)
        if done < trainers[0].steps and trainers[0].is_spent(spent):
            break
    stack.hand_out()
    records = []
    seconds = (time.perf_counter() - started) / len(runs)
    for trainer, own in zip(trainers, torch.stack(losses, dim=1), strict=True):
        set_rate(trainer.optimizers, rate)
        records.append(trainer.ended_epoch(trainer.mean_loss(list(own)), seconds))
    return records
