"""Tables of a verification: what was looked at, and where it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from painet_cli.evaluation.verify.verify import Verification
from painet_cli.report.tables.layout import plain_table

_FOUND = {True: "yes", False: "NO", None: "-"}


def verification_table(verification: Verification) -> list[RenderableType]:
    """Lay out the checks of one path, and beneath them what it was made of."""
    checks = plain_table()
    checks.add_column("file", overflow="fold")
    checks.add_column("as written", no_wrap=True)
    checks.add_column("found", overflow="fold")
    for check in verification.checks:
        checks.add_row(check.what, _FOUND[check.ok], check.said)
    origin = Table(box=None, padding=0, pad_edge=False, show_header=False)
    origin.add_column(no_wrap=True)
    origin.add_column(overflow="fold")
    for name, value in _lines(verification.traced):
        origin.add_row(f"{name}  ", value)
    failed = len(verification.failed)
    verdict = f"{failed} of {len(verification.checks)} differ" if failed else "verified"
    if verification.holds is None:
        verdict = "nothing to hold it against"
    title = Text(f"{verification.kind} {verification.path}: {verdict}", style="bold")
    return [title, checks, origin, Text()]


def _lines(traced: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in traced.items():
        if isinstance(value, dict):
            value = ", ".join(f"{key} {one}" for key, one in value.items())
        if value not in ("", None):
            yield name.replace("_", " "), str(value)
