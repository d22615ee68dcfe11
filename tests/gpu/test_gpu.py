"""What holds on a GPU: `make test-gpu`. Without one every test here is skipped."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from painet_cli.config.presets import load_preset
from painet_cli.data.batches.batch import Batch
from painet_cli.evaluation.evaluate import evaluate_run
from painet_cli.models.base import DynamicsModel
from painet_cli.models.memory import WAYS, fit_memory
from painet_cli.testing import Kit, cases
from painet_cli.testing.kit import Case
from painet_cli.testing.systems import BRANCHED, cast, equal_systems
from painet_cli.training.device import MemoryMeter, free_memory
from painet_cli.training.run import resume_run, start_run
from painet_cli.training.run_folder import BEST, LAST
from trainings import CPU, Watcher, same_bits

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU of NVIDIA or AMD"),
]
CUDA = torch.device("cuda")
NARROW = {"layers": 2, "hidden": 8}
KITS = {
    "linear": Kit(reads_features=False),
    "rf": Kit((NARROW,), horizons=(1,)),
    "mpnn": Kit((NARROW,), horizons=(1,)),
    "egnn": Kit((NARROW,)),
    "egno": Kit((NARROW,)),
    "hegnn": Kit((NARROW,)),
    "gf-node": Kit((NARROW,), shake=0.1),
    "painet": Kit(
        tuple({**NARROW, "heads": 2, "attention": form} for form in ("dense", "factorised"))
    ),
}
CASES = [case for name, kit in KITS.items() for case in cases(name, kit)]


def results(model: DynamicsModel, batch: Batch) -> list[Tensor]:
    """Predictions, and gradients of all parameters, on the CPU."""
    predicted = model(batch)
    loss = (predicted - batch.known_targets()).square().mean()
    found = [predicted, *torch.autograd.grad(loss, list(model.parameters()))]
    return [part.detach().cpu() for part in found]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_predictions_and_gradients_are_those_of_the_cpu(case: Case) -> None:
    batch = equal_systems(BRANCHED, 3, horizon=case.horizon)
    expected = results(case.model(), batch)
    found = results(case.model().to(CUDA), batch.to(CUDA))
    largest = max(float(part.abs().max()) for part in expected)
    for left, right in zip(found, expected, strict=True):
        torch.testing.assert_close(left, right, rtol=1e-8, atol=1e-10 * largest)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_under_autocast_predictions_are_near_those_without(case: Case) -> None:
    batch = cast(equal_systems(BRANCHED, 3), torch.float32).to(CUDA)
    model = case.model(dtype=torch.float32).to(CUDA)
    with torch.no_grad():
        exact = model(batch)
        with torch.autocast("cuda", torch.bfloat16):
            lowered = model(batch)
    assert lowered.isfinite().all()
    away = (exact - batch.positions).norm()
    assert (lowered.float() - exact).norm() < 0.1 * (away + batch.positions.norm())


def trained(preset: Path, data_dir: Path, folder: Path, watcher: Watcher | None = None) -> Path:
    made = load_preset(str(preset))
    return start_run(made, "small", data_dir, folder, CUDA, watcher or Watcher()).run


def test_a_training_ends_where_that_of_the_cpu_does(
    small_preset: Path, data_dir: Path, tmp_path: Path, finished_run: Path
) -> None:
    run = trained(small_preset, data_dir, tmp_path)
    ours, theirs = (evaluate_run(one, data_dir, CPU).mse for one in (run, finished_run))
    assert ours == pytest.approx(theirs, rel=0.02)


def test_a_resumed_run_ends_with_the_same_bits(
    small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    whole = trained(small_preset, data_dir, tmp_path / "whole")
    watcher = Watcher(stop_after=2)
    with pytest.raises(KeyboardInterrupt):
        trained(small_preset, data_dir, tmp_path / "parts", watcher)
    assert watcher.run is not None
    resume_run(watcher.run, data_dir, CUDA, Watcher())
    assert same_bits(whole / LAST, watcher.run / LAST)
    assert same_bits(whole / BEST, watcher.run / BEST)


def test_an_evaluation_is_that_of_the_cpu(finished_run: Path, data_dir: Path) -> None:
    ours, theirs = (evaluate_run(finished_run, data_dir, device).mse for device in (CUDA, CPU))
    assert ours == pytest.approx(theirs, rel=1e-4)


def test_what_a_pass_is_expected_to_take_is_about_what_it_takes() -> None:
    case = Case("painet", Kit(), {"layers": 4, "hidden": 64, "heads": 2}, 5)
    model = case.model(dtype=torch.float32).to(CUDA)
    batch = cast(equal_systems(BRANCHED, 300, horizon=5), torch.float32).to(CUDA)
    for way in WAYS:
        model.activations = way
        results(model, batch)  # libraries take their own at first
        torch.cuda.empty_cache()
        meter = MemoryMeter(CUDA)
        held = torch.cuda.memory_allocated()
        results(model, batch)
        nodes, edges = batch.graph.num_nodes, batch.graph.edge_hop.shape[0]
        expected = model.pass_bytes(nodes, edges, way, training=True)
        assert expected is not None
        assert 0.4 < (1e9 * meter.peak_gb() - held) / expected < 2.5, way
    assert fit_memory(model, batch, free_memory(CUDA), training=True).activations == "keep"


def test_two_trainings_share_a_card(small_preset: Path, data_dir: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "painet_cli", "--device", "cuda", "--quiet", "train"]
    given = ["--preset", str(small_preset), "--data-dir", str(data_dir), "--run-dir"]
    both = [subprocess.Popen([*command, *given, str(tmp_path / name)]) for name in ("a", "b")]
    assert [process.wait() for process in both] == [0, 0]
