"""The trials of a CMU subject, out of ASF and AMC files or arrays of positions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.motion.acclaim import parse_amc, parse_asf
from painet_cli.data.motion.acclaim_text import LARGEST_NUMBER
from painet_cli.data.motion.skeleton import joint_positions
from painet_cli.errors import RequestError, option
from painet_cli.storage.archives import Members, open_source, read_array

ARCHIVE_URL = "http://mocap.cs.cmu.edu/allasfamc.zip"

PARENTS = {
    "lhipjoint": "root",
    "lfemur": "lhipjoint",
    "ltibia": "lfemur",
    "lfoot": "ltibia",
    "ltoes": "lfoot",
    "rhipjoint": "root",
    "rfemur": "rhipjoint",
    "rtibia": "rfemur",
    "rfoot": "rtibia",
    "rtoes": "rfoot",
    "lowerback": "root",
    "upperback": "lowerback",
    "thorax": "upperback",
    "lowerneck": "thorax",
    "upperneck": "lowerneck",
    "head": "upperneck",
    "lclavicle": "thorax",
    "lhumerus": "lclavicle",
    "lradius": "lhumerus",
    "lwrist": "lradius",
    "lhand": "lwrist",
    "lfingers": "lhand",
    "lthumb": "lwrist",
    "rclavicle": "thorax",
    "rhumerus": "rclavicle",
    "rradius": "rhumerus",
    "rwrist": "rradius",
    "rhand": "rwrist",
    "rfingers": "rhand",
    "rthumb": "rwrist",
}
"""The skeleton of all CMU subjects, in the order of their ASF files."""
JOINTS = ("root", *PARENTS)
BONES = tuple((JOINTS.index(parent), JOINTS.index(child)) for child, parent in PARENTS.items())

DIRECTORY_ORDER = (
    "Trial k of the published split is taken as the k-th trial in numerical order, because the "
    "published numbering follows an unknown directory order: figures are comparable with published "
    "ones, not identical in split."
)
PUBLISHED_ORDER = (
    "Trials are numbered as in the source, whose k-th is the k-th of the published split."
)

_SKELETON = re.compile(r"(\d{1,4})\.asf", re.ASCII | re.IGNORECASE)
_TRIAL = re.compile(r"(\d{1,4})_(\d{1,4})\.amc", re.ASCII | re.IGNORECASE)
_POSITIONS = re.compile(r"(trial_(\d{1,4}))\.npy", re.ASCII)


@dataclass(frozen=True)
class Subject:
    """One activity of one person, as the published benchmark uses it."""

    dataset: str
    activity: str
    trials: tuple[int, ...]


SUBJECTS = {
    9: Subject("mocap-run", "running", tuple(range(1, 12))),
    # CMU's archive also has trials 17 to 27 of subject 35, which are not among the 23 walks.
    35: Subject("mocap-walk", "walking", (*range(1, 17), *range(28, 35))),
}


@dataclass(frozen=True)
class SubjectTrials:
    """Positions of the joints in each trial of a subject.

    Attributes
    ----------
    joints
        Their names.
    bones
        Pairs (parent, child) of joints.
    trials
        (frames, joints, 3) in ASF units, by name, in numerical order.
    numbering
        How that order stands to the published one.
    """

    joints: tuple[str, ...]
    bones: tuple[tuple[int, int], ...]
    trials: dict[str, NDArray[np.float64]]
    numbering: str


def read_trials(subject: int, source: Path) -> SubjectTrials:
    """Read the trials of a subject that the published benchmark uses.

    Parameters
    ----------
    subject
        A key of `SUBJECTS`.
    source
        A folder or .zip of ASF and AMC files, CMU's whole archive or a part of it, or an .npz of
        positions: `trial_00`, `trial_01`, ..., each (frames, 31, 3) in ASF units, and perhaps
        `edges`, the (30, 2) bones.

    Raises
    ------
    RequestError
        The source does not hold the subject's trials, or a file of them cannot be read.
    """
    with open_source(source) as members:
        positions = any(_POSITIONS.fullmatch(name) for name in members)
        read = _read_positions if positions else _read_acclaim
        return read(subject, members, source)


def _read_acclaim(subject: int, members: Members, source: Path) -> SubjectTrials:
    """Read the subject's skeleton, wherever it lies, and the trials beside it."""
    asf = _find_skeleton(subject, members, source)
    beside = PurePosixPath(asf).parent
    there = {
        (int(match[1]), int(match[2])): name
        for name in members
        if (match := _TRIAL.fullmatch(PurePosixPath(name).name))
        and PurePosixPath(name).parent == beside
    }
    wanted = {f"{subject:02d}_{trial:02d}": (subject, trial) for trial in SUBJECTS[subject].trials}
    missing = [f"{name}.amc" for name, key in wanted.items() if key not in there]
    if missing:
        raise RequestError(
            f"{source}: {len(missing)} of {len(wanted)} trials are missing: {_some(missing)}",
            f"the published split needs them all; {ARCHIVE_URL} has them",
        )
    skeleton = parse_asf(members[asf](), f"{source}/{asf}")
    trials = {}
    for name, key in wanted.items():
        motion = parse_amc(members[there[key]](), f"{source}/{there[key]}", skeleton)
        trials[name] = joint_positions(skeleton, *motion)
    return SubjectTrials(skeleton.names, skeleton.bonds, trials, DIRECTORY_ORDER)


