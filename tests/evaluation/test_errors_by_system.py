"""A run on several systems is measured on each, at the times that are asked for, or elsewhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from painet_cli.config.presets import Preset
from painet_cli.data.dataset.dataset import Dataset, write_dataset
from painet_cli.errors import RequestError
from painet_cli.evaluation.evaluate import evaluate_run
from painet_cli.evaluation.evaluation import Evaluation
from painet_cli.evaluation.opened_run import windows_for
from painet_cli.evaluation.systems import yardstick_errors
from painet_cli.training.run import start_run
from several import NAMES, merged, three
from systems import frames_of, manifest
from trainings import CPU, Watcher

__all__ = ["three"]


def preset(**data: object) -> Preset:
    cut = {"dataset": "all", "horizon": 2, "delta_frames": 2, "velocity": "before", **data}
    return Preset.model_validate(
        {
            "data": cut,
            "features": {"node": ["type", "speed"], "edge": ["hop", "distance"]},
            "model": {"name": "painet", "layers": 1, "hidden": 6},
            "train": {"epochs": 1, "batch_size": 4, "eval_every": 1, "lr": 1e-3},
        }
    )


def train(folder: Path, chosen: Preset) -> Path:
    return start_run(chosen, "one", folder, folder / "runs", CPU, Watcher()).run


@pytest.fixture
def run(three: list[Dataset], tmp_path: Path) -> Path:
    """A run on all three, 1 to 2 fs between frames."""
    merged(three, tmp_path)
    return train(tmp_path, preset(delta_time=["1fs", "2fs"]))


def weighted(evaluation: Evaluation) -> float:
    counts = [one.windows for one in evaluation.systems]
    return float(np.average([one.step_mse[-1] for one in evaluation.systems], weights=counts))


def test_every_system_has_its_own_errors(run: Path, tmp_path: Path) -> None:
    evaluation = evaluate_run(run, tmp_path, CPU)
    assert [one.name for one in evaluation.systems] == NAMES
    assert sum(one.windows for one in evaluation.systems) == evaluation.windows
    assert weighted(evaluation) == pytest.approx(evaluation.f_mse)
    assert evaluation.delta_time == "1 fs to 2 fs"
    plain = evaluation.plain()["systems"]
    assert [one["name"] for one in plain] == NAMES
    for one in plain:
        best = np.minimum(one["still"], one["straight"])
        assert one["skill"] == pytest.approx(1 - np.array(one["step_mse"]) / best)


def test_yardsticks_need_no_model(three: list[Dataset], tmp_path: Path) -> None:
    together = merged(three, tmp_path)
    windows = windows_for(together, preset(), "test")
    still, straight = yardstick_errors(windows, 2)
    for k in range(len(windows)):
        one, (start, before, *after) = windows.dataset_of(k).frames, windows.frames_of(k)
        x, v = one[start], one[start] - one[before]
        for step, frame in enumerate(after):
            assert still[k, step] == pytest.approx(np.square(one[frame] - x).mean(), rel=1e-5)
            gone = x + (step + 1) * v
            assert straight[k, step] == pytest.approx(np.square(one[frame] - gone).mean(), rel=1e-5)


def test_the_time_between_frames_can_be_asked_for(run: Path, tmp_path: Path) -> None:
    short, long = (
        evaluate_run(run, tmp_path, CPU, delta_time=(time, time)) for time in ("1fs", "2fs")
    )
    assert (short.delta_time, long.delta_time) == ("1 fs to 1 fs", "2 fs to 2 fs")
    assert short.f_mse != long.f_mse


@pytest.mark.parametrize("times", [("0.5fs", "1fs"), ("1fs", "3fs")])
def test_a_time_that_it_was_not_trained_on_is_refused(
    run: Path, tmp_path: Path, times: tuple[str, str]
) -> None:
    with pytest.raises(RequestError, match="but it was trained on 1 fs to 2 fs"):
        evaluate_run(run, tmp_path, CPU, delta_time=times)


def test_a_run_of_one_time_has_no_other(fixed: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="own time between frames"):
        evaluate_run(fixed, tmp_path, CPU, delta_time=("1fs", "1fs"))


def test_a_run_is_measured_on_a_dataset_it_never_saw(
    run: Path, three: list[Dataset], tmp_path: Path
) -> None:
    one_time = ("1fs", "1fs")
    elsewhere = evaluate_run(run, tmp_path, CPU, on="ring", delta_time=one_time)
    assert elsewhere.dataset == "ring"
    assert [one.name for one in elsewhere.systems] == ["ring"]
    whole = evaluate_run(run, tmp_path, CPU, delta_time=one_time)
    own = {one.name: one for one in whole.systems}
    assert elsewhere.step_mse == pytest.approx(own["ring"].step_mse)
    assert len(three) == 3


def test_a_type_that_the_model_does_not_know_is_refused(run: Path, tmp_path: Path) -> None:
    described = manifest()
    particles = described.particles.model_copy(update={"type_names": ("a", "b", "new")})
    described = described.model_copy(update={"name": "odd", "particles": particles})
    write_dataset(tmp_path / "odd", frames_of(described), described)
    with pytest.raises(RequestError, match="particle type new is unknown to the model"):
        evaluate_run(run, tmp_path, CPU, on="odd")


@pytest.fixture
def fixed(three: list[Dataset], tmp_path: Path) -> Path:
    """A run on all three, 1 fs between frames."""
    merged(three, tmp_path)
    return train(tmp_path, preset())


def test_error_bars_of_one_system_elsewhere_grow_with_its_speed(
    fixed: Path, three: list[Dataset], tmp_path: Path
) -> None:
    ring = three[NAMES.index("ring")]
    described = ring.manifest.model_copy(update={"name": "fast", "files": {}})
    write_dataset(tmp_path / "fast", 2 * ring.frames, described)
    usual, fast = (
        evaluate_run(fixed, tmp_path, CPU, on=name, error_bars=True).coverage
        for name in ("ring", "fast")
    )
    assert usual is not None and fast is not None
    assert fast.radius_90 == pytest.approx(2 * np.array(usual.radius_90))


def test_frames_of_another_time_are_refused(
    fixed: Path, three: list[Dataset], tmp_path: Path
) -> None:
    ring = three[NAMES.index("ring")]
    units = ring.manifest.units.model_copy(update={"frame_time_s": 2e-15})
    changed = {"name": "slow", "units": units, "files": {}}
    write_dataset(tmp_path / "slow", ring.frames, ring.manifest.model_copy(update=changed))
    with pytest.raises(RequestError, match="slow: its frames are 2 fs apart, and the model"):
        evaluate_run(fixed, tmp_path, CPU, on="slow")


def test_physical_checks_are_of_one_system(run: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="physical checks are of one"):
        evaluate_run(run, tmp_path, CPU, physics=True)
