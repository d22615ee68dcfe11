"""Every script in `benchmarks/` is imported, says how it is used, and runs at the smallest size."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from pytest import CaptureFixture, MonkeyPatch

import painet
from painet_cli.config.presets import load_preset
from scripts_of_benchmarks import BENCHMARKS, Script

TYPED = sorted({path.stem for path in BENCHMARKS.glob("*.py")} - {"cases"})
"""Those with options; the cases are read from standard input."""
TINY = ["data.horizon=1", "model.hidden=4", "model.layers=1", "train.batch_size=500"]


def run(script: Script, monkeypatch: MonkeyPatch, name: str, *words: object) -> None:
    monkeypatch.setattr(sys, "argv", [f"{name}.py", *map(str, words)])
    script(name).main()


@pytest.mark.parametrize("name", TYPED)
def test_a_script_says_how_it_is_used(
    script: Script, monkeypatch: MonkeyPatch, capsys: CaptureFixture[str], name: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(script, monkeypatch, name, "--help")
    assert ended.value.code == 0
    assert f"usage: {name}.py" in capsys.readouterr().out


def test_untrained_models_have_an_error_at_each_step(script: Script, data_dir: Path) -> None:
    preset = load_preset("demo", ["model.name=linear"])
    neighbours, errors = script("untrained").measure(preset, data_dir, 7)
    assert 1 < neighbours < 9
    assert len(errors) == 7
    assert all(float(error) > 0 for error in errors)


def test_turning_changes_nothing_for_an_equivariant_model(
    script: Script, finished_run: Path, data_dir: Path
) -> None:
    plain, turned = script("turned").errors(finished_run, data_dir)
    assert plain > 0
    assert turned == pytest.approx(plain, rel=1e-3)


def test_turning_is_noticed_by_a_model_that_is_not(
    script: Script, data_dir: Path, tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    header = SimpleNamespace(preset=load_preset("demo"))

    class Stretching(torch.nn.Module):
        def forward(self, batch: painet.Batch) -> torch.Tensor:
            stretched = batch.positions * torch.tensor([1.5, 1.0, 1.0])
            return stretched.expand(header.preset.data.horizon, -1, -1)

    loaded = SimpleNamespace(model=Stretching(), header=header)
    monkeypatch.setattr(painet, "load", lambda _: loaded, raising=False)
    plain, turned = script("turned").errors(tmp_path, data_dir)
    assert abs(turned / plain - 1) > 0.01


def test_a_radial_field_comes_down_on_all_windows_at_once(
    script: Script, data_dir: Path, monkeypatch: MonkeyPatch, capsys: CaptureFixture[str]
) -> None:
    monkeypatch.setattr(script("full_batch"), "_ROUND", 2)
    sets = [word for setting in TINY for word in ("--set", setting)]
    words = ["--preset", "demo", *sets, "--iterations", 4, "--data-dir", data_dir]
    run(script, monkeypatch, "full_batch", *words)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[0] for line in lines] == ["2", "4"]
    assert float(lines[1][3]) <= float(lines[0][3]), "training error"


def test_models_as_one_and_one_by_one_take_turns(script: Script, monkeypatch: MonkeyPatch) -> None:
    together = script("together")
    monkeypatch.setattr(together, "TURNS", 2)
    name, graph, spec = next(iter(together.CASES.values()))
    preset = load_preset(name, ["model.hidden=4", "model.layers=1", "model.heads=1"])
    found = together.turns(preset, graph, spec, 2, torch.device("cpu"))
    assert len(found) == 2
    assert all(seconds > 0 for pair in found for seconds in pair)


def test_batches_are_of_one_system_of_one_size_or_of_any(script: Script) -> None:
    mixed = script("mixed_batches")
    systems = torch.arange(12).repeat_interleave(20)

    class Windows:
        def __init__(self) -> None:
            self.systems = systems

        def __len__(self) -> int:
            return len(systems)

        def by_size(self, order: torch.Tensor, size: int) -> torch.Tensor:
            return order.sort().values

    rng = np.random.default_rng(1)
    for kind in ("one system", "about one size", "random order"):
        parts = mixed._parts(kind, Windows(), 10, rng)
        assert [len(part) for part in parts] == [10] * mixed.STEPS
        apart = {len(set(systems[part].tolist())) for part in parts}
        assert apart == {1} if kind != "random order" else max(apart) > 1


def test_a_trajectory_on_disk_is_as_large_as_asked_for(script: Script, tmp_path: Path) -> None:
    from_disk = script("from_disk")
    dataset = from_disk.trajectory(tmp_path, 0.004)
    assert dataset.frames.shape == (389, from_disk.PARTICLES, 3)
    assert len(dataset.starts("train")) == from_disk.WINDOWS
    shutil.rmtree(tmp_path / "large")


def test_a_plan_for_many_gpus_is_printed(
    script: Script, monkeypatch: MonkeyPatch, capsys: CaptureFixture[str]
) -> None:
    monkeypatch.setattr(script("parallel_plan"), "PRESET", "mocap-run-s2s")
    run(script, monkeypatch, "parallel_plan", "--gpus", "8,1000")
    lines = capsys.readouterr().out.splitlines()
    shares = [float(line.rpartition(", ")[2].partition("%")[0]) for line in lines[-2:]]
    assert 0 < shares[1] <= shares[0] <= 100, "more GPUs wait longer"


def test_our_muon_is_timed_beside_torchs(
    script: Script,
    small_preset: Path,
    data_dir: Path,
    monkeypatch: MonkeyPatch,
    capsys: CaptureFixture[str],
) -> None:
    given = ("--preset", str(small_preset), "--data-dir", str(data_dir), "--turns", "1")
    run(script, monkeypatch, "muon", *given)
    lines = capsys.readouterr().out.splitlines()
    names = ["adam", "muon", "torch's muon", "torch.float32", "torch.bfloat16"]
    assert [line[:14].strip() for line in lines] == names
    assert all(float(line[14:].split()[0]) > 0 for line in lines)


def test_a_gpus_steps_are_timed(script: Script, monkeypatch: MonkeyPatch) -> None:
    gpu = script("gpu")
    monkeypatch.setattr(gpu, "_WARM_UP", 0)
    row = gpu.seconds_of(lambda: sum(range(1000)), torch.device("cpu"))
    assert 0 < row["ms_low"] <= row["ms"] <= row["ms_high"]
    assert set(gpu._trained(5)) < set(gpu._trained(1))
    assert "kernel" not in gpu._trained(1)
    assert list(gpu.captured_steps(torch.device("cpu"))) == []
