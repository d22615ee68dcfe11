"""`painet evaluate`: runs to a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from painet_cli.cli.options import DATA_DIR, DataDir, MemoryBudget, as_bytes
from painet_cli.cli.session import Session, with_session
from painet_cli.errors import RequestError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from painet_cli.evaluation.evaluation import Evaluation


class Part(StrEnum):
    """A part of the split."""

    train = "train"
    val = "val"
    test = "test"


@with_session
def evaluate(
    session: Session,
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN", help="Run folders, or what holds them.")
    ],
    split: Annotated[Part, typer.Option("--split", help="Which windows.")] = Part.test,
    horizon: Annotated[
        int | None,
        typer.Option("--horizon", min=1, help="Steps to predict; past the trained T by rollout."),
    ] = None,
    physics: Annotated[
        bool,
        typer.Option("--physics", help="Also check bonds, clashes, size and how far things move."),
    ] = False,
    distribution: Annotated[
        bool,
        typer.Option(
            "--distribution",
            help="Also compare torsions, size and fluctuation, or bones and feet, with those of "
            "what happened.",
        ),
    ] = False,
    on: Annotated[
        str | None,
        typer.Option("--on", metavar="DATASET", help="Another dataset than it was trained on."),
    ] = None,
    delta_time: Annotated[
        str | None,
        typer.Option(
            "--delta-time", metavar="TIME[,TIME]", help="Time between frames, of those it serves."
        ),
    ] = None,
    memory_budget: MemoryBudget = None,
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Measure trained runs: MSE a step, time and memory, beside the paper's figures.

    Example: `painet evaluate runs/demo/* --horizon 10`
    """
    from painet_cli.evaluation.evaluate import evaluate_run
    from painet_cli.evaluation.evaluation import save_evaluation
    from painet_cli.report.tables.evaluation import evaluation_table
    from painet_cli.training.device import reuse_freed_memory
    from painet_cli.training.distributed.join import joined
    from painet_cli.training.distributed.launch import launched
    from painet_cli.training.record import epoch_seconds

    reuse_freed_memory()
    memory, times = as_bytes(memory_budget), _times(delta_time)
    with joined(launched(), session.device) as (world, device):
        session = session.of(world)
        evaluations = []
        found = _found(session, runs)
        for run in found:
            with session.console.status(f"evaluating {run}"):
                evaluations.append(
                    evaluate_run(
                        run,
                        data_dir,
                        device,
                        part=split.value,
                        horizon=horizon,
                        physics=physics,
                        on=on,
                        delta_time=times,
                        rivals=True,
                        error_bars=True,
                        distribution=distribution,
                        world=world,
                        memory_budget=memory,
                    )
                )
        with world.all_or_none():
            if world.is_writer:
                if on is None and times is None:  # a run keeps its own test figures
                    for evaluation in evaluations:
                        save_evaluation(evaluation)
                payload = {"runs": [evaluation.plain() for evaluation in evaluations]}
                tables = evaluation_table(evaluations, {run: epoch_seconds(run) for run in found})
                session.answer(payload, *tables, *_details(evaluations))


def _found(session: Session, given: Sequence[Path]) -> list[Path]:
    """Runs among the folders given and below them, less those below that have no weights yet."""
    from painet_cli.evaluation.runs import has_weights, run_folders

    found = run_folders(given)
    bare = [run for run in found if run not in given and not has_weights(run)]
    for run in bare if len(bare) < len(found) else []:
        session.console.print(f"{run}: left out, no epoch of it is done", soft_wrap=True)
    return [run for run in found if run not in bare] or found


def _times(text: str | None) -> tuple[str, str] | None:
    """Shortest and longest time of `2fs` or `2fs,50fs`."""
    if text is None:
        return None
    from painet_cli.config.dotted import comma_list

    shortest, *rest = comma_list(text)
    if len(rest) > 1:
        raise RequestError(f"--delta-time {text}: more than two times", "give one or two: 2fs,50fs")
    return shortest, (rest or [shortest])[0]


def _details(evaluations: Sequence[Evaluation]) -> Iterator[RenderableType]:
    """Tables of physical checks, then of distributions, where they were asked for."""
    from painet_cli.report.tables.distribution import distribution_tables
    from painet_cli.report.tables.physics import physics_tables

    for one in evaluations:
        if one.physics is not None:
            yield from ("", *physics_tables(one.physics, f"Physical checks of {one.run}"))
    for one in evaluations:
        if one.distribution is not None:
            title = f"Distributions of {one.run}"
            yield from ("", *distribution_tables(one.distribution, title))
