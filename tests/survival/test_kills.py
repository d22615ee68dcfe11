"""A command that is killed leaves every folder as it was or whole, and the next one goes on."""

from __future__ import annotations

import json
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from forging import Ended, Forge

from painet_cli.data.dataset.dataset import open_dataset
from painet_cli.errors import RequestError
from painet_cli.evaluation.verify.verify import verify
from painet_cli.storage.locks import held
from painet_cli.storage.provenance import is_unchanged
from painet_cli.training.run_folder import BEST, CONFIG, LAST, METRICS
from trainings import same_bits

SOFT = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def learned(run: Path) -> list[tuple[int, float, float | None]]:
    rows = [json.loads(line) for line in (run / METRICS).read_text().splitlines()]
    return [(row["epoch"], row["train_mse"], row["val_mse"]) for row in rows]


def mse(run: Path) -> float:
    return float(json.loads((run / "evaluation.json").read_text())["mse"])


def visible(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def hidden(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob(".*"))


def runs_in(cwd: Path) -> list[Path]:
    folder = cwd / "runs" / "tiny"
    return [folder / name for name in visible(folder)] if folder.exists() else []


def assert_whole(run: Path, data_dir: Path) -> None:
    """Every file of a run says what it said when it was written, wherever the run was killed."""
    assert set(visible(run)) <= {
        CONFIG, METRICS, LAST, BEST, "run.json", "evaluation.json", "window_errors.npy", "loss.png",
        "error.log",
    }  # fmt: skip
    rows = (run / METRICS).read_text().splitlines() if (run / METRICS).exists() else []
    for row in rows[:-1]:  # the last one may be cut off
        json.loads(row)
    assert_verified(run, data_dir)


def assert_verified(run: Path, data_dir: Path, besides: str = "") -> None:
    failed = verify(run, data_dir).failed
    assert [check for check in failed if check.what != besides] == []


@pytest.mark.parametrize("most", [5, pytest.param(50, marks=pytest.mark.slow)])
def test_a_training_killed_at_random_points_ends_with_the_same_bits(
    forge: Forge,
    tiny_data: Path,
    tiny_preset: Path,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
    most: int,
) -> None:
    options = ["--data-dir", tiny_data]
    (tmp_path / "never").mkdir()
    assert forge.run("train", "--preset", tiny_preset, *options, cwd=tmp_path / "never").code == 0
    (never,) = runs_in(tmp_path / "never")

    draw, cwd = random.Random(7), tmp_path
    kills, whole, kinds = 0, 0, Counter[str]()
    while kills < most or not whole:
        argv = ["--resume", *runs_in(cwd)] if runs_in(cwd) else ["--preset", tiny_preset]
        fate: dict[str, Any] = {}
        if kills < most:
            fate["stop"] = draw.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGKILL, *SOFT])
            if draw.random() < 0.5:
                fate["at"] = draw.randint(1, 18)
            else:
                fate["after_s"] = draw.uniform(0.02, 0.8)
        ended = forge.run("train", *argv, *options, cwd=cwd, under=cwd / "runs", **fate)
        assert "Traceback" not in ended.err
        for run in runs_in(cwd):
            assert_whole(run, tiny_data)
        if ended.code:
            assert ended.code in (-fate["stop"], 130), ended
            kills += 1
            how = "by the clock" if "after_s" in fate else "before a change"
            kinds[f"{signal.Signals(fate['stop']).name} {how}"] += 1
            continue
        (killed,) = runs_in(cwd)
        assert same_bits(never / LAST, killed / LAST)
        assert same_bits(never / BEST, killed / BEST)
        assert learned(never) == learned(killed)
        assert mse(never) == mse(killed)
        assert hidden(killed) == []
        assert visible(killed) == visible(never)
        whole += 1
        shutil.rmtree(killed)  # on a fast machine one run does not take all kills
    for kind, number in sorted(kinds.items()):
        record_property(kind, number)


@pytest.fixture
def count(record_property: Callable[[str, object], None]) -> Callable[[int], None]:
    """Keep how many kills there were, for `--junitxml`."""
    return lambda kills: record_property("kills", kills)


every = pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.slow)])
"""Whether a command is killed before each change or, faster, before some of them."""


def after_each_change(
    forge: Forge, every: int, *argv: object, cwd: Path, under: Path, check: Any
) -> int:
    """Kill a command before the changes it makes to files, one after the other; count the kills."""
    for kills, at in enumerate(range(1, 200, every)):
        ended = forge.run(*argv, cwd=cwd, under=under, at=at, stop=signal.SIGKILL)
        check(ended)
        if ended.code != -signal.SIGKILL:
            assert ended.code == 0, ended
            return kills
    raise AssertionError("it never ends")


@every
def test_preparing_killed_before_any_change_leaves_the_old_dataset_or_the_new(
    forge: Forge, tmp_path: Path, count: Callable[[int], None], every: int
) -> None:
    data = tmp_path / "data"
    assert forge.run("prepare", "sample", cwd=tmp_path).code == 0
    manifest = data / "sample" / "dataset.json"
    manifest.write_text(manifest.read_text().replace('"delta_frames": 200', '"delta_frames": 100'))
    old, seen = open_dataset(data / "sample").sha256, []

    def check(ended: Ended) -> None:
        assert visible(data) == ["sample"]
        seen.append(open_dataset(data / "sample").sha256)

    kills = after_each_change(
        forge, every, "prepare", "sample", "--force", cwd=tmp_path, under=data, check=check
    )
    assert kills >= 3
    count(kills)
    assert len(set(seen)) == 2
    assert seen[0] == old != seen[-1]
    assert hidden(data) == []


