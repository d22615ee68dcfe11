"""Packages that add to painet, as pip would have installed them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

EXAMPLE = Path(__file__).parents[1] / "examples" / "painet-plugin-example"
Install = Callable[..., Path]


def write_metadata(site: Path, name: str, entry_points: dict[str, dict[str, str]]) -> None:
    """What an installed distribution says of itself."""
    folder = site / f"{name.replace('-', '_')}-0.1.0.dist-info"
    folder.mkdir(parents=True)
    about = f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1.0\n"
    (folder / "METADATA").write_text(about, encoding="utf-8")
    lines = [
        line
        for group, entries in entry_points.items()
        for line in (f"[{group}]", *(f"{key} = {value}" for key, value in entries.items()))
    ]
    (folder / "entry_points.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
