"""Predictions in Python: arrays, MDAnalysis' atoms or PyTorch Geometric's systems."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, overload

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from painet_cli.config.arguments import checked_argument
from painet_cli.data.particles.unit import refuse_other_unit
from painet_cli.data.units import PICOSECOND
from painet_cli.errors import RequestError
from painet_cli.models.base import DynamicsModel
from painet_cli.prediction.asked import make_forecast
from painet_cli.prediction.graphs import predict_graphs
from painet_cli.prediction.inputs.arrays import Bonds, arrays, check_finite
from painet_cli.prediction.inputs.recording import Input, check_several
from painet_cli.prediction.inputs.scaled import refuse_other_scale
from painet_cli.prediction.loading import LoadedModel, load
from painet_cli.prediction.matching import compare_input
from painet_cli.prediction.starting.start_checks import refuse_wrong_order
from painet_cli.prediction.starting.timing import frames_behind

if TYPE_CHECKING:
    from MDAnalysis import AtomGroup
    from torch_geometric.data import Data

    from painet_cli.data.formats.frame import Frame

System = TypeVar("System", bound="Data")
_STEPS = Annotated[int, Field(ge=1)] | None


@overload
def predict(
    model: LoadedModel | str | Path,
    system: NDArray[np.floating],
    steps: int | None = None,
    *,
    types: Sequence[str] | None = None,
    names: Sequence[str] | None = None,
    residues: Sequence[str] | None = None,
    bonds: Bonds | NDArray[np.integer] | None = None,
    frame_time_s: float | None = None,
) -> NDArray[np.floating]: ...


@overload
def predict(
    model: LoadedModel | str | Path, system: AtomGroup, steps: int | None = None
) -> NDArray[np.floating]: ...


@overload
def predict(
    model: DynamicsModel | LoadedModel | str | Path, system: System, steps: int | None = None
) -> System: ...


def predict(
    model: DynamicsModel | LoadedModel | str | Path,
    system: Any,
    steps: int | None = None,
    *,
    types: Sequence[str] | None = None,
    names: Sequence[str] | None = None,
    residues: Sequence[str] | None = None,
    bonds: Bonds | NDArray[np.integer] | None = None,
    frame_time_s: float | None = None,
) -> Any:
    """Predict how a system moves on.

    Parameters
    ----------
    model
        What `load` gives, or what it takes: a run folder, a file or a shipped name. For a `Data`
        also a bare model.
    system
        One of

        - an array of positions, (N, 3), or of consecutive frames, (F, N, 3), the last being the
          start; in the model's unit of length (angstrom for molecules), with `types` or `names`;
        - an MDAnalysis `AtomGroup` (or a `Universe`, all of it) at the current frame of its
          trajectory, with the velocity since the frame before, and as many frames before it as the
          model reads; models of a PDB or mmCIF that have no times are structures of their own;
        - a PyTorch Geometric `Data` or `Batch` with `pos` and `vel` (M, 3), `types` (M,) and
          `edge_index` (2, E), and `edge_hop` (E,) where not all edges are bonds; velocities in the
          unit of length a frame. Given what `load` returns, each system is checked as files are.
    steps
        Steps to predict; past the T the model was trained on by rollout. By default T.
    types
        Of an array: N names of particle types, such as chemical symbols; by default `names`.
    names
        Of an array: N names of particles, such as `CA` or `lfoot`; by default `types`.
    residues
        Of an array: N names of residues, for models that tell them apart.
    bonds
        Of an array: (B, 2) pairs of particles. By default those no farther apart than their
        covalent radii and 0.4 angstrom, where `types` are chemical symbols.
    frame_time_s
        Of an array: seconds between frames; by default those of the model.

    Returns
    -------
    NDArray
        (T, N, 3) predicted positions, in the unit of the input: float32, or float64 where the
        system is so far from the origin that float32 would lose digits. Give float64 there.
    Data
        For a `Data`: a copy whose `y` (M, T, 3) holds them, NaN from where a system runs away.

    Raises
    ------
    RequestError
        The model does not fit the system, a field is missing or has the wrong shape, positions are
        not finite, a molecule is in pieces, or frames are no motion.
    PainetError
        The prediction runs away at once.

    Warns
    -----
    UserWarning
        A single frame has no velocity, its time is not the model's, the model was trained on
        another system, or the prediction is distorted or runs away.

    Examples
    --------
    >>> import tempfile, painet
    >>> ethanol = painet.prepare("sample", data_dir=tempfile.mkdtemp())
    >>> atoms = ethanol.manifest.particles
    >>> x = painet.predict("sample", ethanol.frames[:2], 2, types=atoms.elements, bonds=atoms.bonds)
    >>> x.shape, x.dtype  # (steps, particles, 3), angstrom
    ((2, 9, 3), dtype('float32'))
    """
    steps = checked_argument("steps", _STEPS, steps)
    frame_time_s = checked_argument("frame_time_s", float | None, frame_time_s)
    if isinstance(model, str | Path):
        model = load(model)
    if hasattr(system, "edge_index"):
        return predict_graphs(model, system, steps)
    if not isinstance(model, LoadedModel):
        raise RequestError(
            "a bare model does not know the types and units it was trained on",
            "give what painet.load returns",
        )
    if hasattr(system, "universe"):
        given = _atoms(system.atoms, model)
    else:
        given = arrays(system, model, types, names, residues, bonds, frame_time_s)
        refuse_other_scale(given, model.header, model.name)
    refuse_wrong_order(given)
    start = np.array([len(given.frames) - 1])
    horizon = model.header.preset.data.horizon
    forecast = make_forecast(model, given, start, horizon if steps is None else steps)
    other = compare_input(model.header, given).warnings(model.name)
    for message in (*other, *forecast.warnings):
        warnings.warn(message, stacklevel=2)
    return forecast.positions[0]


def _atoms(atoms: AtomGroup, model: LoadedModel) -> Input:
    from painet_cli.data.trajectories.atom_elements import elements_of, with_hydrogens
    from painet_cli.data.trajectories.topology import particles_of, select
    from painet_cli.data.trajectories.unwrap import Unwrapper
    from painet_cli.data.trajectories.whole import connections
    from painet_cli.prediction.inputs.molecule import holds_models

    where = Path("the AtomGroup")
    check_several(where, atoms.n_atoms)
    if len(atoms.unique) != len(atoms):
        raise RequestError("the AtomGroup holds an atom twice", "give its `unique` atoms")
    trajectory = atoms.universe.trajectory
    at, frame_time_s = trajectory.frame, _frame_time_s(trajectory)
    known = []
    kinds = getattr(trajectory, "format", "")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    are_models = frame_time_s is None and any(map(holds_models, kinds))
    behind = 0 if are_models else frames_behind(model.header, frame_time_s)
    for number in range(max(0, at - behind), at + 1):
        trajectory[number]
        known.append(_frame(atoms, number))
    check_finite(np.stack([frame.positions[atoms.indices] for frame in known]))
    everyone = select(atoms.universe, "all", where)  # each in one place
    refuse_other_unit(str(where), elements_of(everyone), known[-1].positions[everyone.indices])
    bonds = connections(atoms.universe, known[-1])
    unwrap = Unwrapper(bonds, atoms.universe.atoms.n_atoms, atoms.indices)
    positions = np.stack(
        [
            frame.positions[atoms.indices]
            if frame.box is None
            else unwrap(frame.positions, frame.box).astype(np.float32)
            for frame in known
        ]
    )
    particles, _ = particles_of(atoms, positions[-1], None, where, known[-1].box)
    times_s = np.array([frame.time_ps for frame in known]) * PICOSECOND
    return Input(
        name="the system",
        kind="molecule",
        path=None,
        particles=with_hydrogens(particles, atoms),
        frames=positions,
        frame_time_s=frame_time_s,
        length_unit="angstrom",
        up_axis=model.header.up_axis,
        first_frame=known[0].number,
        times_s=None if frame_time_s is None else times_s,
        velocities=_velocities(known, atoms),
    )


def _frame(atoms: AtomGroup, number: int) -> Frame:
    """The present frame of all atoms of a universe."""
    from painet_cli.data.formats.frame import Frame

    step, everyone = atoms.universe.trajectory.ts, atoms.universe.atoms
    with warnings.catch_warnings():  # MDAnalysis' on times, which `_frame_time_s` looks at
        warnings.simplefilter("ignore")
        time_ps = float(step.time)
    return Frame(
        number,
        np.array(everyone.positions, dtype=np.float32),
        _box(atoms.universe.trajectory, number),
        time_ps,
        np.array(step.velocities, dtype=np.float32) if step.has_velocities else None,
    )


def _box(trajectory: Any, number: int) -> NDArray[np.float64] | None:
    """Edges (3, 3) of the periodic box of the present frame; None where there is none.

    MDAnalysis keeps their lengths and angles: how they lie is in the file.
    """
    from MDAnalysis.lib.mdamath import triclinic_vectors

    from painet_cli.data.formats.text_frames import dl_poly_box
    from painet_cli.data.trajectories.child_reader import h5md_edges
    from painet_cli.data.trajectories.reader import is_box

    dimensions = trajectory.ts.dimensions
    if dimensions is None or not is_box(triclinic_vectors(dimensions)):
        return None
    if trajectory.format == "H5MD":
        return h5md_edges(trajectory, number, dimensions)
    if trajectory.format in ("HISTORY", "CONFIG"):
        begins = (trajectory._offsets[number],) if trajectory.format == "HISTORY" else ()
        return dl_poly_box(Path(trajectory.filename), *begins)
    box: NDArray[np.float64] = triclinic_vectors(dimensions, dtype=np.float64)
    return box


def _frame_time_s(trajectory: Any) -> float | None:
    """Seconds between the frames; None where the trajectory does not say, and of a first frame."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        time_ps = float(trajectory.dt)
    # MDAnalysis takes 1 ps where a file has no times
    invented = any("no dt information" in str(one.message) for one in caught)
    if trajectory.frame == 0 or invented or not time_ps > 0:
        return None
    return time_ps * PICOSECOND


def _velocities(known: Sequence[Frame], atoms: AtomGroup) -> NDArray[np.float32] | None:
    """Velocities of the known frames, angstrom a second, where the trajectory has them."""
    if any(frame.velocities is None for frame in known):
        return None
    held = [frame.velocities[atoms.indices] for frame in known if frame.velocities is not None]
    velocities: NDArray[np.float32] = (np.stack(held) / PICOSECOND).astype(np.float32)
    return velocities
