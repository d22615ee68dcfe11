"""A full disk, a read-only disk, too little memory: a word about it, and nothing lost."""

from __future__ import annotations

import errno
import json
import shutil
import signal
from pathlib import Path

import pytest
import torch
from forging import Ended, Forge

from painet_cli.data.dataset.dataset import open_dataset
from painet_cli.errors import PainetError
from painet_cli.evaluation.verify.verify import verify
from painet_cli.training.record import ERRORS, RECORD
from painet_cli.training.run import resume_run
from painet_cli.training.run_folder import BEST, LAST
from painet_cli.training.trainer import EpochRecord, OnStep, Trainer
from trainings import CPU, Watcher, same_bits, train

MEGABYTE = 2**20


def visible(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def only_run(cwd: Path) -> Path:
    (run,) = (path for path in (cwd / "runs" / "tiny").iterdir() if path.name[0] != ".")
    return run


def message(ended: Ended) -> str:
    """The last words of a command that failed, without the traceback it must not have."""
    assert "Traceback" not in ended.err
    text = ended.err[ended.err.index("error: ") :]
    assert 1 <= len(text.splitlines()) <= 3
    return text


@pytest.fixture(scope="module")
def whole(
    forge: Forge, tiny_data: Path, tiny_preset: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    cwd = tmp_path_factory.mktemp("whole")
    command = ("train", "--preset", tiny_preset, "--epochs", 12, "--data-dir", tiny_data)
    assert forge.run(*command, cwd=cwd).code == 0
    return only_run(cwd)


@pytest.mark.parametrize(
    "at", [1, 12, 31, *(pytest.param(at, marks=pytest.mark.slow) for at in (5, 17, 23, 44))]
)
def test_a_disk_that_fills_up_stops_a_training_which_goes_on_to_the_same_bits(
    forge: Forge, whole: Path, tiny_data: Path, tiny_preset: Path, tmp_path: Path, at: int
) -> None:
    options = ("--epochs", 12, "--data-dir", tiny_data)
    full = forge.run(
        "train", "--preset", tiny_preset, *options,
        cwd=tmp_path, under=tmp_path / "runs", at=at, errno=errno.ENOSPC,
    )  # fmt: skip
    assert full.code in (1, 2)
    assert "No space left on device" in message(full)
    runs = tmp_path / "runs" / "tiny"
    if not (runs.exists() and visible(runs)):
        assert at <= 5  # before there was a run
        return
    run = only_run(tmp_path)
    assert verify(run, tiny_data).failed == []
    assert forge.run("train", "--resume", run, *options, cwd=tmp_path).code == 0
    assert same_bits(whole / LAST, run / LAST)
    assert same_bits(whole / BEST, run / BEST)
    assert visible(run) == visible(whole)


def test_a_file_that_grows_too_large_leaves_the_old_dataset(forge: Forge, tmp_path: Path) -> None:
    assert forge.run("prepare", "sample", cwd=tmp_path).code == 0
    before = open_dataset(tmp_path / "data" / "sample").sha256
    refused = forge.run("prepare", "sample", "--force", cwd=tmp_path, file_bytes=MEGABYTE)
    assert refused.code == 1
    assert "cannot be written (File too large)" in message(refused)
    assert open_dataset(tmp_path / "data" / "sample").sha256 == before
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["sample"]


def test_a_checkpoint_that_does_not_fit_leaves_the_last_whole_one(
    forge: Forge, whole: Path, tiny_data: Path, tmp_path: Path
) -> None:
    run = tmp_path / "tiny" / "copy"
    shutil.copytree(whole, run)
    before = (run / LAST).read_bytes()
    size = len(before) - 1000
    command = ("train", "--resume", run, "--epochs", 14, "--data-dir", tiny_data)
    refused = forge.run(*command, cwd=tmp_path, file_bytes=size)
    assert refused.code == 1
    assert f"{LAST}: cannot be written" in message(refused)
    assert (run / LAST).read_bytes() == before
    assert [path.name for path in run.iterdir() if path.name.startswith(".")] == []
    assert verify(run, tiny_data).failed == []


@pytest.mark.parametrize(
    "command",
    [
        ("prepare", "sample", "--data-dir", "frozen"),
        ("train", "--preset", "PRESET", "--data-dir", "DATA", "--run-dir", "frozen"),
        ("evaluate", "frozen/tiny/run", "--data-dir", "DATA"),
        ("predict", "small", "--checkpoint", "frozen/tiny/run", "-o", "frozen/p",
         "--data-dir", "DATA"),
        ("train", "--resume", "frozen/tiny/run", "--epochs", "20", "--data-dir", "DATA"),
    ],
)  # fmt: skip
def test_a_disk_that_is_read_only_is_said_and_nothing_changes(
    forge: Forge,
    whole: Path,
    tiny_data: Path,
    tiny_preset: Path,
    tmp_path: Path,
    command: tuple[str, ...],
) -> None:
    frozen = tmp_path / "frozen"
    shutil.copytree(whole, frozen / "tiny" / "run")
    before = {path: path.read_bytes() for path in frozen.rglob("*") if path.is_file()}
    words = {"PRESET": str(tiny_preset), "DATA": str(tiny_data)}
    argv = [words.get(word, word) for word in command]
    refused = forge.run(*argv, cwd=tmp_path, under=frozen, at=1, errno=errno.EROFS)
    assert refused.code == 2
    assert "Read-only file system" in message(refused)
    assert {path: path.read_bytes() for path in frozen.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("megabytes", [4, 50, 90])
def test_memory_that_runs_out_anywhere_leaves_nothing_half_done(
    forge: Forge, tiny_data: Path, tiny_preset: Path, tmp_path: Path, megabytes: int
) -> None:
    wide = ("--set", "model.hidden=512")  # weights, gradients and two moments of 12 MB each
    command = ("train", "--preset", tiny_preset, *wide, "--epochs", 1, "--data-dir", tiny_data)
    short = forge.run(*command, cwd=tmp_path, memory_bytes=megabytes * MEGABYTE)
    # where a compiled library does not look at what malloc gave it, the process is killed
    assert short.code in (1, -signal.SIGSEGV, -signal.SIGABRT), short
    if short.code == 1:
        assert "out of memory" in message(short)
    for run in (tmp_path / "runs" / "tiny").glob("[!.]*"):
        assert json.loads((run / RECORD).read_text())["status"] in ("failed", "running")
        assert verify(run, tiny_data).failed == []


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:131] DefaultCPUAllocator: can't allocate me"
                     "mory: you tried to allocate 46137344 bytes. Error code 12"),
        RuntimeError("could not create a primitive"),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 MiB."),
    ],
)  # fmt: skip
def test_memory_that_runs_out_in_an_epoch_is_said_and_the_run_goes_on_to_the_same_bits(
    finished_run: Path,
    small_preset: Path,
    data_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    steps = Trainer.run_epoch

    def full(trainer: Trainer, on_step: OnStep | None = None) -> EpochRecord | None:
        if trainer.progress.epoch == 2:
            raise error
        return steps(trainer, on_step)

    watcher = Watcher()
    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "run_epoch", full)
        with pytest.raises(PainetError, match="cpu: out of memory") as caught:
            train(small_preset, data_dir, tmp_path, watcher=watcher)
    assert "lower train.batch_size" in caught.value.hint
    assert watcher.run is not None
    assert "Traceback" in (watcher.run / ERRORS).read_text()
    resume_run(watcher.run, data_dir, CPU, Watcher())
    assert same_bits(finished_run / LAST, watcher.run / LAST)


def test_memory_that_runs_out_leaves_an_evaluation_as_it_was(
    forge: Forge, whole: Path, tiny_data: Path, tmp_path: Path
) -> None:
    run = tmp_path / "tiny" / "copy"
    shutil.copytree(whole, run)
    before = (run / "evaluation.json").read_bytes()
    command = ("evaluate", run, "--split", "val", "--data-dir", tiny_data)
    # with less, a library in Rust may be the one that gets none, and ends the process
    short = forge.run(*command, cwd=tmp_path, memory_bytes=16 * MEGABYTE)
    assert short.code == 1
    message(short)
    assert (run / "evaluation.json").read_bytes() == before
    assert verify(run, tiny_data).failed == []
