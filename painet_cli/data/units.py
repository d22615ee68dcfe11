"""Times as people write them."""

from __future__ import annotations

import re

from painet_cli.errors import RequestError

PICOSECOND, FEMTOSECOND = 1e-12, 1e-15
SAME_TIME = 1e-3
"""Relative difference up to which two times between frames are the same: files hold floats."""
_SECONDS = {"as": 1e-18, "fs": 1e-15, "ps": 1e-12, "ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}


def seconds(text: str) -> float:
    """Read a time such as `0.5fs` or `240 ps`, in seconds.

    Raises
    ------
    RequestError
        It is not a positive number with a unit.
    """
    parts = re.fullmatch(r"\s*([0-9.]+(?:[eE][-+]?\d+)?)\s*([A-Za-zµμ]+)\s*", text)
    try:
        unit = parts[2].lower().replace("µ", "u").replace("μ", "u") if parts else ""
        value = float(parts[1]) * _SECONDS[unit] if parts else 0.0
    except (KeyError, ValueError):
        value = 0.0
    if not value > 0 or value == float("inf"):
        raise RequestError(
            f"{text!r}: not a time", f"expected a number and one of {', '.join(_SECONDS)}: 0.5fs"
        )
    return value


def same_time(one_s: float, other_s: float) -> bool:
    """Whether two times are the same, as far as files hold them."""
    return abs(one_s - other_s) <= SAME_TIME * other_s


def time_text(value: float) -> str:
    """Write a time with the unit that suits it: 5e-16 s is `0.5 fs`."""
    least = {**_SECONDS, "fs": 1e-16}  # half a femtosecond is a time step, 500 as is not
    fitting = [unit for unit, size in least.items() if value >= size * (1 - 1e-9)] or ["as"]
    return f"{value / _SECONDS[fitting[-1]]:.4g} {fitting[-1]}"
