from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.image import imread
from numpy.typing import NDArray

from forecasts import WATER, chain, forecast, unknown
from painet_cli.errors import PainetError, RequestError
from painet_cli.prediction.forecast import Forecast
from painet_cli.report.pictures.canvas import COLOURS, DPI
from painet_cli.report.pictures.motion import draw_snapshots
from painet_cli.report.pictures.particles import ELEMENTS


def drawn(made: Forecast, folder: Path) -> NDArray[np.float64]:
    path = folder / "snapshots.png"
    draw_snapshots(made, path)
    assert not list(folder.glob(".*.partial"))
    return np.asarray(imread(path))[..., :3]


def has_colour(image: NDArray[np.float64], colour: str) -> bool:
    wanted = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return bool((np.abs(image - wanted).max(axis=-1) < 0.01).any())


@pytest.fixture
def notes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is written under the snapshots, as it is drawn."""
    written: list[str] = []
    plain = Axes.set_xlabel

    def record(axes: Axes, text: str, **style: object) -> object:
        written.append(text)
        return plain(axes, text, **style)

    monkeypatch.setattr(Axes, "set_xlabel", record)
    return written


def test_truth_stands_above_prediction_in_the_colours_of_elements(tmp_path: Path) -> None:
    image = drawn(forecast(), tmp_path)
    top, bottom = np.array_split(image, 2)
    assert has_colour(top, ELEMENTS["O"])
    assert has_colour(bottom, ELEMENTS["O"])


def test_time_and_mse_stand_under_each_snapshot(tmp_path: Path, notes: list[str]) -> None:
    made = forecast(starts=2)
    assert made.truth is not None
    drawn(made, tmp_path)
    mse = np.square(made.positions[0] - made.truth[0]).mean(axis=(1, 2))
    assert [note.split("\n")[1] for note in notes] == [f"(+{10 * k} fs)" for k in range(1, 6)]
    written = [float(note.split()[1]) for note in notes]
    np.testing.assert_allclose(written, mse, rtol=5e-3)


def test_without_truth_there_is_one_row_and_how_far_it_moved(
    tmp_path: Path, notes: list[str]
) -> None:
    known = drawn(forecast(), tmp_path)
    notes.clear()
    alone = drawn(unknown(forecast()), tmp_path)
    assert len(alone) < 0.75 * len(known)
    assert all(note.startswith("moved ") for note in notes)


@pytest.mark.parametrize(("steps", "expected"), [(1, 1), (3, 3), (12, 5)])
def test_the_last_step_is_always_there(
    steps: int, expected: int, tmp_path: Path, notes: list[str]
) -> None:
    drawn(forecast(steps=steps), tmp_path)
    assert len(notes) == expected
    assert notes[-1].endswith(f"(+{10 * steps} fs)")


def test_large_systems_are_told_apart_by_row(tmp_path: Path) -> None:
    image = drawn(forecast(chain(400)), tmp_path)
    top, _, bottom = np.array_split(image, 3)
    assert not has_colour(top, COLOURS[0])
    assert has_colour(bottom, COLOURS[0])


def test_a_standing_figure_is_no_taller_than_a_page(tmp_path: Path) -> None:
    made = forecast(chain(20), up_axis="y")
    stretch = np.array([0.2, 5, 0.2], dtype=np.float32)
    assert made.truth is not None
    tall = replace(
        made,
        system=replace(made.system, frames=made.system.frames * stretch),
        positions=made.positions * stretch,
        truth=made.truth * stretch,
    )
    assert len(drawn(tall, tmp_path)) < 8 * DPI


def test_elements_without_a_colour_share_one(tmp_path: Path) -> None:
    particles = WATER.model_copy(update={"elements": ("ZN", "H", "H")})
    assert has_colour(drawn(forecast(particles), tmp_path), COLOURS[3])


def test_positions_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    made = forecast()
    made.positions[0, -1, 0] = np.nan
    with pytest.raises(PainetError, match="NaN or infinite"):
        draw_snapshots(made, tmp_path / "snapshots.png")


def test_a_strange_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"name a \.png file"):
        draw_snapshots(forecast(), tmp_path / "snapshots.xyz")
