"""Stacks: the weights that are chosen, and the run that comes of several."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from painet_cli.config.presets import Preset, load_preset
from painet_cli.config.schema import DataConfig
from painet_cli.data.dataset.dataset import open_dataset
from painet_cli.errors import RequestError
from painet_cli.evaluation.evaluate import evaluate_run
from painet_cli.evaluation.opened_run import windows_for
from painet_cli.evaluation.verify.verify import verify
from painet_cli.models.base import SystemSpec
from painet_cli.models.registry import build_model, check_weights, system_spec
from painet_cli.models.stack import Stack, best_weights
from painet_cli.prediction.loading import restore
from painet_cli.training.record import RunSummary
from painet_cli.training.run import resume_run
from painet_cli.training.run_folder import BEST, LAST
from painet_cli.training.setup.members import take_members
from systems import SPEC, preset
from trainings import CPU, Watcher, train


def stacked(
    runs: list[Path], preset: Path, data_dir: Path, folder: Path, *settings: str
) -> RunSummary:
    members = f"model.members=[{', '.join(map(str, runs))}]"
    return train(preset, data_dir, folder, "model.name=stack", members, *settings)


@pytest.fixture(scope="module")
def runs(
    data_dir: Path,
    small_preset: Path,
    finished_run: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> list[Path]:
    """A run of PAINET, of straight motion and of the kernel."""
    folder = tmp_path_factory.mktemp("members")
    others = ("model.name=linear", "model.name=kernel")
    return [
        finished_run,
        *(train(small_preset, data_dir, folder / name[-6:], name).run for name in others),
    ]


def test_weights_are_those_of_the_least_error_among_all_mixtures() -> None:
    errors = np.random.default_rng(1).normal(size=(3, 40)) * np.array([[1.0], [1.5], [9.0]])
    errors[1] += errors[0]
    products = errors @ errors.T
    weights = best_weights(products)
    assert weights.min() >= 0
    assert weights.sum() == pytest.approx(1)
    tried = np.random.default_rng(2).dirichlet(np.full(3, 0.4), size=20_000)
    assert weights @ products @ weights <= np.einsum("ni,ij,nj->n", tried, products, tried).min()


def test_a_member_that_is_worse_in_all_things_has_no_weight() -> None:
    assert best_weights(np.diag([1.0, 1.0]) + np.array([[0, 0.0], [0, 1e9]]))[1] < 1e-8
    better_alone = np.array([[1.0, 2.0], [2.0, 5.0]])
    np.testing.assert_allclose(best_weights(better_alone), [1.0, 0.0])


def test_members_that_are_the_same_or_faultless_make_a_mean() -> None:
    np.testing.assert_allclose(best_weights(np.ones((2, 2))), [0.5, 0.5])
    np.testing.assert_allclose(best_weights(np.zeros((2, 2))), [0.5, 0.5])


def test_a_stack_is_no_worse_than_its_best_member_and_stands_alone(
    runs: list[Path], small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    copies = [
        shutil.copytree(run, tmp_path / run.parent.name / str(k)) for k, run in enumerate(runs)
    ]
    summary = stacked(copies, small_preset, data_dir, tmp_path / "stack")
    for copy in copies:
        shutil.rmtree(copy)  # the checkpoint holds all of it
    alone = [evaluate_run(run, data_dir, CPU, part="val").mse for run in runs]
    together = evaluate_run(summary.run, data_dir, CPU, part="val")
    assert together.mse <= min(alone) * (1 + 1e-6)
    assert (together.model, summary.epochs) == ("stack", 1)
    assert verify(summary.run, data_dir).holds
    again = resume_run(summary.run, data_dir, CPU, Watcher())
    assert again.val_mse == summary.val_mse
    model, header = restore(summary.run / BEST, CPU)
    assert isinstance(model, Stack)
    torch.testing.assert_close(model.weights.sum(dim=1), torch.ones(2))
    batch = windows_for(open_dataset(data_dir / "sample"), header.preset, "test").batch(
        torch.arange(3)
    )
    members = torch.stack([restore(run / BEST, CPU)[0](batch) for run in runs])
    expected = torch.einsum("tk,ktmc->tmc", model.weights, members)
    torch.testing.assert_close(model(batch), expected, rtol=1e-5, atol=1e-5)


def test_a_member_that_goes_on_from_an_average_is_the_average(
    finished_run: Path, small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    alone, header = restore(finished_run / LAST, CPU)
    run = stacked([finished_run / LAST], small_preset, data_dir, tmp_path).run
    batch = windows_for(open_dataset(data_dir / "sample"), header.preset, "test").batch(
        torch.arange(3)
    )
    torch.testing.assert_close(restore(run / BEST, CPU)[0](batch), alone(batch))


def test_every_step_may_have_weights_of_its_own(
    runs: list[Path], small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    one, own = (
        stacked(runs, small_preset, data_dir, tmp_path, f"model.by_step={by_step}")
        for by_step in ("false", "true")
    )
    assert own.val_mse is not None
    assert one.val_mse is not None
    assert own.val_mse <= one.val_mse * (1 + 1e-6)
    weights = [restore(summary.run / BEST, CPU)[0].weights for summary in (one, own)]
    assert torch.equal(weights[0][0], weights[0][1])
    assert not torch.equal(weights[1][0], weights[1][1])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (("model.members=[]",), "no members"),
        (("model.members=[nowhere]",), "nowhere: no checkpoint here"),
        (("data.delta_frames=30",), "its data.delta_frames is 20, and that of the stack 30"),
        (("data.horizon=1",), "its data.horizon is 2, and that of the stack 1"),
        (("model.members=[{run: a, preset: {}, weight: 1}]",), "model.members"),
    ],
)
def test_runs_that_do_not_go_together_are_refused(
    runs: list[Path],
    small_preset: Path,
    data_dir: Path,
    tmp_path: Path,
    settings: tuple[str, ...],
    words: str,
) -> None:
    with pytest.raises(RequestError, match=words):
        stacked(runs, small_preset, data_dir, tmp_path / "runs", *settings)
    assert not (tmp_path / "runs").exists()


def test_a_stack_of_stacks_is_refused(
    runs: list[Path], small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    first = stacked(runs[:2], small_preset, data_dir, tmp_path).run
    with pytest.raises(RequestError, match="a stack itself"):
        stacked([first, runs[2]], small_preset, data_dir, tmp_path)


def test_a_member_with_more_of_the_past_asks_the_stack_for_it(
    runs: list[Path], small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    past = ("model.name=kernel", "data.history=2")
    longer = train(small_preset, data_dir, tmp_path / "past", *past).run
    both = [runs[1], longer]
    with pytest.raises(RequestError, match=r"set data\.history=2"):
        stacked(both, small_preset, data_dir, tmp_path)
    summary = stacked(both, small_preset, data_dir, tmp_path, "data.history=2")
    assert restore(summary.run / BEST, CPU)[1].preset.data.history == 2


def described(**model: object) -> Preset:
    member = {"run": "a", "preset": preset(dict(model)).model_dump(mode="json")}
    return preset({"name": "stack", "members": [member]})


def test_a_file_that_names_a_stack_within_a_stack_is_refused() -> None:
    with pytest.raises(RequestError, match="a member is a stack itself"):
        build_model(described(name="stack"), SPEC)


def test_a_file_that_names_a_huge_member_takes_no_memory() -> None:
    huge = described(name="painet", layers=256, hidden=16_384, heads=64)
    with pytest.raises(RuntimeError, match="Missing key"):
        check_weights(huge, SPEC, {"weights": torch.ones(1, 1)})


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ({"name": "egno", "modes": 5_000, "hidden": 256}, "Missing key"),
        ({"name": "gf-node", "modes": 10_000, "hidden": 256}, "Missing key"),
        ({"name": "painet", "attention_layers": 256}, "2,560,000 attention layers, the file 1 te"),
    ],
)
def test_modes_and_attention_layers_count_among_what_makes_a_model_huge(
    model: dict[str, object], said: str
) -> None:
    data = {"dataset": "small", "horizon": 10_000, "delta_frames": 10_000}
    huge = preset(model).model_copy(update={"data": DataConfig.model_validate(data)})
    with pytest.raises(RuntimeError, match=said):
        check_weights(huge, SPEC, {"weights": torch.ones(1, 1)})


_CHECKED_FIRST = """
import torch
from painet_cli.models.registry import check_weights
from systems import SPEC, preset
huge = preset({"name": "gf-node", "layers": 256, "hidden": 16_384})
try:
    check_weights(huge, SPEC, {"weights": torch.ones(1, 1)})
