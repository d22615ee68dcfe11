"""The loop's parts: rate, order, average, clipping, loss."""

from __future__ import annotations

from math import ceil, cos, pi
from mmap import PAGESIZE, mmap
from pathlib import Path

import pytest
import torch

from painet_cli.config.presets import load_preset
from painet_cli.config.schema import (
    ConstantSchedule,
    CosineSchedule,
    Schedule,
    TimedSchedule,
    TrainConfig,
    TrapezoidSchedule,
)
from painet_cli.data.batches.cut import windows
from painet_cli.data.dataset.dataset import Dataset
from painet_cli.errors import RequestError
from painet_cli.training.device import MemoryMeter, resolve_device
from painet_cli.training.distributed.world import SINGLE
from painet_cli.training.loss import squared_errors
from painet_cli.training.setup.build import build_trainer
from painet_cli.training.steps.schedule import moving_average, rate_factor
from painet_cli.training.trainer import _epoch_order
from systems import CHAIN, RING, equal_systems, normal, side_by_side
from trainings import CPU, Watcher, tensors, train


def config(schedule: Schedule) -> TrainConfig:
    return TrainConfig(epochs=10, batch_size=1, lr=1.0, schedule=schedule)


def test_a_constant_rate_stays() -> None:
    assert {rate_factor(config(ConstantSchedule()), t) for t in (0, 3.5, 10)} == {1.0}


def test_a_cosine_rises_then_falls_to_its_final_fraction() -> None:
    schedule = CosineSchedule(warmup_epochs=2, final_fraction=0.1)
    rate = [rate_factor(config(schedule), t) for t in (0, 1, 2, 6, 10)]
    assert rate == pytest.approx([0.0005, 0.5, 1.0, 0.55, 0.1])


def test_a_trapezoid_rises_stays_and_falls_at_the_end() -> None:
    schedule = TrapezoidSchedule(warmup_epochs=2, decay_fraction=0.4, final_fraction=0.1)
    rate = [rate_factor(config(schedule), t) for t in (0, 1, 2, 6, 8, 10)]
    assert rate == pytest.approx([0.0005, 0.5, 1.0, 1.0, 0.55, 0.1])


@pytest.mark.parametrize("kind", [CosineSchedule, TrapezoidSchedule])
def test_a_warm_up_longer_than_a_short_trial_still_reaches_the_learning_rate(
    kind: type[CosineSchedule | TrapezoidSchedule],
) -> None:
    rate = [rate_factor(config(kind(warmup_epochs=40)), t) for t in (2.5, 5, 10)]
    assert rate == pytest.approx([0.5, 1.0, 0.0])


def test_a_timed_rate_rises_and_falls_with_the_seconds_whatever_the_epoch() -> None:
    schedule = TimedSchedule(seconds=100, warmup_fraction=0.2)
    rate = [rate_factor(config(schedule), 3, seconds) for seconds in (0, 10, 20, 60, 100, 200)]
    assert rate == pytest.approx([0.001, 0.5, 1.0, 0.5, 0.0, 0.0])


