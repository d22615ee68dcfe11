"""The scaling benchmark: what is measured, kept, left out and fitted."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from pytest import MonkeyPatch

import painet_cli
from painet_cli.benchmark import scaling
from painet_cli.benchmark.measurement import (
    MODES,
    Measurement,
    Mode,
    code_digest,
    least_gb,
    measure,
    point_preset,
)
from painet_cli.benchmark.scaling import (
    Bench,
    Outcome,
    Point,
    Sweep,
    choose_forms,
    forms,
    run_points,
    scaling_points,
)
from painet_cli.benchmark.scaling_rows import fitted_exponent
from painet_cli.config.presets import Preset
from painet_cli.errors import PainetError, RequestError

SWEEP = Sweep(sizes=(100, 1_000, 10_000), horizons=(1, 2, 4), particles=1_000, horizon=1)
SMALL = ("model.hidden=8", "model.layers=2", "model.heads=2")


class Listener:
    def __init__(self) -> None:
        self.begun: list[Point] = []
        self.before: list[Point] = []

    def began(self, point: Point) -> None:
        self.begun.append(point)

    def ended(self, point: Point, outcome: Outcome, *, before: bool) -> None:
        if before:
            self.before.append(point)


def found(seconds: float, peak_gb: float) -> Measurement:
    return Measurement(
        seconds, 3, seconds, peak_gb, "resident set above start", "keep", 1, 1, "cpu", 1
    )


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "points", torch.device("cpu"), time_limit_s=100.0)


def measured_as(
    monkeypatch: MonkeyPatch, law: Callable[[int], tuple[float, float]], free_gb: float = 1e3
) -> None:
    """Let every point of N particles take the seconds and GB of a law, on such a machine."""

    def run_in_child(
        work: object, preset: Preset, particles: int, *_: Any, **limits: Any
    ) -> Measurement:
        assert work is measure
        assert limits["limit_s"] > 100
        return found(*law(particles))

    monkeypatch.setattr(scaling, "run_in_child", run_in_child)
    monkeypatch.setattr(scaling, "free_gb", lambda _: free_gb)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("form", forms())
def test_every_form_can_be_measured(form: str, mode: Mode) -> None:
    bench = Bench(Path(), torch.device("cpu"), settings=SMALL)
    result = measure(bench.preset(Point(form, mode, "N", 40, 1)), 40, mode, "cpu", 1, 10.0)
    assert result.seconds > 0
    assert result.first_s > 0
    assert 1 <= result.runs <= 7
    assert result.peak_gb >= 0
    assert result.edges == 40 * 20
    assert result.parameters > 0


def test_a_point_is_computed_as_the_preset_says() -> None:
    preset = point_preset(["train.activations=stepwise"], 1)
    assert measure(preset, 50, "training step", "cpu", 1, 8.0).activations == "stepwise"


def test_forms_differ_in_what_they_are_named_for() -> None:
    dense = point_preset(forms()["painet-dense"], 4)
    plain = point_preset(forms()["painet"], 4)
    assert dense.model.model_dump() == {**plain.model.model_dump(), "attention": "dense"}
    assert plain.data.horizon == 4
    assert point_preset(forms()["egnn"], 1).model.hidden == plain.model.hidden  # type: ignore[union-attr]


def test_a_setting_is_for_the_models_that_have_it(bench: Bench) -> None:
    bench = Bench(bench.folder, bench.device, settings=("model.heads=3", "model.hidden=16"))
    models = [bench.preset(Point(form, "inference", "N", 100, 1)).model for form in forms()]
    assert [getattr(model, "heads", None) for model in models[:3]] == [3, 3, None]
    assert {getattr(model, "hidden", 16) for model in models} == {16}


def test_a_setting_that_no_model_has_is_refused_before_anything_is_measured(
    bench: Bench,
) -> None:
    bench = Bench(bench.folder, bench.device, settings=("model.head=3",))
    with pytest.raises(RequestError, match=r"model\.head"):
        run_points(scaling_points(["painet"], SWEEP), bench, Listener())
    assert not bench.folder.exists()


def test_a_point_for_every_size_along_both_axes_and_one_step_models_predict_one() -> None:
    points = scaling_points(["painet", "rf"], SWEEP, ["inference"])
    along = [(point.form, point.axis, point.size) for point in points]
    assert along[:6] == [
        *(("painet", "N", size) for size in SWEEP.sizes),
        *(("painet", "T", size) for size in SWEEP.horizons),
    ]
    assert along[6:] == [("rf", "N", size) for size in SWEEP.sizes]


def test_what_is_measured_is_kept_and_read_again(bench: Bench, monkeypatch: MonkeyPatch) -> None:
    measured_as(monkeypatch, lambda n: (1e-4 * n, 1e-4 * n))
    points = scaling_points(["painet"], SWEEP, ["inference"])
    first, second = Listener(), Listener()
    outcomes = run_points(points, bench, first)
    assert len(first.begun) == 5, "where the axes cross it is measured once"
    assert run_points(points, bench, second) == outcomes
    assert second.begun == []
    assert second.before == points


@pytest.mark.parametrize(
    "change",
    [{"settings": ("model.hidden=16",)}, {"threads": 2}, {"again": True}],
    ids=str,
)
def test_another_setting_is_measured_anew(
    bench: Bench, monkeypatch: MonkeyPatch, change: dict[str, Any]
) -> None:
    measured_as(monkeypatch, lambda n: (1e-4 * n, 1e-4 * n))
    points = scaling_points(["painet"], SWEEP, ["inference"])[:1]
    run_points(points, bench, Listener())
    listener = Listener()
    run_points(points, Bench(**{**vars(bench), **change}), listener)
    assert listener.begun == points


@pytest.mark.parametrize(
    "place", ["models/painet/model.py", "data/batches/batch.py", "training/device.py",
              "benchmark/measurement.py"],
)  # fmt: skip
def test_what_was_measured_of_other_code_is_measured_anew(place: str, tmp_path: Path) -> None:
    shipped, changed = Path(painet_cli.__file__).parent, tmp_path / "changed"
    shutil.copytree(shipped, changed, ignore=lambda _, names: {n for n in names if "safet" in n})
    assert code_digest(changed) == code_digest()
    (changed / place).write_text("# another", encoding="utf-8")
    code_digest.cache_clear()
    assert code_digest(changed) != code_digest()


def test_what_would_not_fit_is_left_out_with_the_reason(
    bench: Bench, monkeypatch: MonkeyPatch
) -> None:
    measured_as(monkeypatch, lambda n: (1e-4, 1e-8 * n**2), free_gb=2.0)
    sweep = Sweep((100, 1_000, 10_000, 100_000, 1_000_000), (1,), 1_000, 1)
    points = scaling_points(["painet-dense"], sweep, ["inference"])
    outcomes = run_points(points, bench, Listener())
    reasons = [outcome for outcome in outcomes.values() if isinstance(outcome, str)]
    assert reasons == [
        "not run: would need about 1e+02 GB, and 2 GB are free",
        "not run: the one before, 100,000, has no figure",
    ]


def test_a_model_that_can_do_with_less_memory_is_tried_where_that_fits(
    bench: Bench, monkeypatch: MonkeyPatch
) -> None:
    sweep = Sweep((100, 1_000, 10_000, 100_000), (1,), 1_000, 1)
    points = scaling_points(["painet"], sweep, ["training step"])
    least = least_gb(bench.preset(points[3]), 100_000, "training step")
    assert least is not None
    law = lambda n: (1e-4, 2e-5 * n * least)  # noqa: E731  # twice the least at 100,000
    measured_as(monkeypatch, law, free_gb=1.5 * least)
    assert not isinstance(run_points(points, bench, Listener())[points[3]], str)
    bench = Bench(bench.folder, bench.device, again=True)
    measured_as(monkeypatch, law, free_gb=0.9 * least)
    assert str(run_points(points, bench, Listener())[points[3]]).startswith("not run: would need")


def test_what_would_take_too_long_is_left_out_with_the_reason(
    bench: Bench, monkeypatch: MonkeyPatch
) -> None:
    measured_as(monkeypatch, lambda n: (1e-9 * n**3, 1e-6))
    outcomes = run_points(scaling_points(["painet"], SWEEP, ["inference"]), bench, Listener())
    reasons = [outcome for outcome in outcomes.values() if isinstance(outcome, str)]
    assert reasons == ["not run: would take about 1e+03 s, more than 100 s"]


def test_a_failure_is_told_and_the_others_go_on(bench: Bench, monkeypatch: MonkeyPatch) -> None:
    def run_in_child(*_: Any, **__: Any) -> Measurement:
        raise PainetError("RuntimeError: out of memory")

    monkeypatch.setattr(scaling, "run_in_child", run_in_child)
    points = scaling_points(["painet", "egnn"], SWEEP, ["inference"])
    outcomes = run_points(points, bench, Listener())
    assert outcomes[points[0]] == "failed: RuntimeError: out of memory"
    assert len(outcomes) == len(points)
    assert not list(bench.folder.iterdir()), "a failure is tried again"


def test_a_model_that_is_not_there_is_refused() -> None:
    assert choose_forms("egnn, painet") == ["egnn", "painet"]
    with pytest.raises(RequestError, match="no model egn"):
        choose_forms("egn")


def test_the_exponent_of_a_power_law_is_found() -> None:
    sizes = [1_000, 3_000, 10_000]
    assert fitted_exponent(sizes, [2e-3 * n**1.25 for n in sizes]) == pytest.approx(1.25)
    assert fitted_exponent([1_000], [1.0]) is None
    assert fitted_exponent(sizes, [0.0, 0.0, 1.0]) is None, "nothing was measured of the others"
