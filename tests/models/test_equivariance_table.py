"""Which symmetries each model keeps, as a table; the docs show the same one.

A cell says whether the prediction of moved systems is the moved prediction, or, for the last two
columns, whether the order of particles and edges and the rest of the batch are of no account. All
features are invariants of every motion; with `height` the models that read it keep turns about the
vertical and horizontal shifts alone, which `test_every_model` shows.
"""

from __future__ import annotations

import pytest
import torch
from test_every_model import KITS, MLPS
from torch import Tensor

from painet_cli.config.model_table import OWN
from painet_cli.models.base import DynamicsModel
from painet_cli.models.registry import find_model
from painet_cli.testing import cases
from painet_cli.testing.motions import NOTHING, STAYS, VERTICAL, deviation, orthogonal
from systems import BRANCHED, equal_systems

MOTIONS = {
    "shift": (STAYS, torch.tensor([3.0, -2.0, 1.0], dtype=torch.float64)),
    "rotation": (orthogonal(3, 1), NOTHING),
    "reflection": (orthogonal(5, -1), NOTHING),
}
ALL = {"shift", "rotation", "reflection"}
KEPT = {
    "painet": ALL,
    "linear": ALL,
    "rf": ALL,
    "mpnn": set(),  # it reads coordinates and gives coordinates: not even a shift is kept
    "egnn": ALL,
    "egno": ALL,
    "hegnn": ALL,
    "atom": set(),  # only its lifting tells vectors from scalars, and it reads coordinates
    "gf-node": {"shift"},  # its nonlinearities act on single coordinates
    "stack": ALL,  # what all of its members keep, here those of linear and egnn
    "kernel": set(),  # of a body with an up axis: what it keeps is in kernel/test_kernel
}
KEPT_BY_VARIANT = {
    "recurrent": ALL,
    "mlp-add": set(),  # as mpnn, coordinates in and coordinates out
    "mlp-concat": set(),
}
LEAST_BROKEN = 1e-3  # what a symmetry is off by where it is not kept; 1e-10 where it is


@pytest.mark.parametrize("name", KEPT.keys() - {"kernel"})
def test_each_model_says_what_it_keeps(name: str) -> None:
    assert find_model(name).keeps == (", ".join(m for m in MOTIONS if m in KEPT[name]) or "nothing")


def first_case(name: str) -> DynamicsModel:
    return next(cases(name, KITS[name])).model()


def off_by(model: DynamicsModel, q: Tensor, shift: Tensor) -> float:
    actual, expected = deviation(model, equal_systems(BRANCHED, 2), q, shift)
    return float((actual - expected).abs().max() / expected.abs().max())


def test_the_table_has_every_model() -> None:
    assert KEPT.keys() == OWN.keys()


@pytest.mark.parametrize("motion", MOTIONS)
@pytest.mark.parametrize("name", KEPT)
def test_who_keeps_what(name: str, motion: str) -> None:
    error = off_by(first_case(name), *MOTIONS[motion])
    assert error < 1e-10 if motion in KEPT[name] else error > LEAST_BROKEN


@pytest.mark.parametrize("motion", MOTIONS)
@pytest.mark.parametrize("decoder", KEPT_BY_VARIANT)
def test_what_each_decoder_of_the_ablation_keeps(decoder: str, motion: str) -> None:
    variants = [*cases("painet", KITS["painet"]), *cases("painet", MLPS)]
    case = next(case for case in variants if case.options.get("decoder") == decoder)
    error = off_by(case.model(), *MOTIONS[motion])
    assert error < 1e-10 if motion in KEPT_BY_VARIANT[decoder] else error > LEAST_BROKEN


def test_a_shift_along_the_vertical_is_a_shift() -> None:
    assert off_by(first_case("painet"), STAYS, VERTICAL) < 1e-10
