"""`painet bench`: models by datasets, beside the paper's figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from painet_cli.cli.options import DATA_DIR, DataDir, Settings
from painet_cli.cli.session import Session, finite, with_session
from painet_cli.errors import PainetError, RequestError

if TYPE_CHECKING:
    from painet_cli.evaluation.bench import Result
    from painet_cli.report.bench import Row

app = typer.Typer(help="Models by datasets, beside the paper's figures.", no_args_is_help=True)


@app.callback()
def bench() -> None:
    """Models by datasets, beside the paper's figures."""


@app.command()
@with_session
def tables(
    session: Session,
    presets: Annotated[
        str | None,
        typer.Option("--presets", metavar="A,B", help="All of the paper that are prepared."),
    ] = None,
    models: Annotated[
        str | None,
        typer.Option("--models", metavar="A,B", help="Those the paper has for a preset."),
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Seeds a cell.")] = 1,
    epochs: Annotated[int | None, typer.Option("--epochs", min=1, help="Most epochs.")] = None,
    budget: Annotated[
        float | None,
        typer.Option("--budget", metavar="MINUTES", min=0.0, help="Most training a cell."),
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Cells trained at a time.")] = 1,
    settings: Settings = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="Runs and tables go here.")
    ] = Path("bench"),
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Train every model on every preset, and lay the errors beside the paper's Tables 1 to 4.

    A cell (preset, model, seed) that is done is not trained again; one that was stopped goes on.
    """
    from painet_cli.cli.bench_progress import BenchProgress
    from painet_cli.data.files import check_writable, sweep
    from painet_cli.data.locks import LOCK, held
    from painet_cli.evaluation.bench import make_cells, read_results
    from painet_cli.evaluation.bench_run import run_cells
    from painet_cli.report.bench import bench_rows
    from painet_cli.report.bench_layout import bench_tables
    from painet_cli.training.device import resolve_device

    device = resolve_device(session.device)
    changes = [*(settings or []), *([] if epochs is None else [f"train.epochs={epochs}"])]
    cells = [
        cell
        for preset in _presets(session, presets, data_dir)
        for cell in make_cells([preset], _models(preset, models), seeds, changes, out, data_dir)
    ]
    budget_s = None if budget is None else 60 * budget
    todo = [cell for cell in cells if not cell.is_done(budget_s)]
    session.console.print(f"{len(cells)} cells, {len(cells) - len(todo)} of them done before")
    check_writable(out, force=True, option="--out")
    out.mkdir(exist_ok=True)
    with held(out / LOCK, out):
        sweep(out)
        with BenchProgress(session, len(todo)) as progress:
            run_cells(todo, data_dir, device, progress, jobs=jobs, budget_s=budget_s)
        results = read_results(cells)
        rows = bench_rows(results)
        if rows:
            _write(out, rows, budget, results)
    if rows:
        session.emit({"rows": [asdict(row) for row in rows]}, *bench_tables(rows, budget))
    if progress.failed:
        raise PainetError(
            f"{len(progress.failed)} of {len(cells)} cells failed, the first: {progress.failed[0]}",
            f"run the same command again to try them once more; logs are below {out}",
        )


def _presets(session: Session, chosen: str | None, data_dir: Path) -> Sequence[str]:
    """Presets asked for; or the paper's, less those whose dataset is not prepared."""
    from painet_cli.config.loading import load_preset
    from painet_cli.data.sources import how_to_prepare
    from painet_cli.report.paper import paper_rows

    if chosen is not None:
        return chosen.split(",")
    ready = []
    for name in paper_rows():
        dataset = load_preset(name).data.dataset
        if (data_dir / dataset).exists():
            ready.append(name)
        else:
            session.console.print(f"{name}: left out, {how_to_prepare(dataset)}", soft_wrap=True)
    if not ready:
        raise RequestError(
            f"{data_dir}: no dataset of the paper is prepared here",
            "`painet prepare --help` lists the sources",
        )
    return ready


def _models(preset: str, chosen: str | None) -> Sequence[str]:
    """Models asked for; or those the paper has for a preset, or all."""
    from painet_cli.config.loading import load_preset, preset_name
    from painet_cli.models.registry import models_for
    from painet_cli.report.paper import paper_rows

    if chosen is not None:
        return chosen.split(",")
    printed = paper_rows().get(preset_name(preset))
    return list(printed) if printed else models_for(load_preset(preset).data.horizon)


def _write(out: Path, rows: Sequence[Row], budget: float | None, results: Sequence[Result]) -> None:
    from painet_cli.data.files import write_text
    from painet_cli.data.provenance import KEY, provenance, sealed
    from painet_cli.evaluation.evaluate import EVALUATION
    from painet_cli.report.bench_layout import bench_csv, bench_markdown

    write_text(out / "bench.csv", bench_csv(rows))
    write_text(out / "bench.md", bench_markdown(rows, budget))
    outputs = {name: out / name for name in ("bench.csv", "bench.md")} | {
        str((result.cell.folder / EVALUATION).relative_to(out)): result.cell.folder / EVALUATION
        for result in results
    }
    content = {"rows": [asdict(row) for row in rows], KEY: provenance(outputs)}
    write_text(out / "bench.json", sealed(finite(content)))
