"""The models that come with painet: all there, small, safe to read, and as good as they say."""

from __future__ import annotations

import importlib.util
import math
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
import yaml

from painet_cli.config.presets import load_preset, preset_folder
from painet_cli.data.sources.mocap import prepare_mocap
from painet_cli.data.sources.registry import Destination
from painet_cli.data.sources.trajectory import prepare_trajectory
from painet_cli.evaluation.evaluate import evaluate_run
from painet_cli.evaluation.evaluation import Evaluation
from painet_cli.models.registry import build_model, system_spec
from painet_cli.training.checkpoint import load_checkpoint, under
from painet_cli.training.run_folder import BEST

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "painet_cli/checkpoints"
SCRIPT = ROOT / "scripts/train_checkpoints.py"
NAMES = ["mocap-run", "mocap-walk", "molecule", "protein-backbone", "sample"]
MAX_BYTES = 15_000_000
ABSOLUTE_PATH = re.compile(r"(?:^|[\s'\"=])/\w", re.MULTILINE)
CPU = torch.device("cpu")
TEXTS = (
    "title", "system", "trained_on", "dataset", "source", "dataset_sha256", "split", "unit",
    "licence", "data_licence", "citation", "command", "stopped_by", "painet_version",
)  # fmt: skip
NUMBERS = (
    "mse", "straight_on_mse", "still_mse", "centre_mse", "horizon", "step_s", "frame_time_s",
    "frames", "epochs", "best_epoch", "parameters",
)  # fmt: skip

every = pytest.mark.parametrize("name", NAMES)


def card_of(name: str) -> dict[str, Any]:
    content = yaml.safe_load((FOLDER / f"{name}.yaml").read_text("utf-8"))
    assert isinstance(content, dict)
    return content


def evaluated(name: str, data_dir: Path, tmp_path: Path) -> Evaluation:
    """A shipped model on the test windows of its dataset."""
    run = tmp_path / name
    run.mkdir(parents=True)
    shutil.copy(FOLDER / f"{name}.safetensors", run / BEST)
    return evaluate_run(run, data_dir, CPU)


def script() -> ModuleType:
    """The script that made the models, as a module."""
    spec = importlib.util.spec_from_file_location("train_checkpoints", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def check_card(name: str, evaluation: Evaluation) -> None:
    card = card_of(name)
    assert evaluation.mse == pytest.approx(card["mse"], rel=1e-3)
    assert evaluation.step_mse == pytest.approx(card["step_mse"], rel=1e-3)
    assert f"{evaluation.windows} test windows" in card["split"]
    assert evaluation.unit == card["unit"]


def test_these_models_and_no_others_are_shipped() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.safetensors")) == NAMES
    assert sorted(path.stem for path in FOLDER.glob("*.yaml")) == NAMES
    presets = {path.stem for path in (ROOT / "presets/shipped").glob("*.yaml")}
    fitted = {"mocap-run-best", "mocap-walk-best", "protein-backbone-best"}
    assert presets == {*NAMES, *fitted}, "fitted in seconds, not shipped"


def test_together_they_stay_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir() if path.is_file()) < MAX_BYTES


@every
def test_a_model_is_safetensors_and_holds_weights_alone(name: str) -> None:
    raw = (FOLDER / f"{name}.safetensors").read_bytes()
    header = raw[8 : 8 + int.from_bytes(raw[:8], "little")]
    assert header[:1] == b"{"  # JSON: nothing to unpickle
    assert not ABSOLUTE_PATH.search(header.decode())
    tensors, _ = load_checkpoint(FOLDER / f"{name}.safetensors")
    assert all(key.startswith(("model/", "radii/")) for key in tensors)
    assert any(key.startswith("radii/") for key in tensors) == (name != "sample"), "docs/predict.md"
    assert all(bool(tensor.isfinite().all()) for tensor in tensors.values())


@every
def test_a_model_is_of_its_preset_and_its_weights_fit(name: str) -> None:
    tensors, header = load_checkpoint(FOLDER / f"{name}.safetensors")
    assert header.preset_name == name
    preset = load_preset(str(preset_folder() / f"shipped/{name}.yaml"))
    chosen = header.preset.train.activations  # that fitted the machine
    assert header.preset == preset.changed({"train.activations": chosen})
    assert header.dataset == name
    system = system_spec(header.preset, header.type_names, header.up_axis)
    build_model(header.preset, system).load_state_dict(under("model", tensors), strict=True)


