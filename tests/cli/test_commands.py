"""The commands as a user types them, from a raw source to a table."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from pytest import MonkeyPatch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from typed import Say

ROOT = Path(__file__).parents[2]


def small_training(small_preset: Path, data_dir: Path) -> list[object]:
    return ["train", "--preset", small_preset, "--data-dir", data_dir, "--device", "cpu"]


def test_prepare_sample_says_what_it_made(say: Say) -> None:
    status, out, _ = say("prepare", "sample", "--json")
    seen = json.loads(out)
    assert status == 0
    assert seen["windows"] == {"train": 500, "val": 200, "test": 400}
    assert {"dataset", "name", "frames", "particles", "segments", "sha256"} <= set(seen)
    assert Path("data/sample/frames.npy").is_file()


def test_nothing_is_overwritten_without_force(say: Say) -> None:
    assert say("prepare", "sample")[0] == 0
    status, _, err = say("prepare", "sample")
    assert status == 2
    assert "--force" in err
    assert say("prepare", "sample", "--force")[0] == 0


def test_prepare_mocap_reads_the_run_subject(say: Say, shared: Path) -> None:
    source = shared / "data" / "mocap" / "subject09_run_positions.npz"
    status, out, _ = say("prepare", "mocap", "--subject", 9, "--source", source)
    assert status == 0
    assert "11 segments" in out
    assert "200 train, 240 val, 240 test" in out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--subject", "7"], "choose subject 9 (running) or 35 (walking)"),
        (["--subject", "9", "--source", "nowhere"], "nowhere"),
    ],
)
def test_prepare_mocap_refuses_what_it_cannot_do(say: Say, words: list[str], expected: str) -> None:
    status, out, err = say("prepare", "mocap", *words)
    assert (status, out) == (2, "")
    assert expected in err
    assert len(err.strip().splitlines()) <= 3
    assert not list(Path("data").glob("*")) if Path("data").exists() else True


def test_train_announces_its_folder_reports_and_ends_with_a_table(
    say: Say, small_preset: Path, data_dir: Path
) -> None:
    status, out, err = say(*small_training(small_preset, data_dir))
    assert status == 0
    assert "metrics.jsonl" in err
    assert "epoch 2" in err and "epoch 3" not in err, "a line an evaluation"
    assert "painet" in out and "A-MSE" in out
    assert max(map(len, out.splitlines())) <= 80
    (run,) = Path("runs/small").iterdir()
    assert {"loss.png", "evaluation.json"} <= {path.name for path in run.iterdir()}


def test_train_as_json(say: Say, small_preset: Path, data_dir: Path) -> None:
    status, out, _ = say(*small_training(small_preset, data_dir), "--json", "--seed", 5)
    seen = json.loads(out)
    assert status == 0
    assert {"run", "model", "preset", "parameters", "best_epoch", "epochs"} <= set(seen)
    assert {"val_mse", "test", "epoch_s", "peak_memory_gb"} <= set(seen)
    assert seen["seed"] == seen["test"]["seed"] == 5
    assert len(seen["test"]["step_mse"]) == 2


def test_several_seeds_are_runs_of_their_own(say: Say, small_preset: Path, data_dir: Path) -> None:
    words = [*small_training(small_preset, data_dir), "--seeds", 2, "--epochs", 2]
    status, out, _ = say(*words, "--json")
    assert status == 0
    assert [run["seed"] for run in json.loads(out)["runs"]] == [1, 2]
    assert len(list(Path("runs/small").iterdir())) == 2


def test_another_model_on_the_same_preset(say: Say, small_preset: Path, data_dir: Path) -> None:
    status, out, _ = say(*small_training(small_preset, data_dir), "--model", "linear", "--json")
    assert status == 0
    assert json.loads(out)["model"] == "linear"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--epochs", "5", "--set", "train.epochs=7"], "--epochs 5: --set train.epochs=7"),
        (["--seed", "1", "--set", "train={seed: 2}"], "--seed 1: --set train.seed=2"),
        (["--model", "egnn", "--set", "model.name=rf"], "--model egnn: --set model.name=rf"),
    ],
    ids=str,
)
def test_an_option_and_a_setting_that_contradict_each_other_are_refused(
    say: Say, small_preset: Path, data_dir: Path, words: list[str], said: str
) -> None:
    status, out, err = say(*small_training(small_preset, data_dir), *words)
    assert (status, out) == (2, "")
    assert said in err
    assert not Path("runs").exists()


def test_a_setting_that_says_what_an_option_says_is_taken(
    say: Say, small_preset: Path, data_dir: Path
) -> None:
    typed = small_training(small_preset, data_dir)
    status, out, _ = say(*typed, "--json", "--epochs", 2, "--set", "train.epochs=2")
    assert status == 0
    assert json.loads(out)["epochs"] == 2


def test_resume_of_a_run_without_a_checkpoint_says_that_it_begins_anew(
    say: Say, finished_run: Path, data_dir: Path, tmp_path: Path
) -> None:
    run = tmp_path / "small" / "run"
    run.mkdir(parents=True)
    shutil.copy(finished_run / "config.yaml", run)
    words = ["train", "--resume", run, "--data-dir", data_dir, "--device", "cpu", "--epochs", 2]
    status, _, err = say(*words)
    assert not status
    assert f"{run}: no checkpoint yet, it begins anew" in err


def test_resume_goes_further(say: Say, finished_run: Path, data_dir: Path, tmp_path: Path) -> None:
    run = tmp_path / "small" / "run"
    shutil.copytree(finished_run, run)
    words = ["train", "--resume", run, "--data-dir", data_dir, "--device", "cpu", "--epochs", 6]
    status, out, err = say(*words, "--json")
    assert status == 0
    assert json.loads(out)["epochs"] == 6
    assert "going on after epoch 4" in err


def test_evaluate_puts_runs_into_one_table(say: Say, finished_run: Path, data_dir: Path) -> None:
    for name in ("one", "other"):
        shutil.copytree(finished_run, name)
    words = ["evaluate", "one", "other", "--data-dir", data_dir, "--device", "cpu"]
    status, out, _ = say(*words)
    assert status == 0
    assert "Errors, test windows" in out
    assert "MSE a step" in out
    status, out, _ = say(*words, "--json", "--split", "val", "--horizon", 3)
    (first, _) = json.loads(out)["runs"]
    assert status == 0
    promised = "model dataset split windows horizon mse f_mse a_mse step_mse msd unit time_s"
    assert {*promised.split(), "peak_memory_gb", "device"} <= set(first)
    assert (first["split"], first["windows"], first["horizon"]) == ("val", 200, 3)


def test_demo_prepares_trains_evaluates_draws_and_says_what_is_next(
    say: Say, monkeypatch: MonkeyPatch, small_preset: Path
) -> None:
    monkeypatch.setattr("painet_cli.cli.demo.PRESET", str(small_preset))
    status, out, _ = say("demo", "--device", "cpu")
    assert status == 0
    assert "linear" in out and "painet" in out
    assert "Next:" in out
    (motion,) = Path("runs").glob("*/*/motion.png")
    assert motion.read_bytes().startswith(b"\x89PNG")
    assert (motion.parent / "loss.png").is_file()
    status, out, _ = say("demo", "--device", "cpu", "--json")
    assert status == 0
    assert len(json.loads(out)["runs"]) == 2


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["train"], "--preset NAME, --from NAME|RUN or --resume RUN"),
        (["train", "--preset", "mocap-wlak-s2s"], "did you mean mocap-walk-s2s"),
        (["train", "--preset", "demo"], "painet prepare sample"),
        (["train", "--preset", "mocap-walk-s2s"], "painet prepare mocap --subject 35"),
        (["train", "--preset", "demo", "--set", "train.lrr=1"], "did you mean train.lr?"),
        (["train", "--preset", "demo", "--set", "train.lerning_rate=1"], "did you mean train.lr?"),
        (["train", "--preset", "demo", "--model", "egnx"], "--model egnx: no such model"),
        (["train", "--resume", "x", "--seed", "3"], "only --epochs and --budget may change"),
        (["train", "--preset", "demo", "--device", "cuda:77"], "cuda:77"),
        (["evaluate", "nowhere"], "no run here"),
    ],
)
def test_a_request_that_cannot_be_carried_out_is_2(
    say: Say, words: list[str], expected: str
) -> None:
    status, out, err = say(*words)
    assert (status, out) == (2, "")
    assert expected in err
    assert 1 <= len(err.strip().splitlines()) <= 3
    assert not Path("runs").exists()


def test_the_promised_spelling_of_train_asks_for_its_data_alone(say: Say) -> None:
    status, _, err = say(*["painet", "train", "--preset", "mocap-walk-s2s"][1:])
    assert status == 2
    assert "dataset mocap-walk is not prepared" in err
    assert "painet prepare mocap --subject 35" in err


def test_a_dataset_whose_bytes_changed_is_refused(
    say: Say, small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    shutil.copytree(data_dir, tmp_path / "changed")
    frames = tmp_path / "changed" / "sample" / "frames.npy"
    content = bytearray(frames.read_bytes())
    content[-1] ^= 1
    frames.write_bytes(content)
    status, _, err = say(*small_training(small_preset, tmp_path / "changed"))
    assert status == 2
    assert "its bytes changed" in err
    assert not Path("runs").exists()


def test_a_checkpoint_of_a_newer_schema_is_refused(
    say: Say, finished_run: Path, data_dir: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished_run, run)
    with safe_open(run / "best.safetensors", framework="pt") as file:
        header: dict[str, Any] = json.loads(file.metadata()["painet"])
    header["schema_version"] += 1
    state = load_file(run / "best.safetensors")
    save_file(state, run / "best.safetensors", metadata={"painet": json.dumps(header)})
    status, _, err = say("evaluate", run, "--data-dir", data_dir)
    assert status == 2
    assert "upgrade painet" in err


def test_an_unwritable_place_is_refused_before_any_work(say: Say) -> None:
    Path("data").write_text("a file in the way")
    status, _, err = say("prepare", "sample")
    assert status == 2
    assert "--data-dir" in err
