"""Which frames of a trajectory are read, the checks they must pass, and what is done with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.formats.frame import Frame
from painet_cli.data.particles.bonds import inverse_box
from painet_cli.data.particles.names import Treatment
from painet_cli.data.particles.superpose import spins, superposed
from painet_cli.data.trajectories.reader import REPEATED, Trajectory
from painet_cli.data.trajectories.unwrap import Unwrapper
from painet_cli.data.units import PICOSECOND, same_time
from painet_cli.errors import RequestError, option
from painet_cli.storage.progress import OnCount


@dataclass(frozen=True)
class Reading:
    """Which atoms and frames are read, and what is done with them.

    Attributes
    ----------
    select
        Atoms, in MDAnalysis' selection language.
    start, stop, stride
        Frames of every file, as a slice.
    unwrap
        Make molecules whole, bring those together that the periodic box parts, and let them leave
        it (`Unwrapper`).
    center
        Put the selection's centroid at the origin in every frame.
    superpose
        Shift and turn every frame onto the first of the first file. Turning takes the rotation of
        the whole out of the velocities too.
    bond_length
        Join atoms no farther apart than this in the first frame, angstrom.
    drop_extra
        Take the first atoms of a trajectory that has more than the topology.
    frame_time_s
        Seconds between the frames of the files, instead of what they say.
    format_name
        Format of the files, instead of what their names say.
    """

    select: str = "all"
    start: int = 0
    stop: int | None = None
    stride: int = 1
    unwrap: bool = False
    center: bool = False
    superpose: bool = False
    bond_length: float | None = None
    drop_extra: bool = False
    frame_time_s: float | None = None
    format_name: str | None = None

    @property
    def treatment(self) -> tuple[Treatment, ...]:
        """What is done to frames, as a dataset says it."""
        done: dict[Treatment, bool] = {
            "unwrapped": self.unwrap,
            "centred": self.center,
            "superposed": self.superpose,
        }
        return tuple(name for name, is_done in done.items() if is_done)


def chosen_frames(file: Trajectory, reading: Reading) -> range:
    """Numbers of the frames of a file that are read.

    Raises
    ------
    RequestError
        They are fewer than two.
    """
    chosen = range(file.frame_count)[reading.start : reading.stop : reading.stride]
    if len(chosen) < 2:
        raise RequestError(
            f"{file.path}: {len(chosen)} of its {file.frame_count} frames chosen, "
            "but motion takes at least 2",
            f"give a trajectory with {option('trajectory')}, or another {option('start')}, "
            f"{option('stop')} or {option('stride')}",
        )
    return chosen


def time_between_frames(files: Sequence[Trajectory], reading: Reading) -> float:
    """Seconds between frames that are kept.

    Raises
    ------
    RequestError
        A file does not say, or says another time than the first.
    """
    if reading.frame_time_s is not None:
        return reading.frame_time_s * reading.stride
    for file in files:
        if file.frame_time_ps is None:
            raise RequestError(
                f"{file.path}: does not say the time between its frames",
                f"give it, such as {option('frame_time', '2ps')}",
            )
    first, *others = [(file.path, file.frame_time_ps or 0.0) for file in files]
    for path, time in others:
        if not same_time(time, first[1]):
            raise RequestError(
                f"{path}: {time:.4g} ps between frames, but {first[0]} has {first[1]:.4g} ps",
                "prepare them apart, or give the time that holds for both with "
                f"{option('frame_time')}",
            )
    return first[1] * PICOSECOND * reading.stride


def prepared_frames(
    files: Sequence[Trajectory],
    chosen: Sequence[range],
    indices: NDArray[np.int64],
    reading: Reading,
    bonds: NDArray[np.int64],  # (B, 2)
    progress: OnCount,
) -> Iterator[NDArray[np.floating]]:
    """Positions of the selected atoms, (1, S, 3), angstrom, frame after frame of file after file.

    Parameters
    ----------
    bonds
        (B, 2) pairs of all atoms, by which molecules are known.

    Raises
    ------
    RequestError
        A frame cannot be read, is not finite, comes at another time than expected, has a molecule
        that the periodic box cuts or that crossed its boundary, has no box to be unwrapped by, or
        spins where it is superposed.
    """
    total, done = sum(map(len, chosen)), 0
    reference: NDArray[np.floating] | None = None
    laid: NDArray[np.floating] | None = None
    for file, numbers in zip(files, chosen, strict=True):
        unwrap = Unwrapper(bonds, file.atom_count, indices, together=reading.unwrap)
        before: Frame | None = None
        for number in numbers:
            frame = file.frame(number)
            _check_time(file, before, frame, reading)
            x: NDArray[np.floating] = frame.positions[indices]
            if frame.box is not None:
                whole = unwrap(frame.positions, frame.box)
                if not reading.unwrap:
                    _check_whole(file, number, frame.box, whole - x, indices)
                x = whole if reading.unwrap else x
            elif reading.unwrap:
                raise RequestError(
                    f"{option('unwrap', value=True)}: {file.path} has no periodic box in frame "
                    f"{number}",
                    f"leave {option('unwrap')} out",
                )
            if reading.center:
                x = x - x.mean(axis=0, dtype=np.float64)
            if reading.superpose:
                reference = x if reference is None else reference
                x = superposed(x, reference)
                if laid is not None and before is not None and spins(x, laid):
                    raise RequestError(
                        f"{option('superpose', value=True)}: {file.path}: frame {number} nearly is "
                        "a mirror image of the first and fits it two ways: superposed, it spins",
                        f"begin with another frame ({option('start')}), or leave "
                        f"{option('superpose')} out",
                    )
                laid = x
            yield x[None]
            before = frame
            done += 1
            progress(done, total)


def _check_time(file: Trajectory, before: Frame | None, frame: Frame, reading: Reading) -> None:
    """Refuse frames that are not evenly spaced, unless their spacing was given.

    Steps without a time tell gaps also where it was.
    """
    if before is None:
        return
    if gap := next((at for at in file.breaks if before.number < at <= frame.number), None):
        raise RequestError(
            f"{file.path}: frame {gap} does not follow the one before by the usual number of steps",
            f"cut it with {option('start')} and {option('stop')}",
        )
    if file.frame_time_ps is None or reading.frame_time_s is not None:
        return
    expected = file.frame_time_ps * reading.stride
    passed = frame.time_ps - before.time_ps
    if abs(passed) <= 1e-3 * expected:
        raise RequestError(
            f"{file.path}: frames {before.number} and {frame.number} are at the same time, "
            f"{frame.time_ps:.6g} ps",
            f"{REPEATED}, or cut it with {option('start')} and {option('stop')}",
        )
    # times are single precision in many formats: late ones are coarse
    if abs(passed - expected) > 0.01 * expected + 1e-6 * abs(frame.time_ps):
        raise RequestError(
            f"{file.path}: {passed:.4g} ps from frame {before.number} to {frame.number}, "
            f"but {expected:.4g} ps at the start",
            f"cut it with {option('start')} and {option('stop')}, or give {option('frame_time')} "
            "if its times are wrong",
        )


def _check_whole(
    file: Trajectory,
    number: int,
    box: NDArray[np.floating],  # (3, 3)
    moved: NDArray[np.floating],  # (S, 3)
    indices: NDArray[np.int64],
) -> None:
    """Refuse a frame in which unwrapping would move an atom: a molecule is cut, or has crossed.

    A molecule that tumbles is in one piece, however far its atoms move.
    """
    edges = np.abs(np.rint(moved @ inverse_box(box))).max(axis=1)
    if edges.any():
        atom = int(np.argmax(edges))
        raise RequestError(
            f"{file.path}: in frame {number} the periodic box cuts a molecule, or one has "
            f"crossed its boundary: atom {indices[atom]} would have to move by an edge",
            f"give {option('unwrap', value=True)} to undo that",
        )
