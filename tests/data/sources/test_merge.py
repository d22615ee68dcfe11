"""Several systems by one command: merged, a whole collection, or several topologies."""

from __future__ import annotations

import warnings
from pathlib import Path

import MDAnalysis
import numpy as np
import pytest

from painet_cli import prepare
from painet_cli.cli.app import main
from painet_cli.data.dataset.dataset import Dataset, open_dataset
from painet_cli.data.sources.md17 import COLLECTION
from painet_cli.data.sources.md22 import COLLECTION as MD22
from painet_cli.data.sources.merge import prepare_together
from painet_cli.data.sources.registry import Destination
from painet_cli.errors import RequestError
from several import NAMES, three

__all__ = ["three"]

ATOMS = {"water": "OHH", "methane": "CHHHH"}


def molecule(folder: Path, name: str, runs: int = 1) -> tuple[Path, list[Path]]:
    """PDB of a molecule with its bonds, and DCDs of 60 frames, 1 fs apart."""
    symbols = list(ATOMS[name])
    universe = MDAnalysis.Universe.empty(len(symbols), trajectory=True)
    universe.add_TopologyAttr("name", [f"{one}{k}" for k, one in enumerate(symbols)])
    universe.add_TopologyAttr("element", symbols)
    universe.add_TopologyAttr("bonds", [(0, k) for k in range(1, len(symbols))])
    rng = np.random.default_rng(len(symbols))
    corners = np.array([[0, 0, 0], [1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    start = 0.6 * corners[: len(symbols)]
    paths = [folder / f"{name}-{k}.dcd" for k in range(runs)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        universe.atoms.positions = start
        universe.atoms.write(folder / f"{name}.pdb", bonds="all")
        for path in paths:
            with MDAnalysis.Writer(str(path), len(symbols), dt=0.001) as writer:
                for _ in range(60):
                    universe.atoms.positions = start + 0.01 * rng.normal(size=start.shape)
                    writer.write(universe.atoms)
    return folder / f"{name}.pdb", paths


def test_prepared_datasets_are_merged_by_name(three: list[Dataset], tmp_path: Path) -> None:
    together = prepare("merge", datasets=NAMES, name="both", test=["ring"], data_dir=tmp_path)
    assert [one.name for one in together.manifest.systems] == NAMES
    assert together.only("ring").manifest.split.train == ()
    assert np.array_equal(together.only("ring").frames, three[1].frames)


def test_the_command_takes_datasets_by_their_place(
    three: list[Dataset], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["prepare", "merge", *NAMES, "--name", "both", "--test", "ring"]
    assert main([*arguments, "--val", "chain", "--data-dir", str(tmp_path)]) == 0
    assert "3 systems" in capsys.readouterr().out
    assert open_dataset(tmp_path / "both").manifest.split.kind == "systems"
    assert main(["data", "show", "both", "--data-dir", str(tmp_path)]) == 0
    assert "ring (" in capsys.readouterr().out
    assert len(three) == 3


def test_a_merged_dataset_is_split_anew_by_itself(three: list[Dataset], tmp_path: Path) -> None:
    prepare("merge", datasets=NAMES, name="both", data_dir=tmp_path)
    again = prepare("merge", datasets=["both"], name="held", test=["ring"], data_dir=tmp_path)
    assert again.manifest.split.kind == "systems"
    assert len(again.manifest.systems) == len(three)


def test_a_dataset_that_is_not_there_is_named(three: list[Dataset], tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="nowhere: no prepared dataset here"):
        prepare("merge", datasets=[NAMES[0], "nowhere"], name="both", data_dir=tmp_path)
    assert not (tmp_path / "both").exists()
    assert len(three) == 3


def test_several_topologies_are_several_systems(tmp_path: Path) -> None:
    topologies, runs = zip(
        molecule(tmp_path, "water", 2), molecule(tmp_path, "methane"), strict=True
    )
    together = prepare(
        "trajectory",
        topology=topologies,
        trajectory=[path for own in runs for path in own],
        name="two",
        delta_frames=5,
        data_dir=tmp_path / "data",
    )
    assert [(one.name, one.particles) for one in together.manifest.systems] == [
        ("water", 3),
        ("methane", 5),
    ]
    names = [(segment.name, segment.system) for segment in together.manifest.segments]
    assert names == [("water-0", 0), ("water-1", 0), ("methane-0", 1)]
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["two"]  # nothing left beside


@pytest.mark.parametrize(
    ("trajectories", "said"),
    [
        (["water-0.dcd", "other.dcd"], "begins like that of no topology"),
        (["water-0.dcd"], "methane: no trajectory has a name that begins like it"),
    ],
)
def test_a_trajectory_of_no_topology_is_refused(
    tmp_path: Path, trajectories: list[str], said: str
) -> None:
    water, _ = molecule(tmp_path, "water")
    methane, _ = molecule(tmp_path, "methane")
    with pytest.raises(RequestError, match=said):
        prepare(
            "trajectory",
            topology=[water, methane],
            trajectory=[tmp_path / name for name in trajectories],
            name="two",
            data_dir=tmp_path / "data",
        )
    assert not (tmp_path / "data").exists()


def test_all_of_a_collection_needs_a_file_of_each(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no npz named after aspirin"):
        COLLECTION.prepare(Destination(tmp_path / "data"), molecule="all", source=tmp_path)


def test_of_a_folder_each_molecule_takes_the_file_of_its_own_name(tmp_path: Path) -> None:
    names = [file.name for (file,) in MD22.about.downloads.values()]
    for name in names:
        (tmp_path / name).write_bytes(b"")
    assert [MD22._file_in(tmp_path, one).name for one in MD22.molecules] == names


def test_what_fails_for_one_system_leaves_nothing_behind(
    three: list[Dataset], tmp_path: Path
) -> None:
    def fail(to: Destination) -> Dataset:
        raise RequestError("it cannot be read")

    to = Destination(tmp_path / "data")
    with pytest.raises(RequestError, match="cannot be read"):
        prepare_together(to, "all", {"one": lambda aside: three[0], "two": fail})
    assert list((tmp_path / "data").iterdir()) == []


def test_all_of_a_collection_is_one_dataset(shared: Path, tmp_path: Path) -> None:
    files = shared / "data" / "md17" / "sgdml"
    to = Destination(tmp_path / "data")
    together = COLLECTION.prepare(to, molecule="all", source=files, delta_frames=100)
    assert together.manifest.name == "md17-all"
    assert [one.name.removeprefix("md17-") for one in together.manifest.systems] == [
        *COLLECTION.molecules
    ]
