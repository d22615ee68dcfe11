"""`painet demo`: the whole road on the trajectory in the package, in about two minutes."""

from __future__ import annotations

from shlex import quote

from painet_cli.cli.options import DATA_DIR, RUN_DIR, DataDir, RunDir
from painet_cli.cli.session import Session, with_session

PRESET = "demo"
STRAIGHT_ON = (  # one scalar a step needs no patience, but a higher rate
    "model.name=linear",
    "train.lr=0.1",
    "train.schedule.kind=constant",
    "train.epochs=20",
)


@with_session
def demo(session: Session, data_dir: DataDir = DATA_DIR, run_dir: RunDir = RUN_DIR) -> None:
    """Watch PAINET learn a molecule: prepare, train, evaluate and draw, in about two minutes.

    Example: `painet demo`
    """
    from painet_cli.cli.watch import TrainingProgress
    from painet_cli.config.presets import load_preset, preset_name
    from painet_cli.data.sources.registry import Destination
    from painet_cli.data.sources.sample import prepare_sample
    from painet_cli.evaluation.evaluate import evaluate_run
    from painet_cli.evaluation.evaluation import save_evaluation
    from painet_cli.report.pictures.run import draw_loss, draw_motion
    from painet_cli.report.tables.evaluation import evaluation_table
    from painet_cli.training.device import resolve_device, reuse_freed_memory
    from painet_cli.training.run import start_run

    reuse_freed_memory()
    say = session.console.print
    device = resolve_device(session.device)
    folder = data_dir / "sample"
    if not folder.exists():
        prepare_sample(Destination(data_dir, command="painet demo"))
        say(f"prepared {folder}: 20,000 frames of ethanol at 500 K, 0.5 fs apart")

    summaries = []
    for settings, title in ((STRAIGHT_ON, "straight on, the yardstick"), ((), "PAINET")):
        say(f"\ntraining {title}")
        with TrainingProgress(session) as progress:
            preset = load_preset(PRESET, settings)
            name = preset_name(PRESET)
            summaries.append(start_run(preset, name, data_dir, run_dir, device, progress))
    evaluations = [evaluate_run(summary.run, data_dir, device) for summary in summaries]
    for evaluation in evaluations:
        save_evaluation(evaluation)

    yardstick, painet = evaluations
    pictures = [draw_loss(painet.run, painet.unit), draw_motion(painet.run, data_dir, device)]
    session.emit(
        {
            "runs": [evaluation.plain() for evaluation in evaluations],
            "pictures": pictures,
            "ratio": painet.mse / yardstick.mse,
        },
        *evaluation_table(evaluations, {summary.run: summary.epoch_s for summary in summaries}),
        f"\nPAINET's error is {painet.mse / yardstick.mse:.0%} of the straight line's.\n"
        f"  how it learned:       {pictures[0]}\n"
        f"  what it predicts:     {pictures[1]}\n\n"
        "Next:\n"
        "  painet presets                               the experiments of the paper\n"
        "  painet prepare mocap --subject 9 --source X  human motion, then:\n"
        "  painet train --preset mocap-run-s2s          the paper's Run row\n"
        f"  painet evaluate {quote(str(painet.run))} --horizon 10\n",
    )
