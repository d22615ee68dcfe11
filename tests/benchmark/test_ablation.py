"""Ablations: which variants a figure has, and which cells they share."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from painet_cli.benchmark.ablation import (
    ABLATIONS,
    Ablation,
    Point,
    cells_of,
    choose_ablations,
    make_points,
)
from painet_cli.config.presets import load_preset
from painet_cli.errors import RequestError


def on(preset: Path, *names: str) -> list[Ablation]:
    """Figures on a preset that can be trained in a test."""
    return [replace(ABLATIONS[name], presets=(str(preset),)) for name in names]


def points_of(
    preset: Path, data_dir: Path, folder: Path, *names: str, seeds: int = 1
) -> list[Point]:
    return make_points(on(preset, *names), seeds, [], folder, data_dir)


@pytest.mark.parametrize("ablation", ABLATIONS.values(), ids=ABLATIONS.keys())
def test_every_variant_is_a_valid_preset_and_no_two_are_the_same(ablation: Ablation) -> None:
    for preset in ablation.presets:
        models = [load_preset(preset, variant.settings).model for variant in ablation.variants]
        assert len({model.model_dump_json() for model in models}) == len(models)
        assert load_preset(preset).model in models, "PAINET itself is among them"


def test_the_figures_are_the_papers() -> None:
    assert [variant.label for variant in ABLATIONS["5"].variants] == [*map(str, range(1, 11))]
    assert [variant.label for variant in ABLATIONS["6"].variants] == [*map(str, range(1, 7))]
    assert ABLATIONS["4b"].presets == ("mocap-run-s2t",)


def test_figures_share_the_cells_of_the_same_variant(
    small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    points = points_of(small_preset, data_dir, tmp_path, "4a", "4b", "reach")
    assert len(points) == 4 + 4 + 3
    plain = [point for point in points if point.plain]
    assert [point.ablation.name for point in plain] == ["4a", "4b", "reach"]
    assert len({point.cells[0].folder for point in plain}) == 1
    assert len(cells_of(points)) == 4 + 3 + 1, "PAINET and no attention are trained once"


def test_the_count_that_the_preset_has_is_painet(
    small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    points = points_of(small_preset, data_dir, tmp_path, "5", "6")
    plain = [(point.ablation.name, point.variant.label) for point in points if point.plain]
    assert plain == [("5", "2"), ("6", "1")]


def test_a_cell_a_seed_with_what_tells_it_apart_in_its_name(
    small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    points = points_of(small_preset, data_dir, tmp_path, "reach", seeds=2)
    assert [str(cell) for cell in points[1].cells] == [
        "small painet model.reach=neighbours seed 1",
        "small painet model.reach=neighbours seed 2",
    ]
    assert str(points[0].cells[0]) == "small painet seed 1"


def test_a_figure_that_is_not_there_is_refused() -> None:
    assert [figure.name for figure in choose_ablations("5, 4a")] == ["5", "4a"]
    assert [figure.name for figure in choose_ablations(None)] == list(ABLATIONS)
    with pytest.raises(RequestError, match="no figure 7"):
        choose_ablations("7")
