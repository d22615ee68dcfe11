"""`painet bench tables`: models by datasets, beside the paper's figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from painet_cli.cli.bench.cells import (
    Budget,
    Epochs,
    SeveralJobs,
    evaluations_of,
    locked,
    prepared,
    refuse_failed,
    refuse_model,
    save_bench,
    suiting,
    train,
)
from painet_cli.cli.options import DATA_DIR, DataDir, Settings, refuse_contradictions
from painet_cli.cli.session import Session, with_session
from painet_cli.errors import RequestError


@with_session
def tables(
    session: Session,
    presets: Annotated[
        str | None,
        typer.Option(
            "--presets",
            metavar="A,B",
            help="Names, patterns or files; the paper's that are prepared.",
        ),
    ] = None,
    models: Annotated[
        str | None,
        typer.Option("--models", metavar="A,B", help="Those the paper has for a preset."),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="The whole plan: every table and figure, all seeds.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --all: show the plan, train nothing.")
    ] = False,
    latex: Annotated[bool, typer.Option("--latex", help="Write the tables as LaTeX too.")] = False,
    seeds: Annotated[
        int | None,
        typer.Option("--seeds", min=1, help="Seeds a cell; 1, with --all as the plan has."),
    ] = None,
    epochs: Epochs = None,
    budget: Budget = None,
    jobs: SeveralJobs = None,
    settings: Settings = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="Runs and tables go here.")
    ] = Path("bench"),
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Train every model on every preset, and lay the errors beside the paper's Tables 1 to 4.

    A cell (preset, model, seed) that is done is not trained again; one that
    was stopped goes on.

    `--all` trains the package's plan, each model with settings of its own:
    Tables 1 and 2 once, then what tells most an hour, at the lowest
    priority, on all cores or several cells side by side on a GPU. Every cell
    that is done is kept as a small JSON file in `OUT/results`, from which the
    tables are written. Started again, on any machine that is given OUT and
    the data, it goes on.

    Example: `painet bench tables --presets mocap-run-s2s --models linear,egnn`
    """
    if everything:
        from painet_cli.cli.bench.campaign import refuse_mixed, train_everything

        refuse_mixed(epochs=epochs, settings=settings)
        train_everything(
            session,
            out,
            data_dir,
            presets,
            models,
            seeds=seeds,
            jobs=jobs,
            budget=budget,
            dry_run=dry_run,
        )
        return
    if dry_run:
        raise RequestError("--dry-run: shows the plan of --all", "give --all too, or leave it out")
    from painet_cli.benchmark.cells import make_cells, read_results
    from painet_cli.benchmark.latex import bench_latex
    from painet_cli.benchmark.layout import bench_markdown, bench_tables
    from painet_cli.benchmark.rows import bench_rows
    from painet_cli.benchmark.tables.notes import footnotes
    from painet_cli.storage.atomic import write_text

    refuse_contradictions(settings, {"--epochs": ("train.epochs", epochs)})
    refuse_model(settings, "--models")
    changes = [*(settings or []), *([] if epochs is None else [f"train.epochs={epochs}"])]
    asked = [
        cell
        for preset in _presets(session, presets, data_dir)
        for cell in make_cells(
            [preset], _models(preset, models), seeds or 1, changes, out, data_dir
        )
    ]
    cells = suiting(session, asked)
    with locked(out):
        failed = train(session, cells, data_dir, budget, jobs or 1)
        results = read_results(cells)
        rows = bench_rows(results)
        if rows:
            others = evaluations_of(results)
            if latex:
                others.insert(0, out / "bench.tex")
                write_text(others[0], bench_latex(rows, footnotes(rows, budget, changes)))
            markdown = bench_markdown(rows, budget, changes)
            content = save_bench(out, rows, markdown, others)
    if rows:
        session.emit(content, *bench_tables(rows, budget, changes))
    refuse_failed(failed, len(cells), out)


def _presets(session: Session, chosen: str | None, data_dir: Path) -> Sequence[str]:
    """Presets asked for; or the paper's, less those whose dataset is not prepared."""
    from painet_cli.benchmark.cells import distinct
    from painet_cli.config.dotted import comma_list
    from painet_cli.report.tables.paper import paper_rows

    if chosen is not None:
        return distinct(comma_list(chosen))
    return prepared(session, list(paper_rows()), data_dir)


def _models(preset: str, chosen: str | None) -> Sequence[str]:
    """Models asked for; or those the paper has for a preset, or all."""
    from painet_cli.config.dotted import comma_list
    from painet_cli.config.presets import load_preset, preset_name
    from painet_cli.models.registry import models_for
    from painet_cli.report.tables.paper import paper_rows

    if chosen is not None:
        return list(dict.fromkeys(comma_list(chosen)))
    printed = paper_rows().get(preset_name(preset))
    return list(printed) if printed else models_for(load_preset(preset).data.horizon)
