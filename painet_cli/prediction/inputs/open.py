"""A path to the recording that it holds: molecule, npz, motion or prepared dataset."""

from __future__ import annotations

from pathlib import Path

from painet_cli.data.dataset.dataset import dataset_folder
from painet_cli.data.particles.names import Axis
from painet_cli.data.trajectories.readable import MOTION, format_of
from painet_cli.errors import RequestError, option
from painet_cli.prediction.inputs.molecule import MoleculeRecording
from painet_cli.prediction.inputs.motion import MotionRecording
from painet_cli.prediction.inputs.npz import NpzRecording
from painet_cli.prediction.inputs.prepared import PreparedRecording
from painet_cli.prediction.inputs.recording import Recording


def open_input(
    path: Path,
    *,
    topology: Path | None = None,
    frame_time_s: float | None = None,
    data_dir: Path | None = None,
    drop_extra: bool = False,
    format_name: str | None = None,
    up_axis: Axis | None = None,
) -> Recording:
    """Open a structure, a trajectory, a recorded motion or a prepared dataset.

    Parameters
    ----------
    path
        A file of any format that is read (`READABLE`), the folder of a prepared dataset or its name
        in `data_dir`.
    topology
        Names and bonds of a trajectory's atoms, or the ASF skeleton of an AMC file; by default the
        file itself, or the skeleton beside it.
    frame_time_s
        Seconds between frames, instead of what the file says.
    data_dir
        Where prepared datasets lie.
    drop_extra
        Take the first atoms of a trajectory that has more than its topology.
    format_name
        Format of the file, such as `LAMMPSDUMP`, instead of what its name says.
    up_axis
        Direction of height in motion capture, instead of what the motion or its format says.

    Raises
    ------
    RequestError
        It is not there, damaged, of no known format, holds no coordinates or a single particle; or
        an `up_axis` is given for what is no motion capture.
    """
    folder = dataset_folder(path, data_dir)
    recording: Recording
    if folder is not None:
        recording = PreparedRecording(folder)
    else:
        kind = format_of(path, format_name)
        kind.check_package(path)
        if kind.name in MOTION:
            recording = MotionRecording(path, topology, kind.name, up_axis)
        elif kind.name == "NPZ":
            recording = NpzRecording(path)
        else:
            recording = MoleculeRecording(
                path, topology, drop_extra=drop_extra, format_name=format_name
            )
    if up_axis is not None and not isinstance(recording, MotionRecording):
        recording.close()
        raise RequestError(
            f"{option('up', up_axis)}: {path} is no file of motion capture",
            f"leave {option('up')} out",
        )
    if frame_time_s is not None:
        recording.give_frame_time(frame_time_s)
    return recording
