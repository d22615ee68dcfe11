"""PyTorch Geometric's systems go through the checks of files."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch_geometric.data import Batch, Data

from painet_cli.errors import PainetError, RequestError
from painet_cli.prediction.loading import LoadedModel, load
from painet_cli.prediction.predict import predict

HEAVY = Path(__file__).parents[1] / "reference/ethanol-heavy.safetensors"
ETHANOL = [[-1.27, 0.25, 0.0], [0.0, -0.55, 0.0], [1.15, 0.28, 0.0]]


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return load(HEAVY, "cpu")


def heavy_ethanol(
    positions: Sequence[Sequence[float]] = ETHANOL, speed: float = 0.0, **fields: Any
) -> Data:
    """C-C-O whose first atom moves, angstrom a frame."""
    velocities = torch.zeros(3, 3)
    velocities[0, 1] = speed
    return Data(
        pos=torch.tensor(positions, dtype=torch.float32),
        vel=velocities,
        types=torch.tensor([0, 0, 1]),
        edge_index=torch.tensor([[0, 1, 1, 2, 0, 2], [1, 0, 2, 1, 2, 0]]),
        edge_hop=torch.tensor([1, 1, 1, 1, 2, 2]),
        **fields,
    )


def test_a_sound_system_is_predicted_as_its_arrays_are(model: LoadedModel) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        y = predict(model, heavy_ethanol(speed=0.01)).y
        before, start = np.array(ETHANOL), np.array(ETHANOL)
        before[0, 1] -= 0.01
        x = predict(model, np.stack([before, start]), types=["C", "C", "O"])
    np.testing.assert_allclose(y.transpose(0, 1).numpy(), x, atol=1e-4)


def test_a_bare_model_goes_on_training_after_a_prediction(model: LoadedModel) -> None:
    bare = deepcopy(model.model).train()
    predict(bare, heavy_ethanol(speed=0.01))
    assert bare.training


@pytest.mark.parametrize("treatment", ["superposed", "centred"])
@pytest.mark.parametrize("kept", [True, False])
def test_what_was_done_to_frames_of_training_is_done_to_a_system(
    model: LoadedModel, treatment: str, kept: bool
) -> None:
    turn, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))
    turn *= np.sign(np.linalg.det(turn))
    reference = tuple(map(tuple, (np.array(ETHANOL) @ turn + 3).tolist())) if kept else ()
    header = model.header.model_copy(update={"treatment": (treatment,), "reference": reference})
    like = replace(model, header=header)
    start = np.array(ETHANOL) + np.array([0.0, 2.0, 0.0])
    angle = 0.003  # between the frames the molecule turns, drifts and vibrates
    little = np.array([[np.cos(angle), np.sin(angle), 0], [-np.sin(angle), np.cos(angle), 0]])
    before = start.copy()
    before[:, :2] = start[:, :2] @ little[:, :2].T + 0.001
    before[0, 2] -= 0.002
    system = heavy_ethanol(start.tolist())
    system.vel = torch.tensor(start - before, dtype=torch.float32)
    frames = np.stack([before, start])
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        y = predict(like, system, 2).y.transpose(0, 1).numpy()
        x = predict(like, frames, 2, types=["C", "C", "O"])
        plain = predict(model, system, 2).y.transpose(0, 1).numpy()
    np.testing.assert_allclose(y, x, atol=1e-4)
    assert np.abs(plain - y).max() > 0.01
    assert sum(f"frames are {treatment}" in str(one.message) for one in said) == 2


def test_a_molecule_in_pieces_is_refused(model: LoadedModel) -> None:
    far = [ETHANOL[0], ETHANOL[1], [1.15, 60.0, 0.0]]
    with pytest.raises(RequestError, match=r"bond C-O .* is 60.6 angstrom long"):
        predict(model, heavy_ethanol(far))


def test_the_system_of_a_batch_is_named(model: LoadedModel) -> None:
    far = [ETHANOL[0], ETHANOL[1], [1.15, 60.0, 0.0]]
    with pytest.raises(RequestError, match="system 1 of the Batch"):
        predict(model, Batch.from_data_list([heavy_ethanol(), heavy_ethanol(far)]))


def test_flying_atoms_are_refused(model: LoadedModel) -> None:
    with pytest.raises(RequestError, match="which no molecule does"):
        predict(model, heavy_ethanol(speed=500.0))


def test_double_precision_is_taken_and_given_back(model: LoadedModel) -> None:
    data = heavy_ethanol()
    single = predict(model, data, 2).y
    for name in ("pos", "vel"):
        data[name] = data[name].double()
    double = predict(model, data, 2).y
    assert double.dtype == torch.float64
    torch.testing.assert_close(double.float(), single)


@pytest.mark.parametrize("field", ["pos", "vel"])
def test_what_is_no_number_is_refused_with_its_place(model: LoadedModel, field: str) -> None:
    data = heavy_ethanol()
    data[field][1, 2] = torch.nan
    with pytest.raises(RequestError, match=f"Data.{field} is NaN or infinite, first at particle 1"):
        predict(model, data)


def test_an_unknown_type_is_refused(model: LoadedModel) -> None:
    data = heavy_ethanol()
    data.types[0] = 2
    with pytest.raises(RequestError, match="the model knows 2 types"):
        predict(model, data)


def test_a_past_in_random_order_is_refused(model: LoadedModel) -> None:
    random = np.random.default_rng(0)
    phases = random.permutation(40)[:, None, None] / 20 + random.normal(size=(3, 3))
    past = torch.tensor(0.1 * np.sin(phases), dtype=torch.float32).transpose(0, 1)
    with pytest.raises(RequestError, match="the Data: frames are in random order"):
        predict(model, heavy_ethanol(past=past))


class Exploding(torch.nn.Module):
    """The model's, but for a factor that grows from step to step."""

    def __init__(self, model: Any, factors: Sequence[float]) -> None:
        super().__init__()
        self.model, self.factors = model, torch.tensor(factors)[:, None, None]

    @property
    def horizon(self) -> int:
        return len(self.factors)

    def forward(self, batch: Any) -> torch.Tensor:
        return batch.positions * self.factors


def exploding(model: LoadedModel, *factors: float) -> LoadedModel:
    return LoadedModel(
        Exploding(model.model, [*factors, *factors[-1:] * (8 - len(factors))]),  # type: ignore[arg-type]
        model.header,
        model.name,
        model.path,
        model.device,
    )


def test_what_runs_away_at_once_is_an_error(model: LoadedModel) -> None:
    with pytest.raises(PainetError, match="the Data runs away at once: step 1 has bond"):
        predict(exploding(model, 5.0), heavy_ethanol())


def test_what_runs_away_later_is_nan_from_there_on(model: LoadedModel) -> None:
    batch = Batch.from_data_list([heavy_ethanol(), heavy_ethanol()])
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        y = predict(exploding(model, 1.0, 1.0, 5.0), batch).y
    wanted = "system 1 of the Batch: the prediction runs away: step 3 has bond"
    assert any(wanted in str(one.message) for one in said)
    assert y[:, :2].isfinite().all()
    assert y[:, 2:].isnan().all()


def test_what_is_distorted_is_said(model: LoadedModel) -> None:
    with pytest.warns(UserWarning, match="the Data: the prediction is distorted"):
        predict(exploding(model, 0.4), heavy_ethanol())


def test_a_system_far_away_is_predicted_there(model: LoadedModel) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        here, there = heavy_ethanol(), heavy_ethanol()
        there.pos = there.pos.double() + 1e6
        moved = predict(model, there).y - 1e6
        np.testing.assert_allclose(moved, predict(model, here).y, atol=1e-4)
