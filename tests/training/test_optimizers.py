"""The optimisers: SOAP is its authors', Muon has the hidden maps, all resume to the same bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from painet_cli.config.schema import TrainConfig
from painet_cli.training.run import resume_run
from painet_cli.training.run_folder import BEST, LAST
from painet_cli.training.steps.muon import Muon, orthogonal
from painet_cli.training.steps.optimizers import build_optimizers
from painet_cli.training.steps.soap import Soap, sides
from systems import normal
from trainings import CPU, Watcher, same_bits, tensors, train

OTHERS = ("adamw", "muon", "soap")
REFERENCE = Path(__file__).parents[1] / "reference" / "soap.npz"


def config(optimizer: str) -> TrainConfig:
    return TrainConfig.model_validate(
        {"epochs": 1, "batch_size": 1, "lr": 1e-3, "optimizer": optimizer}
    )


def test_soap_is_the_published_code() -> None:
    """`soap.npz` has four parameters, 37 gradients of each, and what the authors' code made of them
    (https://github.com/nikhilvyas/SOAP at a1e5535, lr 3e-3, weight decay 0.01, float32)."""
    known = np.load(REFERENCE)
    parameters = [nn.Parameter(torch.from_numpy(known[f"start/{k}"])) for k in range(4)]
    soap = Soap(parameters, lr=3e-3, weight_decay=0.01)
    for step in range(37):
        for k, parameter in enumerate(parameters):
            parameter.grad = torch.from_numpy(known[f"gradient/{k}"][step])
        soap.step()
    for k, parameter in enumerate(parameters):
        expected = torch.from_numpy(known[f"end/{k}"])
        torch.testing.assert_close(parameter.detach(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "turned"),
    [((5,), []), ((3, 4), [0, 1]), ((1, 4), [1]), ((600, 4), [1]), ((2, 3, 4), [0, 1, 2])],
)
def test_soap_turns_the_sides_that_are_neither_one_nor_too_long(
    shape: tuple[int, ...], turned: list[int]
) -> None:
    assert sides(torch.zeros(shape)) == turned


def test_soap_moves_nothing_on_the_first_gradient() -> None:
    parameter = nn.Parameter(torch.ones(3, 3))
    parameter.grad = torch.ones(3, 3)
    Soap([parameter], lr=1e-3, weight_decay=0.0).step()
    assert torch.equal(parameter.detach(), torch.ones(3, 3))


def test_muon_moves_matrices_as_torch_does_up_to_bfloat16() -> None:
    shapes = [(16, 16), (16, 40), (40, 16), (16, 40)]
    ours, theirs = ([nn.Parameter(normal(*shape, seed=0)) for shape in shapes] for _ in range(2))
    settings = {"lr": 0.1, "weight_decay": 0.2}
    steps = (
        Muon(ours, **settings),
        torch.optim.Muon(theirs, adjust_lr_fn="match_rms_adamw", **settings),
    )
    begun = [one.detach().clone() for one in ours]
    for seed in range(3):
        for one, other in zip(ours, theirs, strict=True):
            one.grad = other.grad = normal(*one.shape, seed=seed)
        for optimizer in steps:
            optimizer.step()
    for one, other, at in zip(ours, theirs, begun, strict=True):
        moved = (one - at).norm()
        assert (one - other).norm() < 0.02 * moved


def test_a_matrix_without_a_gradient_stays_and_does_not_stop_its_like() -> None:
    first, second = (nn.Parameter(normal(16, 16, seed=0)) for _ in range(2))
    first.grad = normal(16, 16, seed=1)
    Muon([first, second], lr=0.1, weight_decay=0.2).step()
    assert torch.equal(second, normal(16, 16, seed=0))
    assert not torch.equal(first, normal(16, 16, seed=0))


def test_steps_of_muon_are_orthogonal() -> None:
    turned = orthogonal(normal(3, 8, 20, seed=0), (3.4445, -4.7750, 2.0315), 5, 1e-7)
    singular = torch.linalg.svdvals(turned)
    assert singular.min() > 0.6
    assert singular.max() < 1.3


def test_muon_has_the_hidden_maps_and_adamw_all_else() -> None:
    model = nn.Sequential(nn.Linear(3, 16), nn.Linear(16, 16), nn.Linear(16, 3))
    muon, adamw = build_optimizers(model, config("muon"), fused=True)
    hidden = [p for group in muon.param_groups for p in group["params"]]
    assert len(hidden) == 1
    assert hidden[0] is model[1].weight
    assert len([p for group in adamw.param_groups for p in group["params"]]) == 5


def test_a_model_without_hidden_maps_is_left_to_adamw() -> None:
    (only,) = build_optimizers(nn.Linear(2, 2), config("muon"), fused=True)
    assert isinstance(only, torch.optim.AdamW)


@pytest.mark.parametrize("optimizer", OTHERS)
def test_a_resumed_run_ends_with_the_same_bits(
    optimizer: str, small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    # twelve steps before the stop, so that SOAP's bases have moved
    settings = (f"train.optimizer={optimizer}", "train.batch_size=50", "train.lr=1e-3")
    whole = train(small_preset, data_dir, tmp_path / "whole", *settings).run
    watcher = Watcher(stop_after=2)
    with pytest.raises(KeyboardInterrupt):
        train(small_preset, data_dir, tmp_path / "parts", *settings, watcher=watcher)
    assert watcher.run is not None
    resume_run(watcher.run, data_dir, CPU, Watcher())
    assert same_bits(whole / LAST, watcher.run / LAST)
    assert same_bits(whole / BEST, watcher.run / BEST)


@pytest.mark.parametrize("optimizer", OTHERS)
def test_another_optimiser_moves_the_weights_another_way(
    optimizer: str, finished_run: Path, small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    settings = (f"train.optimizer={optimizer}", "train.weight_decay=0.01", "train.epochs=1")
    run = train(small_preset, data_dir, tmp_path, *settings).run
    moved = tensors(run / LAST)["model/decoder.0.message.weight"]
    assert not torch.equal(moved, tensors(finished_run / LAST)["model/decoder.0.message.weight"])
