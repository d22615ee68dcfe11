from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from painet_cli.data.dataset.dataset import Dataset, open_dataset
from painet_cli.data.dataset.splits import leak_fraction
from painet_cli.data.sources.registry import Destination
from painet_cli.data.sources.sample import prepare_sample
from painet_cli.errors import RequestError

COMMAND = "painet prepare sample"


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return prepare_sample(Destination(tmp_path_factory.mktemp("data"), command=COMMAND))


def test_the_archive_is_small_and_in_md17s_schema() -> None:
    path = files("painet_cli.data.sources") / "sample_files" / "ethanol_xtb.npz"
    assert len(path.read_bytes()) < 3_000_000
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        frames = len(archive["R"])
        assert frames >= 10_000
        assert (archive["R"].shape, archive["R"].dtype) == ((frames, 9, 3), np.float32)
        assert (archive["E"].shape, archive["E"].dtype) == ((frames, 1), np.float64)
        assert archive["z"].tolist() == [6, 6, 8, 1, 1, 1, 1, 1, 1]
        assert str(archive["name"]) == "ethanol"
        assert "GFN2-xTB" in str(archive["theory"])


def test_is_named_by_its_folder_and_says_what_made_it(sample: Dataset) -> None:
    assert sample.manifest.name == "sample"
    assert sample.manifest.origin.prepared_by == COMMAND
    assert "make_sample.py" in sample.manifest.origin.source
    assert "not MD17's own frames" in sample.manifest.origin.notes
    assert open_dataset(sample.folder).sha256 == sample.sha256


def test_is_ethanol_with_its_eight_bonds(sample: Dataset) -> None:
    particles = sample.manifest.particles
    assert particles.names == ("C1", "C2", "O1", "H1", "H2", "H3", "H4", "H5", "H6")
    assert particles.type_names == ("H", "C", "O")
    assert particles.types == (1, 1, 2, 0, 0, 0, 0, 0, 0)
    degrees = np.bincount(np.ravel(particles.bonds))
    assert len(particles.bonds) == 8
    assert degrees.tolist() == [4, 4, 2, 1, 1, 1, 1, 1, 1]


def test_stays_whole_and_moves_smoothly(sample: Dataset) -> None:
    i, j = np.array(sample.manifest.particles.bonds).T
    lengths = np.linalg.norm(sample.frames[:, i] - sample.frames[:, j], axis=-1)
    assert lengths.min() > 0.8
    assert lengths.max() < 1.9
    assert np.abs(np.diff(sample.frames, axis=0)).max() < 0.1  # angstrom in half a femtosecond


def test_windows_lie_in_separate_stretches(sample: Dataset) -> None:
    split = sample.manifest.split
    assert [len(sample.starts(part)) for part in ("train", "val", "test")] == [500, 200, 400]
    assert (split.kind, split.delta_frames) == ("blocks", 200)
    assert leak_fraction(split) == 0.0


def test_is_the_same_wherever_it_is_prepared(sample: Dataset, tmp_path: Path) -> None:
    again = prepare_sample(Destination(tmp_path, command=COMMAND))
    assert again.sha256 == sample.sha256


def test_replaces_a_dataset_only_when_forced(tmp_path: Path) -> None:
    folder = tmp_path / "sample"
    prepare_sample(Destination(folder.parent, command=COMMAND))
    with pytest.raises(RequestError, match="exists already"):
        prepare_sample(Destination(folder.parent, command=COMMAND))
    assert (
        prepare_sample(
            Destination(folder.parent, force=True, command="again")
        ).manifest.origin.prepared_by
        == "again"
    )
