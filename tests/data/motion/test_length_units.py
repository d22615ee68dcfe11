"""Files name a unit of length in many spellings."""

from __future__ import annotations

import pytest

from painet_cli.data.motion.length_units import metres_of


@pytest.mark.parametrize("spelt", ["mm", "MM", "Millimeters", "millimetre", " mm "])
def test_units_are_known_however_they_are_spelt(spelt: str) -> None:
    assert metres_of(spelt) == 1e-3
