"""What models of other packages get wrong, and what their author is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import painet
from installed import Install
from painet_cli.errors import PainetError
from painet_cli.models.facts import list_models
from painet_cli.training.record import RunSummary
from painet_cli.training.trainer import EpochRecord, Trainer
from painet_cli.training.watching.cost import expected_cost

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


@pytest.mark.parametrize(("given", "kind"), [("None", "NoneType"), ("(predicted, 0)", "tuple")])
def test_a_model_that_gives_no_tensor_is_refused(
    install: Install, data_dir: Path, tmp_path: Path, given: str, kind: str
) -> None:
    wrong(install, given=given)
    with pytest.raises(PainetError, match=rf"gives a {kind}, not a tensor of \(5, 2250, 3\)"):
        trained(data_dir, tmp_path)


def test_a_model_with_nothing_to_learn_is_told_to_be_a_closed_form(
    install: Install, data_dir: Path, tmp_path: Path
) -> None:
    wrong(install, built="self.pace.requires_grad_(False)")
    with pytest.raises(PainetError, match=r"Wrong: no parameter that learns\n.*closed_form = True"):
        trained(data_dir, tmp_path)


def test_a_model_with_nothing_to_learn_and_a_fit_is_measured(
    install: Install, data_dir: Path, tmp_path: Path
) -> None:
    fit = "closed_form = True\n    def fit(self, train, val): pass"
    closed = f"self.pace.requires_grad_(False)\n\n    {fit}"
    source = MODEL.replace("BUILT", closed).replace("GIVEN", "predicted")
    source = source.replace('= "wrong"', '= "wrong"\n    closed_form: ClassVar[bool] = True')
    source = source.replace("import Literal", "import ClassVar, Literal")
    install("wrong-models", {"painet.models": {"wrong": "wrong_models:Wrong"}}, wrong_models=source)
    run = trained(data_dir, tmp_path)
    found = painet.evaluate(run.run, data_dir=data_dir, device="cpu")
    assert found.mse == pytest.approx(_one_frame_on(data_dir), rel=1e-5)


def test_weights_that_two_layers_share_are_kept(
    install: Install, data_dir: Path, tmp_path: Path
) -> None:
    wrong(install, built="self.other = self.pace", given="predicted + self.other - self.pace")
    run = trained(data_dir, tmp_path)
    weights = load_file(run.run / "best.safetensors")
    assert torch.equal(weights["model/pace"], weights["model/other"])
    found = painet.evaluate(run.run, split="val", data_dir=data_dir, device="cpu")
    assert found.mse == pytest.approx(run.val_mse)


def trained(
    data_dir: Path, run_dir: Path, *callbacks: painet.Callback, ema: float | None = 0.99
) -> RunSummary:
    return painet.train(
        "demo",
        settings={
            "model.name": "wrong",
            "train.epochs": 1,
            "train.batch_size": 250,
            "train.ema": ema,
        },
        data_dir=data_dir,
        run_dir=run_dir,
        device="cpu",
        callbacks=callbacks,
    )


def test_a_model_that_reads_the_answer_is_measured_without_it(
    install: Install, data_dir: Path, tmp_path: Path
) -> None:
    wrong(install, given="predicted if batch.targets is None else batch.targets + 0 * predicted")
    run = trained(data_dir, tmp_path)
    assert run.val_mse is not None and run.val_mse > 1e-3
    found = painet.evaluate(run.run, error_bars=True, data_dir=data_dir, device="cpu")
    # its weights have not moved: one frame straight on, held against every step
    assert found.mse == pytest.approx(_one_frame_on(data_dir), rel=1e-5)
    assert found.coverage is not None and min(found.coverage.radius_90) > 1e-2


def _one_frame_on(data_dir: Path) -> float:
    sample = painet.Dataset.open(data_dir / "sample")
    starts = np.array(sample.manifest.split.test)
    frames = sample.frames.astype(np.float64)
    ahead = frames[starts[:, None] + np.array([8, 16, 24, 32, 40])]
    return float(np.square(ahead - frames[starts + 1][:, None]).mean())


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ("predicted + 0 * batch.positions.sub_(0.5)", "positions"),
        ("predicted + 0 * batch.graph.types.mul_(0)[:, None]", "types"),
    ],
)
def test_a_model_that_writes_into_its_batch_is_refused(
    install: Install, data_dir: Path, tmp_path: Path, given: str, what: str
) -> None:
    wrong(install, given=given)
    with pytest.raises(PainetError, match=f"writes into the {what} of the batch"):
        trained(data_dir, tmp_path)


def test_a_model_that_draws_is_measured_and_predicts_alike_twice(
    install: Install, data_dir: Path, tmp_path: Path
) -> None:
    wrong(install, given="predicted + 0.1 * torch.randn_like(predicted)")
    run = trained(data_dir, tmp_path)
    once, again = (painet.evaluate(run.run, data_dir=data_dir, device="cpu") for _ in range(2))
    assert once.step_mse == again.step_mse
    frames = painet.Dataset.open(data_dir / "sample").frames[:2]
    names = ("C", "C", "O", "H", "H", "H", "H", "H", "H")
    model = painet.load(run.run)
    before = torch.get_rng_state()
    one, other = (painet.predict(model, frames, types=names) for _ in range(2))
    assert np.array_equal(one, other)
    assert torch.equal(torch.get_rng_state(), before)


class Costed(painet.Callback):
    """Times steps before training."""

    def started(self, run: Path, trainer: Trainer) -> None:
        assert expected_cost(trainer) is not None


class Costing(Costed):
    """Keeps what the model counted by the end, too."""

    def epoch(self, record: EpochRecord, trainer: Trainer) -> None:
        self.seen = int(trainer.model.get_buffer("seen"))


def test_what_a_model_keeps_of_its_batches_is_of_its_training_alone(
    install: Install, data_dir: Path, tmp_path: Path
) -> None:
    built = "self.register_buffer('seen', torch.tensor(0))"
    wrong(install, built=built, given="predicted + 0 * self.seen.add_(self.training)")
    costing = Costing()
    trained(data_dir, tmp_path, costing)
    assert costing.seen == 2  # batches of 250 of 500 windows, and none of those that were timed


def test_steps_are_timed_of_a_model_that_makes_its_buffers_as_it_goes(
    install: Install, data_dir: Path, tmp_path: Path
) -> None:
    both = "self.register_buffer('made', None, False), self.register_buffer('lent', lent, False)"
    wrong(
        install,
        built=f"lent = torch.zeros(1).expand(3); {both}",  # of which no number can be written to
        given="predicted + (setattr(self, 'made', batch.positions.mean()) or self.lent)",
    )
    assert trained(data_dir, tmp_path, Costed(), ema=None).run.is_dir()


def test_a_model_that_cannot_be_built_does_not_hide_the_others(install: Install) -> None:
    wrong(install, built="self.pace = 3")
    listed = {one.name: one for one in list_models()}
    assert listed["wrong"].missing.startswith("cannot be built (TypeError: cannot assign")
    assert listed["egnn"].parameters
