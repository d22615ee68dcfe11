"""Times of XTC, TRR, NetCDF and HDF5, which single precision makes coarse late in a run."""

from __future__ import annotations

import warnings
from pathlib import Path

import MDAnalysis
import numpy as np
import pytest
from scipy.io import netcdf_file

from painet_cli.data.formats.frame import FrameReader
from painet_cli.data.formats.mdtraj_h5 import MdtrajReader
from painet_cli.data.trajectories.mda_reader import MdaReader
from painet_cli.data.trajectories.readable import BY_NAME


def written(path: Path, times: np.ndarray) -> MdaReader:
    universe = MDAnalysis.Universe.empty(3, trajectory=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with MDAnalysis.Writer(str(path), 3) as writer:
            for time in times:
                universe.trajectory.ts.time = time
                universe.trajectory.ts.dimensions = [20, 20, 20, 90, 90, 90]
                writer.write(universe.atoms)
    name = {".nc": "NCDF"}.get(path.suffix, path.suffix[1:].upper())
    return MdaReader(path, BY_NAME[name], 3)


@pytest.mark.parametrize("suffix", [".xtc", ".trr", ".nc"])
@pytest.mark.parametrize(("begin", "step"), [(2e4, 0.002), (2e5, 0.2), (1e6, 0.1)])
def test_late_frames_are_as_far_apart_as_all_of_them_say(
    tmp_path: Path, suffix: str, begin: float, step: float
) -> None:
    reader = written(tmp_path / f"a{suffix}", begin + step * np.arange(100))
    assert reader.frame_time_ps == pytest.approx(step, rel=1e-9)
    times = [reader[k].time_ps for k in range(reader.n_frames)]
    np.testing.assert_allclose(np.diff(times), step, rtol=1e-6)
    reader.close()


LATE = (2e4 + 0.002 * np.arange(100)).astype(np.float32)


def test_late_frames_of_h5md_are_as_far_apart_as_all_of_them_say(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5md", "w") as file:
        file.create_group("h5md").attrs["version"] = [1, 1]
        position = file.create_group("particles/all/position")
        file.create_group("particles/all/box").attrs.update(dimension=3, boundary=["none"] * 3)
        position["value"] = np.zeros((100, 3, 3), dtype=np.float32)
        position["step"] = np.arange(100)
        position["time"] = LATE
        position["value"].attrs["unit"], position["time"].attrs["unit"] = "Angstrom", "ps"
    evenly_spaced(MdaReader(tmp_path / "a.h5md", BY_NAME["H5MD"], 3))


def test_late_frames_of_mdtraj_are_as_far_apart_as_all_of_them_say(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["coordinates"], file["time"] = np.zeros((100, 3, 3), dtype=np.float32), LATE
        file["coordinates"].attrs["units"], file["time"].attrs["units"] = (
            "nanometers",
            "picoseconds",
        )
    evenly_spaced(MdtrajReader(tmp_path / "a.h5"))


def evenly_spaced(reader: FrameReader) -> None:
    assert reader.frame_time_ps == 0.002
    times = [reader[k].time_ps for k in range(reader.n_frames)]
    np.testing.assert_allclose(np.diff(times), 0.002, rtol=1e-6)
    reader.close()


def test_early_times_are_the_files(tmp_path: Path) -> None:
    reader = written(tmp_path / "a.xtc", 0.5 * np.arange(10))
    assert reader.frame_time_ps == 0.5
    assert reader[9].time_ps == 4.5
    reader.close()


def test_where_frames_are_missing_the_first_interval_counts(tmp_path: Path) -> None:
    reader = written(tmp_path / "a.xtc", np.r_[0:10, 90:100] * 1.0)
    assert reader.frame_time_ps == 1.0
    assert reader[10].time_ps == 90.0
    reader.close()


def test_times_of_netcdf_are_scaled_as_the_file_says(tmp_path: Path) -> None:
    written(tmp_path / "a.nc", 4.0 * np.arange(10)).close()
    with netcdf_file(tmp_path / "a.nc", "a") as file:
        file.variables["time"].scale_factor = np.float32(1e-3)
    reader = MdaReader(tmp_path / "a.nc", BY_NAME["NCDF"], 3)
    assert reader.frame_time_ps == pytest.approx(0.004)
    assert reader[2].time_ps == pytest.approx(0.008)
    reader.close()
