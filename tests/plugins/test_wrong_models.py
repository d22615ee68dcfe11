"""What models of other packages get wrong, and what their author is told."""

from __future__ import annotations

from pathlib import Path

import pytest

import painet
from installed import Install
from painet_cli.errors import PainetError
from painet_cli.models.facts import list_models

MODEL = '''
from typing import Literal

import torch

from painet.plugins import DynamicsModel, Features, ModelConfig


class WrongConfig(ModelConfig):
    """Straight on."""

    name: Literal["wrong"] = "wrong"


class Wrong(DynamicsModel):
    """Straight on."""

    Config = WrongConfig

    def __init__(self, horizon):
        super().__init__()
        self.horizon = horizon
        self.pace = torch.nn.Parameter(torch.ones(horizon, 1, 1))
        BUILT

    @classmethod
    def build(cls, config, preset, system):
        return cls(preset.data.horizon)

    def forward(self, batch):
        predicted = batch.positions + self.pace * batch.velocities
        return GIVEN
'''


def wrong(install: Install, *, built: str = "pass", given: str = "predicted") -> None:
    source = MODEL.replace("BUILT", built).replace("GIVEN", given)
    install("wrong-models", {"painet.models": {"wrong": "wrong_models:Wrong"}}, wrong_models=source)


@pytest.mark.parametrize(
    ("given", "shape"),
    [
        ("predicted[-1:]", r"\(1, 225, 3\)"),  # torch would compare it with every step
        ("predicted[-1]", r"\(225, 3\)"),
        ("predicted.transpose(0, 1)", r"\(225, 5, 3\)"),
    ],
)
def test_a_model_that_gives_other_steps_is_refused(
    install: Install, data_dir: Path, tmp_path: Path, given: str, shape: str
) -> None:
    wrong(install, given=given)
    with pytest.raises(PainetError, match=rf"of shape {shape}, not \(5, 225, 3\)"):
        painet.train(
            "demo",
            settings={"model.name": "wrong", "train.epochs": 1},
            data_dir=data_dir,
            run_dir=tmp_path,
            device="cpu",
        )


def test_a_model_that_cannot_be_built_does_not_hide_the_others(install: Install) -> None:
    wrong(install, built="self.pace = 3")
    listed = {one.name: one for one in list_models()}
    assert listed["wrong"].missing.startswith("cannot be built (TypeError: cannot assign")
    assert listed["egnn"].parameters
