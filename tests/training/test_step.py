"""The optimiser step: nothing in it waits for the device, and recorded or not it is the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from painet_cli.config.schema import TrainConfig
from painet_cli.data.batches.batch import Batch
from painet_cli.errors import RequestError
from painet_cli.models.base import DynamicsModel
from painet_cli.testing import Kit, cases
from painet_cli.testing.kit import Case
from painet_cli.testing.systems import BRANCHED, cast, equal_systems
from painet_cli.training.distributed.world import Share
from painet_cli.training.run_folder import LAST
from painet_cli.training.steps.captured import captures, step_of
from painet_cli.training.steps.optimizers import build_optimizers, set_rate
from painet_cli.training.steps.step import Step
from recorded import CASES, NARROW
from trainings import CPU, same_bits, train

# what makes a GPU's numbers, or Python's, known to the other side
_ASKING = {
    "_local_scalar_dense",
    "nonzero",
    "masked_select",
    "is_nonzero",
    "equal",
    "bincount",
    "lift_fresh",
    "_unique2",
    "unique_dim",
}


class Asked(TorchDispatchMode):
    """Notes operations that would wait for a GPU, or bring it numbers of Python's."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        name = func._schema.name.removeprefix("aten::")
        unsized = name == "repeat_interleave" and (kwargs or {}).get("output_size") is None
        if name in _ASKING or unsized:
            self.found.append(name)
        return func(*args, **(kwargs or {}))


def config(optimizer: str = "adam", **settings: Any) -> TrainConfig:
    return TrainConfig.model_validate(
        {"epochs": 1, "batch_size": 3, "lr": 1e-3, "optimizer": optimizer, **settings}
    )


def step_and_batch(
    case: Case, *, capturable: bool = False, clip_norm: float | None = 1.0
) -> tuple[Step, Batch]:
    model = case.model(dtype=torch.float32)
    optimizers = build_optimizers(model, config(), fused=True, capturable=capturable)
    batch = cast(equal_systems(BRANCHED, 3, horizon=case.horizon), torch.float32)
    return Step(model, optimizers, clip_norm), batch


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("way", ["keep", "recompute", "stepwise"])
def test_nothing_in_a_step_waits_for_the_device(case: Case, way: Any) -> None:
    step, batch = step_and_batch(case, capturable=True)
    step.model.activations = way
    step(Share(batch, 1.0))  # what a graph derives is there from now on
    with Asked() as asked:
        step(Share(batch, 1.0))
    assert asked.found == []


def test_the_test_above_sees_what_waits() -> None:
    with Asked() as asked:
        float(torch.tensor([1.0, 2.0]).sum())
    assert asked.found == ["lift_fresh", "_local_scalar_dense"]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_rate_on_the_device_moves_the_weights_as_one_of_pythons(case: Case) -> None:
    ends = []
    for capturable in (False, True):
        step, batch = step_and_batch(case, capturable=capturable)
        for rate in (1e-3, 2e-3, 3e-3):
            set_rate(step.optimizers, rate)
            step(Share(batch, 1.0))
        ends.append([parameter.detach() for parameter in step.model.parameters()])
    for one, other in zip(*ends, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-8)


def test_without_a_gpu_a_step_is_taken_as_it_is() -> None:
    step, _ = step_and_batch(CASES[0])
    assert step_of(step, config(), CPU) is step
    assert step_of(step, config(graph="off"), torch.device("cuda")) is step


def test_without_a_gpu_trainings_are_the_same_with_and_without(
    small_preset: Path, data_dir: Path, tmp_path: Path, finished_run: Path
) -> None:
    run = train(small_preset, data_dir, tmp_path, "train.graph=off").run
    assert same_bits(run / LAST, finished_run / LAST)


def test_graphs_are_refused_where_there_can_be_none(
    small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    with pytest.raises(RequestError, match=r"graph=on: the device is cpu, and a CUDA graph"):
        train(small_preset, data_dir, tmp_path, "train.graph=on")
    assert not any(tmp_path.iterdir())


def _model(name: str) -> DynamicsModel:
    (case,) = cases(name, Kit((NARROW,), horizons=(1,)))
    return case.model()


@pytest.mark.parametrize(
    ("model", "settings", "why"),
    [
        (lambda: _model("gf-node"), {}, "a step of GfNode is another one for other numbers"),
        (lambda: _model("rf"), {"loss": "superposed"}, "a superposition takes singular values"),
        (lambda: _model("rf"), {"compile": True}, "train.compile has graphs of its own"),
    ],
)
def test_what_cannot_be_recorded_is_told(
    model: Callable[[], DynamicsModel], settings: dict[str, Any], why: str
) -> None:
    from painet_cli.training.distributed.world import SINGLE

    cuda, made = torch.device("cuda"), model()
    assert not captures(config(**settings), made, cuda, SINGLE)
    with pytest.raises(RequestError, match=why):
        captures(config(graph="on", **settings), made, cuda, SINGLE)
