"""PAINET as a plain module: sizes or a preset in, systems of either kind, the same network."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch_geometric.data import Batch as PyGBatch

from painet import PAINET, Dataset, Preset, RequestError, windows
from painet_cli.data.batches.batch import to_pyg
from painet_cli.models.registry import build_model, system_of
from systems import BRANCHED, SPEC, equal_systems, shaken

SMALL = {"hidden": 8, "layers": 2, "heads": 1}


@pytest.fixture(scope="module")
def sample(data_dir: Path) -> Dataset:
    return Dataset.open(data_dir / "sample")


def test_it_is_the_network_that_presets_build(sample: Dataset) -> None:
    preset = Preset.load("demo", {f"model.{key}": value for key, value in SMALL.items()})
    torch.manual_seed(3)
    own = PAINET.from_preset(preset, sample)
    torch.manual_seed(3)
    built = build_model(preset, system_of(sample.manifest, preset)[0])
    batch = next(windows(sample, "val", preset.data).batches(2))
    assert own.state_dict().keys() == built.state_dict().keys()
    assert torch.equal(own(batch), built(batch))
    built.load_state_dict(own.state_dict())


def test_systems_of_pyg_are_predicted_as_batches_are() -> None:
    batch = equal_systems(BRANCHED, 3)
    model = PAINET(SPEC.type_names, horizon=2, **SMALL).double()
    model.fit_scales([to_pyg(batch), batch])
    shaken(model)
    data = to_pyg(batch)
    assert isinstance(data, PyGBatch)
    torch.testing.assert_close(model(data), model(batch), rtol=1e-12, atol=1e-12)
    assert model(data[0]).shape == (2, 8, 3)


def test_types_may_be_a_number_and_features_be_chosen() -> None:
    model = PAINET(4, node=("speed", "height"), edge=("distance",), up_axis="z", **SMALL)
    assert model.features.node_width == 2
    assert model.features.up == 2
    assert model.double()(equal_systems(BRANCHED)).shape == (1, 8, 3)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"hiden": 8}, "PAINET: hiden: Extra inputs are not permitted\nsizes are layers, hidden"),
        ({"heads": 0}, "PAINET: heads: Input should be greater than 0"),
        ({"node": ("colour",)}, "PAINET: node.0: "),
        ({"node": ("height",)}, "`height` needs a dataset with an up axis"),
    ],
)
def test_what_it_does_not_know_is_named(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(RequestError) as caught:
        PAINET(4, **wrong)  # type: ignore[arg-type]
    assert said in str(caught.value)


def test_a_preset_of_another_model_is_refused(sample: Dataset) -> None:
    with pytest.raises(RequestError, match="the preset is of the model linear"):
        PAINET.from_preset(Preset.load("demo", {"model.name": "linear"}), sample)
