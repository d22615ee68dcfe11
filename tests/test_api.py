"""The three lines of Python: load, predict, on whatever a system comes as."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch_geometric.data import Data

import painet
import painet.plugins
import painet_cli
from installed import EXAMPLE
from painet import LoadedModel, load, predict
from painet_cli.data.batches.batch import to_pyg
from painet_cli.errors import RequestError
from painet_cli.evaluation.opened_run import load_run, windows_for
from tiny_files import atoms_of, ethanol
from trainings import Watcher
from typed import Say

ROOT = EXAMPLE.parents[1]


@pytest.fixture(scope="module")
def model(finished_run: Path) -> LoadedModel:
    return load(finished_run, "cpu")


def test_importing_the_package_does_not_import_torch() -> None:
    seen = "import sys, painet; print('torch' in sys.modules, 'load' in dir(painet))"
    done = subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


def test_the_names_of_both_packages_are_the_same_and_all_there() -> None:
    assert painet.__all__ == painet_cli.__all__
    for name in painet.__all__:
        assert getattr(painet, name) is getattr(painet_cli, name)
        assert getattr(painet, name).__doc__
    for name in painet.plugins.__all__:
        assert getattr(painet.plugins, name).__doc__
    assert set(painet.__all__) <= set(dir(painet))
    with pytest.raises(AttributeError, match="nonsense"):
        _ = painet.nonsense


def test_the_version_is_that_of_the_installed_package() -> None:
    assert painet.__version__ == painet_cli.__version__ == version("painet")


def test_a_data_source_of_another_package_needs_no_torch() -> None:
    code = "import sys, painet_plugin_example.tracks; print('torch' in sys.modules)"
    here = {**os.environ, "PYTHONPATH": os.pathsep.join([str(EXAMPLE / "src"), str(ROOT)])}
    done = subprocess.run(
        [sys.executable, "-c", code], env=here, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_arrays_and_atoms_agree(model: LoadedModel, data_dir: Path) -> None:
    made = ethanol(data_dir)
    x = predict(model, made.frames[:2], types=made.particles.elements, bonds=made.particles.bonds)
    assert x.shape == (2, 9, 3)
    universe = atoms_of(made)
    universe.trajectory[1]
    np.testing.assert_allclose(predict(model, universe.atoms), x, atol=1e-4)
    assert universe.trajectory.frame == 1
    assert predict(model, universe.atoms, 5).shape == (5, 9, 3)


def test_a_path_is_a_model_and_one_frame_has_no_velocity(
    finished_run: Path, data_dir: Path
) -> None:
    made = ethanol(data_dir)
    with pytest.warns(UserWarning, match="velocity zero"):
        x = predict(
            finished_run, made.frames[0], 3, types=list("CCOHHHHHH"), bonds=made.particles.bonds
        )
    assert x.shape == (3, 9, 3)


def test_positions_may_have_gradients(model: LoadedModel, data_dir: Path) -> None:
    made = ethanol(data_dir)
    known = {"types": made.particles.elements, "bonds": made.particles.bonds}
    x = torch.from_numpy(np.array(made.frames[:2])).requires_grad_()
    np.testing.assert_array_equal(
        predict(model, x, **known), predict(model, made.frames[:2], **known)
    )


def test_graphs_of_pyg_agree_with_arrays(
    model: LoadedModel, finished_run: Path, data_dir: Path
) -> None:
    bare, header, dataset = load_run(finished_run, data_dir, torch.device("cpu"))
    batch = windows_for(dataset, header.preset, "test").batch(torch.arange(2))
    data = to_pyg(batch)
    predicted = predict(model, data)
    assert predicted.y.shape == (18, 2, 3)
    torch.testing.assert_close(predict(bare, data).y, predicted.y)
    assert predict(model, data, 5).y.shape == (18, 5, 3)
    with pytest.raises(RequestError, match="a bare model predicts its 2 steps"):
        predict(bare, data, 5)
    assert isinstance(predicted, Data)


def test_what_does_not_fit_is_said(model: LoadedModel, data_dir: Path) -> None:
    made = ethanol(data_dir)
    with pytest.raises(RequestError, match="N: unknown to it"):
        predict(model, made.frames[:2], types=list("CCNHHHHHH"), bonds=made.particles.bonds)
    with pytest.raises(RequestError, match="3 types, names or residues for 9"):
        predict(model, made.frames[:2], types=list("CCO"))
    with pytest.raises(RequestError, match="shape"):
        predict(model, made.frames[0, 0], types=["C"])
    with pytest.raises(RequestError, match="NaN"):
        predict(model, made.frames[:2] * np.nan, types=list("CCOHHHHHH"))
    with pytest.raises(RequestError, match="bonds"):
        predict(model, made.frames[:2], types=list("CCOHHHHHH"), bonds=[(0, 9)])
    with pytest.raises(RequestError, match="bare model"):
        predict(model.model, made.frames[:2])  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"frame_time_s": 0.0}, "no time between frames"),
        ({"frame_time_s": -1e-15}, "no time between frames"),
        ({"frame_time_s": float("nan")}, "no time between frames"),
        ({"frame_time_s": "1fs"}, "frame_time_s='1fs': not allowed\nit should be a valid number"),
        ({"steps": 0}, "steps=0: not allowed\nit should be greater"),
        ({"steps": 2.5}, "steps=2.5: not allowed\nit should be a valid integer"),
        ({"bonds": [[0, 1, 2], [1, 2, 3]]}, "no pairs"),
        ({"bonds": [[0, 1], [2]]}, "no pairs"),
        ({"bonds": [[0.5, 1.5]]}, "no pairs"),
        ({"types": [6, 6, 8, 1, 1, 1, 1, 1, 1]}, "are words"),
        ({"system": np.ones((9, 3), dtype=complex)}, "no array of real numbers"),
        ({"system": np.ones((2, 9, 2))}, r"positions of shape \(2, 9, 2\)"),
        ({"system": np.ones(9)}, r"positions of shape \(9,\)"),
        (
            {"system": np.ma.masked_equal(np.arange(27).reshape(9, 3), 5)},
            "NaN or infinite: particle 1, coordinate 2",
        ),
        ({"system": [[[0.0] * 3] * 9, [[0.0] * 3] * 8]}, "no array of real numbers"),
    ],
)
def test_arrays_that_are_none_are_refused(
    model: LoadedModel, data_dir: Path, given: dict[str, Any], said: str
) -> None:
    usual = {"system": ethanol(data_dir).frames[:2], "types": list("CCOHHHHHH")}
    with pytest.raises(RequestError, match=said):
        predict(model, **{**usual, **given})


@pytest.mark.filterwarnings("ignore:.*expect larger errors:UserWarning")
def test_bonds_of_heavy_atoms_are_found_from_distances(finished_run: Path, data_dir: Path) -> None:
    made = ethanol(data_dir)
    model = load(finished_run, "cpu")
    x = predict(model, made.frames[:2, :3], types=["C", "C", "O"])
    given = predict(model, made.frames[:2, :3], types=["C", "C", "O"], bonds=[(0, 1), (1, 2)])
    np.testing.assert_array_equal(x, given)


def test_a_dataset_gives_its_windows_as_batches_and_as_pyg(data_dir: Path) -> None:
    sample = painet.Dataset.open(data_dir / "sample")
    data = painet.Preset.load("demo").data
    windows, systems = painet.windows(sample, "val", data), painet.pyg(sample, "val", data)
    assert len(windows) == len(systems) == len(sample.starts("val"))
    batch = windows.batch(torch.tensor([3]))
    torch.testing.assert_close(systems[3].pos, batch.positions)
    torch.testing.assert_close(systems[3].y.transpose(0, 1), batch.known_targets())
    # the split's own window, one target
    alone = painet.windows(sample, "test").batch(torch.tensor([0]))
    start = int(sample.starts("test")[0])
    np.testing.assert_array_equal(alone.known_targets()[0], sample.frames[start + 200])
    with pytest.raises(RequestError, match="part='tests': not allowed"):
        painet.pyg(sample, "tests")  # type: ignore[arg-type]


def test_training_tells_callbacks_and_goes_on_where_it_stopped(
    small_preset: Path, data_dir: Path, tmp_path: Path
) -> None:
    watcher = Watcher()
    preset = painet.Preset.load(small_preset)
    run = painet.train(
        preset,
        settings={"train.eval_every": 1},
        epochs=1,
        name="mine",
        data_dir=data_dir,
        run_dir=tmp_path,
        device="cpu",
        callbacks=[watcher],
    )
    assert run.run.parent == tmp_path / "mine"
    assert [record.epoch for record in watcher.records] == [1]
    more = painet.train(resume=run.run, epochs=2, data_dir=data_dir, device="cpu")
    assert (more.epochs, more.run) == (2, run.run)
    evaluation = painet.evaluate(run.run, split="val", data_dir=data_dir, device="cpu", save=True)
    assert evaluation.mse == pytest.approx(more.val_mse)
    assert (run.run / "evaluation.json").is_file()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "either a preset or a run to resume"),
        ({"preset": "demo", "resume": "runs/a"}, "either a preset or a run to resume"),
        ({"resume": "runs/a", "settings": {"train.lr": 1.0}}, "keeps its preset"),
        ({"resume": "runs/a"}, "runs/a: no run here"),
        ({"preset": "demo", "device": "gpu"}, "no such device"),
        ({"preset": "demo", "data_dir": "nowhere"}, "painet prepare sample"),
        ({"preset": "demo", "settings": {"train.lrr": 1.0}}, "train.lrr: no such key"),
    ],
)
def test_what_cannot_be_trained_is_said(given: dict[str, object], said: str) -> None:
    with pytest.raises(RequestError) as caught:
        painet.train(**{"device": "cpu", **given})  # type: ignore[arg-type]
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: painet.load(1), "where=1: not allowed"),  # type: ignore[arg-type]
        (lambda: painet.evaluate("a", split="tset"), "split='tset'"),  # type: ignore[arg-type]
        (lambda: painet.evaluate("a", horizon=0), "horizon=0: not allowed"),
        (lambda: painet.train("demo", budget_s=-1), "budget_s=-1: not allowed"),
        (lambda: painet.write_prediction("a.pdb", 0, "out"), "steps=0: not allowed"),
        (
            lambda: painet.write_prediction("a.pdb", 5, "out", frame_time=1e-15),  # type: ignore[arg-type]
            "frame_time=1e-15: not allowed",
        ),
    ],
)
def test_arguments_are_held_against_the_signature(call: Callable[[], object], said: str) -> None:
    with pytest.raises(RequestError) as caught:
        call()
    assert str(caught.value).startswith(said)


def test_what_is_loaded_is_of_the_one_class() -> None:
    assert isinstance(load("sample", "cpu").model, painet.PAINET)


def test_a_message_names_an_argument_as_its_caller_writes_it(tmp_path: Path, say: Say) -> None:
    with pytest.raises(RequestError, match="molecule='bensene': not in MD17"):
        painet.prepare("md17", molecule="bensene", data_dir=tmp_path)
    assert "--molecule bensene: not in MD17" in say("prepare", "md17", "--molecule", "bensene")[2]
    with pytest.raises(RequestError, match="subject=7: no published split"):
        painet.prepare("mocap", subject=7, data_dir=tmp_path)
    (tmp_path / "sample").mkdir()
    with pytest.raises(RequestError, match="give force=True to replace it"):
        painet.prepare("sample", data_dir=tmp_path)
    assert "give --force to replace it" in say("prepare", "sample", "--data-dir", tmp_path)[2]


def test_a_file_is_predicted_into_a_folder(data_dir: Path, tmp_path: Path) -> None:
    told: list[str] = []
    done = painet.write_prediction(
        data_dir / "sample",
        3,
        tmp_path / "out",
        checkpoint="sample",
        start=1,
        device="cpu",
        notice=told.append,
    )
    assert done.made.start_frames == [1]
    assert {one.path.name for one in done.files} < {path.name for path in done.folder.iterdir()}
    assert done.summary["steps"] == 3 and done.summary["provenance"]["inputs"]
    assert "checkpoint sample" in told[0]
    with pytest.raises(RequestError, match=r"exists already\ngive force=True"):
        painet.write_prediction(data_dir / "sample", 3, tmp_path / "out", checkpoint="sample")
