"""The particles of a recording that a checkpoint is looked for, and what tells one from another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from painet_cli.data.particles.elements import HEAVY
from painet_cli.data.particles.structure import Structure, structure_of
from painet_cli.errors import RequestError
from painet_cli.prediction.inputs.recording import Recording, Selected

SELECTIONS = ("all", HEAVY, "backbone", "name CA")
"""What is tried where the user selects nothing."""
_SPEED_FRAMES = 120
"""Frames up to a start that the speed of a motion is taken from."""


@dataclass(frozen=True, eq=False)
class SelectedSystem:
    """Particles that a checkpoint is looked for.

    Attributes
    ----------
    selected
        Who they are.
    structure
        How they are built; None where it is not known.
    speed
        Root mean square of speeds, unit of length a second; 0 where it is not known.
    """

    selected: Selected
    structure: Structure | None = None
    speed: float = 0.0


def selected_systems(recording: Recording, select: str | None, start: int) -> list[SelectedSystem]:
    """What to look for a checkpoint for, each set of particles once.

    Parameters
    ----------
    select
        Particles, in the language of selections; None for each of `SELECTIONS` that there is.
    start
        Frame up to which speeds are measured.

    Raises
    ------
    RequestError
        Nothing is selected.
    """
    found: dict[bytes, Selected] = {}
    for language in SELECTIONS if select is None else (select,):
        try:
            selected = recording.select(language)
        except RequestError:
            if language in ("all", select):
                raise
            continue  # no hydrogens known, no protein, no CA: nothing to try
        found.setdefault(selected.indices.tobytes(), selected)
    return [_system(recording, selected, start) for selected in found.values()]


def _system(recording: Recording, selected: Selected, start: int) -> SelectedSystem:
    first = recording.read(selected, 0, 1)
    structure = structure_of(selected.particles, first.frames, recording.length_unit)
    return SelectedSystem(selected, structure, _speed(recording, selected, start))


def _speed(recording: Recording, selected: Selected, start: int) -> float:
    """Root mean square of speeds up to a start, unit of length a second; 0 where it is not known.

    Of motion alone: it tells walking from running, which have the same joints.
    """
    if recording.kind == "molecule" or recording.frame_time_s is None:
        return 0.0
    first = max(start + 1 - _SPEED_FRAMES, *(at for at in recording.breaks if at <= start), 0)
    frames = recording.read(selected, first, start + 1).frames
    if len(frames) < 2:
        return 0.0
    return float(
        np.sqrt(np.square(np.diff(frames, axis=0)).sum(axis=-1).mean()) / recording.frame_time_s
    )
