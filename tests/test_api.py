"""The three lines of Python: load, predict, on whatever a system comes as."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch_geometric.data import Data

from painet import LoadedModel, load, predict
from painet_cli.data.batch import to_pyg
from painet_cli.errors import RequestError
from painet_cli.evaluation.evaluate import load_run, windows_for
from tiny_files import atoms_of, ethanol


@pytest.fixture(scope="module")
def model(finished_run: Path) -> LoadedModel:
    return load(finished_run, "cpu")


def test_importing_the_package_does_not_import_torch() -> None:
    seen = "import sys, painet; print('torch' in sys.modules, 'load' in dir(painet))"
    done = subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


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


def test_bonds_of_heavy_atoms_are_found_from_distances(finished_run: Path, data_dir: Path) -> None:
    made = ethanol(data_dir)
    model = load(finished_run, "cpu")
    x = predict(model, made.frames[:2, :3], types=["C", "C", "O"])
    given = predict(model, made.frames[:2, :3], types=["C", "C", "O"], bonds=[(0, 1), (1, 2)])
    np.testing.assert_array_equal(x, given)
