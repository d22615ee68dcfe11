"""A bit that changes in what painet wrote is found, wherever it is; nothing crashes on it."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from painet_cli.errors import RequestError
from painet_cli.evaluation.evaluate import evaluate_run
from painet_cli.evaluation.evaluation import save_evaluation
from painet_cli.evaluation.verify.files import checkpoint_check
from painet_cli.evaluation.verify.verify import verify
from painet_cli.training.checkpoint import load_checkpoint
from painet_cli.training.run import resume_run
from painet_cli.training.run_folder import BEST, LAST
from trainings import CPU, Watcher
from typed import Say


def flips(path: Path, count: int, stop: int | None = None) -> Iterator[int]:
    """Change single bits of a file below byte `stop`, one after the other, and change them back."""
    data = path.read_bytes()
    draw = random.Random(1)
    for _ in range(count):
        place = draw.randrange(8 * (stop or len(data)))
        changed = bytearray(data)
        changed[place // 8] ^= 1 << place % 8
        path.write_bytes(changed)
        yield place
    path.write_bytes(data)


def test_every_bit_of_a_checkpoints_own_header_is_covered(
    finished_run: Path, tmp_path: Path
) -> None:
    alone = tmp_path / "alone.safetensors"
    shutil.copyfile(finished_run / BEST, alone)
    header = 8 + int.from_bytes(alone.read_bytes()[:8], "little")
    unseen = [place for place in flips(alone, 400, header) if checkpoint_check(alone).ok]
    assert unseen == []
    assert checkpoint_check(alone).ok


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["dataset", "run", "evaluation", "prediction"])
def test_every_bit_of_what_is_written_is_covered(
    kind: str, finished_run: Path, data_dir: Path, tmp_path: Path, say: Say
) -> None:
    if kind == "dataset":
        folder = shutil.copytree(data_dir / "sample", tmp_path / "data" / "sample")
    elif kind == "prediction":
        words = ("--checkpoint", "sample", "-T", 3, "--start", 100, "--data-dir", data_dir)
        assert say("predict", "sample", *words, "--device", "cpu")[0] == 0
        folder = tmp_path / "predictions" / "sample"
    else:
        folder = shutil.copytree(finished_run, tmp_path / "runs" / "small" / "copy")
        save_evaluation(evaluate_run(folder, data_dir, CPU))
    paths = sorted(path for path in folder.iterdir() if path.is_file() and path.name[0] != ".")
    if kind == "evaluation":
        paths = [path for path in paths if path.stem in ("evaluation", "window_errors")]
    assert verify(folder, data_dir).holds
    unseen = []
    for path in paths:
        for place in flips(path, -(-400 // len(paths))):
            try:
                if verify(folder, data_dir).holds:
                    unseen.append((path.name, place))
            except RequestError:  # it is not even what it was
                continue
    assert unseen == []


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("optimizer/0/exp_avg", torch.zeros(1)),
        ("optimizer/0/exp_avg", torch.zeros(10**6)),
        ("optimizer/0/exp_avg_sq", torch.zeros(0)),
        ("optimizer/1/step", torch.zeros(3)),
        ("optimizer/1/exp_avg", None),
        ("optimizer/99999/exp_avg", torch.zeros(1)),
        ("optimizer/0/other", torch.zeros(1)),
        ("rng/cpu", torch.zeros(3, dtype=torch.uint8)),
        ("rng/cpu", None),
        ("more", torch.zeros(1)),
    ],
)
def test_a_state_that_does_not_fit_the_training_is_refused(
    finished_run: Path, data_dir: Path, tmp_path: Path, name: str, wrong: torch.Tensor | None
) -> None:
    run = shutil.copytree(finished_run, tmp_path / "runs" / "small" / "copy")
    tensors, _ = load_checkpoint(run / LAST)
    if wrong is None:
        del tensors[name]
    else:
        tensors[name] = wrong
    with safe_open(run / LAST, framework="pt") as file:
        metadata = file.metadata()
    save_file(tensors, run / LAST, metadata=metadata)
    with pytest.raises(RequestError, match="its tensors do not fit the preset") as caught:
        resume_run(run, data_dir, CPU, Watcher(), epochs=9)
    assert name in caught.value.hint


def test_a_moment_that_is_no_number_is_refused(
    finished_run: Path, data_dir: Path, tmp_path: Path
) -> None:
    run = shutil.copytree(finished_run, tmp_path / "runs" / "small" / "copy")
    tensors, _ = load_checkpoint(run / LAST)
    tensors["optimizer/0/exp_avg"].view(-1)[0] = torch.nan
    with safe_open(run / LAST, framework="pt") as file:
        metadata = file.metadata()
    save_file(tensors, run / LAST, metadata=metadata)
    with pytest.raises(RequestError, match="its tensors do not fit") as caught:
        resume_run(run, data_dir, CPU, Watcher(), epochs=9)
    assert caught.value.hint == "optimizer/0/exp_avg holds NaN or infinity"


@pytest.mark.parametrize("path", ["a\0b", "\ud800", "x" * 5000])
def test_a_path_that_is_none_is_no_internal_error(
    path: str, say: Say, data_dir: Path, tmp_path: Path
) -> None:
    words = ("--checkpoint", "sample", "-T", 1, "--start", 100, "--data-dir", data_dir)
    assert say("predict", "sample", *words, "--device", "cpu")[0] == 0
    summary = tmp_path / "predictions" / "sample" / "summary.json"
    content = json.loads(summary.read_text())
    content["provenance"]["inputs"][0]["path"] = path
    content["provenance"]["checkpoint"] = path
    content["provenance"]["outputs"][path] = "0"
    summary.write_text(json.dumps(content))
    status, _, err = say("verify", summary.parent)
    assert status == 1
    assert "internal" not in err


def test_numbers_that_no_array_holds_are_refused(say: Say, data_dir: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(data_dir / "sample", tmp_path / "data" / "sample")
    content = json.loads((folder / "dataset.json").read_text())
    del content["content_sha256"]
    particles = content["particles"]
    particles["residue_ids"] = [2**70] * len(particles["names"])
    (folder / "dataset.json").write_text(json.dumps(content))
    for command in (("predict", folder, "-T", 1), ("data", "export", folder, "out.xyz")):
        status, _, err = say(*command)
        assert status == 2, err
        assert "internal" not in err
