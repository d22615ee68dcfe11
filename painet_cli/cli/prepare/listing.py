"""`painet prepare --list`: every source, and what of it is here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from painet_cli.cli.session import Session

if TYPE_CHECKING:
    from rich.table import Table

    from painet_cli.data.sources.registry import Source


def list_sources(session: Session, data_dir: Path) -> None:
    """Say what can be prepared, from where, under which licence, and what is here already.

    Parameters
    ----------
    session
        The common options.
    data_dir
        Where prepared datasets are looked for.
    """
    from painet_cli.data.dataset.dataset import MANIFEST
    from painet_cli.data.sources.registry import all_sources

    prepared = sorted(path.parent.name for path in data_dir.glob(f"*/{MANIFEST}"))
    sources = all_sources()
    rows = [_row(source, sources, prepared) for source in sources]
    session.answer({"sources": rows}, _table(rows), _citations(rows))


def _row(source: Source, sources: Sequence[Source], prepared: list[str]) -> dict[str, Any]:
    from painet_cli.data.sources.fetch import cached_path

    files = [
        {
            "download": name,
            **file.model_dump(),
            "path": str(cached_path(source, file)),
            "here": cached_path(source, file).is_file(),
        }
        for name, remote in source.downloads.items()
        for file in remote
    ]
    # A name belongs to the first source that makes it: anything goes as one's own trajectory.
    mine = [
        name
        for name in prepared
        if next((other for other in sources if other.command(name)), None) is source
    ]
    return {
        "source": source.name,
        "title": source.title,
        "about": source.about,
        "licence": source.licence,
        "citation": source.citation,
        "page": source.page,
        "size": _size(source),
        "datasets": source.datasets,
        "prepared": mine,
        "files": files,
    }


def _size(source: Source) -> str:
    if source.size is not None:
        return source.size
    sizes = [file.bytes or 0 for remote in source.downloads.values() for file in remote]
    return f"{sum(sizes) / 1e6:,.0f} MB" if sizes else "none"


def _here(row: dict[str, Any]) -> str:
    """Datasets that are prepared and files that are downloaded, in words."""
    files = row["files"]
    cached = sum(file["here"] for file in files)
    parts = [", ".join(row["prepared"])] if row["prepared"] else []
    if cached:
        parts.append(f"{cached} of {len(files)} files downloaded")
    return "; ".join(parts) or "no"


def _example(command: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: match[1].upper(), command)


def _table(rows: list[dict[str, Any]]) -> Table:
    from rich.table import Table

    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        table.add_row(row["source"], "what", row["about"], style="bold")
        table.add_row("", "download", row["size"])
        table.add_row("", "licence", row["licence"])
        table.add_row("", "here", _here(row))
        for command in row["datasets"].values():
            table.add_row("", "command", _example(command))
        table.add_row()
    return table


def _citations(rows: list[dict[str, Any]]) -> Table:
    from rich.table import Table

    table = Table(title="Citations", box=None, show_header=False, padding=(0, 2, 0, 0))
    table.title_justify = "left"
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        if row["files"]:
            table.add_row(row["source"], row["citation"])
    return table
