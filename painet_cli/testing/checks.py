"""What every model of painet's promises, as checks that any package can run on its own model.

Each check builds a small model of a preset, away from where training starts, and raises
`AssertionError` where a promise is broken. `checks` gives those that apply:

>>> import pytest
>>> from painet_cli.testing import Kit, checks
>>> @pytest.mark.parametrize("check", checks("linear", Kit(reads_features=False)), ids=str)
... def test_it_keeps_every_promise(check):
...     check()
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from painet_cli.models.registry import find_model
from painet_cli.testing.kit import Case, Kit, cases
from painet_cli.testing.promises import (
    ALWAYS,
    OF_ANY_SYSTEM,
    a_system_is_predicted_alike_alone_and_beside_its_copies,
    every_parameter_learns,
    moves_with_its_systems,
    with_height_a_tilt_or_a_lift_changes_the_prediction,
    with_height_moves_along_the_ground,
)


@dataclass(frozen=True)
class Check:
    """A promise, put to one case when it is called."""

    promise: Callable[[Case], None]
    case: Case

    def __str__(self) -> str:
        return f"{self.promise.__name__}-{self.case}"

    def __call__(self) -> None:
        """Raise `AssertionError` where the promise is broken."""
        self.promise(self.case)


def checks(name: str, kit: Kit) -> list[Check]:
    """Checks of all promises that a model makes.

    Parameters
    ----------
    name
        As presets have it; of a model that is installed.
    kit
        What the model is.
    """
    closed = find_model(name).closed_form
    promises: list[Callable[[Case], None]] = [
        promise
        for promise in ALWAYS
        if not (kit.one_system and promise in OF_ANY_SYSTEM)
        and not (closed and promise is every_parameter_learns)
    ]
    if kit.one_system:
        promises.append(a_system_is_predicted_alike_alone_and_beside_its_copies)
    if kit.equivariant:
        promises += [moves_with_its_systems, with_height_moves_along_the_ground]
    if kit.reads_features:
        promises.append(with_height_a_tilt_or_a_lift_changes_the_prediction)
    return [Check(promise, case) for promise in promises for case in cases(name, kit)]
