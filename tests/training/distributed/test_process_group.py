"""Two processes train as one does: over gloo, on this machine."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, cast
from unittest.mock import patch

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from painet_cli.config.presets import load_preset
from painet_cli.data.batches.windows import Windows
from painet_cli.errors import RequestError
from painet_cli.evaluation.evaluate import evaluate_run
from painet_cli.evaluation.opened_run import windows_for
from painet_cli.models.registry import build_model, system_of
from painet_cli.training import saving
from painet_cli.training.checkpoint import load_checkpoint
from painet_cli.training.distributed.launch import Launch
from painet_cli.training.distributed.process_group import ProcessGroup
from painet_cli.training.distributed.world import SINGLE, World
from painet_cli.training.record import ERRORS, RECORD
from painet_cli.training.run import resume_run, start_run
from painet_cli.training.run_folder import BEST, LAST, METRICS
from painet_cli.training.setup import build
from painet_cli.training.setup.build import dataset_of
from painet_cli.training.trainer import EpochRecord, OnStep, Trainer
from painet_cli.training.trainer_state import state_of
from pairs import Ended, Pair
from trainings import CPU, Watcher, tensors, train


@dataclass(frozen=True)
class Job:
    """A training of 500 windows, validated on 200, that both processes are given."""

    preset: Path
    data_dir: Path
    run_dir: Path
    # shares of 250 and 249 windows, then of 1 and 0
    settings: tuple[str, ...] = (
        "train.batch_size=499",
        "train.clip_norm=0.05",
        "train.weight_decay=1e-3",
    )

    def but(self, *settings: str) -> Job:
        return replace(self, settings=(*self.settings, *settings))

    def alone(self) -> Path:
        """Train in this process; give the run folder."""
        return train(self.preset, self.data_dir, self.run_dir / "alone", *self.settings).run

    def start(self, world: World, watcher: Watcher, trainer: type[Trainer] = Trainer) -> Path:
        """Train in one of two processes; each names a folder of its own for its runs."""
        preset = load_preset(str(self.preset), self.settings)
        folder = self.run_dir / f"rank-{world.rank}"
        with patch.object(build, "Trainer", trainer):
            return start_run(preset, "small", self.data_dir, folder, CPU, watcher, world=world).run

    def run_of(self, rank: int = 0) -> Path:
        """The one run folder that a process has made."""
        (run,) = (self.run_dir / f"rank-{rank}" / "small").iterdir()
        return run


@pytest.fixture
def job(small_preset: Path, data_dir: Path, tmp_path: Path) -> Job:
    return Job(small_preset, data_dir, tmp_path)


def values(ended: tuple[Ended, Ended]) -> tuple[Any, Any]:
    assert [one.error for one in ended] == ["", ""], ended
    return ended[0].value, ended[1].value


def record(run: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((run / RECORD).read_text())
    return loaded


def metrics(run: Path) -> list[dict[str, Any]]:
    """Lines of the metrics without their times; no evaluation reads as an error of zero."""
    rows = [json.loads(line) for line in (run / METRICS).read_text().splitlines()]
    return [{key: value or 0.0 for key, value in row.items() if key != "seconds"} for row in rows]


def assert_same_training(run: Path, expected: Path) -> None:
    """Weights, average, optimiser and metrics agree to 1e-5."""
    for name in (LAST, BEST):
        one, other = tensors(expected / name), tensors(run / name)
        assert one.keys() == other.keys()
        for key, tensor in one.items():
            torch.testing.assert_close(other[key], tensor, rtol=1e-5, atol=1e-5)
    for row, expected_row in zip(metrics(run), metrics(expected), strict=True):
        assert row == pytest.approx(expected_row, rel=1e-5)


class Seen(Trainer):
    """A trainer that can be looked at afterwards."""

    last: ClassVar[Seen]

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        Seen.last = self


def train_and_evaluate(world: World, job: Job) -> dict[str, Any]:
    watcher = Watcher()
    run = job.start(world, watcher, Seen)
    return {
        "run": run,
        "epochs told": len(watcher.records),
        "progress": Seen.last.progress.model_dump(),
        "finished by": Seen.last.finished_by,
        "state": {name: tensor.numpy() for name, tensor in state_of(Seen.last).items()},
        "errors": evaluate_run(run, job.data_dir, CPU, world=world).squared,
    }


@pytest.mark.parametrize("batch_size", [499, 199])  # 199 leaves one validation window over
def test_two_processes_end_where_one_does(pair: Pair, job: Job, batch_size: int) -> None:
    job = job.but(f"train.batch_size={batch_size}")
    alone = job.alone()
    first, second = values(pair.run(train_and_evaluate, job))
    assert_same_training(first["run"], alone)
    expected = evaluate_run(alone, job.data_dir, CPU).squared
    np.testing.assert_allclose(first["errors"], expected, rtol=1e-4)  # each window in its place
    assert first["errors"].mean() == pytest.approx(expected.mean(), rel=1e-5)

    # both hold the same, bit for bit, and so agree on what is best and when to stop
    np.testing.assert_array_equal(first["errors"], second["errors"])
    assert first["progress"] == second["progress"]
    assert first["finished by"] == second["finished by"] == "epochs"
    for name, array in first["state"].items():
        np.testing.assert_array_equal(array, second["state"][name])

    # one of them writes and tells
    assert first["run"] == second["run"] == job.run_of(0)
    assert not (job.run_dir / "rank-1").exists()
    assert (first["epochs told"], second["epochs told"]) == (4, 0)
    assert (record(first["run"])["world_size"], record(alone)["world_size"]) == (2, 1)


@pytest.mark.parametrize("optimizer", ["muon", "soap"])
def test_with_any_optimiser_both_hold_the_same_bits(pair: Pair, job: Job, optimizer: str) -> None:
    job = job.but(f"train.optimizer={optimizer}", "train.batch_size=99", "train.epochs=2")
    first, second = values(pair.run(train_and_evaluate, job))
    for name, array in first["state"].items():
        np.testing.assert_array_equal(array, second["state"][name])


def stop_by_patience_and_by_budget(world: World, job: Job) -> list[tuple[str | None, int]]:
    ends = []
    for settings, budget_s in ((("train.patience=2", "train.lr=1e-30"), None), ((), 1e-9)):
        preset = load_preset(
            str(job.preset), [*job.settings, "train.epochs=50", "train.eval_every=1", *settings]
        )
        with patch.object(build, "Trainer", Seen):
            start_run(preset, "small", job.data_dir, job.run_dir, CPU, Watcher(), budget_s, world)
        ends.append((Seen.last.finished_by, Seen.last.progress.epoch))
    return ends


def test_patience_and_budget_end_both_after_the_same_batch(pair: Pair, job: Job) -> None:
    first, second = values(pair.run(stop_by_patience_and_by_budget, job))
    assert first == second
    assert [reason for reason, _ in first] == ["patience", "budget"]
    assert first[1] == ("budget", 0)


class Stopped(Trainer):
    """SIGTERM reaches rank 1 as its third epoch begins."""

    def run_epoch(self, on_step: OnStep | None = None) -> EpochRecord | None:
        if self.progress.epoch == 2 and self.world.rank == 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return super().run_epoch(on_step)


def be_stopped(world: World, job: Job) -> Path:
    return job.start(world, Watcher(), Stopped)


def resume(world: World, run: Path, data_dir: Path) -> int:
    return resume_run(run, data_dir, CPU, Watcher(), world=world).epochs


def test_a_stop_of_one_process_stops_both_and_one_or_two_go_on(pair: Pair, job: Job) -> None:
    first, second = pair.run(be_stopped, job)
    assert first.error == "KeyboardInterrupt"
    assert (second.error, second.code) == ("SystemExit", 130)
    run = job.run_of(0)
    assert (record(run)["status"], record(run)["epochs"]) == ("interrupted", 2)
    assert load_checkpoint(run / LAST)[1].progress.epoch == 2
    assert len(metrics(run)) == 2

    alone = job.alone()
    copy = job.run_dir / "copy" / "small" / "stamp"
    copy.mkdir(parents=True)
    for file in run.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    assert values(pair.run(resume, copy, job.data_dir)) == (4, 4)
    assert_same_training(copy, alone)
    assert resume_run(run, job.data_dir, CPU, Watcher()).epochs == 4
    assert_same_training(run, alone)
    assert record(run)["world_size"] == 1


def begin_and_stop_alone(job: Job) -> Path:
    watcher = Watcher(stop_after=2)
    with pytest.raises(KeyboardInterrupt):
        train(job.preset, job.data_dir, job.run_dir / "begun", *job.settings, watcher=watcher)
    assert watcher.run is not None
    return watcher.run


def test_two_processes_go_on_with_what_one_began(pair: Pair, job: Job) -> None:
    begun = begin_and_stop_alone(job)
    assert values(pair.run(resume, begun, job.data_dir)) == (4, 4)
    assert_same_training(begun, job.alone())


class Failing(Trainer):
    """The model of rank 1 breaks in its third epoch."""

    def run_epoch(self, on_step: OnStep | None = None) -> EpochRecord | None:
        if self.progress.epoch == 2 and self.world.rank == 1:
            self.model.forward = cast("Any", out_of_memory)
        return super().run_epoch(on_step)


def out_of_memory(_: object) -> Tensor:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 80 GiB")


class Unreadable(Trainer):
    """The windows of rank 1 cannot be read in its third epoch."""

    def run_epoch(self, on_step: OnStep | None = None) -> EpochRecord | None:
        if self.progress.epoch == 2 and self.world.rank == 1:
            self.train_windows.batch = cast("Any", unreadable)  # type: ignore[method-assign]
        return super().run_epoch(on_step)


def unreadable(_: object) -> Tensor:
    raise OSError("Input/output error")


class Diverging(Trainer):
    """The weights of rank 1 are no numbers."""

    def run_epoch(self, on_step: OnStep | None = None) -> EpochRecord | None:
        if self.progress.epoch == 2 and self.world.rank == 1:
            for parameter in self.model.parameters():
                nn.init.constant_(parameter, torch.nan)
        return super().run_epoch(on_step)


def fail(world: World, job: Job, trainer: type[Trainer]) -> Path:
    return job.start(world, Watcher(), trainer)


@pytest.mark.parametrize(
    ("trainer", "said"),
    [
        (Failing, "process 1: out of memory"),
        (Unreadable, "process 1: OSError: Input/output error"),
        (Diverging, "epoch 3: the training loss is nan from batch 1 of 2 on"),
    ],
)
def test_what_fails_in_one_process_ends_both_with_one_message(
    pair: Pair, job: Job, trainer: type[Trainer], said: str
) -> None:
    first, second = pair.run(fail, job, trainer)
    assert first.error == "PainetError"
    assert first.what.startswith(said)
    assert (second.error, second.code, second.what) == ("SystemExit", 1, "")
    run = job.run_of(0)
    assert (record(run)["status"], record(run)["epochs"]) == ("failed", 2)
    assert said.removeprefix("process 1: ") in (run / ERRORS).read_text()  # with its traceback
    assert load_checkpoint(run / LAST)[1].progress.epoch == 2


def start_with_a_full_disk(world: World, job: Job) -> Path:
    def full(*_: object) -> None:
        raise RequestError("last.safetensors: cannot be written (No space left on device)")

    with patch.object(saving, "save_checkpoint", full):
        return job.start(world, Watcher())


def test_a_writer_that_cannot_write_ends_both(pair: Pair, job: Job) -> None:
    first, second = pair.run(start_with_a_full_disk, job)
    assert (first.error, second.error, second.code) == ("RequestError", "SystemExit", 2)
    assert "No space left on device" in first.what


def start_with_a_seed_of_ones_own(world: World, job: Job) -> Path:
    return job.but(f"train.seed={world.rank}").start(world, Watcher())


def test_processes_that_were_given_different_work_are_refused(pair: Pair, job: Job) -> None:
    first, second = pair.run(start_with_a_seed_of_ones_own, job)
    assert (first.error, second.code) == ("RequestError", 2)
    assert "process 1: its preset, dataset or version of painet is not" in first.what
    assert not (job.run_dir / "rank-0").exists()


def test_a_batch_that_leaves_a_process_without_work_is_refused(pair: Pair, job: Job) -> None:
    first, second = pair.run(be_stopped, job.but("train.batch_size=1"))
    assert (first.error, second.code) == ("RequestError", 2)
    assert "train.batch_size=1: 2 processes share a batch" in first.what


def test_a_device_that_one_process_lacks_is_told_by_the_first(pair: Pair, job: Job) -> None:
    first, second = pair.run(be_stopped, job, devices=("cpu", "cuda:99"))
    assert (first.error, second.code) == ("RequestError", 2)
    assert "process 1: device='cuda:99': this machine has" in first.what


OPTIONS = {
    "linear": {},
    "egnn": {"layers": 2, "hidden": 8},
    "egno": {"layers": 2, "hidden": 8},
    "painet": {"layers": 2, "hidden": 8, "heads": 2},
    "painet, no pairs": {"layers": 2, "hidden": 8, "pairwise": "none"},
    "painet, one layer for all times": {"layers": 2, "hidden": 8, "share_time": True},
}


def gradients(world: World, job: Job, name: str) -> dict[str, Any]:
    """Gradients of the loss of three windows, the third of which has a batch of its own."""
    settings = [f"model.{key}={value}" for key, value in OPTIONS[name].items()]
    preset = load_preset("demo", [f"model.name={name.partition(',')[0]}", *settings])
    dataset = dataset_of(preset, job.data_dir)
    system, _ = system_of(dataset.manifest, preset)
    windows = windows_for(dataset, preset, "train")
    torch.manual_seed(3)
    model = build_model(preset, system)
    found: dict[str, Any] = {}
    for step, share in enumerate(world.shares(windows, 2, torch.tensor([4, 400, 77]))):
        model.zero_grad()
        with world.averaging(model, share.weight):
            if share.batch is not None:
                error = model(share.batch) - share.batch.known_targets()
                error.square().mean().backward()
        for key, parameter in model.named_parameters():
            gradient = parameter.grad
            found[f"{step} {key}"] = None if gradient is None else gradient.numpy()
    return found


@pytest.mark.parametrize("name", OPTIONS)
def test_gradients_are_those_of_the_whole_batch(pair: Pair, job: Job, name: str) -> None:
    expected = gradients(SINGLE, job, name)
    for found in values(pair.run(gradients, job, name)):
        assert {k for k, g in found.items() if g is None} == {
            k for k, g in expected.items() if g is None
        }
        for key, gradient in expected.items():
            if gradient is not None:
                scale = np.abs(gradient).max()
                np.testing.assert_allclose(found[key], gradient, rtol=1e-4, atol=1e-5 * scale)


class Uneven(nn.Module):
    """One parameter that both use, one for rank 1 alone, and one that nobody uses."""

    def __init__(self) -> None:
        super().__init__()
        self.both, self.second, self.nobody = (nn.Parameter(torch.ones(2)) for _ in range(3))


def uneven_gradients(world: World, weights: tuple[float, float]) -> list[list[float] | None]:
    model = Uneven()
    with world.averaging(model, weights[world.rank]):
        loss = (world.rank + 1.0) * model.both.sum()
        if world.rank == 1:
            loss = loss + 10 * model.second.sum()
        loss.backward()
    return [None if p.grad is None else p.grad.tolist() for p in model.parameters()]


def test_a_parameter_without_a_gradient_neither_hangs_nor_gets_one(pair: Pair) -> None:
    for found in values(pair.run(uneven_gradients, (0.75, 0.25))):
        assert found == [[1.25, 1.25], [2.5, 2.5], None]


class Numbers:
    """Windows whose batches are their own numbers."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def batches_of(self, parts: Sequence[Tensor]) -> Iterator[Tensor]:
        assert all(len(part) for part in parts)
        return iter(parts)


@given(
    st.integers(1, 9),
    st.integers(1, 40),
    st.integers(1, 50),
    st.randoms(use_true_random=False),
)
def test_every_window_of_a_batch_falls_to_one_process(
    size: int, batch_size: int, count: int, random: Any
) -> None:
    order = torch.tensor(random.sample(range(count), count))
    windows = cast("Windows", Numbers(count))
    shares = []
    for rank in range(size):
        world = ProcessGroup(Launch(rank, size), cast("Any", None), [])
        shares.append(list(world.shares(windows, batch_size, order)))
    for step, expected in enumerate(torch.split(order, batch_size)):
        parts = [share[step] for share in shares]
        numbers = [cast("Tensor", part.batch) for part in parts if part.batch is not None]
        assert torch.equal(torch.cat(numbers), expected)
        assert sum(part.weight for part in parts) == pytest.approx(1.0)
        sizes = [round(part.weight * len(expected)) for part in parts]
        assert max(sizes) - min(sizes) <= 1
