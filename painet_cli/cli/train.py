"""`painet train`: a dataset to a run."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from painet_cli.cli.options import (
    DATA_DIR,
    RUN_DIR,
    DataDir,
    MemoryBudget,
    PresetOption,
    RunDir,
    Settings,
    as_bytes,
    refuse_contradictions,
)
from painet_cli.cli.session import Session, with_session
from painet_cli.errors import RequestError

if TYPE_CHECKING:
    import torch

    from painet_cli.config.presets import Preset
    from painet_cli.training.distributed.world import World
    from painet_cli.training.record import RunSummary


@with_session
def train(
    session: Session,
    preset: PresetOption = "",
    settings: Settings = None,
    model: Annotated[
        str | None, typer.Option("--model", help="Another model on this preset.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, help="The preset's seed by default.")
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Train N seeds, one run each.")] = 1,
    together: Annotated[
        bool, typer.Option("--together", help="Train the seeds as one model of stacked weights.")
    ] = False,
    epochs: Annotated[int | None, typer.Option("--epochs", min=1, help="Most epochs.")] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            "--resume",
            metavar="RUN",
            help="Go on with a run that was stopped; without a checkpoint it begins anew.",
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="NAME|RUN",
            help="Begin with a trained model's weights, and its preset unless one is given.",
        ),
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option("--budget", metavar="MINUTES", min=0.0, help="Stop after so much training."),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="WORD", help="What to call the run.")
    ] = None,
    tags: Annotated[
        list[str] | None,
        typer.Option("--tag", metavar="WORD", help="A word to find runs by; may be repeated."),
    ] = None,
    record: Annotated[
        list[str] | None,
        typer.Option(
            "--record", metavar="NAME", help="Also to tensorboard, wandb, mlflow; may be repeated."
        ),
    ] = None,
    memory_budget: MemoryBudget = None,
    data_dir: DataDir = DATA_DIR,
    run_dir: RunDir = RUN_DIR,
) -> None:
    """Train a preset and evaluate it on its test windows.

    Example: `painet train --preset demo --set train.lr=1e-3`
    """
    if bool(preset or start) == bool(resume):
        raise RequestError(
            "give either --preset NAME, --from NAME|RUN or --resume RUN",
            "`painet presets` lists the presets, `painet checkpoints` what to begin with",
        )
    if resume and (
        settings or model or name or tags or seed is not None or seeds > 1 or memory_budget
    ):
        raise RequestError(
            "--resume goes on with a run's own preset",
            "only --epochs and --budget may change; start a new run for the rest",
        )
    options: dict[str, tuple[str, object]] = {
        "--model": ("model.name", model),
        "--seed": ("train.seed", seed),
        "--epochs": ("train.epochs", epochs),
    }
    refuse_contradictions(settings, {**options, "--from": ("train.start_from", start)})
    if together and (seeds == 1 or resume):
        raise RequestError(
            "--together trains several seeds as one", "give --seeds K of two or more"
        )

    from painet_cli.cli.watch import TrainingProgress
    from painet_cli.training.device import reuse_freed_memory
    from painet_cli.training.distributed.join import joined
    from painet_cli.training.distributed.launch import launched
    from painet_cli.training.run import resume_run, start_run
    from painet_cli.training.run_folder import CONFIG, LAST, run_label
    from painet_cli.training.together import start_together
    from painet_cli.training.watching.callback import Callback, Callbacks
    from painet_cli.training.watching.recorders import recording

    if together and launched().size > 1:
        raise RequestError("--together is work for one process", "leave out torchrun or srun")
    label = run_label(name, tags or ())

    def watching(progress: Callback) -> Callbacks:
        return Callbacks([progress, *map(recording, record or ())])

    reuse_freed_memory()
    budget_s = None if budget is None else 60 * budget
    memory = as_bytes(memory_budget)
    with joined(launched(), session.device) as (world, device):
        session = session.of(world)
        summaries = []
        if resume:
            if (resume / CONFIG).is_file() and not (resume / LAST).is_file():
                say = session.console.print
                say(f"{resume}: no checkpoint yet, it begins anew", soft_wrap=True)
            with TrainingProgress(session) as progress:
                told = watching(progress)
                summaries.append(
                    resume_run(resume, data_dir, device, told, epochs, budget_s, world)
                )
        else:
            with world.all_or_none():
                _refuse_unknown(model)
                typed = [(key, value) for key, value in options.values() if value is not None]
                given = [f"{key}={value}" for key, value in typed]
                of, presets = _presets(preset, start, [*given, *(settings or [])], seeds)
            if together:
                lines = [TrainingProgress(session, f"seed {one.train.seed}  ") for one in presets]
                with ExitStack() as stack:
                    told_each = [watching(stack.enter_context(line)) for line in lines]
                    summaries = start_together(
                        presets, of, data_dir, run_dir, device, told_each, budget_s, memory, label
                    )
            else:
                for one in presets:
                    with TrainingProgress(session) as progress:
                        told = watching(progress)
                        summary = start_run(
                            one, of, data_dir, run_dir, device, told, budget_s, world, memory, label
                        )
                    summaries.append(summary)
        _report(session, summaries, data_dir, device, world)


def _refuse_unknown(model: str | None) -> None:
    """Refuse a model that is none in the words of `--model`."""
    from painet_cli.config.models import MODEL_CONFIGS
    from painet_cli.errors import did_you_mean

    if model is not None and model not in MODEL_CONFIGS:
        known = list(MODEL_CONFIGS.registered())
        raise RequestError(
            f"--model {model}: no such model",
            f"{did_you_mean(model, known)}there are {', '.join(known)}",
        )


def _presets(
    name_or_path: str, start: str | None, settings: list[str], seeds: int
) -> tuple[str, list[Preset]]:
    """Name of the preset, and the preset once for every seed."""
    from painet_cli.config.presets import load_preset, preset_name

    if start is None:
        first, name = load_preset(name_or_path, settings), preset_name(name_or_path)
    else:
        from painet_cli.prediction.checkpoints import find_checkpoint

        found = find_checkpoint(start)
        begun = found.header.preset
        name = preset_name(name_or_path) if name_or_path else found.header.preset_name
        first = load_preset(name_or_path, settings) if name_or_path else begun.changed(settings)
        first = first.changed({"train.start_from": str(found.path.resolve())})
    seed = first.train.seed
    return name, [first.changed({"train.seed": seed + k}) for k in range(seeds)]


def _report(
    session: Session,
    summaries: list[RunSummary],
    data_dir: Path,
    device: torch.device,
    world: World,
) -> None:
    """Evaluate the runs on their test windows and hand everything over."""
    from painet_cli.evaluation.evaluate import evaluate_run
    from painet_cli.evaluation.evaluation import save_evaluation
    from painet_cli.report.pictures.run import draw_loss
    from painet_cli.report.tables.evaluation import evaluation_table

    rows: list[dict[str, Any]] = []
    evaluations = []
    for summary in summaries:
        evaluation = evaluate_run(summary.run, data_dir, device, world=world)
        with world.all_or_none():
            if world.is_writer:
                save_evaluation(evaluation)
                if summary.epochs:
                    draw_loss(summary.run, evaluation.unit)
        evaluations.append(evaluation)
        rows.append({**asdict(summary), "test": evaluation.plain()})
        session.console.print(
            f"{summary.run}: stopped by {summary.stopped_by} after {summary.epochs} epochs, "
            f"best at {summary.best_epoch}"
        )
    payload = rows[0] if len(rows) == 1 else {"runs": rows}
    with world.all_or_none():
        session.emit(payload, *evaluation_table(evaluations, {s.run: s.epoch_s for s in summaries}))
