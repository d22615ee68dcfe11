"""What every model promises (`painet.testing.checks`): by `Kit()`, or one of its own in KITS."""

from __future__ import annotations

from typing import Any

import pytest

from painet_cli.config.model_table import OWN
from painet_cli.config.models import MODEL_CONFIGS
from painet_cli.models.registry import find_model
from painet_cli.testing import Check, Kit, checks
from systems import preset

SMALL = {"layers": 2, "hidden": 8, "heads": 2}
NARROW = {"layers": 2, "hidden": 8}


def member(name: str, **options: int) -> dict[str, Any]:
    """A member of a stack, as its checkpoint has it."""
    return {"run": name, "preset": preset({"name": name, **options}, 5).model_dump(mode="json")}


KITS = {
    "linear": Kit(reads_features=False),
    "rf": Kit((NARROW,), reads_features=False, horizons=(1,)),
    "mpnn": Kit((NARROW,), equivariant=False, reads_features=False, horizons=(1,)),
    "egnn": Kit((NARROW,)),
    "egno": Kit((NARROW,)),
    "hegnn": Kit(({**NARROW, "max_ell": 2}, {**NARROW, "max_ell": 3})),
    # more noise makes its ODE so stiff that no step size serves; what it promises of the order of
    # particles where molecules are symmetric is in test_gf_node
    "gf-node": Kit((NARROW,), equivariant=False, shake=0.1),
    # what it keeps, turns about the vertical, is in kernel/test_kernel
    "kernel": Kit(
        (
            {"form": "rbf"},
            {"form": "linear"},
            {"form": "sum", "descend": 3},
            {"form": "sum", "largest": 6},
        ),
        equivariant=False,
        reads_features=False,
        one_system=True,
        rounding=1e-7,
    ),
    "stack": Kit(
        ({"members": [member("linear"), member("egnn", **NARROW)]},),
        reads_features=False,
        horizons=(5,),
    ),
    "atom": Kit((SMALL,), equivariant=False, reads_features=False),
    "painet": Kit(
        (
            {**SMALL, "pairwise": "guaranteed", "attention": "dense"},
            {**SMALL, "pairwise": "guaranteed", "attention": "factorised"},
            {**SMALL, "pairwise": "paper", "attention": "dense"},
            {**SMALL, "pairwise": "paper", "attention": "factorised"},
            {**SMALL, "pairwise": "fixed", "attention": "dense"},
            {**SMALL, "pairwise": "fixed", "attention": "factorised"},
            {**SMALL, "pairwise": "none"},
            {**SMALL, "pairwise": "none", "layer_norm": True},
            {**SMALL, "share_time": True},
            {**SMALL, "layer_norm": True},
            {**SMALL, "share_time": True, "layer_norm": True, "attention": "factorised"},
            {**SMALL, "reach": "neighbours"},
            {**SMALL, "attention_layers": 2},
            {**SMALL, "attention_layers": 2, "share_time": True},
            {**SMALL, "decoder": "recurrent"},
            {**SMALL, "prior": "straight"},
        )
    ),
}
# decoders that read coordinates keep no symmetry
MLPS = Kit(({**SMALL, "decoder": "mlp-add"}, {**SMALL, "decoder": "mlp-concat"}), equivariant=False)
CASES = [*((name, KITS.get(name, Kit())) for name in OWN), ("painet", MLPS)]
CHECKS = [check for name, kit in CASES for check in checks(name, kit)]


@pytest.mark.parametrize("name", OWN)
def test_a_model_and_the_preset_agree_on_its_configuration(name: str) -> None:
    assert find_model(name).Config is MODEL_CONFIGS[name]


@pytest.mark.parametrize("check", CHECKS, ids=str)
def test_every_model_keeps_its_promises(check: Check) -> None:
    check()
