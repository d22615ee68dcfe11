"""Pictures of a run: how it learned, and what it predicts beside what happened."""

from __future__ import annotations

from pathlib import Path

import torch

from painet_cli.data.units import time_text
from painet_cli.evaluation.opened_run import load_run, windows_for
from painet_cli.report.pictures.loss import loss_plot, read_metrics
from painet_cli.report.pictures.motion import motion_picture
from painet_cli.training.loss import squared_errors

LOSS = "loss.png"
MOTION = "motion.png"


def draw_loss(run: Path, unit: str) -> Path:
    """Plot a run's training and validation MSE as `loss.png` in its folder.

    Raises
    ------
    RequestError
        No epoch is recorded, or the picture cannot be written.
    """
    loss_plot({run.parent.name: read_metrics(run)}, run / LOSS, unit=unit)
    return run / LOSS


def draw_motion(run: Path, data_dir: Path, device: torch.device) -> Path:
    """Draw a typical test window of a run, truth above prediction, as `motion.png` in its folder.

    Typical is the window whose error is the median of all test windows.

    Raises
    ------
    RequestError
        The run cannot be evaluated, or the picture cannot be written.
    """
    model, header, dataset = load_run(run, data_dir, device)
    windows = windows_for(dataset, header.preset, "test", device=device, known=header.type_names)
    with torch.no_grad():
        errors = torch.cat(
            [
                squared_errors(model(batch.question()), batch).mean(dim=1)
                for batch in windows.batches(header.preset.train.batch_size)
            ]
        )
        typical = errors.argsort()[len(errors) // 2]
        batch = windows.batch(typical[None].cpu())
        predicted = model(batch.question())
    manifest = windows.dataset_of(int(typical)).manifest
    times_s = windows.target_times_s(typical[None].cpu())[0]
    motion_picture(
        batch.known_targets().cpu().numpy(),
        predicted.cpu().numpy(),
        batch.positions.cpu().numpy(),
        manifest.particles.bonds,
        run / MOTION,
        unit=manifest.units.length,
        type_names=manifest.particles.type_names,
        types=manifest.particles.types,
        titles=[f"+{time_text(one)}" for one in times_s.tolist()],
        up_axis=manifest.up_axis,
    )
    return run / MOTION
