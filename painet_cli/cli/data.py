"""`painet data`: list, describe and export prepared datasets."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from painet_cli.cli.options import DATA_DIR, DataDir
from painet_cli.cli.session import Session, with_session

if TYPE_CHECKING:
    from painet_cli.data.dataset.dataset import Dataset

app = typer.Typer(
    help="List, describe and export prepared datasets.\n\nExample: `painet data list`",
    no_args_is_help=True,
)

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="A dataset in --data-dir, or its folder.")
]


@app.command(name="list")
@with_session
def list_all(session: Session, data_dir: DataDir = DATA_DIR) -> None:
    """List the prepared datasets, with what is wrong with a broken one.

    Example: `painet data list`
    """
    from dataclasses import asdict

    from painet_cli.data.dataset.describe import list_datasets
    from painet_cli.report.tables.dataset import list_table

    with session.console.status(f"checking {data_dir}"):
        listed = list_datasets(data_dir)
    nothing = f"{data_dir}: no prepared dataset; `painet prepare --help` lists the sources"
    session.answer(
        {"data_dir": str(data_dir), "datasets": [asdict(one) for one in listed]},
        *(list_table(listed) if listed else [nothing]),
    )


@app.command()
@with_session
def show(
    session: Session,
    name: Name,
    picture: Annotated[
        Path | None,
        typer.Option("--picture", metavar="FILE", help="Draw test windows: png, pdf or svg."),
    ] = None,
    data_dir: DataDir = DATA_DIR,
    force: Annotated[bool, typer.Option("--force", help="Replace a picture.")] = False,
) -> None:
    """Describe a dataset: particles, times, split, origin, checksums and a picture.

    Example: `painet data show sample --picture sample.png`
    """
    from painet_cli.data.dataset.describe import describe
    from painet_cli.report.tables.dataset import description_table

    dataset = open_named(name, data_dir)
    described = describe(dataset)
    if picture is not None:
        from painet_cli.report.pictures.dataset import dataset_picture
        from painet_cli.storage.atomic import check_new_file

        check_new_file(picture, force=force)
        dataset_picture(dataset, picture)
    drawn = [] if picture is None else [f"\npicture: {picture}"]
    payload = {**described.plain(), "picture": picture and str(picture)}
    session.answer(payload, description_table(described), *drawn)


@app.command()
@with_session
def export(
    session: Session,
    name: Name,
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="dcd, xtc, trr, nc, xyz, pdb or gro; {segment} in it: a file a segment.",
        ),
    ],
    segment: Annotated[
        str | None,
        typer.Option(
            "--segment", metavar="NAME|INDEX", help="One segment; else all, one after the other."
        ),
    ] = None,
    start: Annotated[int, typer.Option("--start", min=0, help="First frame.")] = 0,
    stop: Annotated[int | None, typer.Option("--stop", min=1, help="Frame to end before.")] = None,
    stride: Annotated[int, typer.Option("--stride", min=1, help="Every how many frames.")] = 1,
    topology: Annotated[
        bool, typer.Option(help="Write a PDB beside it, with names and bonds.")
    ] = True,
    data_dir: DataDir = DATA_DIR,
    force: Annotated[bool, typer.Option("--force", help="Replace files.")] = False,
) -> None:
    """Write a dataset as a trajectory that MDAnalysis, VMD or PyMOL opens.

    Example: `painet data export sample -o sample.xtc`
    """
    from rich.progress import Progress

    from painet_cli.data.dataset.export import export_trajectory
    from painet_cli.report.tables.dataset import export_notes, export_table

    dataset = open_named(name, data_dir)
    console = session.console
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("frames", total=None)
        exports = export_trajectory(
            dataset,
            output,
            segment=segment,
            start=start,
            stop=stop,
            stride=stride,
            topology=topology,
            force=force,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    notes = export_notes(exports, dataset.manifest)
    payload = {
        "dataset": str(dataset.folder),
        "name": dataset.manifest.name,
        "outputs": [one.plain() for one in exports],
        "particles": len(dataset.manifest.particles.names),
        "unit": dataset.manifest.units.length,
        "notes": notes,
    }
    session.emit(payload, export_table(exports), *(f"note: {note}" for note in notes))


def open_named(name: str, data_dir: Path) -> Dataset:
    """Open a dataset by its name in `data_dir`, or by its folder."""
    from painet_cli.data.dataset.dataset import MANIFEST, open_dataset
    from painet_cli.errors import RequestError

    for folder in (data_dir / name, Path(name)):
        if (folder / MANIFEST).is_file():
            return open_dataset(folder)
    raise RequestError(
        f"{data_dir / name}: no prepared dataset here",
        f"`painet data list --data-dir {quote(str(data_dir))}` lists those there are, "
        "`painet prepare --help` their sources",
    )
