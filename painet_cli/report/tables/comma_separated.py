"""Rows as comma-separated values."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as comma-separated values with a line of headings; lists are joined by spaces.

    Examples
    --------
    >>> print(as_csv([{"run": "a", "mse": 0.1}, {"run": "b", "steps": [1, 2]}]), end="")
    run,mse,steps
    a,0.1,
    b,,1 2
    """
    out = io.StringIO()
    headings = list(dict.fromkeys(key for row in rows for key in row))
    writer = csv.DictWriter(out, headings, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: _cell(value) for key, value in row.items()})
    return out.getvalue()


def rows_of(payload: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of a command's result: its list of objects, or the result itself where it has none.

    What lies inside a row has a dotted heading.
    """
    lists = [value for value in payload.values() if _is_table(value)]
    return [_flat(row, "") for row in (lists[0] if lists else [payload])]


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def _flat(row: Mapping[str, Any], above: str) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, dict) and value:
            flat |= _flat(value, f"{above}{key}.")
        else:
            flat[f"{above}{key}"] = value
    return flat


def _cell(value: Any) -> Any:
    if isinstance(value, dict):
        return " ".join(f"{key.replace(' ', '_')}={one}" for key, one in value.items())
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else value
