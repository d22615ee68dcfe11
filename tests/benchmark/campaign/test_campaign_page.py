"""From records to a page: sentences, tables between marks, LaTeX."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure
from pytest import MonkeyPatch

from painet_cli.benchmark.campaign import pictures
from painet_cli.benchmark.campaign.page import make_blocks, of_the_plan, update_page
from painet_cli.benchmark.campaign.pictures import draw_table, ticks, wide_enough
from painet_cli.benchmark.campaign.plan import parts
from painet_cli.benchmark.latex import bench_latex
from painet_cli.benchmark.rows import bench_rows
from painet_cli.errors import RequestError
from pretend_results import planned, result

RECIPE = parts()[0].settings_of("painet")


def test_other_settings_other_data_and_variants_stay_out_of_the_tables() -> None:
    wanted = [planned(0.3), planned(0.4, "painet"), planned(0.5, "egno")]
    rate = result(0.2, settings=["train.lr=1e-2"])
    data = result(0.1, settings=RECIPE, dataset_sha256="1" * 64)
    variant = result(0.1, "painet", settings=RECIPE, label="model.reach=neighbours")
    tables, others = of_the_plan([*wanted, rate, data, variant])
    assert tables == wanted
    assert others == [rate, data]
    assert "train.lr=0.01" in make_blocks([*wanted, rate])["other settings"]


def test_a_row_is_of_windows_of_one_length() -> None:
    wanted = [planned(0.3), planned(0.4, seed=2)]
    shorter = result(0.9, settings=[*RECIPE, "data.delta_frames=5"], seed=3)
    tables, others = of_the_plan([*wanted, shorter])
    assert (tables, others) == (wanted, [shorter])
    assert "data.delta_frames=5" in make_blocks([*wanted, shorter])["other settings"]


def test_cells_of_other_settings_do_not_choose_the_dataset_of_the_tables() -> None:
    wanted = planned(0.3)
    searched = [result(0.2, settings=[f"train.lr={k}e-3"], dataset_sha256="1" * 64) for k in (1, 2)]
    assert of_the_plan([wanted, *searched])[0] == [wanted]


@pytest.mark.parametrize(
    "other",
    [{"settings": [*RECIPE, "features.node=[speed]"]}, {"dataset_sha256": "1" * 64},
     {"settings": [*RECIPE, "data.delta_frames=5"]}],
    ids=str,
)  # fmt: skip
def test_a_variants_row_has_no_cell_of_other_windows_features_or_data(
    other: dict[str, Any],
) -> None:
    label = "model.reach=neighbours"
    variant = result(0.5, "painet", settings=[*RECIPE, label], label=label)
    unlike = result(9.0, "painet", seed=2, **{"settings": RECIPE, **other})
    text = make_blocks([planned(0.4, "painet"), variant, unlike])["figures"]
    assert re.search(r"\| as the preset has it +\| 1 +\| 0.4 ", text)
    assert "2" not in re.findall(r"\| ([\d ]+) +\| 0.[45] ", text)


def test_variants_stand_beside_the_model_that_was_trained_alike() -> None:
    label = "model.reach=neighbours"
    variants = [
        result(mse, "painet", settings=[*RECIPE, label], label=label, seed=seed)
        for seed, mse in ((1, 0.5), (2, 0.7))
    ]
    others = [planned(0.3), result(0.2, "painet", settings=["train.lr=1e-2"])]
    text = make_blocks([planned(0.4, "painet"), *variants, *others])["figures"]
    assert re.search(r"\| as the preset has it +\| 1 +\| 0.4 +\|", text)
    assert re.search(r"\| `model.reach=neighbours` \| 1 2 +\| 0.6 ± 0.14 \|", text)
    assert "0.2" not in text
    assert make_blocks(others)["figures"] == "No variant is trained yet.\n"


def test_variants_come_by_size_and_say_what_one_window_makes_of_their_mean() -> None:
    layers = {
        count: result(0.5, "painet", settings=[*RECIPE, label], label=label)
        for count in (10, 9, 8)
        for label in (f"model.layers={count}",)
    }
    text = make_blocks([planned(0.4, "painet"), *layers.values()])["figures"]
    assert re.findall(r"layers=(\d+)", text)[:3] == ["8", "9", "10"]
    assert "worst window" in text


def test_settings_are_told_from_the_plan_where_that_is_shorter() -> None:
    atom = next(part for part in parts() if "atom" in part.models).settings_of("atom")
    as_they_lie = result(0.5, "atom", settings=[*atom, "model.centred=false"])
    other = make_blocks([planned(0.4, "atom"), as_they_lie])["other settings"]
    assert "| the table's, model.centred=False |" in other
    elsewhere = result(0.5, "atom", settings=atom, dataset_sha256="1" * 64)
    assert "| the table's |" in make_blocks([planned(0.4, "atom"), elsewhere])["other settings"]


def test_what_stands_between_marks_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    page = tmp_path / "results.md"
    page.write_text(
        "# By hand\n<!-- painet bench report: table 1 -->\nold\n<!-- end -->\nstays\n"
        "<!-- painet bench report: ends -->\n<!-- end -->\n"
    )
    update_page(page, [planned(0.3, "painet")])
    text = page.read_text()
    assert text.startswith("# By hand\n")
    assert "stays" in text
    assert "old" not in text
    assert "| painet | 0.3           | 0.35 ± 0.027         |" in text
    assert "| mocap-run-s2s | painet 0.3 | egno 0.339   | (a) |" in text
    update_page(page, [planned(0.3, "painet")])
    assert page.read_text() == text, "the same records make the same page"


def test_a_mark_of_another_name_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "results.md"
    page.write_text("<!-- painet bench report: table 7 -->\n<!-- end -->\n")
    with pytest.raises(RequestError, match="no block table 7"):
        update_page(page, [])


def test_latex_has_a_table_for_each_and_no_bare_special_character() -> None:
    rows = bench_rows([planned(0.3, "painet"), planned(0.4, "painet", 2), planned(0.5)])
    text = bench_latex(rows, ["100 % of it"])
    assert text.count(r"\begin{table}") == text.count(r"\end{table}") == 3
    assert r"$\pm$" in text
    body = "".join(line for line in text.splitlines() if not line.startswith("%"))
    assert not re.search(r"[±†‡°²]", body)
    assert not re.search(r"(?<!\\)[%#_]", body)


def test_a_picture_has_a_panel_a_preset(tmp_path: Path) -> None:
    path = tmp_path / "table1.png"
    draw_table([planned(0.3, "painet"), planned(0.4)], "Table 1", path)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_a_heading_is_no_wider_than_its_picture(tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    drawn: list[Figure] = []
    monkeypatch.setattr(pictures, "save", lambda canvas, path: drawn.append(canvas))
    draw_table([planned(0.3, "painet")], "Table 1", tmp_path / "table1.png")
    (canvas,) = drawn
    canvas.draw_without_rendering()
    (heading,) = (text for text in canvas.texts if text.get_text().startswith("Table 1"))
    assert heading.get_window_extent().x1 <= canvas.bbox.x1


@pytest.mark.parametrize("low", [1e-4, 0.0037, 0.115, 0.9, 7.0])
@pytest.mark.parametrize("times", [1.3, 2.6, 9, 400, 3e6])
def test_a_pictures_axis_has_a_few_ticks_however_wide_it_is(low: float, times: float) -> None:
    found = ticks(low, times * low)
    assert found == sorted(found)
    assert all(low <= tick <= times * low for tick in found)
    assert (2 if times > 2 else 0) <= len(found) <= 4


def test_errors_that_hardly_differ_do_not_look_far_apart_in_a_picture() -> None:
    low, high = wide_enough(0.001399, 0.0014)
    assert high > 2 * low
    assert low * high == pytest.approx(0.001399 * 0.0014), "in the middle, on a logarithmic axis"
    assert wide_enough(0.1, 1.0) == (0.1, 1.0)


def test_latex_figures_meet_at_their_decimal_point() -> None:
    text = bench_latex(bench_rows([planned(0.3, "painet"), planned(12.25)]), [])
    errors = text.partition(r"\end{table}")[0]
    assert "0 & .3" in errors and "12 & .25" in errors
    (columns,) = re.findall(r"\\begin{tabular}{(.*)}", errors)
    assert columns.startswith("lr@{}l")
    for line in errors.splitlines():
        if line.endswith(r"\\") and "multicolumn" not in line:
            assert line.count("&") == columns.count("r") + columns.count("l") - 1
