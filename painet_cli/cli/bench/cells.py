"""What the benchmarks that train share: which presets are ready, and cells at work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from painet_cli.cli.session import Session
from painet_cli.errors import PainetError, RequestError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from painet_cli.benchmark.cells import Cell, Result

Seeds = Annotated[int, typer.Option("--seeds", min=1, help="Seeds a cell.")]
Epochs = Annotated[int | None, typer.Option("--epochs", min=1, help="Most epochs.")]
Budget = Annotated[
    float | None,
    typer.Option("--budget", metavar="MINUTES", min=0.0, help="Most training a cell."),
]
Jobs = Annotated[int, typer.Option("--jobs", min=1, help="Cells trained at a time.")]

SeveralJobs = Annotated[
    int | None,
    typer.Option("--jobs", min=1, help="Cells trained at a time; 1, with --all as many as fit."),
]


def prepared(session: Session, names: Sequence[str], data_dir: Path) -> list[str]:
    """Presets of these whose dataset is prepared; the console is told of the others.

    Raises
    ------
    RequestError
        There is none.
    """
    from painet_cli.config.presets import load_preset
    from painet_cli.data.sources.registry import how_to_prepare

    ready = []
    for name in names:
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


def suiting(session: Session, cells: Sequence[Cell]) -> list[Cell]:
    """Cells whose model predicts as many steps as are asked for; the console is told of the others.

    Raises
    ------
    RequestError
        There is none.
    """
    unfit = [cell for cell in cells if cell.preset.model.one_step and cell.preset.data.horizon > 1]
    said = dict.fromkeys(
        f"{cell.model} on {cell.preset_name}: predicts one step, but data.horizon is "
        f"{cell.preset.data.horizon}"
        for cell in unfit
    )
    if len(unfit) == len(cells):
        raise RequestError(next(iter(said)), "`painet models` says what models predict")
    for line in said:
        session.console.print(f"left out: {line}", soft_wrap=True)
    return [cell for cell in cells if cell not in unfit]


def train(
    session: Session, cells: Sequence[Cell], data_dir: Path, budget: float | None, jobs: int
) -> list[str]:
    """Train and evaluate what is not done, with progress; returns what failed, with its reason."""
    from painet_cli.benchmark.workers import run_cells
    from painet_cli.cli.progress import BenchProgress
    from painet_cli.training.device import resolve_device

    device = resolve_device(session.device)
    budget_s = None if budget is None else 60 * budget
    todo = [cell for cell in cells if not cell.is_done(budget_s)]
    session.console.print(f"{len(cells)} cells, {len(cells) - len(todo)} of them done before")
    with BenchProgress(session, len(todo)) as progress:
        run_cells(todo, data_dir, device, progress, jobs=jobs, budget_s=budget_s)
    return progress.failed


@contextmanager
def locked(out: Path) -> Iterator[None]:
    """Keep other benchmarks out of a folder, which is made where it is not there.

    Raises
    ------
    RequestError
        Another fills it, or it cannot be written.
    """
    from painet_cli.storage.atomic import check_writable, sweep
    from painet_cli.storage.locks import LOCK, held

    check_writable(out, force=True, place="out")
    out.mkdir(exist_ok=True)
    with held(out / LOCK, out):
        sweep(out)
        yield


def save_bench(
    out: Path,
    rows: Sequence[DataclassInstance],
    markdown: str,
    others: Iterable[Path],
    **more: Any,
) -> dict[str, Any]:
    """Write `bench.csv`, `bench.md` and `bench.json`, which has all files' provenance.

    Parameters
    ----------
    others
        Files in the folder that are written already.
    more
        What `bench.json` says beside the rows.

    Returns
    -------
    dict
        What it says, as plain data.
    """
    from painet_cli.benchmark.layout import bench_csv
    from painet_cli.evaluation.verify.verify import BENCH
    from painet_cli.storage.atomic import write_text
    from painet_cli.storage.provenance import KEY, finite, provenance, sealed

    write_text(out / "bench.csv", bench_csv(rows))
    write_text(out / "bench.md", markdown)
    content = {"rows": [asdict(row) for row in rows], **more}
    written = (out / "bench.csv", out / "bench.md", *others)
    outputs = {str(path.relative_to(out)): path for path in written}
    write_text(out / BENCH, sealed(finite({**content, KEY: provenance(outputs)})))
    return content


def evaluations_of(results: Sequence[Result]) -> list[Path]:
    """Files that the figures of trained cells come from."""
    from painet_cli.training.run_folder import EVALUATION

    return [result.cell.folder / EVALUATION for result in results]


def refuse_model(settings: Sequence[str] | None, option: str) -> None:
    """Refuse a model among the settings, which an option names.

    Raises
    ------
    RequestError
        There is one.
    """
    from painet_cli.config.differences import flat_given

    model = flat_given(settings or ()).get("model.name")
    if model is not None:
        raise RequestError(
            f"--set model.name={model}: {option} says which", f"try {option} {model}"
        )


def refuse_failed(failed: Sequence[str], cells: int, out: Path) -> None:
    """Say which cells failed, after the others' tables have been written.

    Raises
    ------
    PainetError
        There is one.
    """
    if failed:
        raise PainetError(
            f"{len(failed)} of {cells} cells failed, the first: {failed[0]}",
            f"run the same command again to try them once more; logs are below {out}",
        )