@every
def test_preparing_killed_before_any_change_leaves_no_dataset_or_a_whole_one(
    forge: Forge, tmp_path: Path, count: Callable[[int], None], every: int
) -> None:
    data, seen = tmp_path / "data", []

    def check(ended: Ended) -> None:
        there = visible(data) if data.exists() else []
        assert there in ([], ["sample"])
        seen.append(bool(there) and bool(open_dataset(data / "sample")))
        if ended.code:
            shutil.rmtree(data / "sample", ignore_errors=True)

    kills = after_each_change(
        forge, every, "prepare", "sample", cwd=tmp_path, under=data, check=check
    )
    assert kills >= 3
    count(kills)
    assert not seen[0]
    assert seen[-1]
    assert hidden(data) == []


@every
def test_evaluating_killed_before_any_change_leaves_figures_that_belong_together(
    forge: Forge,
    tiny_data: Path,
    tiny_preset: Path,
    tmp_path: Path,
    count: Callable[[int], None],
    every: int,
) -> None:
    options = ["--data-dir", tiny_data]
    train = forge.run("train", "--preset", tiny_preset, "--epochs", 3, *options, cwd=tmp_path)
    assert train.code == 0, train
    (run,) = runs_in(tmp_path)
    seen, mixed = set(), 0

    def check(ended: Ended) -> None:
        nonlocal mixed
        content = json.loads((run / "evaluation.json").read_text())
        seen.add(content["split"])
        # the two take their places one right after the other: told apart by sha256, not by luck
        mixed += not is_unchanged(content, run, "window_errors.npy")
        assert_verified(run, tiny_data, besides="window_errors.npy")

    command = ("evaluate", run, "--split", "train", *options)
    kills = after_each_change(forge, every, *command, cwd=tmp_path, under=run, check=check)
    assert kills >= 3
    count(kills)
    assert seen == {"test", "train"}
    assert mixed <= 2
    assert hidden(run) == []
    assert_whole(run, tiny_data)


@every
def test_predicting_killed_before_any_change_leaves_the_old_prediction_or_the_new(
    forge: Forge,
    tiny_data: Path,
    tiny_preset: Path,
    tmp_path: Path,
    count: Callable[[int], None],
    every: int,
) -> None:
    options = ["--data-dir", tiny_data]
    train = forge.run("train", "--preset", tiny_preset, "--epochs", 3, *options, cwd=tmp_path)
    assert train.code == 0, train
    command = ("predict", "small", "--checkpoint", *runs_in(tmp_path), *options, "--force")
    assert forge.run(*command, "-T", 2, cwd=tmp_path).code == 0
    predictions = tmp_path / "predictions"
    seen = []

    def check(ended: Ended) -> None:
        assert visible(predictions) == ["small"]
        assert verify(predictions / "small", tiny_data).failed == []
        seen.append(json.loads((predictions / "small" / "summary.json").read_text())["steps"])

    kills = after_each_change(
        forge, every, *command, "-T", 3, cwd=tmp_path, under=predictions, check=check
    )
    assert kills >= 3
    count(kills)
    assert set(seen) == {2, 3}
    assert hidden(predictions) == []


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGTERM])
def test_a_benchmark_killed_again_and_again_ends_with_the_same_bits(
    forge: Forge,
    tiny_data: Path,
    tiny_preset: Path,
    tmp_path: Path,
    stop: signal.Signals,
    count: Callable[[int], None],
) -> None:
    command = ("bench", "tables", "--presets", tiny_preset, "--models", "linear,painet",
               "--data-dir", tiny_data, "-o")  # fmt: skip
    assert forge.run(*command, "never", cwd=tmp_path).code == 0
    draw, kills = random.Random(3), 0
    for _ in range(6):
        ended = forge.run(
            *command, "killed", cwd=tmp_path, stop=stop, after_s=draw.uniform(0.5, 12.0)
        )
        kills += ended.code != 0
        assert ended.code in (0, 130, -stop)
        out = tmp_path / "killed"
        if not out.exists():
            continue
        wait_for_orphans(out)
        for cell in (path.parent for path in out.glob("tiny/*/config.yaml")):
            assert_whole(cell, tiny_data)
    assert kills >= 2
    count(kills)
    assert forge.run(*command, "killed", cwd=tmp_path).code == 0
    cells = sorted(path.name for path in (tmp_path / "never" / "tiny").iterdir())
    assert sorted(path.name for path in (tmp_path / "killed" / "tiny").iterdir()) == cells
    for cell in cells:
        never, killed = (tmp_path / name / "tiny" / cell for name in ("never", "killed"))
        assert same_bits(never / BEST, killed / BEST)
        assert mse(never) == mse(killed)
    assert verify(tmp_path / "killed", tiny_data).failed == []
    assert hidden(tmp_path / "killed") == []


def wait_for_orphans(out: Path) -> None:
    """Trainings end with the benchmark that began them, by the next look at their parent."""
    ends = time.monotonic() + 60
    for lock in out.glob("tiny/*/.lock"):
        while time.monotonic() < ends:
            try:
                with held(lock, lock.parent):
                    break
            except RequestError:
                time.sleep(0.1)
        else:
            raise AssertionError(f"{lock.parent} is still being trained")
