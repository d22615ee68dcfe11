"""`painet bench tables --all`: the whole plan, cell after cell, each kept when it is done."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from painet_cli.cli.bench.cells import locked, refuse_failed
from painet_cli.cli.bench.report import emit_tables
from painet_cli.cli.progress import BenchProgress
from painet_cli.cli.session import Session
from painet_cli.errors import RequestError

if TYPE_CHECKING:
    import torch

    from painet_cli.benchmark.campaign.plan import Planned
    from painet_cli.benchmark.cells import Cell

_LOWEST_PRIORITY = 19
_CELLS_A_GPU = 4
_SHOWN = 12


def train_everything(
    session: Session,
    out: Path,
    data_dir: Path,
    presets: str | None,
    models: str | None,
    *,
    seeds: int | None,
    jobs: int | None,
    budget: float | None,
    dry_run: bool,
) -> None:
    """Train what the plan has and is not done, and write the tables of all that is.

    Raises
    ------
    RequestError
        A name that the plan does not have, no prepared dataset, or a folder that cannot be written.
    PainetError
        A cell failed; the others are done.
    """
    from painet_cli.benchmark.campaign.plan import choose, make_plan, missing_datasets
    from painet_cli.benchmark.campaign.record import read_records, save_record, unsaved
    from painet_cli.benchmark.cells import read_results
    from painet_cli.benchmark.workers import run_cells
    from painet_cli.config.dotted import comma_list
    from painet_cli.training.device import resolve_device

    asked = [None if names is None else comma_list(names) for names in (presets, models)]
    named, trained = choose(*asked)
    records = out / "results"
    budget_s = None if budget is None else 60 * budget
    kept = read_records(records)
    plan = make_plan(
        out, data_dir, kept, presets=named, models=trained, seeds=seeds, budget_s=budget_s
    )
    missing = missing_datasets(data_dir)
    if not plan:
        raise RequestError(
            f"{data_dir}: no dataset of the plan is prepared here",
            "`painet prepare --help` lists the sources",
        )
    todo = {one.cell: one.hours for one in plan if not one.done}
    if dry_run:
        session.emit(_plain(plan, missing), *_lines(plan, missing))
        return
    session.console.print("\n".join(_lines(plan, missing)), soft_wrap=True)
    device = resolve_device(session.device)
    os.nice(_LOWEST_PRIORITY)
    done = [one.cell for one in plan if one.done]
    with locked(out), _Keeping(session, todo, records) as progress:
        # those that were done as their process was killed
        late = unsaved(read_results(done), kept)
        for result in late:
            save_record(result, records, here=False)
        run_cells(
            list(todo),
            data_dir,
            device,
            progress,
            jobs=jobs or _as_many_as_fit(device),
            budget_s=budget_s,
        )
    if read_records(records):  # else all have failed
        emit_tables(session, records, len(late) + len(todo) - len(progress.failed))
    refuse_failed(progress.failed, len(todo), out)


def _as_many_as_fit(device: torch.device) -> int:
    return _CELLS_A_GPU if device.type != "cpu" else os.cpu_count() or 1


class _Keeping(BenchProgress):
    """Progress that keeps every cell that ends well as a record."""

    def __init__(self, session: Session, cells: Mapping[Cell, float], records: Path) -> None:
        hours = {cell.folder: hours for cell, hours in cells.items()}
        super().__init__(session, len(cells), hours)
        self._records = records

    def ended(self, cell: Cell, error: str | None) -> None:
        """Write the record, then the line."""
        from painet_cli.benchmark.campaign.failure import Failure, save_failure
        from painet_cli.benchmark.campaign.record import save_record
        from painet_cli.benchmark.cells import read_results

        if error:
            save_failure(Failure(cell, error), self._records)
        for result in read_results([] if error else [cell]):
            save_record(result, self._records, here=True)
        super().ended(cell, error)


def _lines(plan: Sequence[Planned], missing: dict[str, list[str]]) -> list[str]:
    """How much there is to do, what comes next, and which datasets are not there."""
    todo = [one for one in plan if not one.done]
    return [
        f"{len(plan)} cells, {len(plan) - len(todo)} of them done; "
        f"about {sum(one.hours_left for one in todo):.3g} hours of one core or card to do",
        *(f"next: {one.part}, {one.cell}, {60 * one.hours_left:.2g} min" for one in todo[:_SHOWN]),
        *(f"{name}: not prepared, so without {', '.join(left)}" for name, left in missing.items()),
    ]


def _plain(plan: Sequence[Planned], missing: dict[str, list[str]]) -> dict[str, Any]:
    todo = [one for one in plan if not one.done]
    return {
        "cells": len(plan),
        "done": len(plan) - len(todo),
        "hours": sum(one.hours_left for one in todo),
        "next": [
            {"part": one.part, "cell": str(one.cell), "hours": one.hours_left} for one in todo
        ],
        "missing": missing,
    }


def refuse_mixed(*, epochs: int | None, settings: Sequence[str] | None) -> None:
    """Refuse options that would change what the plan has.

    Raises
    ------
    RequestError
        One is given.
    """
    given = {"--epochs": epochs is not None, "--set": bool(settings)}
    named = [option for option, is_given in given.items() if is_given]
    if named:
        raise RequestError(
            f"{named[0]}: the plan of --all has its own",
            "leave it out, or leave out --all and name --presets and --models",
        )
