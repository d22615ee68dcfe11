import io
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from painet_cli.evaluation.coverage import Coverage
from painet_cli.evaluation.evaluation import Evaluation
from painet_cli.report.tables.evaluation import evaluation_table
from painet_cli.report.tables.layout import digits


def evaluation(run: str = "a", horizon: int = 1, mse: float = 0.09, **changes: Any) -> Evaluation:
    step_mse = [mse * 2 * (step + 1) / (horizon + 1) for step in range(horizon)]
    fields: dict[str, Any] = {
        "run": Path(run),
        "model": "painet",
        "preset": "mocap-walk-s2s",
        "seed": 1,
        "epochs": 10,
        "parameters": 1000,
        "dataset": "mocap-walk",
        "split": "test",
        "split_kind": "blocks",
        "leak": 0.0,
        "windows": 600,
        "horizon": horizon,
        "trained_horizon": horizon,
        "mse": mse,
        "f_mse": step_mse[-1],
        "a_mse": mse,
        "step_mse": step_mse,
        "msd": 3 * mse,
        "unit": "ASF unit²",
        "time_s": 1.2345,
        "peak_memory_gb": 0.3334,
        "memory_kind": "resident set above start",
        "device": "cpu",
    }
    return Evaluation(**fields | changes)


def rendered(*evaluations: Evaluation, epoch_s: dict[Path, float] | None = None) -> str:
    console = Console(file=io.StringIO(), width=80, no_color=True)
    for renderable in evaluation_table(evaluations, epoch_s):
        console.print(renderable)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= 80
    return text


def unwrapped(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def rows(text: str, start: str) -> list[list[str]]:
    """Cells of the lines that begin with a word."""
    return [line.split() for line in text.splitlines() if line.split()[:1] == [start]]


def row(text: str, start: str) -> list[str]:
    return rows(text, start)[0]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.39214, "0.3921"),
        (0.0845, "0.0845"),
        (0.000431, "4.31e-04"),
        (-0.000431, "-4.31e-04"),
        (12.3456, "12.35"),
        (0.0, "0"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
    ],
)
def test_four_significant_digits(value: float, text: str) -> None:
    assert digits(value) == text


def test_the_papers_figure_stands_beside_ours() -> None:
    text = rendered(evaluation(mse=0.0912))
    assert row(text, "Model") == ["Model", "Preset", "T", "Seeds", "F-MSE", "Paper", "MSD"]
    expected = ["painet", "mocap-walk-s2s", "1", "1", "0.0912", "0.0845", "±", "0.0023"]
    assert row(text, "painet")[:-1] == expected


def test_msd_is_the_sum_over_coordinates() -> None:
    assert row(rendered(evaluation(mse=0.1)), "painet")[-1] == digits(0.3)


@pytest.mark.parametrize(
    "changes",
    [
        {"preset": "mine"},
        {"split": "val"},
        {"horizon": 3, "trained_horizon": 1},
        {"as_published": False},
    ],
)
def test_no_paper_column_where_it_printed_nothing_alike(changes: dict[str, Any]) -> None:
    assert "Paper" not in rendered(evaluation(**changes))


def test_seeds_share_a_row() -> None:
    runs = [evaluation(str(seed), mse=mse, seed=seed) for seed, mse in ((1, 0.1), (2, 0.2))]
    text = rendered(*runs)
    assert row(text, "painet")[2:7] == ["1", "2", "0.15", "±", "0.071"]
    assert "sample standard deviation over seeds" in text


def test_the_same_seed_again_is_another_row() -> None:
    text = rendered(evaluation("a", mse=0.1), evaluation("b", mse=0.2))
    assert [cells[2:6] for cells in rows(text, "painet")[:2]] == [
        ["a", "1", "1", "0.1"],
        ["b", "1", "1", "0.2"],
    ]


def test_models_and_parts_of_the_split_are_not_mixed() -> None:
    text = rendered(evaluation(), evaluation(model="linear", seed=2), evaluation(split="val"))
    errors = text.partition("Cost")[0]
    assert [cells[3] for cells in rows(errors, "painet") + rows(errors, "linear")] == ["1"] * 3
    assert "Errors, test, val windows" in text


