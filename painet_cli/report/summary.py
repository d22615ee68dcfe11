"""What `summary.json` says of a prediction, and what the prediction was made of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from painet_cli.data.dataset.dataset import MANIFEST
from painet_cli.evaluation.physics.checks import PhysicsReport
from painet_cli.prediction.outputs.viewers import Written
from painet_cli.prediction.pipeline import RecordingForecast
from painet_cli.storage.provenance import provenance
from painet_cli.training.record import trained_facts

_NOTHING_LEARNED: dict[str, Any] = {
    "chosen": None,
    "weights": {},
    "skill": None,
    "yardsticks": {},
    "loses_to": [],
}


def summary_of(
    made: RecordingForecast, checks: PhysicsReport | None, folder: Path, files: Sequence[Written]
) -> dict[str, Any]:
    """The prediction as plain data, for programs that read `summary.json`."""
    forecast, choice, loaded = made.forecast, made.choice, made.loaded
    errors, laid = forecast.step_mse(), forecast.superposed_step_mse()
    means = {name: sum(row) / len(row) for name, row in (errors or {}).items()}
    system, times = forecast.system, forecast.times_s.tolist()
    begins = system.start_times_s(forecast.starts)
    return {
        "outputs": [
            {
                "path": str(folder / one.path.name),
                "what": one.what,
                "frames": one.frames,
                "open_with": one.open_with,
            }
            for one in files
        ],
        "folder": str(folder),
        "input": str(system.path),
        "checkpoint": choice and choice.checkpoint.name,
        "reason": choice and choice.reason,
        "predicted_by": made.name,
        "warnings": list(forecast.warnings),
        "steps": len(times),
        "trained_steps": loaded and loaded.header.preset.data.horizon,
        "particles": len(system.particles.names),
        "selection": made.selected.language,
        "start_frame": made.start_frames[0],
        "start_frames": made.start_frames,
        "flagged": made.flagged,
        "time_per_step": times[1] - times[0] if len(times) > 1 else times[0],
        "times_s": times,
        "start_times_s": None if begins is None else begins.tolist(),
        "unit": f"{system.length_unit}²",
        "mse_against_input": means.get("prediction"),
        "mse": means,
        "step_mse": errors,
        "superposed_step_mse": laid,
        **_NOTHING_LEARNED,
        **(made.verdict.plain() if made.verdict else {}),
        "radius_90": None if forecast.radius_90 is None else forecast.radius_90.tolist(),
        "sanity": forecast.sanity and forecast.sanity.plain(),
        "velocity": {
            "used": sorted(set(forecast.velocity_sources)),
            "trained": loaded and loaded.header.preset.data.velocity,
        },
        "physics": checks and checks.plain(),
    }


def provenance_of(
    made: RecordingForecast, inputs: Sequence[Path], files: Sequence[Written]
) -> dict[str, Any]:
    """What a prediction was made of: what predicted, the files that were read and those written."""
    facts: dict[str, Any] = {"predicted_by": made.name}
    if made.verdict is not None and made.verdict.weights:
        facts["weights"] = dict(made.verdict.weights)
    if made.choice is not None and made.loaded is not None and made.by_checkpoint:
        header = made.loaded.header
        facts |= {
            "checkpoint": str(made.choice.checkpoint.path.resolve()),
            "tensors_sha256": header.tensors_sha256,
            **trained_facts(header),
        }
        if made.choice.checkpoint.others:
            facts["members"] = [str(path.resolve()) for path in made.choice.checkpoint.others]
    read = [path / MANIFEST if path.is_dir() else path for path in inputs]
    return provenance({one.path.name: one.path for one in files}, read, facts)
