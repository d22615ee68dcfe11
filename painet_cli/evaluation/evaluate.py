"""From a run folder to its figures: load the best weights, predict a part of the split, measure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from painet_cli.config.differences import flat_settings
from painet_cli.config.presets import Preset, load_preset, preset_names
from painet_cli.data.batches.offsets import before_of, holds_answer, target_offsets
from painet_cli.data.batches.spacing import frame_times_of
from painet_cli.data.batches.windows import Windows, windows_of
from painet_cli.data.dataset.dataset import Dataset
from painet_cli.data.dataset.manifest import SplitName
from painet_cli.data.dataset.splits import leak_fraction
from painet_cli.errors import RequestError
from painet_cli.evaluation.coverage import (
    MOST_WINDOWS,
    Coverage,
    coverage_by_type,
    kept_coverage,
    measure_coverage,
)
from painet_cli.evaluation.distributions.windows import compare_windows
from painet_cli.evaluation.elsewhere import check_known, narrowed
from painet_cli.evaluation.evaluation import Evaluation
from painet_cli.evaluation.metrics import prediction_errors
from painet_cli.evaluation.physics.windows import check_windows
from painet_cli.evaluation.sampled import sample_windows
from painet_cli.evaluation.systems import errors_by_system
from painet_cli.evaluation.yardsticks import guesses
from painet_cli.models.base import DynamicsModel
from painet_cli.models.memory import fit_memory
from painet_cli.models.registry import system_of
from painet_cli.prediction.loading import restore
from painet_cli.prediction.rollout import rollout_offsets
from painet_cli.training.checkpoint import Header, load_checkpoint
from painet_cli.training.device import MemoryMeter, free_memory
from painet_cli.training.distributed.world import SINGLE, World
from painet_cli.training.record import trained_facts
from painet_cli.training.run_folder import best_weights, label_in
from painet_cli.training.setup.build import dataset_of

CPU = torch.device("cpu")


def evaluate_run(
    run: Path,
    data_dir: Path,
    device: torch.device,
    *,
    part: SplitName = "test",
    horizon: int | None = None,
    physics: bool = False,
    on: str | None = None,
    delta_time: tuple[str, str] | None = None,
    rivals: bool = False,
    error_bars: bool = False,
    distribution: bool = False,
    world: World = SINGLE,
    memory_budget: int | None = None,
) -> Evaluation:
    """Measure a run's best weights on one part of its dataset's split.

    Parameters
    ----------
    run
        A folder that a training wrote.
    data_dir
        Where the prepared datasets lie.
    horizon
        Steps to predict, by rollout past the trained horizon; by default what the preset says.
    physics
        Whether to check bonds, clashes and the like too, on at most 200 windows.
    on
        Another dataset to measure it on, of particle types that it knows.
    delta_time
        Times between the frames of the windows, within those that it was trained on.
    rivals
        Whether to measure the yardsticks on the same windows.
    error_bars
        Whether to try error bars, the checkpoint's or of validation windows, on these windows.
    distribution
        Whether to compare distributions (torsions, size, bone lengths ...) on at most 200 windows.
    world
        The processes that share the windows; one of them does the physical checks.
    memory_budget
        Bytes that a prediction is to fit in; by default what is free.

    Raises
    ------
    RequestError
        The folder holds no checkpoint, its dataset is missing or not the one it was trained on, or
        no window is long enough for the horizon.
    """
    meter = MemoryMeter(device)
    with world.all_or_none():
        model, header, dataset = load_run(run, data_dir, device, on)
        preset = header.preset if delta_time is None else narrowed(header.preset, delta_time)
        trained = target_offsets(preset.data)
        steps = horizon or preset.evaluation.horizon or preset.data.horizon
        offsets = rollout_offsets(trained, steps)
        windows = windows_for(dataset, preset, part, offsets, device, header.type_names)
    batch_size = preset.train.batch_size
    largest = windows.batch(windows.largest(batch_size))
    fit_memory(model, largest, memory_budget or free_memory(device), training=False)
    upright = dataset.manifest.up_axis is not None
    errors = prediction_errors(model, windows, batch_size, trained, world, superposed=not upright)
    peak_memory_gb = meter.peak_gb()
    checks, rival, alike, bars = None, None, None, None
    means: list[dict[str, list[float]]] = [{}, {}]
    with world.all_or_none():
        times = frame_times_of(preset.data)
        several = bool(dataset.manifest.systems) or times is not None
        if world.is_writer and (rivals or distribution) and not several:
            rival = guesses(dataset, preset, windows, part)
        if rival is not None and rivals:
            means = [*rival.errors(*(("raw",) if upright else ("raw", "superposed"))), {}]
        if world.is_writer and (physics or distribution):
            some = sample_windows(model, windows, batch_size, trained)
            times_s = windows.target_times_s(some.numbers)
            checks = check_windows(dataset, some, times_s) if physics else None
            if distribution:
                alike = compare_windows(dataset, windows, some, rival)
        if world.is_writer and error_bars and part != "val":
            bars = _error_bars(run, model, header, dataset, preset, windows, several=several)
    mse = errors.f_mse if preset.data.report == "last" else errors.mse
    return Evaluation(
        run=run,
        model=preset.model.name,
        preset=header.preset_name,
        seed=preset.train.seed,
        epochs=header.progress.epoch,
        parameters=model.parameter_count,
        dataset=dataset.manifest.name,
        split=part,
        split_kind=dataset.manifest.split.kind,
        leak=leak_fraction(dataset.manifest.split),
        windows=len(windows),
        horizon=steps,
        trained_horizon=preset.data.horizon,
        mse=mse,
        f_mse=errors.f_mse,
        a_mse=errors.a_mse,
        step_mse=errors.step_mse,
        msd=3 * mse,
        unit=f"{header.units.length}²",
        time_s=errors.seconds,
        peak_memory_gb=peak_memory_gb,
        memory_kind=meter.kind,
        device=str(device),
        label=dataset.manifest.origin.label,
        as_published=_is_as_shipped(header.preset_name, preset),
        delta_time="" if times is None else str(times),
        systems=errors_by_system(errors.squared, windows, batch_size, world) if several else (),
        answer_given=holds_answer(preset.data),
        yardsticks=means[0],
        superposed_step_mse=errors.superposed_step_mse,
        superposed_yardsticks=means[1],
        coverage=bars,
        physics=checks,
        distribution=alike,
        squared=errors.squared,
        traced={**trained_facts(header), "tensors_sha256": header.tensors_sha256},
        called=label_in(run),
        validated=header.progress.best_epoch is not None,
        settings=flat_settings(header.preset),
    )


def _error_bars(
    run: Path,
    model: DynamicsModel,
    header: Header,
    dataset: Dataset,
    preset: Preset,
    windows: Windows,
    *,
    several: bool,
) -> Coverage | None:
    """What the checkpoint's error bars hold, or those of validation windows where it keeps none.

    None where no validation window is long enough; of several systems or times, where none is kept.
    """
    trained, known = target_offsets(preset.data), header.type_names
    batch_size, tensors = preset.train.batch_size, load_checkpoint(best_weights(run))[0]
    if several or "radii/times" in tensors:
        return coverage_by_type(tensors, model, windows, batch_size, trained)
    some = sample_windows(model, windows, batch_size, trained, MOST_WINDOWS)
    kept = kept_coverage(tensors, model, windows, some, batch_size)
    if kept is not None:
        return kept
    try:
        val = windows_for(dataset, preset, "val", windows.offsets, windows.device, known)
    except RequestError:
        return None
    return measure_coverage(sample_windows(model, val, batch_size, trained, MOST_WINDOWS), some)


def _is_as_shipped(name: str, preset: Preset) -> bool:
    if name not in preset_names():
        return False
    published, here = (
        data.model_copy(update={"velocity": data.velocity or "next"})
        for data in (load_preset(name).data, preset.data)
    )
    return published == here


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