def _find_skeleton(subject: int, members: Members, source: Path) -> str:
    found = {
        name: int(match[1])
        for name in members
        if (match := _SKELETON.fullmatch(PurePosixPath(name).name))
    }
    mine = [name for name in found if found[name] == subject]
    if len(mine) == 1:
        return mine[0]
    if mine:
        what = f"several skeletons of subject {subject}: {_some(mine)}"
    elif found:
        what = f"subject {_some(sorted({*found.values()}))}, not subject {subject}"
    else:
        what = "neither an ASF skeleton nor an array 'trial_00'"
    raise RequestError(
        f"{source}: holds {what}",
        f"expected one {subject:02d}.asf with its {subject:02d}_NN.amc beside it",
    )


def _some(items: Sequence[object]) -> str:
    return ", ".join([*map(str, items[:5]), *["..."] * (len(items) > 5)])


def _read_positions(subject: int, members: Members, source: Path) -> SubjectTrials:
    """Read the arrays of an .npz."""
    found = sorted(
        (int(match[2]), match[1], name) for name in members if (match := _POSITIONS.fullmatch(name))
    )
    expected = len(SUBJECTS[subject].trials)
    if len(found) != expected:
        fitting = [n for n in SUBJECTS if len(SUBJECTS[n].trials) == len(found)]
        raise RequestError(
            f"{source}: holds {len(found)} trials, but subject {subject} has {expected}",
            f"that is the number of subject {fitting[0]}'s trials: give "
            f"{option('subject', fitting[0])}"
            if fitting
            else "expected arrays trial_00, trial_01, ..., one a trial",
        )
    if "edges.npy" in members:
        _check_edges(read_array(members["edges.npy"](), f"{source}/edges"), f"{source}/edges")
    trials = {}
    for _, name, member in found:
        positions = read_array(members[member](), f"{source}/{name}")
        _check_positions(positions, f"{source}/{name}")
        trials[name] = positions.astype(np.float64)
    return SubjectTrials(JOINTS, BONES, trials, PUBLISHED_ORDER)


def _check_edges(edges: NDArray[np.generic], where: str) -> None:
    expected = {*map(tuple, np.sort(BONES, axis=1).tolist())}
    if edges.shape != np.shape(BONES) or {*map(tuple, np.sort(edges, axis=1).tolist())} != expected:
        raise RequestError(
            f"{where}: not the bones of CMU's skeleton",
            f"expected the {len(BONES)} bones between joints {', '.join(JOINTS[:4])}, ...",
        )


def _check_positions(positions: NDArray[np.generic], where: str) -> None:
    shape = positions.shape
    if (
        positions.dtype.kind != "f"
        or len(shape) != 3
        or not shape[0]
        or shape[1:] != (len(JOINTS), 3)
    ):
        raise RequestError(
            f"{where}: {positions.dtype} of shape {shape} are no positions",
            f"expected floating-point numbers of shape (frames, {len(JOINTS)}, 3)",
        )
    # No comparison with NaN holds.
    usable = (np.abs(positions) <= LARGEST_NUMBER).all(axis=(1, 2))
    if not usable.all():
        raise RequestError(
            f"{where}: frame {int(np.argmin(usable))} holds a number that is no coordinate",
            f"expected finite numbers, at most {LARGEST_NUMBER:g}",
        )
