"""Structures and trajectories that MDAnalysis reads, as inputs of a prediction."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from MDAnalysis.lib.mdamath import triclinic_box
from numpy.typing import NDArray

from painet_cli.data.formats.frame import Frame
from painet_cli.data.particles.bonds import among
from painet_cli.data.particles.elements import HEAVY, heavy_places
from painet_cli.data.particles.stretched import refuse_other_order
from painet_cli.data.particles.unit import refuse_other_unit
from painet_cli.data.trajectories.atom_elements import elements_of, with_hydrogens
from painet_cli.data.trajectories.readable import TOPOLOGIES, TRAJECTORIES, format_of
from painet_cli.data.trajectories.reader import (
    NoCoordinatesError,
    NoTopologyError,
    Trajectory,
    open_topology,
)
from painet_cli.data.trajectories.topology import (
    altloc_note,
    incomplete_note,
    particles_of,
    select,
    unknown_note,
    virtual_note,
)
from painet_cli.data.trajectories.unwrap import Unwrapper
from painet_cli.data.trajectories.whole import connections, whole_positions
from painet_cli.data.units import PICOSECOND
from painet_cli.errors import RequestError, option
from painet_cli.prediction.inputs.recording import Frames, Recording, Selected, check_several

_OF_MODELS = {"PDB", "ENT", "XPDB", "PDBQT", "CIF", "MMCIF", "BCIF", "SDF", "MOL2"}
"""Formats of several models of one system, as NMR and predictions of structures give them, by
painet's names and by MDAnalysis'."""


def holds_models(format_name: str) -> bool:
    """Whether frames without times in a file of this format are structures, and no motion."""
    return format_name.upper().removesuffix(".GZ") in _OF_MODELS


class MoleculeRecording(Recording):
    """What MDAnalysis reads. Frames are read one by one; lengths are angstrom.

    Parameters
    ----------
    path
        A structure, a trajectory with names of its own, or one whose names are in `topology`.
    topology
        Names and bonds of the atoms; None for those in `path`.
    drop_extra
        Take the first atoms of a trajectory that has more than the topology.
    format_name
        Format of `path`, instead of what its name says.
    """

    def __init__(
        self,
        path: Path,
        topology: Path | None,
        *,
        drop_extra: bool,
        format_name: str | None,
    ) -> None:
        self.topology = topology or path
        try:
            self._universe = open_topology(self.topology, None if topology else format_name)
        except NoTopologyError as error:
            if topology is not None:
                raise
            raise RequestError(
                error.what, f"if it is a trajectory, give its {option('topology')}: {TOPOLOGIES}"
            ) from error
        try:
            count = self._universe.atoms.n_atoms
            self._trajectory = Trajectory(
                path, self.topology, count, drop_extra=drop_extra, format_name=format_name
            )
        except NoCoordinatesError as error:
            raise RequestError(
                error.what,
                f"give a structure or a trajectory, and this as {option('topology')}: "
                f"{TRAJECTORIES}",
            ) from error
        time_ps = self._trajectory.frame_time_ps
        several = self._trajectory.frame_count > 1
        super().__init__(
            path,
            self._trajectory.frame_count,
            time_ps * PICOSECOND if several and time_ps is not None else None,
        )
        self.breaks = self._trajectory.breaks
        self._are_models = (
            several and time_ps is None and holds_models(format_of(path, format_name).name)
        )
        if self._are_models:
            self.breaks = tuple(range(1, self.frame_count))
        first = self._frame(0)
        self._box = first.box
        self._connections = connections(self._universe, first)
        self._first = whole_positions(first, self._connections).astype(np.float32)
        everyone = select(self._universe, "all", self.topology)  # each in one place
        try:
            x = self._first[everyone.indices]
            elements = elements_of(everyone)
            refuse_other_unit(f"{path}: frame 0", elements, x)
            bonds = among(self._connections, everyone.indices)
            refuse_other_order(f"{path}: frame 0", elements, bonds, x)
        except RequestError:
            self.close()
            raise
        dimensions = None if first.box is None else triclinic_box(*first.box)
        self._universe.load_new(self._first[None], dimensions=dimensions)
        check_several(path, count)

    def give_frame_time(self, frame_time_s: float) -> None:
        """Take these seconds between frames; models that have a time between them are a motion."""
        super().give_frame_time(frame_time_s)
        self._are_models, self.breaks = False, self._trajectory.breaks

    def close(self) -> None:
        """Let go of the files."""
        self._trajectory.close()

    def select(self, language: str) -> Selected:
        """Choose atoms; see `Recording.select`."""
        if language == HEAVY:
            everyone = select(self._universe, "all", self.topology)
            selected = everyone[heavy_places(_elements(everyone), everyone.n_atoms, self.path)]
        else:
            selected = select(self._universe, language, self.topology)
        check_several(f"{option('select', language)} in {self.path}", selected.n_atoms)
        x = self._first[selected.indices]
        particles, _ = particles_of(selected, x, None, self.topology, self._box)
        self.notes = tuple(
            note
            for note in (
                *self._trajectory.notes,
                incomplete_note(self._universe, self.topology),
                self._models(),
            )
            if note
        )
        said = (
            altloc_note(self._universe, selected),
            virtual_note(self._universe, selected),
            unknown_note(self._universe, selected, language),
        )
        return Selected(
            language,
            with_hydrogens(particles, selected),
            np.asarray(selected.indices, dtype=np.int64),
            tuple(one.rstrip(".") for one in said if one),
        )

    def _models(self) -> str:
        """What is to be said of structures that are no motion; empty where they are one."""
        if not self._are_models:
            return ""
        return (
            f"its {self.frame_count:,} models have no times: they are taken for structures of "
            f"their own, not for a motion ({option('frame_time')} says that they are one)"
        )

    def _frame(self, number: int) -> Frame:
        try:
            return self._trajectory.frame(number)
        except RequestError as error:
            raise RequestError(error.what, f"choose other frames with {option('start')}") from error

    def _frames(self, first: int, stop: int, indices: NDArray[np.int64]) -> Frames:
        count = stop - first
        positions = np.empty((count, len(indices), 3), dtype=np.float32)
        velocities = np.full_like(positions, np.nan)
        boxes, times_s = np.zeros((count, 3, 3)), np.zeros(count)
        origins = np.zeros((count, 3))
        unwrap = Unwrapper(self._connections, self._universe.atoms.n_atoms, indices)
        for row in range(count):
            frame = self._frame(first + row)
            positions[row], times_s[row] = frame.positions[indices], frame.time_ps * PICOSECOND
            if frame.box is not None:  # a jump to the other side of the box is no motion
                positions[row], boxes[row] = unwrap(frame.positions, frame.box), frame.box
            if frame.origin is not None:
                origins[row] = frame.origin
            if frame.velocities is not None:
                velocities[row] = frame.velocities[indices] / PICOSECOND
        return Frames(
            positions,
            times_s=times_s if self._has_times(times_s) else None,
            velocities=velocities if np.isfinite(velocities).any() else None,
            boxes=boxes if boxes.any() else None,
            origins=origins if origins.any() else None,
        )

    def _has_times(self, times_s: NDArray[np.float64]) -> bool:
        """Whether the file gives its frames times; a single one is at 0 where it does not."""
        return self.frame_time_s is not None or (self.frame_count == 1 and bool(times_s.any()))


def _elements(everyone: Any) -> tuple[str, ...]:
    """Elements, or where one is in doubt what names say of hydrogens."""
    found = elements_of(everyone)
    if found or not hasattr(everyone, "names"):
        return found
    return tuple("H" if name.lstrip("0123456789")[:1] == "H" else "" for name in everyone.names)