def test_cost_has_seconds_an_epoch_where_known() -> None:
    runs = [evaluation("a"), evaluation("b", model="linear")]
    assert "s/epoch" not in rendered(*runs)
    cost = rendered(*runs, epoch_s={Path("a"): 1.5}).partition("Cost")[2]
    assert row(cost, "painet") == ["painet", "mocap-walk-s2s", "600", "1.23", "1.5", "0.333"]
    assert row(cost, "linear") == ["linear", "mocap-walk-s2s", "600", "1.23", "-", "0.333"]


def test_steps_are_wrapped_and_none_is_lost() -> None:
    text = rendered(evaluation(horizon=30, preset="mine"))
    headings = re.findall(r"t=(\d+)", text)
    assert headings == [str(step) for step in range(1, 31)]
    assert "MSE a step (continued)" in text
    assert {"T", "A-MSE", "F-MSE"} <= set(row(text, "Model"))


def test_the_papers_steps_stand_beneath_ours() -> None:
    run = evaluation(horizon=5, trained_horizon=1, preset="adk", dataset="adk", mse=1.7)
    text = rendered(run)
    assert row(text, "painet,")[3:] == ["1.076", "1.608", "1.753", "1.84", "1.994"]
    assert "adk: trained to T = 1, later steps rolled out." in text


def test_long_names_and_many_digits_fit() -> None:
    text = rendered(
        *(
            evaluation(
                f"{model}{seed}",
                horizon=8,
                mse=0.003241 + 0.00011 * seed,
                model=model,
                seed=seed,
                preset="md17-naphthalene-s2t",
                dataset="md17-naphthalene",
                unit="angstrom²",
            )
            for model in ("painet", "gf-node")
            for seed in (1, 2, 3)
        ),
        evaluation(preset="x" * 60),
    )
    assert "0.003461 ± 1.1e-04" in text
    assert "0.00324 ± 1.19e-04" in text
    assert "x" * 24 in text


def test_the_footnote_says_what_the_figures_are_of() -> None:
    text = unwrapped(rendered(evaluation()))
    assert "mean over windows, particles and coordinates; MSD = 3 x MSE" in text
    assert "its MSD" not in text
    last = unwrapped(rendered(evaluation(horizon=2, mse=0.2, f_mse=0.2, a_mse=0.1)))
    assert "mocap-walk-s2s reports the last step alone: its MSD is 3 x F-MSE" in last
    assert (
        "mocap-walk: MSE in ASF unit²; blocks split, "
        "0 % of test windows overlap a training window." in text
    )
    assert "Predicted on cpu; peak memory: resident set above start." in text
    assert "rolled out" not in text


def test_a_pipe_without_unicode_is_served() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    console = Console(file=stream, width=80)
    for renderable in evaluation_table([evaluation()]):
        console.print(renderable)
    stream.flush()


def test_runs_of_one_preset_on_other_windows_have_yardsticks_of_their_own() -> None:
    runs = [
        evaluation(
            str(horizon),
            horizon,
            settings={"data.horizon": horizon, "model.name": "painet", "train.lr": horizon / 10},
            yardsticks={"nothing moves": [still] * horizon},
        )
        for horizon, still in ((3, 0.25), (5, 0.75), (5, 0.75))
    ]
    text = rendered(*runs)
    assert [line.split()[3:5] for line in text.splitlines() if "nothing moves" in line] == [
        ["horizon=3", "0.25"],
        ["horizon=5", "0.75"],
    ]
    alike = rendered(*runs[1:])
    assert [line.split() for line in alike.splitlines() if "nothing moves" in line] == [
        ["nothing", "moves", "mocap-walk-s2s", "0.75", "0.75"]
    ]


def test_error_bars_say_of_which_run_they_are() -> None:
    bars = Coverage([0.1], [0.9], taken_from=10, tried_on=10)
    runs = [
        evaluation(str(width), settings={"model.hidden": width}, coverage=bars) for width in (8, 16)
    ]
    text = rendered(*runs)
    _, _, below = text.partition("90 % error bars")
    assert "Radii in ASF unit." in unwrapped(text)
    assert [row(below, "painet")[2], rows(below, "painet")[2][2]] == ["hidden=8", "hidden=16"]


def test_error_bars_of_several_seeds_say_that_they_are_of_the_first() -> None:
    bars = Coverage([0.1], [0.9], taken_from=10, tried_on=10)
    runs = [evaluation(str(seed), seed=seed, coverage=bars) for seed in (1, 2)]
    assert "90 % error bars of painet on mocap-walk-s2s, seed 1:" in unwrapped(rendered(*runs))
