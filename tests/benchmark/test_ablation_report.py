"""An ablation's tables and plots: seeds joined, the others tested against the preset as it is."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from rich.console import Console

from painet_cli.benchmark import ablation_plots
from painet_cli.benchmark.ablation import ABLATIONS, Point, make_points, varied
from painet_cli.benchmark.ablation_plots import write_ablation_plots
from painet_cli.benchmark.ablation_rows import (
    AblationRow,
    ablation_markdown,
    ablation_rows,
    ablation_tables,
)
from painet_cli.errors import RequestError
from painet_cli.evaluation.evaluation import Evaluation


def pretend(point: Point, mse: float, stopped_by: str = "epochs", windows: int = 20) -> None:
    """Leave the files of a training whose test windows lie around `mse`."""
    for cell in point.cells:
        steps = cell.preset.data.horizon
        own = mse * (1 + 0.1 * (cell.seed - 1))
        cell.folder.mkdir(parents=True, exist_ok=True)
        record = {
            "epochs": 40, "stopped_by": stopped_by, "epoch_s": 0.5, "peak_memory_gb": 0.25,
            "memory_kind": "resident set above start", "parameters": 1234, "device": "cpu",
            "threads": 1, "dataset_sha256": "0" * 64,
        }  # fmt: skip
        evaluation = dict.fromkeys(Evaluation.plain_names()) | {
            "mse": own, "f_mse": own, "a_mse": own, "split": "test",
            "horizon": steps, "step_mse": [own] * steps, "unit": "angstrom²", "windows": windows,
            "dataset": "sample", "label": "", "as_published": False, "split_kind": "random",
            "leak": 0.0, "time_s": 0.1, "peak_memory_gb": 0.2,
            "superposed_step_mse": [], "superposed_yardsticks": {},
        }  # fmt: skip
        (cell.folder / "run.json").write_text(json.dumps(record))
        (cell.folder / "evaluation.json").write_text(json.dumps(evaluation))
        spread = own * np.linspace(0.9, 1.1, windows)[:, None] * np.ones(steps)
        np.save(cell.folder / "window_errors.npy", spread)


@pytest.fixture
def points(small_preset: Path, data_dir: Path, tmp_path: Path) -> list[Point]:
    figures = [replace(ABLATIONS[name], presets=(str(small_preset),)) for name in ("4b", "5")]
    return make_points(figures, 2, [], tmp_path, data_dir)


@pytest.fixture
def rows(points: list[Point]) -> list[AblationRow]:
    for number, point in enumerate(points):
        pretend(point, 0.5 + 0.1 * number, "budget" if number == 1 else "epochs")
    return ablation_rows(points)


def shown(rows: Sequence[AblationRow]) -> str:
    console = Console(file=io.StringIO(), width=80, no_color=True)
    for renderable in ablation_tables(rows):
        console.print(renderable)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= 80
    return text


def test_a_row_a_variant_with_its_seeds_joined(rows: list[AblationRow]) -> None:
    assert len(rows) == 4 + 10
    mlp = rows[2]
    assert (mlp.figure, mlp.variant, mlp.settings) == ("4b", "MLP-add", ["model.decoder=mlp-add"])
    assert mlp.seed_mse == pytest.approx([0.7, 0.77])
    assert mlp.mse == pytest.approx(0.735)
    assert mlp.sd == pytest.approx(0.07 / 2**0.5)


def test_the_others_are_tested_against_painet(rows: list[AblationRow]) -> None:
    plain, recurrent, *_ = rows
    assert plain.plain
    assert plain.p_value is None
    assert recurrent.p_value is not None
    assert recurrent.p_value < 0.05
    assert [row.variant for row in rows if row.plain] == ["EGNN, parallel", "2"]


def test_a_p_that_speaks_for_the_one_with_the_higher_mean_is_marked(points: list[Point]) -> None:
    plain, other = points[:2]
    pretend(plain, 0.5)
    pretend(other, 0.6)
    for cell in other.cells:  # lower in all windows but one, which makes the mean
        steps = cell.preset.data.horizon
        np.save(cell.folder / "window_errors.npy", np.full((20, steps), 0.1))
    rows = ablation_rows(points[:2])
    assert [row.windows_contradict for row in rows] == [False, True]
    flat = " ".join(shown(rows).split())
    assert "<0.001↕" in flat
    assert "↕: p speaks for the one with the higher mean" in flat


def test_tables_name_figures_and_say_what_they_are_of(rows: list[AblationRow]) -> None:
    text = shown(rows)
    assert "Figure 4b: decoders, small" in text
    assert "Figure 5: layers of the decoder, small" in text
    assert "as it is" in text
    flat = " ".join(text.split())
    assert "†: training ended by its budget" in flat
    assert "sample standard deviation over seeds" in flat


def test_settings_of_all_variants_are_named_and_one_thread_is_one(rows: list[AblationRow]) -> None:
    markdown = ablation_markdown(rows, [], ["model.hidden=32"])
    assert "- Changed in every preset: model.hidden=32." in markdown
    assert "cpu, 1 thread." in markdown


def test_where_no_variant_is_the_preset_it_is_said_why_there_is_no_p(
    rows: list[AblationRow],
) -> None:
    others = [row for row in rows if not row.plain]
    assert "No p: no variant is the preset as it is" in shown(others)
    assert "No p:" not in shown(rows)


def test_a_variant_without_a_result_is_left_out(points: list[Point]) -> None:
    pretend(points[0], 0.5)
    (row,) = ablation_rows(points[:4])
    assert row.variant == "EGNN, parallel"


@pytest.mark.parametrize(
    ("vary", "windows", "said"),
    [
        ("data.horizon=2,4", (20, 20), "data.horizon differs from the preset's"),
        ("data.delta_frames=20,10", (20, 20), "data.delta_frames differs from the preset's"),
        ("data.history=0,3", (20, 18), "18 test windows, and the preset has 20"),
    ],
)
def test_variants_of_other_windows_are_not_tested_against_the_preset(
    small_preset: Path, data_dir: Path, tmp_path: Path, vary: str, windows: tuple[int, int],
    said: str,
) -> None:  # fmt: skip
    figure = replace(varied(vary), presets=(str(small_preset),))
    points = make_points([figure], 3, [], tmp_path, data_dir)
    for point, mse, count in zip(points, (0.5, 0.7), windows, strict=True):
        pretend(point, mse, windows=count)
    plain, other = ablation_rows(points)
    assert plain.plain
    assert (other.p_value, other.p_seeds) == (None, None)
    assert said in other.untested
    assert f"{other.settings[0]}: no p, {said}" in " ".join(shown([plain, other]).split())


def test_variants_of_the_same_windows_are_tested_whatever_they_read_before(
    small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    figure = replace(varied("data.history=0,3"), presets=(str(small_preset),))
    points = make_points([figure], 3, [], tmp_path, data_dir)
    for point, mse in zip(points, (0.5, 0.7), strict=True):
        pretend(point, mse)
    assert ablation_rows(points)[1].p_value is not None


def test_models_are_no_variants_of_each_other() -> None:
    with pytest.raises(RequestError, match="an ablation is of one model"):
        varied("model.name=egnn,painet")


def test_a_plot_a_figure_and_markdown_that_shows_it(
    rows: list[AblationRow], tmp_path: Path
) -> None:
    plots = write_ablation_plots(rows, tmp_path)
    assert [plot.name for plot in plots] == ["figure-4b.png", "figure-5.png"]
    assert all(plot.read_bytes()[:4] == b"\x89PNG" for plot in plots)
    markdown = ablation_markdown(rows, plots)
    assert "![figure-5](figure-5.png)" in markdown
    assert "| EGNN, parallel | 1.3 ± 0.09" not in markdown
    assert "| MLP-add         | 0.735 ± 0.049 |" in markdown


@pytest.mark.parametrize("name", ["4b", "5"])
def test_every_preset_is_drawn_however_many_there_are(
    rows: list[AblationRow], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    drawn: list[Figure] = []
    monkeypatch.setattr(ablation_plots, "save", lambda canvas, _: drawn.append(canvas))
    presets = [f"preset {k}" for k in range(6)]
    one = [row for row in rows if row.figure == name]
    write_ablation_plots([replace(row, preset=p) for p in presets for row in one], tmp_path)
    titles = [axes.get_title(loc="left") for axes in drawn[0].get_axes()]
    assert [title for title in titles if title] == presets


def test_a_setting_that_is_no_whole_number_has_bars(
    rows: list[AblationRow], tmp_path: Path
) -> None:
    varied = [
        replace(row, figure="train.lr", variant=rate)
        for row, rate in zip(rows, ("1e-3", "0.01"), strict=False)
    ]
    (plot,) = write_ablation_plots(varied, tmp_path)
    assert plot.stat().st_size > 0
