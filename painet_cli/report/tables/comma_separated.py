"""Rows as comma-separated values."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as comma-separated values with a line of headings; lists are joined by spaces.

    Parameters
    ----------
    rows
        At least one, all with the same keys.
    """
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: _cell(value) for key, value in row.items()})
    return out.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, dict):
        return " ".join(f"{key.replace(' ', '_')}={one}" for key, one in value.items())
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else value
