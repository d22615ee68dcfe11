from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

# Tensors of tests are small: threads would only wait for each other. Before torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import settings
from pytest import CaptureFixture, MonkeyPatch

from typed import Say

if TYPE_CHECKING:
    from pairs import Pair

ROOT = Path(__file__).parents[1]

# A busy machine is no failure.
settings.register_profile("painet", deadline=None)
settings.load_profile("painet")


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of the paper's figures and of real data, which a clone alone does not have."""
    folder = Path(os.environ.get("PAINET_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip("needs the shared folder; set PAINET_SHARED")
    return folder


def pytest_configure(config: pytest.Config) -> None:
    # PyTorch Geometric scripts a class as it is imported, which PyTorch 2.13 deprecates.
    ignore = "ignore:.torch.jit.script. is deprecated:DeprecationWarning"
    config.addinivalue_line("filterwarnings", ignore)


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data directory with the sample prepared; tests only read it."""
    from painet_cli.data.sources.registry import Destination
    from painet_cli.data.sources.sample import prepare_sample

    folder = tmp_path_factory.mktemp("data")
    prepare_sample(Destination(folder, command="tests"))
    return folder


@pytest.fixture(scope="session")
def small_preset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Preset file of a training that takes a second."""
    path = tmp_path_factory.mktemp("presets") / "small.yaml"
    path.write_text(
        "extends: demo\n"
        "data: {horizon: 2, delta_frames: 20}\n"
        "model: {layers: 2, hidden: 8, heads: 1}\n"
        "train: {epochs: 4, batch_size: 200, eval_every: 2, lr: 1e-2, ema: 0.9}\n"
    )
    return path


@pytest.fixture(scope="session")
def finished_run(
    data_dir: Path, small_preset: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Run folder of the small preset, trained to its end; tests only read it."""
    from trainings import train

    return train(small_preset, data_dir, tmp_path_factory.mktemp("runs")).run


@pytest.fixture
def say(capsys: CaptureFixture[str], monkeypatch: MonkeyPatch, tmp_path: Path) -> Say:
    """Type a command in an empty folder; gives status, standard output and standard error."""
    from painet_cli.cli.app import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")

    def typed(*words: object) -> tuple[int, str, str]:
        status = main([str(word) for word in words])
        out, err = capsys.readouterr()
        return status, out, err

    return typed


@pytest.fixture(scope="session")
def pair() -> Iterator[Pair]:
    """Two processes that train together."""
    from pairs import Pair

    with Pair() as processes:
        yield processes
