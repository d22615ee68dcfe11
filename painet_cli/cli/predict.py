"""`painet predict`: a structure or trajectory to what comes next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from painet_cli.cli.options import DATA_DIR, RUN_DIR, DataDir, MemoryBudget, RunDir, as_bytes
from painet_cli.cli.session import Session, finite, with_session

if TYPE_CHECKING:
    from painet_cli.evaluation.physics.checks import PhysicsReport
    from painet_cli.prediction.outputs.write import Written
    from painet_cli.prediction.pipeline import RecordingForecast

SUMMARY = "summary.json"
PAGE = "report.html"
PICTURE = "snapshots.png"


@with_session
def predict(
    session: Session,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="A structure or trajectory that MDAnalysis reads, an npz as MD17 has it, an AMC "
            "motion, or a prepared dataset.",
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
    memory_budget: MemoryBudget = None,
    data_dir: DataDir = DATA_DIR,
    run_dir: RunDir = RUN_DIR,
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier prediction.")] = False,
) -> None:
    """Predict how a system moves on, and write it as files that other programs open."""
    from painet_cli.data.units import seconds
    from painet_cli.prediction.checkpoints import known_checkpoints
    from painet_cli.prediction.inputs.open import open_input
    from painet_cli.prediction.pipeline import forecast_recording
    from painet_cli.storage.atomic import check_writable
    from painet_cli.training.device import resolve_device

    frame_time_s = None if frame_time is None else seconds(frame_time)
    say = session.console.print
    folder = output or Path("predictions") / (file.resolve().stem or "system")
    check_writable(folder, force=force, place="output")
    with open_input(
        file,
        topology=topology,
        frame_time_s=frame_time_s,
        data_dir=data_dir,
        drop_extra=drop_extra,
        format_name=format_name,
    ) as source:
        done = forecast_recording(
            source,
            steps,
            known_checkpoints(checkpoint, run_dir),
            resolve_device(session.device),
            select=select,
            start=start,
            memory_budget=as_bytes(memory_budget),
            notice=lambda message: say(message, soft_wrap=True),
        )
    for warning in done.forecast.warnings:
        say(f"warning: {warning}", style="yellow", soft_wrap=True)
    report = _checked(done) if physics else None
    inputs = [path for path in (done.forecast.system.path, topology) if path is not None]
    written, payload = _write(done, report, folder, inputs, force=force)
    session.emit(payload, *_rendered(done, report, folder, written))


def _checked(done: RecordingForecast) -> PhysicsReport:
    from painet_cli.evaluation.physics.checks import physical_checks

    forecast = done.forecast
    return physical_checks(
        forecast.start_positions,
        forecast.positions,
        forecast.system.particles,
        length_unit=forecast.system.length_unit,
        truth=forecast.truth,
    )


def _write(
    done: RecordingForecast,
    report: PhysicsReport | None,
    folder: Path,
    inputs: list[Path],
    *,
    force: bool,
) -> tuple[list[Written], dict[str, Any]]:
    """Fill the folder, all or nothing; return its files, and `summary.json`."""
    import json

    from painet_cli.prediction.outputs.write import Written, write_prediction
    from painet_cli.report.page.write import write_page
    from painet_cli.report.pictures.motion import draw_snapshots
    from painet_cli.storage.atomic import new_folder
    from painet_cli.storage.provenance import KEY, sealed

    forecast, choice = done.forecast, done.choice
    about = [f"Checkpoint {choice.checkpoint.name}, {choice.reason}.", *forecast.warnings]
    with new_folder(folder, force=force) as staging:
        written = write_prediction(
            forecast.system,
            forecast.positions,
            forecast.times_s,
            forecast.starts,
            staging,
            truth=forecast.truth,
        )
        shown = forecast.at_origin()
        write_page(
            shown,
            staging / PAGE,
            title=f"{forecast.system.name}, predicted by {choice.checkpoint.name}",
            notes=[*about, *(report.findings if report else [])],
        )
        draw_snapshots(shown, staging / PICTURE)
        written = [
            Written(staging / PAGE, "the motion to play and turn", 0, [f"any browser: {PAGE}"]),
            Written(staging / PICTURE, "some steps side by side", 0, []),
            *written,
        ]
        payload = _payload(done, report, folder, written)
        payload[KEY] = _provenance(done, inputs, written)
        summary = sealed(finite(payload))
        (staging / SUMMARY).write_text(summary, encoding="utf-8")
    return written, json.loads(summary)


def _provenance(
    done: RecordingForecast, inputs: list[Path], written: list[Written]
) -> dict[str, Any]:
    from painet_cli.data.dataset.dataset import MANIFEST
    from painet_cli.storage.provenance import provenance
    from painet_cli.training.record import trained_facts

    checkpoint, header = done.choice.checkpoint, done.loaded.header
    facts = {
        "checkpoint": str(checkpoint.path.resolve()),
        "tensors_sha256": header.tensors_sha256,
        **trained_facts(header),
    }
    read = [path / MANIFEST if path.is_dir() else path for path in inputs]
    return provenance({one.path.name: one.path for one in written}, read, facts)


def _payload(
    done: RecordingForecast, report: PhysicsReport | None, folder: Path, written: list[Written]
) -> dict[str, Any]:
    """The prediction as plain data: `summary.json`, and what `--json` prints."""
    forecast, choice, header = done.forecast, done.choice, done.loaded.header
    errors = forecast.step_mse()
    means = {name: sum(row) / len(row) for name, row in (errors or {}).items()}
    system, times = forecast.system, forecast.times_s.tolist()
    return {
        "outputs": [
            {
                "path": str(folder / one.path.name),
                "what": one.what,
                "frames": one.frames,
                "open_with": one.open_with,
            }
            for one in written
        ],
        "folder": str(folder),
        "input": str(system.path),
        "checkpoint": choice.checkpoint.name,
        "reason": choice.reason,
        "warnings": list(forecast.warnings),
        "steps": len(times),
        "trained_steps": header.preset.data.horizon,
        "particles": len(system.particles.names),
        "selection": choice.selected.language,
        "start_frame": done.start_frames[0],
        "start_frames": done.start_frames,
        "time_per_step": times[1] - times[0] if len(times) > 1 else times[0],
        "times_s": times,
        "unit": f"{system.length_unit}²",
        "mse_against_input": means.get("prediction"),
        "mse": means,
        "step_mse": errors,
        "physics": report and report.plain(),
    }


def _rendered(
    done: RecordingForecast, report: PhysicsReport | None, folder: Path, written: list[Written]
) -> list[Any]:
    from painet_cli.report.tables.forecast import error_tables, files_table, opening
    from painet_cli.report.tables.physics import physics_tables

    return [
        *error_tables(done.forecast),
        *(physics_tables(report) if report else ()),
        files_table(written),
        f"\nopen them in {folder}:",
        *(f"  {command}" for command in opening(written)),
    ]
