"""What painet wrote can be traced, and `painet verify` finds a byte that has changed."""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path
from typing import Any

import pytest

from painet_cli.evaluation.evaluate import evaluate_run
from painet_cli.evaluation.evaluation import save_evaluation
from painet_cli.evaluation.verify.verify import verify
from painet_cli.prediction.checkpoints import shipped
from painet_cli.storage.provenance import SEAL, seal_holds, sealed
from painet_cli.training.run_folder import BEST
from trainings import CPU
from typed import Say


def flip(path: Path, at: float = 0.5) -> None:
    """Change one bit of a file."""
    data = bytearray(path.read_bytes())
    data[int(at * (len(data) - 1))] ^= 1
    path.write_bytes(data)


@pytest.fixture
def dataset(data_dir: Path, tmp_path: Path) -> Path:
    return shutil.copytree(data_dir / "sample", tmp_path / "data" / "sample")


@pytest.fixture
def run(finished_run: Path, data_dir: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "runs" / "small" / "copy"
    shutil.copytree(finished_run, copy)
    save_evaluation(evaluate_run(copy, data_dir, CPU))
    return copy


@pytest.fixture
def prediction(say: Say, data_dir: Path, tmp_path: Path) -> Path:
    words = ("--checkpoint", "sample", "-T", 3, "--start", 100, "--data-dir", data_dir)
    assert say("predict", "sample", *words, "--device", "cpu")[0] == 0
    return tmp_path / "predictions" / "sample"


@pytest.fixture
def bench(say: Say, data_dir: Path, small_preset: Path, tmp_path: Path) -> Path:
    words = ("--presets", small_preset, "--models", "linear", "--epochs", 2, "-o", "bench")
    assert say("bench", "tables", *words, "--data-dir", data_dir, "--device", "cpu")[0] == 0
    return tmp_path / "bench"


def test_what_was_just_written_verifies(
    say: Say, dataset: Path, run: Path, prediction: Path, data_dir: Path
) -> None:
    status, out, _ = say("verify", dataset, run, run / BEST, prediction, "--data-dir", data_dir)
    assert status == 0
    for kind in ("dataset", "run", "checkpoint", "prediction"):
        assert f"{kind} " in out
    assert "differ" not in out


def test_as_json_it_is_one_object(say: Say, run: Path, data_dir: Path) -> None:
    status, out, _ = say("verify", run, "--data-dir", data_dir, "--json")
    (one,) = json.loads(out)["paths"]
    assert status == 0
    assert one["kind"] == "run"
    assert one["verified"] is True
    assert one["provenance"]["preset"] == "small"
    assert one["provenance"]["seed"] == 1
    assert len(one["provenance"]["dataset_sha256"]) == 64
    assert one["provenance"]["versions"].keys() >= {"painet", "python", "torch", "numpy"}
    assert one["provenance"]["command"]


def refuses(say: Say, path: Path, data_dir: Path, name: str) -> None:
    status, out, err = say("verify", path, "--data-dir", data_dir)
    assert status == 1
    assert name in err
    assert "NO" in out
    assert len(err.splitlines()) <= 3


@pytest.mark.parametrize("name", ["frames.npy", "dataset.json"])
def test_a_bit_of_a_dataset(say: Say, dataset: Path, data_dir: Path, name: str) -> None:
    flip(dataset / name)
    refuses(say, dataset, data_dir, name)


def test_a_number_in_a_dataset_that_its_manifest_vouches_for(
    say: Say, dataset: Path, data_dir: Path
) -> None:
    from painet_cli.storage.atomic import file_sha256

    frames = dataset / "frames.npy"
    data = bytearray(frames.read_bytes())
    data[-4:] = struct.pack("<f", float("nan"))
    frames.write_bytes(data)
    manifest = json.loads((dataset / "dataset.json").read_text())
    manifest["files"]["frames.npy"] = file_sha256(frames)
    del manifest[SEAL]
    (dataset / "dataset.json").write_text(sealed(manifest))
    refuses(say, dataset, data_dir, "frame 19999 holds NaN")


@pytest.mark.parametrize(
    "name",
    ["config.yaml", "metrics.jsonl", "last.safetensors", "best.safetensors", "window_errors.npy"],
)
def test_a_bit_of_a_run(say: Say, run: Path, data_dir: Path, name: str) -> None:
    flip(run / name)
    refuses(say, run, data_dir, name)


@pytest.mark.parametrize(("name", "key"), [("evaluation.json", "mse"), ("run.json", "val_mse")])
def test_a_figure_of_a_run(say: Say, run: Path, data_dir: Path, name: str, key: str) -> None:
    content = json.loads((run / name).read_text())
    content[key] *= 0.9
    (run / name).write_text(json.dumps(content, indent=2))
    refuses(say, run, data_dir, f"{name}: what it says was changed")


def test_an_evaluation_of_other_weights(
    say: Say, run: Path, data_dir: Path, small_preset: Path, tmp_path: Path
) -> None:
    from trainings import train

    other = train(small_preset, data_dir, tmp_path / "other", "train.seed=2").run
    save_evaluation(evaluate_run(other, data_dir, CPU))
    for name in ("evaluation.json", "window_errors.npy"):
        shutil.copyfile(other / name, run / name)
    refuses(say, run, data_dir, "of other weights than best.safetensors has")


def test_a_run_whose_dataset_is_another_by_now(say: Say, run: Path, dataset: Path) -> None:
    manifest = dataset / "dataset.json"
    manifest.write_text(manifest.read_text().replace('"delta_frames": 200', '"delta_frames": 100'))
    refuses(say, run, dataset.parent, "another version of it")


def test_a_bit_of_a_tensor(say: Say, run: Path, data_dir: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone.safetensors"
    shutil.copyfile(run / BEST, alone)
    assert say("verify", alone)[0] == 0
    flip(alone, 0.99)
    refuses(say, alone, data_dir, "its tensors changed")


def test_every_file_of_a_prediction(say: Say, prediction: Path, data_dir: Path) -> None:
    for path in sorted(prediction.iterdir()):
        before = path.read_bytes()
        flip(path)
        refuses(say, prediction, data_dir, path.name)
        path.unlink()
        assert say("verify", prediction, "--data-dir", data_dir)[0] == (
            2 if path.name == "summary.json" else 1
        )
        path.write_bytes(before)
    assert say("verify", prediction, "--data-dir", data_dir)[0] == 0


def test_a_prediction_says_what_it_was_made_of(prediction: Path, data_dir: Path) -> None:
    record = json.loads((prediction / "summary.json").read_text())["provenance"]
    assert record["inputs"][0]["path"] == str(data_dir / "sample" / "dataset.json")
    assert len(record["inputs"][0]["sha256"]) == 64
    assert record["checkpoint"].endswith("sample.safetensors")
    assert record["preset"] == "sample"
    assert record["versions"].keys() >= {"painet", "python", "torch"}
    assert record["command"]


@pytest.mark.slow
def test_a_benchmark(say: Say, bench: Path, data_dir: Path) -> None:
    assert say("verify", bench, "--data-dir", data_dir)[0] == 0
    flip(bench / "bench.csv")
    refuses(say, bench, data_dir, "bench.csv")
    flip(bench / "bench.csv")
    flip(next(bench.glob("*/*/evaluation.json")))
    refuses(say, bench, data_dir, "evaluation.json")


def test_the_shipped_checkpoints_are_those_of_their_cards(data_dir: Path) -> None:
    for one in shipped():
        assert verify(Path(one.name), data_dir).holds is True


def test_an_input_that_has_gone_is_no_fault_of_the_prediction(
    say: Say, prediction: Path, tmp_path: Path
) -> None:
    content: dict[str, Any] = json.loads((prediction / "summary.json").read_text())
    content["provenance"]["inputs"][0]["path"] = str(tmp_path / "gone.json")
    del content[SEAL]
    (prediction / "summary.json").write_text(sealed(content))
    status, out, _ = say("verify", prediction)
    assert status == 0
    assert "not there any more" in " ".join(out.split())  # wherever a long path breaks the line


def test_a_listed_file_outside_the_folder_is_not_looked_at(say: Say, prediction: Path) -> None:
    content: dict[str, Any] = json.loads((prediction / "summary.json").read_text())
    content["provenance"]["outputs"]["../../secret"] = "0"
    del content[SEAL]
    (prediction / "summary.json").write_text(sealed(content))
    status, _, err = say("verify", prediction)
    assert status == 1
    assert "outside the folder" in err


@pytest.mark.parametrize("path", ["nothing", "empty", "text.txt"])
def test_what_painet_did_not_write_is_no_failure_but_a_wrong_request(
    say: Say, tmp_path: Path, path: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.txt").write_text("text")
    status, _, err = say("verify", path)
    assert status == 2
    assert len(err.splitlines()) <= 3


def test_a_seal_holds_until_a_figure_is_changed() -> None:
    content = json.loads(sealed({"mse": 0.1, "path": Path("x"), "steps": [1, 2]}))
    assert seal_holds(content) is True
    assert seal_holds({**content, "mse": 0.2}) is False
    assert seal_holds({"mse": 0.1}) is None
