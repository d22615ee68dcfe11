"""`painet predict`: a structure or trajectory to what comes next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from painet_cli.cli.options import DATA_DIR, RUN_DIR, DataDir, MemoryBudget, RunDir, as_bytes
from painet_cli.cli.session import Session, loading, with_session

if TYPE_CHECKING:
    from painet_cli.report.prediction import WrittenPrediction


@with_session
def predict(
    session: Session,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="A structure or trajectory (PDB, mmCIF, DCD, XTC, XYZ ...), an npz as MD17 has "
            "it, motion capture (AMC, BVH, TRC, C3D), or a prepared dataset.",
        ),
    ],
    steps: Annotated[
        int, typer.Option("-T", "--steps", min=1, help="Steps; past the trained T by rollout.")
    ] = 5,
    checkpoint: Annotated[
        str | None,
        typer.Option(
            "--checkpoint",
            metavar="RUN|FILE|NAME",
            help="By default the run or shipped one that fits best (`painet checkpoints`).",
        ),
    ] = None,
    members: Annotated[
        Literal["one", "all"],
        typer.Option(
            "--members", help="The one run, or the mean of all seeds in the folder of --checkpoint."
        ),
    ] = "one",
    topology: Annotated[
        Path | None,
        typer.Option("--topology", metavar="FILE", help="Names and bonds; of an AMC its ASF."),
    ] = None,
    select: Annotated[
        str | None,
        typer.Option(
            "--select",
            help="Particles, as MDAnalysis selects them, or `heavy`; by default all, heavy, "
            "backbone or CA, whatever a checkpoint fits.",
        ),
    ] = None,
    start: Annotated[
        str, typer.Option("--start", metavar="last|N|all|A:B:S", help="Frames to start at.")
    ] = "last",
    frame_time: Annotated[
        str | None,
        typer.Option("--frame-time", metavar="TIME", help="Between frames: 0.5fs, 2 ps ..."),
    ] = None,
    adapt: Annotated[
        str,
        typer.Option(
            "--adapt",
            metavar="auto|never|TIME",
            help="Learn from the frames before the start, where there are enough, and take what is "
            "best on those held out; 5m trains a network for so long besides.",
        ),
    ] = "auto",
    save_run: Annotated[
        Path | None,
        typer.Option(
            "--save-run", metavar="DIR", help="Keep what was learned as a run, its frames as data."
        ),
    ] = None,
    flag_above: Annotated[
        float | None,
        typer.Option(
            "--flag-above",
            metavar="Q",
            help="List starts farther from what was seen than a share Q of windows not trained on.",
        ),
    ] = None,
    drop_extra: Annotated[
        bool, typer.Option("--drop-extra", help="Leave out atoms the topology does not have.")
    ] = False,
    format_name: Annotated[
        str | None,
        typer.Option("--format", metavar="NAME", help="Format of FILE, whatever its name says."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="DIR", help="By default predictions/NAME."),
    ] = None,
    physics: Annotated[
        bool, typer.Option("--physics", help="Check bonds, clashes, size and how far things move.")
    ] = False,
    distribution: Annotated[
        bool,
        typer.Option(
            "--distribution",
            help="Compare torsions, size and fluctuation, or bones and feet, with what happened, "
            "or with the frames up to the start.",
        ),
    ] = False,
    conserve: Annotated[
        str | None,
        typer.Option(
            "--conserve",
            metavar="momentum",
            help="Keep the start's momentum and angular momentum, of a system on which nothing "
            "else acts.",
        ),
    ] = None,
    memory_budget: MemoryBudget = None,
    data_dir: DataDir = DATA_DIR,
    run_dir: RunDir = RUN_DIR,
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier prediction.")] = False,
) -> None:
    """Predict how a system moves on, and write it as files that other programs open."""
    with loading():
        from painet_cli.report.prediction import write_prediction

    say = session.console.print
    done = write_prediction(
        file,
        steps,
        output or Path("predictions") / (file.resolve().stem or "system"),
        checkpoint=checkpoint,
        topology=topology,
        select=select,
        start=start,
        frame_time=frame_time,
        adapt=adapt,
        save_run=save_run,
        members=members == "all",
        flag_above=flag_above,
        drop_extra=drop_extra,
        format_name=format_name,
        physics=physics,
        distribution=distribution,
        conserve=conserve,
        memory_budget=as_bytes(memory_budget),
        data_dir=data_dir,
        run_dir=run_dir,
        device=session.device,
        force=force,
        notice=lambda message: say(message, soft_wrap=True),
    )
    for warning in done.made.forecast.warnings:
        say(f"warning: {warning}", style="yellow", soft_wrap=True)
    session.emit(done.summary, *_rendered(done))


def _rendered(done: WrittenPrediction) -> list[Any]:
    from painet_cli.report.tables.distribution import distribution_tables
    from painet_cli.report.tables.forecast import (
        error_tables,
        files_table,
        opening,
        sanity_tables,
    )
    from painet_cli.report.tables.physics import physics_tables
    from painet_cli.report.tables.verdict import sure_sentence, verdict_sentences, verdict_table

    verdict, unit = done.made.verdict, done.made.forecast.system.length_unit
    sure = done.made.forecast.radius_90
    return [
        *(verdict_sentences(verdict, unit) if verdict else [sure_sentence(sure, unit)]),
        *(verdict_table(verdict, unit) if verdict else ()),
        *((f"{done.momentum.sentence(unit)}.\n",) if done.momentum else ()),
        *error_tables(done.made.forecast),
        *sanity_tables(done.made.forecast),
        *(physics_tables(done.physics) if done.physics else ()),
        *(distribution_tables(done.distribution) if done.distribution else ()),
        files_table(done.files),
        f"\nopen them in {done.folder}:",
        *(f"  {command}" for command in opening(done.files)),
    ]
