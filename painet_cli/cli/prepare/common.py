"""What the sources of `painet prepare` share: options, and the report of what was made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from painet_cli.cli.session import Session

if TYPE_CHECKING:
    from painet_cli.data.dataset.dataset import Dataset
    from painet_cli.data.sources.destination import Destination


class SplitKind(StrEnum):
    """How windows are shared out."""

    published = "published"
    blocks = "blocks"
    random = "random"


Force = Annotated[bool, typer.Option("--force", help="Replace a dataset that is there already.")]
Source = Annotated[
    Path | None, typer.Option("--source", metavar="PATH", help="Files at hand: DIR, ZIP or NPZ.")
]
DeltaFrames = Annotated[
    int | None,
    typer.Option("--delta-frames", min=1, help="Frames from a window's start to its last target."),
]
Horizon = Annotated[
    int,
    typer.Option("--horizon", min=1, max=50, help="T, targets that a window is to be cut into."),
]
FrameTime = Annotated[
    str | None,
    typer.Option(
        "--frame-time", metavar="TIME", help="Time between frames, such as 0.5fs; else the file's."
    ),
]
Splitting = Annotated[
    SplitKind | None,
    typer.Option(
        "--split", help="blocks: separate stretches, no overlap. random: anywhere, so they overlap."
    ),
]


def provenance() -> str:
    """Painet's version and the command line, for a dataset's `origin.prepared_by`."""
    from importlib.metadata import version

    from painet_cli.storage.provenance import command_line

    return f"painet {version('painet')}: {command_line()}"


@contextmanager
def destination(
    session: Session, data_dir: Path, doing: str, *, force: bool
) -> Iterator[Destination]:
    """Where a dataset goes, and the session's console to hear how."""
    from painet_cli.cli.prepare.working import working
    from painet_cli.data.sources.destination import Destination

    with working(session, doing) as (progress, downloading):
        yield Destination(data_dir, force, provenance(), progress, downloading)


def report(session: Session, dataset: Dataset) -> None:
    """Say what was prepared."""
    from painet_cli.data.dataset.describe import describe
    from painet_cli.report.tables.dataset import summary_table

    described = describe(dataset)
    session.emit(described.summary(), summary_table(described))
