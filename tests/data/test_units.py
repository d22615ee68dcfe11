"""Times as people write them."""

from __future__ import annotations

import pytest

from painet_cli.data.units import seconds, time_text
from painet_cli.errors import RequestError


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.5fs", 5e-16), ("2 PS", 2e-12), ("2 Fs", 2e-15), ("1 µs", 1e-6), ("1 \u03bcs", 1e-6)],
)
def test_units_may_be_written_in_any_letters(text: str, value: float) -> None:
    assert seconds(text) == pytest.approx(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3 as", 3e-18),
        ("0.5 fs", 5e-16),
        ("2 fs", 2e-15),
        ("240 ps", 2.4e-10),
        ("5 ns", 5e-9),
        ("7 us", 7e-6),
        ("50 ms", 0.05),
        ("2 s", 2.0),
    ],
)
def test_a_time_is_written_as_it_is_read(text: str, value: float) -> None:
    assert seconds(text) == pytest.approx(value, rel=1e-12)
    assert time_text(value) == text


@pytest.mark.parametrize("text", ["2", "fs", "2 frames", "-1 fs", "0 ps"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match="not a time"):
        seconds(text)
