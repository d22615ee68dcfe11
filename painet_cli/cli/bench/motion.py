"""`painet bench motion`: errors in millimetres, as papers on human motion print them."""

from __future__ import annotations

import json
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
    refuse_failed,
    refuse_model,
    save_bench,
    train,
)
from painet_cli.cli.options import DATA_DIR, DataDir, Settings, refuse_contradictions
from painet_cli.cli.session import Session, with_session

MODELS = "kernel,egnn,painet"
_NODE = ["speed", "height", "past"]
"""Features of particles, of models that read features."""


@with_session
def motion(
    session: Session,
    dataset: Annotated[
        str, typer.Option("--dataset", metavar="NAME", help="Prepared motion capture.")
    ] = "mocap-walk",
    models: Annotated[
        str, typer.Option("--models", metavar="A,B", help="Models that read past frames.")
    ] = MODELS,
    seeds: Seeds = 1,
    epochs: Epochs = None,
    budget: Budget = None,
    jobs: Jobs = 1,
    settings: Settings = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="Runs and tables go here.")
    ] = Path("bench/motion"),
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Measure MPJPE in mm at 80 to 1000 ms, global and root-relative, from ten past frames.

    The dataset is thinned to about 25 frames a second and split into separate
    stretches. Beside the models stand zero velocity, constant velocity and a
    siMLPe-like network, which is trained on the same windows. A cell that is done
    is not trained again; one that was stopped goes on. `--set` cannot change what
    the task sets of `data`.

    Example: `painet bench motion --dataset mocap-run --models kernel --epochs 50`
    """
    from painet_cli.benchmark.cells import make_cells, read_results
    from painet_cli.benchmark.motion.protocol import check_settings, motion_task, task_settings
    from painet_cli.benchmark.motion.rows import model_rows, yardstick_rows
    from painet_cli.benchmark.motion.tables import motion_markdown, motion_tables
    from painet_cli.cli.data import open_named
    from painet_cli.config.differences import flat_given
    from painet_cli.config.dotted import comma_list

    refuse_contradictions(settings, {"--epochs": ("train.epochs", epochs)})
    refuse_model(settings, "--models")
    source = open_named(dataset, data_dir)
    given = flat_given(settings or ())
    check_settings(given, source)
    fixed = [f"{key}={json.dumps(value)}" for key, value in task_settings(source).items()]
    node = given.get("features.node", _NODE)
    if node != _NODE:
        session.console.print(f"features.node: {node} as --set has it, not {_NODE} of the task")
    with locked(out):
        thinned = out / "data"
        task = motion_task(source, thinned)
        changes = list(settings or ())
        changes += [] if epochs is None else [f"train.epochs={epochs}"]
        cells = []
        for model in dict.fromkeys(comma_list(models)):
            own = [] if model == "kernel" else [f"features.node={json.dumps(_NODE)}"]
            every = [*fixed, *own, *changes]
            cells += make_cells(["motion"], [model], seeds, every, out, thinned)
        failed = train(session, cells, thinned, budget, jobs)
        results = read_results(cells)
        with session.console.status("training the siMLPe-like yardstick"):
            rows = [*yardstick_rows(task, seeds), *model_rows(task, results)]
        content = save_bench(out, rows, motion_markdown(rows), evaluations_of(results))
    session.emit(content, *motion_tables(rows))
    refuse_failed(failed, len(cells), out)
