"""Times of XTC and TRR, which single precision makes coarse late in a run."""

from __future__ import annotations

import warnings
from pathlib import Path

import MDAnalysis
import numpy as np
import pytest

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
    return MdaReader(path, BY_NAME[path.suffix[1:].upper()], 3)


@pytest.mark.parametrize("suffix", [".xtc", ".trr"])
@pytest.mark.parametrize(("begin", "step"), [(2e4, 0.002), (2e5, 0.2), (1e6, 0.1)])
def test_late_frames_are_as_far_apart_as_all_of_them_say(
    tmp_path: Path, suffix: str, begin: float, step: float
) -> None:
    reader = written(tmp_path / f"a{suffix}", begin + step * np.arange(100))
    assert reader.frame_time_ps == pytest.approx(step, rel=1e-9)
    times = [reader[k].time_ps for k in range(reader.n_frames)]
    np.testing.assert_allclose(np.diff(times), step, rtol=1e-6)
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
