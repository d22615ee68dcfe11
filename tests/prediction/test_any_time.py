"""Checkpoints that serve any time in a range: structures, files that do not say it, and others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from painet_cli.cli.app import main

METHANOL = ["C", "O", "H", "H", "H", "H"]
PLACES = np.array(
    [
        (-0.66, -0.02, 0.0),
        (0.75, 0.12, 0.0),
        (-1.08, 0.98, 0.0),
        (-0.98, -0.55, 0.89),
        (-0.98, -0.55, -0.89),
        (1.1, -0.77, 0.0),
    ]
)
Predict = Any


@pytest.fixture
def predict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Predict:
    """Predict frames of methanol with the shipped checkpoint `molecule`."""

    def typed(frames: int, *words: str) -> tuple[int, dict[str, Any], str]:
        lines = []
        for place in PLACES + 0.01 * np.random.default_rng(0).normal(size=(frames, 6, 3)):
            lines += ["6", ""]
            lines += [
                f"{n} {x:.4f} {y:.4f} {z:.4f}" for n, (x, y, z) in zip(METHANOL, place, strict=True)
            ]
        file, out = tmp_path / "methanol.xyz", tmp_path / "out"
        file.write_text("\n".join([*lines, ""]))
        command = ["predict", str(file), "--checkpoint", "molecule", "-T", "3", *words]
        status = main([*command, "--force", "-o", str(out), "--run-dir", str(tmp_path / "none")])
        summary = json.loads((out / "summary.json").read_text()) if status == 0 else {}
        return status, summary, capsys.readouterr().err

    return typed


def test_a_structure_is_no_time_apart_from_another(predict: Predict) -> None:
    status, summary, said = predict(1)
    assert status == 0
    assert "methanol is no motion: steps are 1 fs apart" in said
    assert np.allclose(summary["times_s"], [1e-15, 2e-15, 3e-15])


def test_a_structure_is_predicted_over_any_time_of_the_range(predict: Predict) -> None:
    status, summary, said = predict(1, "--frame-time", "7fs")
    assert status == 0
    assert "no motion" not in said
    assert np.allclose(summary["times_s"], [7e-15, 14e-15, 21e-15])


def test_a_motion_must_say_its_time(predict: Predict) -> None:
    status, _, said = predict(3)
    assert status == 2
    assert "the input does not say how far apart" in said


@pytest.mark.parametrize("frames", [1, 80])
def test_a_time_that_a_checkpoint_does_not_serve_is_refused_if_it_was_asked_for(
    predict: Predict, frames: int
) -> None:
    status, _, said = predict(frames, "--frame-time", "1ps")
    assert status == 2
    assert "those of the input are 1 ps apart" in said
    assert len(said.strip().splitlines()) <= 3
