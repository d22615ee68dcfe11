"""Optimiser steps as CUDA graphs: the same numbers as without, and nothing waits within."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from painet_cli.config.presets import load_preset
from painet_cli.config.schema import TrainConfig
from painet_cli.data.batches.batch import Batch
from painet_cli.testing import cases
from painet_cli.testing.kit import Case
from painet_cli.testing.systems import BRANCHED, cast, equal_systems, normal
from painet_cli.training.distributed.world import Share
from painet_cli.training.run import resume_run, start_run
from painet_cli.training.run_folder import LAST
from painet_cli.training.steps.captured import CapturedStep
from painet_cli.training.steps.optimizers import build_optimizers
from painet_cli.training.steps.step import Step
from painet_cli.training.together import start_together
from painet_cli.training.trainer import EpochRecord, Trainer
from recorded import KITS
from trainings import Watcher, same_bits, tensors

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU of NVIDIA or AMD"),
]
CUDA = torch.device("cuda")
CASES = [case for name, kit in KITS.items() if name != "atom" for case in cases(name, kit)]
STEPS = 8


def batches(case: Case) -> list[Batch]:
    """Batches of four and of two windows in turns, as an epoch has them."""
    whole = cast(equal_systems(BRANCHED, 4, horizon=case.horizon), torch.float32).to(CUDA)
    rest = cast(equal_systems(BRANCHED, 2, horizon=case.horizon), torch.float32).to(CUDA)
    return [
        Batch(
            like.graph,
            like.positions + 0.1 * normal(*like.positions.shape, seed=k).to(like.positions),
            like.velocities,
            like.targets,
        )
        for k in range(STEPS)
        for like in (whole, rest)
    ]


def steps(case: Case, optimizer: str, *, capturable: bool) -> Step:
    model = case.model(dtype=torch.float32).to(CUDA)
    config = TrainConfig.model_validate(
        {"epochs": 1, "batch_size": 4, "lr": 1e-3, "optimizer": optimizer}
    )
    optimizers = build_optimizers(model, config, fused=True, capturable=capturable)
    return Step(model, optimizers, clip_norm=1.0)


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "muon", "soap"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_weights_and_losses_are_those_of_steps_as_they_are(case: Case, optimizer: str) -> None:
    plain = steps(case, optimizer, capturable=False)
    captured = CapturedStep(steps(case, optimizer, capturable=True), CUDA, required=True)
    for batch in batches(case):
        share = Share(batch, 1.0)
        torch.testing.assert_close(captured(share), plain(share), rtol=1e-4, atol=1e-6)
    assert len(captured.recordings) == 2
    ends = (list(step.model.parameters()) for step in (captured.step, plain))
    for one, other in zip(*ends, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("way", ["keep", "recompute", "stepwise"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_nothing_waits_for_the_device(case: Case, way: str) -> None:
    captured = CapturedStep(steps(case, "adam", capturable=True), CUDA, required=True)
    captured.step.model.activations = way  # type: ignore[assignment]
    given = batches(case)
    for batch in given:
        captured(Share(batch, 1.0))
    torch.cuda.set_sync_debug_mode("error")
    try:
        for batch in given:
            captured(Share(batch, 1.0))
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_a_step_that_asks_the_device_is_taken_as_it_is() -> None:
    case = CASES[0]
    step = steps(case, "adam", capturable=True)

    def ask(model: nn.Module, given: tuple[Batch]) -> None:
        float(given[0].positions[0, 0])

    step.model.register_forward_pre_hook(ask)
    captured = CapturedStep(step, CUDA)
    losses = [float(captured(Share(batch, 1.0))) for batch in batches(case)]
    assert all(loss == loss for loss in losses)
    assert len(captured.recordings) == 0


class Looking(Watcher):
    """Listener that counts the recordings of a training."""

    recorded = 0

    def epoch(self, record: EpochRecord, trainer: Trainer) -> None:
        if isinstance(trainer.step, CapturedStep):
            self.recorded = len(trainer.step.recordings)
        super().epoch(record, trainer)


def trained(preset: Path, data_dir: Path, folder: Path, graph: str, watcher: Watcher) -> Path:
    # 500 windows in batches of 200: the third of an epoch is smaller, and has come often enough
    made = load_preset(str(preset), [f"train.graph={graph}", "train.epochs=6"])
    return start_run(made, "small", data_dir, folder, CUDA, watcher).run


def test_a_training_is_recorded_and_ends_as_without(
    small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    looking = Looking()
    ours = trained(small_preset, data_dir, tmp_path / "on", "on", looking)
    theirs = trained(small_preset, data_dir, tmp_path / "off", "off", Watcher())
    assert looking.recorded == 2
    one, other = (tensors(run / LAST) for run in (ours, theirs))
    for name in one:
        if name.startswith("model/"):
            torch.testing.assert_close(one[name], other[name], rtol=1e-2, atol=1e-4)


def test_a_resumed_run_ends_with_the_same_bits(
    small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    whole = trained(small_preset, data_dir, tmp_path / "whole", "on", Watcher())
    watcher = Watcher(stop_after=4)
    with pytest.raises(KeyboardInterrupt):
        trained(small_preset, data_dir, tmp_path / "parts", "on", watcher)
    assert watcher.run is not None
    resume_run(watcher.run, data_dir, CUDA, Watcher())
    assert same_bits(whole / LAST, watcher.run / LAST)


def test_seeds_that_are_trained_as_one_are_recorded_too(
    small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    made = [
        load_preset(str(small_preset), ["train.graph=on", "train.epochs=6", f"train.seed={seed}"])
        for seed in (1, 2)
    ]
    ours = start_together(made, "small", data_dir, tmp_path, CUDA, [Watcher(), Watcher()])
    for preset, one in zip(made, ours, strict=True):
        other = start_run(preset, "small", data_dir, tmp_path, CUDA, Watcher())
        assert one.val_mse == pytest.approx(other.val_mse, rel=1e-2)
