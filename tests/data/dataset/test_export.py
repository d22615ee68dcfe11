"""A dataset that goes out as a trajectory comes back the same."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from MDAnalysis import Universe
from MDAnalysis.coordinates.XYZ import XYZWriter
from numpy.typing import NDArray

from painet_cli.data.dataset.dataset import Dataset, open_dataset, write_dataset
from painet_cli.data.dataset.export import Export, export_trajectory
from painet_cli.data.dataset.manifest import Manifest, Units
from painet_cli.data.particles.particles import Particles
from painet_cli.data.trajectories.formats import FORMATS
from painet_cli.data.trajectories.universe import universe_of
from painet_cli.errors import PainetError, RequestError
from systems import frames_of, manifest

# In angstrom: what a column or a whole number of thousandths of a nanometre cuts off.
TOLERANCE = {".xtc": 5.1e-3, ".pdb": 5.1e-4, ".gro": 5.1e-3}


@pytest.fixture
def peptide() -> Particles:
    """Two residues of two chains, and a name too long for PDB beside its short namesake."""
    return Particles(
        names=("N", "CA", "lowerback", "lowerneck", "lowe"),
        types=(0, 1, 1, 2, 2),
        type_names=("n", "c", "x"),
        bonds=((0, 1), (1, 2), (2, 3), (3, 4)),
        elements=("N", "C", "C", "O", "O"),
        residues=("ALA", "ALA", "ALA", "GLY", "GLY"),
        residue_ids=(7, 7, 7, 8, 8),
        chains=("A", "A", "A", "B", "B"),
    )


@pytest.fixture
def described(peptide: Particles) -> Manifest:
    units = Units(length="angstrom", length_in_metres=1e-10, frame_time_s=2.5e-15)
    return manifest().model_copy(update={"particles": peptide, "units": units})


@pytest.fixture
def dataset(tmp_path: Path, described: Manifest) -> Dataset:
    return write_dataset(tmp_path / "small", 30 * frames_of(described), described)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def opened(export: Export) -> Universe:
    with warnings.catch_warnings():  # of MDAnalysis, about times and boxes that a file lacks
        warnings.simplefilter("ignore")
        return Universe(str(export.topology or export.path), str(export.path))


def positions(universe: Universe) -> NDArray[np.float32]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.array([step.positions.copy() for step in universe.trajectory])


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("ending", FORMATS)
def test_there_and_back(dataset: Dataset, out: Path, ending: str) -> None:
    stop = 1 if ending == ".gro" else None
    (export,) = export_trajectory(dataset, out / f"all{ending}", stop=stop)
    assert names_in(out) == sorted({f"all{ending}", "all.pdb"})
    universe = opened(export)
    seen = positions(universe)
    expected = dataset.frames[:stop]
    assert seen.shape == expected.shape
    assert np.abs(seen - expected).max() <= TOLERANCE.get(ending, 1e-5)
    if FORMATS[ending].times:
        assert universe.trajectory.dt == pytest.approx(0.0025, rel=1e-6)


def test_the_sample_comes_back_to_1e_5_angstrom(data_dir: Path, out: Path) -> None:
    sample = open_dataset(data_dir / "sample")
    for ending in (".dcd", ".trr", ".nc", ".xyz"):
        (export,) = export_trajectory(sample, out / f"s{ending}", stride=50, force=True)
        universe = opened(export)
        assert np.abs(positions(universe) - sample.frames[::50]).max() < 1e-5
        assert universe.atoms.elements.tolist() == ["C", "C", "O", *"HHHHHH"]


@pytest.mark.parametrize("ending", [".dcd", ".pdb"])
def test_the_topology_tells_names_residues_chains_and_bonds(
    dataset: Dataset, out: Path, peptide: Particles, ending: str
) -> None:
    (export,) = export_trajectory(dataset, out / f"all{ending}", stop=2)
    universe = opened(export)
    assert universe.atoms.names.tolist() == ["N", "CA", "low2", "low3", "lowe"]
    assert universe.atoms.elements.tolist() == list(peptide.elements)
    assert universe.residues.resnames.tolist() == ["ALA", "GLY"]
    assert universe.residues.resids.tolist() == [7, 8]
    assert universe.atoms.chainIDs.tolist() == list(peptide.chains)
    assert {tuple(sorted(bond)) for bond in universe.bonds.indices.tolist()} == {*peptide.bonds}
    assert "low2: lowerback" in (out / "all.pdb").read_text(), "the whole name is in a remark"


def test_a_universe_holds_what_the_manifest_says(dataset: Dataset, peptide: Particles) -> None:
    universe = universe_of(
        dataset.manifest.particles, dataset.frames, dataset.manifest.units.frame_time_s
    )
    assert universe.atoms.names.tolist() == list(peptide.names)
    assert universe.atoms.types.tolist() == ["n", "c", "c", "x", "x"]
    assert universe.segments.segids.tolist() == ["A", "B"]
    assert len(universe.select_atoms("resname ALA and element C")) == 2
    assert universe.trajectory.n_frames == 20
    assert universe.trajectory.dt == pytest.approx(0.0025)
    assert np.shares_memory(universe.trajectory.get_array(), dataset.frames), "nothing is copied"


def test_a_universe_of_particles_without_residues() -> None:
    bare = manifest()
    universe = universe_of(bare.particles, frames_of(bare)[0], 1e-12)
    assert len(universe.residues) == len(universe.segments) == 1
    assert universe.trajectory.n_frames == 1
    assert universe.trajectory.dt == 1
    assert not hasattr(universe.atoms, "elements")


def test_chains_of_many_letters_get_one_each(described: Manifest) -> None:
    chains = ("PROA", "PROA", "", "PROB", "PROB")
    particles = described.particles.model_copy(update={"chains": chains})
    universe = universe_of(particles, frames_of(described), 1e-15)
    assert universe.segments.segids.tolist() == ["PROA", "X", "PROB"]
    assert universe.atoms.chainIDs.tolist() == ["A", "A", "X", "B", "B"]


@pytest.mark.parametrize("segment", ["trial 1", "1"])
def test_one_segment(dataset: Dataset, out: Path, segment: str) -> None:
    (export,) = export_trajectory(dataset, out / "one.dcd", segment=segment, start=1, stride=3)
    assert np.array_equal(positions(opened(export)), dataset.frames[13:20:3])
    assert opened(export).trajectory.dt == pytest.approx(0.0075, rel=1e-6)


def test_a_file_a_segment(dataset: Dataset, out: Path) -> None:
    first, second = export_trajectory(dataset, out / "of-{segment}.nc", topology=False)
    assert names_in(out) == ["of-trial_0.nc", "of-trial_1.nc"]
    for export, own in ((first, dataset.frames[:12]), (second, dataset.frames[12:])):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            universe = Universe.empty(5, trajectory=True)
            universe.load_new(str(export.path))
        assert np.array_equal(positions(universe), own)


def test_progress_counts_every_frame(dataset: Dataset, out: Path) -> None:
    told: list[tuple[int, int]] = []
    export_trajectory(
        dataset, out / "{segment}.xyz", progress=lambda done, total: told.append((done, total))
    )
    assert told == [(done, 20) for done in range(1, 21)]


def test_nothing_is_replaced_without_force(dataset: Dataset, out: Path) -> None:
    for taken in ("all.dcd", "all.pdb"):
        (out / taken).write_text("mine")
        with pytest.raises(RequestError, match=taken) as refused:
            export_trajectory(dataset, out / "all.dcd")
        assert "force=True" in refused.value.hint
        assert [path.read_text() for path in out.iterdir()] == ["mine"]
        export_trajectory(dataset, out / "all.dcd", force=True)
        assert names_in(out) == ["all.dcd", "all.pdb"]
        (out / "all.dcd").unlink()
        (out / "all.pdb").unlink()


@pytest.mark.parametrize(
    ("name", "options", "complaint"),
    [
        ("all.foo", {}, "ends in .foo"),
        ("all", {}, "ends in nothing"),
        ("all.gro", {}, "20 frames, but GRO holds at most 1"),
        ("nowhere/all.dcd", {}, "no such folder"),
        ("all.dcd", {"segment": "trial 9"}, "trial 9: no such segment"),
        ("all.dcd", {"segment": "2"}, "2: no such segment"),
        ("all.dcd", {"start": 20}, "there are 20 frames"),
        ("all.dcd", {"start": 5, "stop": 5}, "no frame from 5 to 5"),
        ("{segment}.dcd", {"start": 10}, "there are 8 frames"),
    ],
)
def test_what_cannot_be_written_is_refused(
    dataset: Dataset, out: Path, name: str, options: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(RequestError) as refused:
        export_trajectory(dataset, out / name, **options)
    assert complaint in refused.value.what
    assert names_in(out) == []


def test_an_unknown_ending_lists_those_known(dataset: Dataset, out: Path) -> None:
    with pytest.raises(RequestError) as refused:
        export_trajectory(dataset, out / "all.extxyz")
    assert all(ending in refused.value.hint for ending in FORMATS)


def test_coordinates_wider_than_a_column(tmp_path: Path, out: Path, described: Manifest) -> None:
    frames = frames_of(described)
    frames[:, 0, 0] = -1e5
    far = write_dataset(tmp_path / "far", frames, described)
    with pytest.raises(RequestError, match="frame 0 does not fit PDB"):
        export_trajectory(far, out / "far.pdb")
    assert names_in(out) == []
    (export,) = export_trajectory(far, out / "far.dcd")
    assert np.array_equal(positions(opened(export)), frames)
    assert len(opened(export).bonds) == 4


def test_more_particles_than_pdb_counts(tmp_path: Path, out: Path) -> None:
    n = 100_000
    particles = Particles(names=("C",) * n, types=(0,) * n, type_names=("C",), bonds=())
    small = manifest((5,), train=(0,), val=(), test=())
    many = small.model_copy(update={"particles": particles})
    dataset = write_dataset(tmp_path / "many", np.zeros((5, n, 3), dtype=np.float32), many)
    with pytest.raises(RequestError, match="at most 99,999 particles") as refused:
        export_trajectory(dataset, out / "many.dcd")
    assert "topology=False" in refused.value.hint
    (export,) = export_trajectory(dataset, out / "many.dcd", topology=False, stop=1)
    assert export.path.stat().st_size > 12 * n
    assert names_in(out) == ["many.dcd"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_in_the_middle_leaves_nothing_behind(
    dataset: Dataset, out: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def fails(frames: Iterator[int]) -> Any:
        write = XYZWriter.write

        def written(self: XYZWriter, atoms: Any) -> None:
            if next(frames) == 3:
                raise error
            write(self, atoms)

        return written

    monkeypatch.setattr(XYZWriter, "write", fails(iter(range(20))))
    expected = PainetError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        export_trajectory(dataset, out / "all.xyz")
    assert names_in(out) == []
