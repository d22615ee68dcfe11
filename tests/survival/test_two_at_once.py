"""Two at once on the same folder: the second is told who is there, and changes nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from painet_cli.data.dataset.dataset import open_dataset
from painet_cli.data.sources.registry import Destination
from painet_cli.data.sources.sample import prepare_sample
from painet_cli.errors import RequestError
from painet_cli.storage.atomic import new_file, new_folder, sweep
from painet_cli.storage.locks import LOCK, held
from painet_cli.training.run import resume_run
from painet_cli.training.run_folder import LAST
from trainings import CPU, Watcher, same_bits
from typed import Say


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def copied(finished_run: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "small" / "copy"
    shutil.copytree(finished_run, copy)
    return copy


def test_the_second_training_of_a_run_is_refused_and_the_first_goes_on(
    finished_run: Path, data_dir: Path, tmp_path: Path, say: Say
) -> None:
    run = copied(finished_run, tmp_path)
    before = (run / LAST).read_bytes()
    with held(run / LOCK, run):
        status, _, err = say("train", "--resume", run, "--data-dir", data_dir)
        assert status == 2
        assert f"{run}: process {os.getpid()} on " in err
        assert "is at work on it" in err
        assert (run / LAST).read_bytes() == before
    assert resume_run(run, data_dir, CPU, Watcher()).epochs == 4
    assert same_bits(finished_run / LAST, run / LAST)
    assert LOCK not in names_in(run)


def test_a_training_holds_its_run_from_its_first_epoch_on(
    small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    class Rival(Watcher):
        def epoch(self, record: object, trainer: object) -> None:
            assert self.run is not None
            with pytest.raises(RequestError, match=f"process {os.getpid()}"):
                resume_run(self.run, data_dir, CPU, Watcher())
            raise KeyboardInterrupt

    from trainings import train

    with pytest.raises(KeyboardInterrupt):
        train(small_preset, data_dir, tmp_path, watcher=Rival())


def test_a_lock_that_a_killed_process_left_locks_nothing(
    finished_run: Path, data_dir: Path, tmp_path: Path
) -> None:
    run = copied(finished_run, tmp_path)
    taken = (
        "import os, signal, sys; from pathlib import Path\n"
        "from painet_cli.storage.locks import held\n"
        "with held(Path(sys.argv[1]) / '.lock', Path(sys.argv[1])): os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", taken, str(run)], check=False).returncode == -9
    assert LOCK in names_in(run)
    assert resume_run(run, data_dir, CPU, Watcher()).epochs == 4
    assert LOCK not in names_in(run)


def test_the_second_preparation_of_a_dataset_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "sample"
    with new_folder(folder, force=False) as staging:
        (staging / "half").touch()
        for force in (False, True):
            with pytest.raises(RequestError, match="is at work on it"):
                prepare_sample(Destination(folder.parent, force, "tests"))
        shutil.rmtree(staging)
        staging.mkdir()
    assert names_in(tmp_path / "data") == ["sample"]


def test_of_many_preparations_at_once_one_is_whole_and_the_others_are_told(tmp_path: Path) -> None:
    told: list[str] = []

    def prepare() -> None:
        try:
            prepare_sample(Destination(tmp_path, command="tests"))
        except RequestError as error:
            told.append(error.what)

    threads = [threading.Thread(target=prepare) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 3
    assert all("is at work on it" in one or "exists already" in one for one in told)
    assert open_dataset(tmp_path / "sample").manifest.name == "sample"
    assert names_in(tmp_path) == ["sample"]


def test_a_benchmark_in_a_folder_that_another_fills_is_refused(
    data_dir: Path, small_preset: Path, tmp_path: Path, say: Say
) -> None:
    out = tmp_path / "bench"
    out.mkdir()
    with held(out / LOCK, out):
        status, _, err = say(
            "bench", "tables", "--presets", small_preset, "--models", "linear", "-o", out,
            "--data-dir", data_dir,
        )  # fmt: skip
    assert status == 2
    assert f"{out}: process {os.getpid()}" in err
    assert names_in(out) == []


def test_two_that_write_one_file_both_write_it_whole(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    with new_file(path) as first:
        first.write_text("first")
        with new_file(path) as second:
            assert first != second
            second.write_text("second")
        assert path.read_text() == "second"
        assert first.read_text() == "first"  # swept by no one: it is locked
    assert path.read_text() == "first"
    assert names_in(tmp_path) == ["figures.json"]


def test_what_a_killed_process_left_is_swept_and_what_is_being_written_is_not(
    tmp_path: Path,
) -> None:
    (tmp_path / ".figures.json.0badcafe.partial").write_text("half")
    (tmp_path / ".other.json.0badcafe.partial").write_text("half")
    with new_file(tmp_path / "figures.json") as staging:
        staging.write_text("whole")
        sweep(tmp_path)
        assert names_in(tmp_path) == [staging.name]
    assert names_in(tmp_path) == ["figures.json"]


def test_a_folder_set_aside_by_a_killed_process_comes_back(data_dir: Path, tmp_path: Path) -> None:
    # where a file system cannot swap folders, a kill between two renames leaves this
    shutil.copytree(data_dir / "sample", tmp_path / ".sample.old")
    assert open_dataset(tmp_path / "sample").sha256 == open_dataset(data_dir / "sample").sha256
    assert names_in(tmp_path) == ["sample"]


def test_a_folder_is_replaced_where_folders_cannot_be_swapped(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("painet_cli.storage.atomic._exchange", lambda one, other: False)
    shutil.copytree(data_dir / "sample", tmp_path / "sample")
    (tmp_path / "sample" / "own.txt").touch()
    prepare_sample(Destination(tmp_path, force=True, command="tests"))
    assert names_in(tmp_path / "sample") == ["dataset.json", "frames.npy"]
    assert names_in(tmp_path) == ["sample"]