def test_a_training_of_a_timed_rate_counts_the_seconds_of_earlier_epochs_and_of_this_one(
    small_preset: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ["train.epochs=9", "train.schedule={kind: timed, seconds: 40, warmup_fraction: 0}"]
    made = load_preset(str(small_preset), settings)
    trainer, _ = build_trainer(made, "small", data_dir, CPU, None, SINGLE)
    trainer.progress = trainer.progress.model_copy(update={"seconds": 10.0})
    clock = iter([5.0, 15.0])  # the epoch begins, its first step comes 10 s later
    monkeypatch.setattr("painet_cli.training.trainer.time.perf_counter", lambda: next(clock))
    rate, _ = next(trainer.shares())
    assert rate == pytest.approx(made.train.lr * 0.5)


def test_steps_of_a_training_take_their_rates_from_the_first_on(
    small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    schedule = ("train.schedule.kind=cosine", "train.schedule.warmup_epochs=1")
    watcher = Watcher()
    settings = ("train.epochs=3", "train.lr=1e-3", *schedule)
    run = train(small_preset, data_dir, tmp_path, *settings, watcher=watcher).run
    made = load_preset(str(run / "config.yaml"))
    count = len(windows(Dataset.open(data_dir / "sample"), "train", made.data))
    steps = ceil(count / made.train.batch_size)
    assert steps > 1
    done = [epoch + (steps - 1) / steps for epoch in range(3)]  # epochs, before the last step
    rates = [done[0], *(0.5 * (1 + cos(pi * (one - 1) / 2)) for one in done[1:])]
    assert [one.lr for one in watcher.records] == pytest.approx([1e-3 * rate for rate in rates])


def test_every_epoch_has_its_own_order_that_the_seed_fixes() -> None:
    orders = [_epoch_order(50, seed, epoch) for seed in (1, 2) for epoch in (1, 2)]
    for order in orders:
        assert sorted(order.tolist()) == list(range(50))
    assert len({tuple(order.tolist()) for order in orders}) == 4
    assert torch.equal(orders[0], _epoch_order(50, 1, 1))


def test_the_average_forgets_the_first_weights_and_then_keeps_its_decay() -> None:
    update = moving_average(0.9)
    mean = [torch.tensor([1.0])]
    update(mean, [torch.tensor([2.0])], torch.tensor(1))
    assert mean[0].item() == pytest.approx(1 + (1 - 2 / 11))
    mean = [torch.tensor([1.0])]
    update(mean, [torch.tensor([2.0])], torch.tensor(10_000))
    assert mean[0].item() == pytest.approx(1.1)


def test_clipped_gradients_hardly_move_the_weights(
    small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    def moved(*settings: str) -> float:
        run = train(small_preset, data_dir, tmp_path, "train.epochs=2", *settings).run
        state = tensors(run / "last.safetensors")
        return state["model/decoder.0.drift.2.weight"].abs().max().item()

    # Adam divides by the gradient's size, but not below its epsilon of 1e-8
    assert moved("train.clip_norm=1e-13") < 0.1 * moved()


def test_squared_errors_are_means_over_particles_and_coordinates() -> None:
    batch = equal_systems(CHAIN, copies=2, horizon=3)
    off = normal(3, 8, 3, seed=1)
    errors = squared_errors(batch.known_targets() + off, batch)
    assert errors.shape == (2, 3)
    assert errors[1, 2].item() == pytest.approx(off[2, 4:].square().mean().item())


def test_squared_errors_of_unequal_systems_weigh_each_system_alone() -> None:
    batch = side_by_side([equal_systems(CHAIN, horizon=2), equal_systems(RING, horizon=2)])
    off = normal(2, 10, 3, seed=1)
    errors = squared_errors(batch.known_targets() + off, batch)
    assert errors[0, 1].item() == pytest.approx(off[1, :4].square().mean().item())
    assert errors[1, 0].item() == pytest.approx(off[0, 4:].square().mean().item())


def test_auto_is_a_device_of_this_machine() -> None:
    assert torch.zeros(1, device=resolve_device("auto")).numel() == 1


@pytest.mark.parametrize("name", ["tpu", "cuda:x", "cpu:0", "cuda:99", ""])
def test_a_device_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(RequestError, match="device="):
        resolve_device(name)


def test_the_memory_meter_sees_what_is_taken() -> None:
    meter = MemoryMeter(torch.device("cpu"))
    before = meter.peak_gb()
    # not from the C library, which may have as much left of an earlier test
    with mmap(-1, 200_000_000) as block:
        for page in range(0, len(block), PAGESIZE):
            block[page] = 1
        assert meter.peak_gb() - before > 0.15
    assert meter.kind == "resident set above start"
