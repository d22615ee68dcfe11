"""From a run folder to its figures: load the best weights, predict a part of the split, measure."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from painet_cli.config.differences import flat_settings
from painet_cli.config.presets import Preset, load_preset, preset_names
from painet_cli.config.schema import DataConfig
from painet_cli.data.batches.offsets import holds_answer
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
from painet_cli.evaluation.evaluation import Evaluation
from painet_cli.evaluation.metrics import Errors, prediction_errors
from painet_cli.evaluation.opened_run import OpenedRun, open_run, windows_for
from painet_cli.evaluation.physics.windows import check_windows
from painet_cli.evaluation.systems import SystemErrors, errors_by_system
from painet_cli.evaluation.yardsticks import guesses
from painet_cli.models.memory import fit_memory
from painet_cli.training.checkpoint import load_checkpoint
from painet_cli.training.device import MemoryMeter, drawing_by, free_memory
from painet_cli.training.distributed.world import SINGLE, World
from painet_cli.training.record import trained_facts
from painet_cli.training.run_folder import best_weights, label_in


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
        of = open_run(run, data_dir, device, part, horizon, on, delta_time)
    with drawing_by(of.preset.train.seed, device):
        largest = of.windows.batch(of.windows.largest(of.batch_size))
        fit_memory(of.model, largest, memory_budget or free_memory(device), training=False)
        errors = prediction_errors(
            of.model, of.windows, of.batch_size, of.trained, world, superposed=not of.upright
        )
        evaluation = _evaluation(of, errors, meter, world)
        with world.all_or_none():
            if not world.is_writer:
                return evaluation
            return _with_details(
                evaluation,
                of,
                physics=physics,
                rivals=rivals,
                error_bars=error_bars,
                distribution=distribution,
            )


def _evaluation(of: OpenedRun, errors: Errors, meter: MemoryMeter, world: World) -> Evaluation:
    """Errors, with all that is said of the run, its data and the machine."""
    header, preset, manifest = of.header, of.preset, of.dataset.manifest
    mse = errors.f_mse if preset.data.report == "last" else errors.a_mse
    systems: tuple[SystemErrors, ...] = ()
    peak_memory_gb = meter.peak_gb()
    if of.several:
        systems = errors_by_system(errors.squared, of.windows, of.batch_size, world)
    return Evaluation(
        run=of.run,
        model=preset.model.name,
        preset=header.preset_name,
        seed=preset.train.seed,
        epochs=header.progress.epoch,
        parameters=of.model.parameter_count,
        dataset=manifest.name,
        split=of.part,
        split_kind=manifest.split.kind,
        leak=leak_fraction(manifest.split),
        windows=len(of.windows),
        horizon=len(of.windows.offsets),
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
        device=str(of.windows.device),
        label=manifest.origin.label,
        as_published=_is_as_shipped(header.preset_name, preset),
        delta_time="" if of.times is None else str(of.times),
        systems=systems,
        answer_given=holds_answer(preset.data),
        superposed_step_mse=errors.superposed_step_mse,
        squared=errors.squared,
        traced={**trained_facts(header), "tensors_sha256": header.tensors_sha256},
        called=label_in(of.run),
        validated=header.progress.best_epoch is not None,
        settings=flat_settings(header.preset),
    )


def _with_details(
    evaluation: Evaluation,
    of: OpenedRun,
    *,
    physics: bool,
    rivals: bool,
    error_bars: bool,
    distribution: bool,
) -> Evaluation:
    """With what `evaluate_run` was asked for beside the errors."""
    rival = None
    if (rivals or distribution) and not of.several:
        rival = guesses(of.dataset, of.preset, of.windows, of.part)
    if rival is not None and rivals:
        raw, *superposed = rival.errors(*(("raw",) if of.upright else ("raw", "superposed")))
        evaluation = replace(
            evaluation, yardsticks=raw, superposed_yardsticks=superposed[0] if superposed else {}
        )
    if physics or distribution:
        some = of.sampled()
        times_s = of.windows.target_times_s(some.numbers)
        evaluation = replace(
            evaluation,
            physics=check_windows(of.dataset, some, times_s) if physics else None,
            distribution=(
                compare_windows(of.dataset, of.windows, some, rival) if distribution else None
            ),
        )
    if error_bars and of.part != "val":
        evaluation = replace(evaluation, coverage=_error_bars(of))
    return evaluation


def _error_bars(of: OpenedRun) -> Coverage | None:
    """What the checkpoint's error bars hold, or those of validation windows where it keeps none.

    None where no validation window is long enough; of several systems or times, where none is kept.
    """
    tensors = load_checkpoint(best_weights(of.run))[0]
    if of.several or "radii/times" in tensors:
        return coverage_by_type(tensors, of.model, of.windows, of.batch_size, of.trained)
    some = of.sampled(MOST_WINDOWS)
    kept = kept_coverage(tensors, of.model, of.windows, some, of.batch_size)
    if kept is not None:
        return kept
    offsets, device, known = of.windows.offsets, of.windows.device, of.header.type_names
    try:
        val = windows_for(of.dataset, of.preset, "val", offsets, device, known)
    except RequestError:
        return None
    return measure_coverage(of.sampled(MOST_WINDOWS, val), some)


def _is_as_shipped(name: str, preset: Preset) -> bool:
    if name not in preset_names():
        return False
    published, here = load_preset(name).data, preset.data
    return with_benchmark_velocity(published) == with_benchmark_velocity(here)


def with_benchmark_velocity(data: DataConfig) -> DataConfig:
    """The same with the benchmarks' velocity, where it is left to the dataset."""
    return data.model_copy(update={"velocity": data.velocity or "next"})