except RuntimeError:
    from torchdiffeq import odeint
    print(odeint(lambda t, y: -y, torch.ones(1), torch.tensor([0.0, 1.0]))[-1].item())
"""


def test_a_package_that_is_first_imported_by_a_check_has_its_numbers() -> None:
    pytest.importorskip("torchdiffeq")
    words = [sys.executable, "-c", _CHECKED_FIRST]
    folder = Path(__file__).parents[2]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True)
    assert float(done.stdout) == pytest.approx(np.exp(-1), rel=1e-4)


def test_a_run_that_changed_since_is_refused(
    runs: list[Path], small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    chosen = load_preset(str(small_preset), ["data.velocity=next"])
    members = [{"run": str(runs[0]), "preset": chosen.model_dump(mode="json")}]
    chosen = chosen.changed({"model": {"name": "stack", "members": members}})
    take_members(build_model(chosen, spec_of(runs[0])), chosen)
    members[0]["run"] = str(runs[1])
    other = chosen.changed({"model": {"name": "stack", "members": members}})
    with pytest.raises(RequestError, match="its weights do not fit the preset"):
        take_members(build_model(other, spec_of(runs[0])), other)


def spec_of(run: Path) -> SystemSpec:
    _, header = restore(run / BEST, CPU)
    return system_spec(header.preset, header.type_names, header.up_axis)
