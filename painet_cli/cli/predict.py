"""`painet predict`: a structure or trajectory to what comes next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from painet_cli.cli.options import DATA_DIR, RUN_DIR, DataDir, MemoryBudget, RunDir, as_bytes
from painet_cli.cli.session import Session, loading, with_session
from painet_cli.errors import PainetError, RequestError

if TYPE_CHECKING:
    from painet_cli.report.prediction_folder import WrittenPrediction
    from painet_cli.report.request import PredictionRequest


@with_session
def predict(
    session: Session,
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FILE",
            help="A structure or trajectory (PDB, mmCIF, DCD, XTC, XYZ ...), an npz as MD17 has "
            "it, motion capture (AMC, BVH, TRC, C3D), or a prepared dataset; or several.",
            show_default=False,
        ),
    ] = None,
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
    up: Annotated[
        Literal["x", "y", "z"] | None,
        typer.Option("--up", help="Direction of height in motion capture; else y, of C3D z."),
    ] = None,
    manifest: Annotated[
        Path | None,
        typer.Option("--manifest", metavar="LIST", help="A text file with more FILEs, one a line."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="DIR",
            help="By default predictions/NAME; of several files DIR/NAME.",
        ),
    ] = None,
    physics: Annotated[
        bool, typer.Option("--physics", help="Check bonds, clashes, size and how far things move.")
    ] = False,
    unit: Annotated[
        str | None,
        typer.Option("--unit", metavar="m|cm", help="Of BVH and TRC; else the file's, TRC in m."),
    ] = None,
    fps: Annotated[
        str | None,
        typer.Option(
            "--fps",
            metavar="source|N",
            help="Resample BVH, GLB and TRC: to the rate of FILE, or N frames a second.",
        ),
    ] = None,
    with_past: Annotated[
        bool,
        typer.Option("--with-past", help="Let them begin with the known frames before the start."),
    ] = False,
    keep_bones: Annotated[
        bool, typer.Option("--keep-bones", help="Hold bones to their lengths at the start.")
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
    """Predict how a system moves on, and write it as files that other programs open.

    Of several files each has its own folder; models are loaded once, and systems
    of the same atoms and bonds share batches. What is wrong with one file is said
    at the end (exit status 2), and does not keep the others.

    Example: `painet predict traj.xtc --topology top.pdb -T 5`
    """
    from painet_cli.data.dataset.dataset import dataset_folder

    if files and len(files) == 1 and not manifest:  # a mistyped name must not wait for torch
        dataset_folder(files[0], data_dir)
    with loading():
        from painet_cli.training.device import reuse_freed_memory

        reuse_freed_memory()
        # torch comes before the rest: while it is imported it looks through all modules there are
        from painet_cli.prediction.adapting.wish import read_wish
        from painet_cli.prediction.momentum import check_conserve
        from painet_cli.prediction.outputs.motion_style import motion_style
        from painet_cli.report.many_predictions import read_list
        from painet_cli.report.request import PredictionRequest

    wanted = [*(files or []), *(read_list(manifest) if manifest else [])]
    if not wanted:
        raise RequestError("painet predict: no file", "give FILE..., or --manifest LIST")
    several = len(wanted) > 1 or manifest is not None
    if several and save_run is not None:
        raise RequestError("--save-run: a run is learned from one file", "give one FILE")
    request = PredictionRequest(
        steps,
        topology=topology,
        select=select,
        start=start,
        frame_time=frame_time,
        wish=read_wish(adapt, save_run, data_dir, force=force),
        flag_above=flag_above,
        drop_extra=drop_extra,
        format_name=format_name,
        up=up,
        memory_budget=as_bytes(memory_budget),
        data_dir=data_dir,
        style=motion_style(unit, fps, with_past=with_past),
        keep_bones=keep_bones,
        physics=physics,
        distribution=distribution,
        conserve=check_conserve(conserve),
    )
    how = {"checkpoint": checkpoint, "members": members == "all", "run_dir": run_dir}
    if several:
        _predict_many(session, wanted, request, output or Path("predictions"), force=force, **how)
    else:
        (file,) = wanted
        folder = output or Path("predictions") / (file.resolve().stem or "system")
        _predict_one(session, file, request, folder, force=force, **how)


def _predict_one(
    session: Session, file: Path, request: PredictionRequest, folder: Path, **how: Any
) -> None:
    """Predict one file, and tell what came of it in tables."""
    from painet_cli.report.prediction import write_requested

    def notice(message: str) -> None:
        session.console.print(message, soft_wrap=True)

    done = write_requested(file, request, folder, device=session.device, notice=notice, **how)
    for warning in done.made.forecast.warnings:
        session.console.print(f"warning: {warning}", style="yellow", soft_wrap=True)
    session.emit(done.summary, *_rendered(done))


def _predict_many(
    session: Session, files: list[Path], request: PredictionRequest, folder: Path, **how: Any
) -> None:
    """Predict several files, a line each as they are done, and say what they came to."""
    from painet_cli.report.many_predictions import Outcome, write_predictions
    from painet_cli.report.tables.many_predictions import outcomes_table

    say = session.console.print

    def done(file: Path, outcome: Outcome) -> None:
        if isinstance(outcome, PainetError):
            say(f"{file}: not predicted: {_without(file, outcome)}", style="yellow", soft_wrap=True)
        else:
            say(f"{file}: in {outcome.folder}", soft_wrap=True)

    found = write_predictions(files, request, folder, device=session.device, done=done, **how)
    session.emit(found.plain(), *outcomes_table(found))
    if found.failed:
        file, error = found.failed[0]
        raise RequestError(
            f"{len(found.failed)} of {len(files)} files not predicted, the first: "
            f"{file}: {_without(file, error)}",
            error.hint,
        )


def _without(file: Path, error: PainetError) -> str:
    """What is wrong, less the file's name, which stands before it."""
    return error.what.removeprefix(f"{file}: ")


def _rendered(done: WrittenPrediction) -> list[Any]:
    from painet_cli.report.tables.distribution import distribution_tables
    from painet_cli.report.tables.forecast import (
        error_tables,
        files_table,
        opening,
        sanity_tables,
    )
    from painet_cli.report.tables.physics import physics_tables
    from painet_cli.report.tables.verdict import opening_sentences, verdict_table

    verdict, unit = done.made.verdict, done.made.forecast.system.length_unit
    sure = done.made.forecast.radius_90
    return [
        *opening_sentences(verdict, sure, unit),
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