@every
def test_a_card_says_what_a_user_has_to_know(name: str) -> None:
    card = card_of(name)
    _, header = load_checkpoint(FOLDER / f"{name}.safetensors")
    assert all(isinstance(card[key], str) and card[key] for key in TEXTS)
    assert all(math.isfinite(card[key]) and card[key] > 0 for key in NUMBERS)
    assert isinstance(card["limits"], list)
    assert len(card["limits"]) >= 2
    assert card["horizon"] == len(card["step_mse"]) == len(card["offsets"])
    assert card["mse"] == pytest.approx(sum(card["step_mse"]) / card["horizon"], rel=1e-3)
    spacing = header.preset.data.delta_frames / card["horizon"]
    assert card["step_s"] == pytest.approx(spacing * header.units.frame_time_s, rel=1e-3)
    assert card["dataset_sha256"] == header.dataset_sha256
    assert card["best_epoch"] == header.progress.epoch
    assert not ABSOLUTE_PATH.search((FOLDER / f"{name}.yaml").read_text("utf-8"))


@every
def test_a_model_is_better_than_guesses_that_need_none(name: str) -> None:
    card = card_of(name)
    assert card["mse"] < min(card[f"{key}_mse"] for key in ("straight_on", "still", "centre"))
    if "systems" in card:  # of which the tested ones have no frames to take a mean of
        assert all(min(one["skill"]) > 0 for one in card["systems"])
        return
    # no model that treats all directions alike can know where in space a molecule was before
    # and a closed form that has seen the same windows may be better: the card says so
    for guess in ("mean_position", "nearest_window", "kernel"):
        if f"{guess}_mse" in card:
            beaten = card["mse"] < card[f"{guess}_mse"]
            said = f"the yardstick `{guess.replace('_', ' ')}`"
            assert beaten != any(said in limit for limit in card["limits"])


def test_a_backbone_of_any_sequence_has_known_types() -> None:
    _, header = load_checkpoint(FOLDER / "protein-backbone.safetensors")
    assert set(header.type_names) == {"N", "CA", "C", "O"}


def test_the_card_of_the_sample_is_true(data_dir: Path, tmp_path: Path) -> None:
    check_card("sample", evaluated("sample", data_dir, tmp_path))


@pytest.mark.slow
def test_the_card_of_running_is_true(shared: Path, tmp_path: Path) -> None:
    source = shared / "data/mocap/subject09_run_positions.npz"
    prepare_mocap(Destination(tmp_path), subject=9, source=source)
    check_card("mocap-run", evaluated("mocap-run", tmp_path, tmp_path / "runs"))


@pytest.mark.slow
def test_the_backbone_of_a_protein_in_water_is_predicted_better_than_by_nothing_moves(
    shared: Path, tmp_path: Path
) -> None:
    dhfr = shared / "data/protein/dhfr"
    prepare_trajectory(
        Destination(tmp_path),
        topology=[dhfr / "1rx2-CA.pdb"],
        trajectory=[dhfr / "1rx2_5ns.nc"],
        name="dhfr",
        drop_extra=True,
        frame_time="5ps",
        superpose=True,
        bond_length=4.2,
        delta_frames=4,
        horizon=2,
    )
    run = tmp_path / "run"
    run.mkdir()
    shutil.copy(FOLDER / "protein-backbone.safetensors", run / BEST)
    found = evaluate_run(run, tmp_path, CPU, on="dhfr", delta_time=("5ps", "5ps"), error_bars=True)
    assert found.systems[0].skill[0] > 0.0
    assert found.systems[0].skill[1] > 0.1
    assert found.coverage is not None
    assert min(found.coverage.coverage) > 0.8


@pytest.mark.parametrize("name", ["molecule", "protein-backbone"])
def test_models_of_any_system_are_better_than_guesses_at_every_time(name: str) -> None:
    card = card_of(name)
    for time, systems in card["skill_at"].items():
        assert all(steps[0] > 0.05 for steps in systems.values()), time
    if name == "molecule":
        assert all(steps[0] > 0.7 for steps in card["skill_at"]["10fs"].values())
    assert all(0.8 < share < 0.97 for share in card["coverage_90"])


def test_the_script_names_the_command_that_prepares_what_is_missing(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), "sample", "mocap-run", "--data-dir", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    assert done.returncode == 2
    assert done.stdout.splitlines() == [
        f"painet prepare sample --data-dir {tmp_path}",
        f"painet prepare mocap --subject 9 --source FILE.npz --data-dir {tmp_path}",
    ]


@pytest.mark.slow
def test_the_wheel_holds_models_and_cards(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(tmp_path),
    ]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("painet-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for name in NAMES:
        assert f"painet_cli/checkpoints/{name}.safetensors" in names
        assert f"painet_cli/checkpoints/{name}.yaml" in names
        assert f"painet_cli/presets/shipped/{name}.yaml" in names
