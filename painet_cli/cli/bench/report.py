"""`painet bench report`: records of trained cells to tables, a page and pictures."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from painet_cli.cli.options import DATA_DIR, DataDir
from painet_cli.cli.session import Session, with_session

if TYPE_CHECKING:
    from painet_cli.benchmark.cells import Result

Results = Annotated[
    Path, typer.Option("--results", metavar="DIR", help="A small JSON file a trained cell.")
]
RESULTS = Path("bench/results")


@with_session
def report(
    session: Session,
    results: Results = RESULTS,
    collect: Annotated[
        list[Path] | None,
        typer.Option("--collect", metavar="DIR", help="Take over cells that are trained in here."),
    ] = None,
    page: Annotated[
        Path | None,
        typer.Option("--page", metavar="FILE", help="Markdown to write the tables into."),
    ] = None,
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Write tables of all cells that are kept as JSON: CSV, LaTeX, pictures, a page.

    Nothing is trained. `--collect` takes over the run folders of `painet bench
    tables`, wherever they were trained, and measures the yardsticks of their
    windows where the data are here and nobody did. With the data it tells, too,
    what the rest of the plan may take. In the page it replaces what stands
    between `<!-- painet bench report: NAME -->` and `<!-- end -->`.

    Example: `painet bench report --page results.md`
    """
    from painet_cli.benchmark.campaign.collecting import (
        measure_yardsticks,
        read_run_folders,
        run_folders,
    )
    from painet_cli.benchmark.campaign.failure import read_failures
    from painet_cli.benchmark.campaign.page import update_page
    from painet_cli.benchmark.campaign.record import read_records, save_record, unsaved

    runs = run_folders(collect or [])
    found = read_run_folders(runs)
    if passed := len(runs) - len(found):
        session.console.print(
            f"{passed} run folder{'s' * (passed > 1)} passed over: not done, or last evaluated on "
            "other windows than those of the test",
            soft_wrap=True,
        )
    new = unsaved(found, read_records(results))
    for result in measure_yardsticks(new, data_dir):
        save_record(result, results, here=False)
    if page is not None:
        update_page(page, read_records(results), read_failures(results), data_dir)
    emit_tables(session, results, len(new))


def emit_tables(session: Session, folder: Path, new: int) -> None:
    """Write the tables of all records in a folder, and show them.

    Parameters
    ----------
    new
        How many of the records were not there before.

    Raises
    ------
    RequestError
        There is no record, or the folder cannot be written.
    """
    from painet_cli.benchmark.campaign.page import of_the_plan
    from painet_cli.benchmark.campaign.record import read_records
    from painet_cli.benchmark.campaign.verdicts import share_of_ends
    from painet_cli.benchmark.layout import bench_tables
    from painet_cli.benchmark.rows import bench_rows
    from painet_cli.errors import RequestError

    kept = read_records(folder)
    if not kept:
        raise RequestError(
            f"{folder}: no records of trained cells", "`painet bench tables --all` writes them"
        )
    session.console.print(f"{folder}: {len(kept)} cells, {new} of them new", soft_wrap=True)
    planned, others = of_the_plan(kept)
    if others:
        session.console.print(
            f"{len(others)} of them with other settings or data than the plan's: in no table here, "
            "with --page under `other settings`; `painet bench tables` writes its own to bench.md",
            soft_wrap=True,
        )
    rows = bench_rows(planned)
    write_tables(folder, kept)
    content = {
        "cells": len(kept),
        "new": new,
        "other_settings": len(others),
        "rows": [asdict(row) for row in rows],
    }
    tables = bench_tables(rows, None) if rows else []
    session.emit(content, *tables, share_of_ends(kept))


def write_tables(folder: Path, kept: list[Result]) -> None:
    """Write `tables.csv`, `tables.tex` and a picture a table from the records of cells."""
    from painet_cli.benchmark.campaign.page import of_the_plan
    from painet_cli.benchmark.campaign.pictures import draw_table
    from painet_cli.benchmark.latex import bench_latex
    from painet_cli.benchmark.layout import bench_csv
    from painet_cli.benchmark.rows import bench_rows
    from painet_cli.benchmark.tables.notes import footnotes
    from painet_cli.storage.atomic import write_text

    tables, _ = of_the_plan(kept)
    rows = bench_rows(tables)
    if not rows:
        return
    write_text(folder / "tables.csv", bench_csv(rows))
    write_text(folder / "tables.tex", bench_latex(rows, footnotes(rows, None)))
    numbers = {row.preset: row.table for row in rows}
    for number in sorted({row.table for row in rows if row.table}):
        inside = [one for one in tables if numbers[one.cell.preset_name] == number]
        draw_table(inside, f"Table {number}", folder / f"table{number}.png")
