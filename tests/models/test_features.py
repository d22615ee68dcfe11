"""The invariants a model reads and the scales that bring them to the order of one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from painet_cli.config.schema import FeatureConfig
from painet_cli.data.batches.batch import Batch
from painet_cli.errors import RequestError
from painet_cli.models.base import SystemSpec
from painet_cli.models.features import Features
from painet_cli.models.registry import build_model, find_model, models_for, system_of
from painet_cli.testing.motions import deviation, orthogonal
from systems import (
    BRANCHED,
    CHAIN,
    INVARIANTS,
    SPEC,
    WITH_HEIGHT,
    equal_systems,
    manifest,
    normal,
    preset,
    shaken,
)


def test_features_stand_in_the_order_of_the_preset() -> None:
    batch = equal_systems(CHAIN)
    features = Features(INVARIANTS, SPEC).double()
    nodes, edges = features.nodes(batch), features.edges(batch)
    assert nodes.shape == (4, features.node_width) == (4, 1 + 4)
    torch.testing.assert_close(nodes[:, 0], batch.velocities.norm(dim=1))
    assert nodes[:, 1:].argmax(dim=1).tolist() == list(CHAIN.types)
    assert (nodes[:, 1:].sum(dim=1) == 1).all()

    assert edges.shape == (10, features.edge_width) == (10, 2 + 1 + 8)
    for e, (j, i) in enumerate(batch.graph.edge_index.t().tolist()):
        assert edges[e, :2].tolist() == [abs(i - j) == 1, abs(i - j) == 2]
        torch.testing.assert_close(edges[e, 2], (batch.positions[i] - batch.positions[j]).norm())
        assert edges[e, 3:].nonzero().flatten().tolist() == [CHAIN.types[j], 4 + CHAIN.types[i]]


def test_height_is_read_along_the_up_axis() -> None:
    batch = equal_systems(CHAIN)
    for axis, up in enumerate(("x", "y", "z")):
        features = Features(WITH_HEIGHT, SystemSpec(("a", "b", "c"), 2, up)).double()
        torch.testing.assert_close(features.nodes(batch)[:, 1], batch.positions[:, axis])


def test_height_needs_an_up_axis() -> None:
    with pytest.raises(RequestError, match="up axis"):
        Features(WITH_HEIGHT, SystemSpec(("a",), 2))


def test_a_model_may_read_no_edge_features() -> None:
    features = Features(FeatureConfig(node=("speed",), edge=()), SPEC).double()
    assert features.edge_width == 0
    assert features.edges(equal_systems(CHAIN)).shape == (10, 0)


def test_fitted_features_are_of_the_order_of_one() -> None:
    batches = [equal_systems(CHAIN, 4, seed=seed) for seed in range(3)]
    large = [
        Batch(b.graph, 50 * b.positions + 300, 0.01 * b.velocities, b.targets) for b in batches
    ]
    features = Features(WITH_HEIGHT, SPEC).double()
    features.fit(large)
    nodes = torch.cat([features.nodes(batch) for batch in large])
    distances = torch.cat([features.edges(batch)[:, -1] for batch in large])
    # scales are kept in single precision until the model is cast, so compare to that
    torch.testing.assert_close(nodes[:, 0].square().mean().item(), 1.0, rtol=1e-5, atol=0)
    torch.testing.assert_close(nodes[:, 1].mean().item(), 0.0, rtol=0, atol=1e-5)
    torch.testing.assert_close(nodes[:, 1].std(correction=0).item(), 1.0, rtol=1e-5, atol=0)
    torch.testing.assert_close(distances.square().mean().item(), 3.0**0 * 1.0, rtol=1e-5, atol=0)


def test_systems_at_rest_in_one_place_have_no_scale() -> None:
    batch = equal_systems(CHAIN)
    still = Batch(
        batch.graph,
        torch.zeros_like(batch.positions),
        torch.zeros_like(batch.velocities),
        torch.zeros(1, 4, 3).double(),
    )
    features = Features(WITH_HEIGHT, SPEC).double()
    features.fit([still])
    assert features.nodes(still).isfinite().all()
    assert [float(getattr(features, name)) for name in ("length", "speed", "height")] == [1, 1, 1]


def test_a_system_is_what_its_manifest_says() -> None:
    system, graph = system_of(manifest(up_axis="z"), preset({"name": "linear"}))
    assert system == SystemSpec(("a", "b", "c"), 2, "z", names=("p0", "p1", "p2", "p3"))
    assert graph.types.tolist() == list(CHAIN.types)
    assert graph.edge_hop.max() == 2


def test_a_system_without_bonds_is_refused() -> None:
    described = manifest()
    bare = described.particles.model_copy(update={"bonds": ()})
    with pytest.raises(RequestError, match="no bonds"):
        system_of(described.model_copy(update={"particles": bare}), preset({"name": "linear"}))


IN_FRAME = FeatureConfig(node=("position", "velocity", "past"), edge=("distance",), frame="body")


def remembered(seed: int = 4) -> Batch:
    """Systems with two frames before their start."""
    batch = equal_systems(BRANCHED, 3, seed=seed)
    return replace(batch, past=normal(2, batch.graph.num_nodes, 3, seed=seed + 9))


@pytest.mark.parametrize("name", ["painet", "egnn", "egno", "hegnn"])
def test_components_in_the_frame_leave_turns_and_shifts_as_symmetry(name: str) -> None:
    small = {"name": name, "layers": 2, "hidden": 8}
    spec = replace(SPEC, up_axis=None, history=2)
    torch.manual_seed(0)
    asked = preset(small, 2, IN_FRAME).changed({"data.history": 2})
    model = build_model(asked, spec).double()
    model.fit_scales([remembered()])
    shaken(model)
    batch = remembered(20)
    there, expected = deviation(model, batch, orthogonal(3, 1), normal(3, seed=5))
    torch.testing.assert_close(there, expected, rtol=1e-8, atol=1e-8)
    actual, mirrored = deviation(model, batch, orthogonal(5, -1), normal(3, seed=5))
    assert (actual - mirrored).abs().max() > 1e-3
    for changed in (
        replace(batch, past=batch.past * 1.5),
        replace(batch, velocities=batch.velocities.flip(0)),
    ):
        assert (model(changed) - model(batch)).abs().max() > 1e-3


def test_without_a_frame_the_past_is_read_by_its_length_and_a_mirror_is_kept() -> None:
    small = {"name": "painet", "layers": 2, "hidden": 8}
    asked = preset(small, 2, FeatureConfig(node=("speed", "past")))
    model = build_model(
        asked.changed({"data.history": 2}), replace(SPEC, up_axis=None, history=2)
    ).double()
    shaken(model)
    there, expected = deviation(model, remembered(), orthogonal(5, -1), normal(3, seed=5))
    torch.testing.assert_close(there, expected)


@pytest.mark.parametrize(
    ("features", "words"),
    [
        ({"node": ("position",)}, "`position` is components in a frame, and there is none"),
        ({"node": ("past",)}, "`past` needs frames before the start"),
    ],
)
def test_features_that_are_not_there_are_refused(features: dict[str, Any], words: str) -> None:
    with pytest.raises(RequestError, match=words):
        Features(FeatureConfig(**features), SPEC)


@pytest.mark.parametrize(
    ("name", "words"), [("mpnn", "reads no frame before"), ("egnn", "reads the past as a feature")]
)
def test_a_model_that_does_not_read_the_past_says_so(name: str, words: str) -> None:
    asked = preset({"name": name}).changed({"data.history": 2})
    with pytest.raises(RequestError, match=words):
        build_model(asked, replace(SPEC, history=2))


@pytest.mark.parametrize(("name", "horizon"), [("mpnn", 1), ("linear", 3)])
def test_a_model_that_does_not_read_the_past_names_all_that_do(name: str, horizon: int) -> None:
    asked = preset({"name": name}, horizon).changed({"data.history": 2})
    with pytest.raises(RequestError) as refused:
        build_model(asked, replace(SPEC, history=2))
    named = refused.value.hint.partition("one of ")[2].split(", ")
    reading = [one for one in models_for(horizon) if find_model(one).reads_past != "never"]
    assert named == reading
    assert {"painet", "kernel", "egnn", "atom"} <= set(named)
