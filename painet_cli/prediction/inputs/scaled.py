"""Motion in a unit that its file does not say, in that of a checkpoint of the same skeleton."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from painet_cli.data.motion.length_units import UNSAID
from painet_cli.data.particles.structure import BONE_TOLERANCE, Structure, structure_of
from painet_cli.errors import RequestError
from painet_cli.prediction.checkpoints import Checkpoint
from painet_cli.prediction.inputs.motion import MotionRecording
from painet_cli.prediction.inputs.recording import Input, Recording
from painet_cli.training.checkpoint import Header

_OTHER_PEOPLE = 2.0


def take_unit(recording: Recording, checkpoints: Sequence[Checkpoint]) -> None:
    """Bring a motion to the unit of a checkpoint whose skeleton it is, where one number does that.

    Its bones must be the checkpoint's, each within 2 % of its length. Where they are no
    checkpoint's, the unit is the usual one, or the one that makes the skeleton as large as people.

    Parameters
    ----------
    checkpoints
        To choose from.
    """
    if not isinstance(recording, MotionRecording) or recording.length_unit not in UNSAID:
        return
    selected = recording.select("all")
    frames = recording.read(selected, 0, 1).frames
    here = structure_of(selected.particles, frames, recording.length_unit)
    found: list[tuple[float, float, Checkpoint]] = []
    for checkpoint in checkpoints:
        known, unit = checkpoint.header.structure, checkpoint.header.units.length
        if known is None or unit == "angstrom" or known.heavy_graph != here.heavy_graph:
            continue
        factor, off = factor_between(known, here)
        if off <= BONE_TOLERANCE:
            found.append((off, factor, checkpoint))
    if not found:
        recording.guess_unit()
        return
    _, factor, nearest = min(found, key=lambda one: one[0])
    unit = nearest.header.units.length
    if unit != recording.length_unit or abs(factor - 1) > BONE_TOLERANCE:
        recording.scale(factor, unit, nearest.name)


def refuse_other_scale(given: Input, header: Header, name: str) -> None:
    """Refuse a skeleton whose bones are all as many times as long as those of training.

    Twice or half as long, or more: people of one build differ by less.

    Raises
    ------
    RequestError
        They are: its unit is another.
    """
    known = header.structure
    if known is None or given.length_unit == "angstrom":
        return
    here = structure_of(given.particles, given.frames[-1:], given.length_unit)
    factor, off = factor_between(known, here)
    if off <= BONE_TOLERANCE and not 1 / _OTHER_PEOPLE < factor < _OTHER_PEOPLE:
        raise RequestError(
            f"{given.name}: its bones are {1 / factor:.4g} times as long as those that {name} was "
            "trained on, as if they were in another unit",
            f"give positions in {given.length_unit}: those times {factor:.4g}",
        )


def factor_between(known: Structure, here: Structure) -> tuple[float, float]:
    """Number that makes one skeleton's bones the other's, and the largest difference left."""
    if not here.lengths or here.lengths.keys() != known.lengths.keys():
        return 1.0, np.inf
    ratios = np.array(
        [known.lengths[kind].mean / length.mean for kind, length in here.lengths.items()]
    )
    factor = float(np.median(ratios))
    return factor, float(np.abs(factor / ratios - 1).max())
