"""`painet sweep`: a search space to trials, ranked by validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

import typer

from painet_cli.cli.bench.cells import refuse_failed
from painet_cli.cli.options import DATA_DIR, DataDir, Settings
from painet_cli.cli.session import Session, with_session

if TYPE_CHECKING:
    from painet_cli.benchmark.sweep.search import Searching
    from painet_cli.benchmark.sweep.spec import Sweep


@with_session
def sweep(
    session: Session,
    spec: Annotated[
        str, typer.Argument(metavar="SPEC", help="A YAML file; or paper, demo, which ship.")
    ],
    preset: Annotated[
        str | None, typer.Option("--preset", metavar="NAME", help="Instead of the spec's.")
    ] = None,
    search: Annotated[
        str | None, typer.Option("--search", metavar="HOW", help="grid, random or optuna.")
    ] = None,
    trials: Annotated[
        int | None, typer.Option("--trials", min=1, help="How many settings to try.")
    ] = None,
    seeds: Annotated[int | None, typer.Option("--seeds", min=1, help="Seeds a setting.")] = None,
    budget: Annotated[
        float | None,
        typer.Option("--budget", metavar="MINUTES", min=0.0, help="Most training a trial."),
    ] = None,
    settings: Settings = None,
    array: Annotated[
        int | None,
        typer.Option(
            "--array", metavar="TASKS", min=1, help="Write a SLURM batch file, train nothing."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the trials as they stand, train nothing.")
    ] = False,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="Runs and tables go here.")
    ] = Path("sweep"),
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Search settings on validation windows: grid, random, Optuna, successive halving.

    Every setting is trained with its seeds and ranked by their mean validation
    error. What is trained is kept, so the same command goes on where it
    stopped; started several times, on any machines that share OUT, the
    processes share the work.

    Example: `painet sweep demo --trials 8 --budget 2`
    """
    from painet_cli.benchmark.sweep.outputs import sweep_table, write_array, write_rows
    from painet_cli.benchmark.sweep.search import Searching
    from painet_cli.benchmark.sweep.spec import read_spec
    from painet_cli.storage.atomic import check_writable
    from painet_cli.training.device import resolve_device

    changes = {"preset": preset, "search": search, "trials": trials, "seeds": seeds}
    device = None if session.device == "auto" else session.device
    shared = _options({"budget": budget, "device": device, "data-dir": data_dir})
    wanted = _with_settings(read_spec(spec, changes), settings or ())
    budget_s = None if budget is None else 60 * budget
    at_work = Searching(wanted, out, data_dir, resolve_device(session.device), budget_s)
    check_writable(out, force=True, place="out")
    if wanted.search == "optuna":  # it writes what it learns
        out.mkdir(exist_ok=True)
    _ = at_work.search  # refuses what no trial could be trained with, before anything is written
    out.mkdir(exist_ok=True)
    if array is not None:
        own = _options({**changes, "set": settings, "out": out})
        path = write_array(out, array, ["sweep", spec, *own, *shared])
        session.emit(
            {"array": str(path), "tasks": array}, f"{path}: `sbatch {quote(str(path))}` starts it"
        )
        return
    failed = [] if dry_run else _train(session, at_work)
    rows = at_work.rows()
    write_rows(rows, out)
    payload = {
        "preset": wanted.preset,
        "settings": wanted.settings,
        "trials": [asdict(row) for row in rows],
    }
    session.emit(payload, *(sweep_table(rows, wanted, shared) if rows else ["no trial yet"]))
    refuse_failed(failed, sum(len(row.runs) for row in rows), out)


def _with_settings(sweep: Sweep, settings: Sequence[str]) -> Sweep:
    """The sweep with `KEY=VALUE` for all trials."""
    from painet_cli.config.presets import load_preset
    from painet_cli.config.yaml_document import parse
    from painet_cli.errors import RequestError, option

    load_preset(sweep.preset, settings)  # says what is wrong with them
    given: dict[str, Any] = {}
    for setting in settings:
        key, _, value = setting.partition("=")
        if key.strip() in sweep.space:
            raise RequestError(
                f"{option('set', setting)}: the sweep tries {key.strip()}",
                "leave it out, or take it out of the spec's space",
            )
        given[key.strip()] = parse(value, lambda _: option("settings"))[0]
    return sweep.model_copy(update={"settings": {**sweep.settings, **given}})


def _train(session: Session, at_work: Searching) -> list[str]:
    """Train what there is to train; returns what failed, with its reason."""
    from painet_cli.benchmark.cells import Cell
    from painet_cli.benchmark.sweep.trials import best_validation
    from painet_cli.cli.progress import BenchProgress
    from painet_cli.report.tables.layout import digits

    class SweepProgress(BenchProgress):
        """A line a cell, with its validation error."""

        def ended(self, cell: Cell, error: str | None) -> None:
            """Write what came of the cell."""
            best = best_validation(cell.folder)
            minutes = self.advanced(cell, well=not error and best is not None)
            if error or best is None:
                self.failed.append(f"{cell}: {error or 'it left no validation'}")
            said = (
                f"failed, {error}"
                if error
                else f"val MSE {'-' if best is None else digits(best)}, "
                f"{cell.epochs_done()} epochs, {minutes:.1f} min"
            )
            session.console.print(f"{cell}: {said}", soft_wrap=True)

    sweep = at_work.sweep
    # rounds of halving train a cell several times, and Optuna's trials are not known before
    known = sweep.halving is None and sweep.search != "optuna"
    cells = at_work.cells_left() if known else 0
    session.console.print(
        f"{sweep.most_trials} trials of {sweep.seeds} seed{'s' * (sweep.seeds > 1)}, "
        f"{sweep.search}, in {at_work.folder}"
    )
    with SweepProgress(session, cells) as progress:
        at_work.run(progress)
    return progress.failed


def _options(values: Mapping[str, Any]) -> list[str]:
    """Words of the options that are given; of a list the option once for each of its values."""
    given = [
        (name, one)
        for name, value in values.items()
        for one in (value if isinstance(value, list) else [value])
        if one is not None
    ]
    return [word for name, one in given for word in (f"--{name}", str(one))]
