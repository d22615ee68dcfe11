"""`painet bench ablation`: variants of PAINET, as the paper's Figures 4 to 6."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from painet_cli.cli.bench.cells import (
    Budget,
    Epochs,
    Jobs,
    Seeds,
    evaluations_of,
    locked,
    prepared,
    refuse_failed,
    refuse_model,
    save_bench,
    train,
)
from painet_cli.cli.options import DATA_DIR, DataDir, Settings, refuse_contradictions
from painet_cli.cli.session import Session, with_session
from painet_cli.errors import RequestError


@with_session
def ablation(
    session: Session,
    figures: Annotated[
        str | None, typer.Option("--figures", metavar="4a,4b,5,6,reach", help="All of them.")
    ] = None,
    presets: Annotated[
        str | None,
        typer.Option(
            "--presets",
            metavar="A,B",
            help="Names, patterns or files; the paper's that are prepared.",
        ),
    ] = None,
    model: Annotated[
        str, typer.Option("--model", metavar="MODEL", help="Whose variants; also a plug-in's.")
    ] = "painet",
    vary: Annotated[
        list[str] | None,
        typer.Option("--vary", metavar="KEY=V,V", help="A setting to vary; may be repeated."),
    ] = None,
    seeds: Seeds = 1,
    epochs: Epochs = None,
    budget: Budget = None,
    jobs: Jobs = 1,
    settings: Settings = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="Runs, tables and plots go here.")
    ] = Path("bench/ablation"),
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Train variants of a model, and draw the paper's Figures 4, 5 and 6.

    4a: pair weights; 4b: decoders; 5: decoder layers; 6: attention layers a
    step; reach: attention limited to neighbours. `--vary model.hidden=16,32`
    varies any setting, of any model, on `--presets`. A cell that is done is not
    trained again; one that was stopped goes on.

    Example: `painet bench ablation --figures 4b,5 --budget 10`
    """
    from painet_cli.benchmark.ablation import (
        cells_of,
        check_variants,
        choose_ablations,
        make_points,
        varied,
    )
    from painet_cli.benchmark.ablation_plots import write_ablation_plots
    from painet_cli.benchmark.ablation_rows import ablation_markdown, ablation_rows, ablation_tables
    from painet_cli.benchmark.cells import distinct, read_results
    from painet_cli.config.dotted import comma_list

    wanted = [] if vary and figures is None else choose_ablations(figures)
    wanted = check_variants([*wanted, *map(varied, vary or ())], model)
    if vary and presets is None:
        raise RequestError("--vary: on which preset?", "name it by --presets")
    if presets is None:
        names = dict.fromkeys(name for figure in wanted for name in figure.presets)
        ready = prepared(session, list(names), data_dir)
        wanted = [
            replace(figure, presets=tuple(name for name in figure.presets if name in ready))
            for figure in wanted
        ]
    else:
        chosen = tuple(distinct(comma_list(presets)))
        wanted = [replace(figure, presets=chosen) for figure in wanted]
    refuse_contradictions(settings, {"--epochs": ("train.epochs", epochs)})
    if epochs is not None and any(one.name == "train.epochs" for one in wanted):
        raise RequestError(f"--epochs {epochs}: --vary train.epochs says otherwise", "give one")
    refuse_model(settings, "--model")
    changes = [*(settings or []), *([] if epochs is None else [f"train.epochs={epochs}"])]
    points = make_points(wanted, seeds, changes, out, data_dir, model)
    cells = cells_of(points)
    with locked(out):
        failed = train(session, cells, data_dir, budget, jobs)
        rows = ablation_rows(points)
        if rows:
            markdown = ablation_markdown(rows, write_ablation_plots(rows, out), changes)
            content = save_bench(out, rows, markdown, evaluations_of(read_results(cells)))
    if rows:
        session.emit(content, *ablation_tables(rows, changes))
    refuse_failed(failed, len(cells), out)
