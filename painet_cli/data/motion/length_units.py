"""Units of length of motion capture: as files spell them, and in metres."""

from __future__ import annotations

METRES = {"mm": 1e-3, "cm": 1e-2, "m": 1.0, "in": 0.0254, "inches": 0.0254, "ft": 0.3048}
"""Metres in a unit that TRC and C3D files name."""
_SPELT = {
    **dict.fromkeys(("millimeter", "millimetre"), "mm"),
    **dict.fromkeys(("centimeter", "centimetre"), "cm"),
    **dict.fromkeys(("meter", "metre"), "m"),
    **dict.fromkeys(("inch", "inche"), "in"),
    **dict.fromkeys(("foot", "feet"), "ft"),
}
METRES_PER_ASF_UNIT = 0.05644
"""That of CMU: 0.0254 m / 0.45, rounded."""
METRES_OF = {
    "metre": 1.0,
    "centimetre": 1e-2,
    "millimetre": 1e-3,
    "inch": 0.0254,
    "ASF unit": METRES_PER_ASF_UNIT,
    "BVH unit": 0.01,
}
"""Metres in a unit of length; that of CMU for ASF, and centimetres for BVH, which do not say."""
UNSAID = ("BVH unit", "ASF unit")
"""Units of motion capture that does not say its own."""


def metres_of(unit: str) -> float | None:
    """Metres in a unit as files spell it: `mm`, `MM`, `Millimeters`; None where it is unknown."""
    plain = unit.strip().lower()
    return METRES.get(_SPELT.get(plain.rstrip("s"), plain))
