"""What a model is, and small models of it to put to the test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch

from painet_cli.config.schema import FeatureConfig
from painet_cli.models.base import DynamicsModel
from painet_cli.models.registry import build_model
from painet_cli.testing.systems import (
    BRANCHED,
    CHAIN,
    INVARIANTS,
    SPEC,
    Molecule,
    equal_systems,
    preset,
    shaken,
)


@dataclass(frozen=True)
class Kit:
    """What a model is, so that the promises it makes can be checked.

    Attributes
    ----------
    options
        Small configurations of it, as its section of a preset has them; each is checked.
    equivariant
        Whether predictions turn, shift and mirror with their systems.
    reads_features
        Whether it reads the features of a preset.
    horizons
        Numbers of steps it is checked at.
    shake
        Spread of the noise on its parameters.
    one_system
        Whether it predicts the very system that it was fitted to and no other: what it promises of
        the order of particles and of unequal systems side by side is then not asked.
    rounding
        How near derivatives come to finite differences, as a share of the largest; sums of large
        weights of opposite sign round more than a network.
    """

    options: tuple[dict[str, Any], ...] = ({},)
    equivariant: bool = True
    reads_features: bool = True
    horizons: tuple[int, ...] = (1, 5)
    shake: float = 0.3
    one_system: bool = False
    rounding: float = 1e-9


@dataclass(frozen=True)
class Case:
    """One configuration of one model at one horizon."""

    name: str
    kit: Kit
    options: dict[str, Any]
    horizon: int

    def __str__(self) -> str:
        sizes = ("layers", "hidden", "heads")
        switches = [
            key if value is True else str(value)
            for key, value in self.options.items()
            if key not in sizes
        ]
        return "-".join([self.name, *switches, f"T{self.horizon}"])

    @property
    def molecule(self) -> Molecule:
        """A small system that the model predicts."""
        return BRANCHED if self.kit.one_system else CHAIN

    def model(
        self,
        features: FeatureConfig = INVARIANTS,
        dtype: torch.dtype = torch.float64,
        seed: int = 7,
    ) -> DynamicsModel:
        """Model with random parameters, or fitted to random windows."""
        torch.manual_seed(0)
        model = build_model(
            preset({"name": self.name, **self.options}, self.horizon, features), SPEC
        ).double()
        if model.closed_form:
            train, val = (
                equal_systems(BRANCHED, 12, horizon=self.horizon, seed=seed + shift)
                for shift in (60, 80)
            )
            model.fit([train], [val])
        else:
            model.fit_scales([equal_systems(BRANCHED, 2, seed=50)])
        model.eval()
        shaken(model, seed, self.kit.shake)
        return model.to(dtype)


def cases(name: str, kit: Kit) -> Iterator[Case]:
    """All configurations of a model at all horizons."""
    for options in kit.options:
        for horizon in kit.horizons:
            yield Case(name, kit, options, horizon)
