"""Threads by the size of the work and by what is free, and nothing left behind in the process."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import painet
from painet_cli.prediction import passes
from painet_cli.prediction.rollout import rollout
from painet_cli.training import threads as module
from painet_cli.training.threads import computing_with, free_cores, threads_for
from trainings import Watcher

LARGE = 100 * module._WORTH


@pytest.fixture
def four_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    with computing_with(4):
        yield


@pytest.mark.usefixtures("four_threads")
@pytest.mark.parametrize(("free", "threads"), [(1, 1), (3, 3), (64, 4)])
def test_threads_that_spin_are_as_many_as_cores_are_free(
    free: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "free_cores", lambda: free)
    assert threads_for(LARGE) == threads


@pytest.mark.usefixtures("four_threads")
@pytest.mark.parametrize(("parts", "threads"), [(0, 1), (1, 1), (2, 2), (100, 4)])
def test_threads_that_sleep_are_as_many_as_the_work_is_worth(
    parts: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "passive")
    monkeypatch.setattr(module, "free_cores", lambda: 1)
    assert threads_for(parts * module._WORTH) == threads


@pytest.mark.usefixtures("four_threads")
def test_a_run_goes_on_with_as_many_as_it_began_with() -> None:
    assert threads_for(LARGE, before=2) == 2
    assert threads_for(LARGE, before=64) == 4


@pytest.mark.usefixtures("four_threads")
def test_who_says_how_many_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    assert threads_for(1, before=2) == 4


def test_a_core_at_least_is_free() -> None:
    assert 1 <= free_cores() <= (os.cpu_count() or 1)


def test_a_training_leaves_the_process_as_it_was(
    small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    torch.use_deterministic_algorithms(mode=False)
    with computing_with(2):
        painet.train(small_preset, epochs=1, data_dir=data_dir, run_dir=tmp_path, device="cpu")
        assert torch.get_num_threads() == 2
    assert torch.equal(torch.rand(3), expected)
    assert not torch.are_deterministic_algorithms_enabled()
    assert float(torch.full((1,), 1e-39) * 1.0) > 0, "numbers this small are not zero"


def test_a_failed_training_leaves_it_as_it_was_too(
    small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    drawn = torch.get_rng_state()
    with pytest.raises(KeyboardInterrupt):
        painet.train(
            small_preset,
            data_dir=data_dir,
            run_dir=tmp_path,
            device="cpu",
            callbacks=[Watcher(stop_after=1)],
        )
    assert torch.equal(torch.get_rng_state(), drawn)


@pytest.mark.slow
def test_on_a_busy_machine_threads_do_not_burn_the_processor(
    small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    """Threads that spin took 30 s of processor time for what one thread does in 1.3 s."""
    load = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"])
        for _ in range(os.cpu_count() or 1)
    ]
    try:
        took = [
            cpu_seconds(small_preset, data_dir, tmp_path, environment)
            for environment in ({"OMP_NUM_THREADS": "1"}, {"OMP_NUM_THREADS": "2"})
        ]
    finally:
        for process in load:
            process.kill()
            process.wait()
    one, two = took
    assert two < 2 * one


def cpu_seconds(preset: Path, data_dir: Path, run_dir: Path, environment: dict[str, str]) -> float:
    """Processor seconds of a training by the command, its start included."""
    known = {key: value for key, value in os.environ.items() if not key.startswith("OMP_")}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "painet_cli", "--device", "cpu", "train", "--epochs", "1"]
    subprocess.run(
        [*command, "--preset", str(preset), "--data-dir", str(data_dir), "--run-dir", str(run_dir)],
        env={**known, **environment},
        check=True,
        capture_output=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.usefixtures("four_threads")
def test_a_small_system_is_predicted_by_one_thread(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def watched(*given: Any) -> torch.Tensor:
        seen.append(torch.get_num_threads())
        return rollout(*given)

    monkeypatch.setattr(passes, "rollout", watched)
    painet.write_prediction(
        data_dir / "sample", 2, tmp_path / "made", checkpoint="sample", adapt="never"
    )
    assert set(seen) == {1}
    assert torch.get_num_threads() == 4
