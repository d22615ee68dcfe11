"""Arrays as an input of a prediction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from painet_cli.data.batches.spacing import frame_times_of
from painet_cli.data.particles.bonds import covalent_bonds
from painet_cli.data.particles.elements import is_element
from painet_cli.data.particles.names import Axis
from painet_cli.data.particles.origin import kept_digits
from painet_cli.data.particles.particles import Particles
from painet_cli.data.particles.unit import refuse_other_unit
from painet_cli.errors import RequestError
from painet_cli.prediction.inputs.recording import Input
from painet_cli.prediction.loading import LoadedModel
from painet_cli.training.checkpoint import Header

Bonds = Sequence[tuple[int, int]]


def arrays(
    system: ArrayLike,
    model: LoadedModel,
    types: Sequence[str] | None,
    names: Sequence[str] | None,
    residues: Sequence[str] | None,
    bonds: Bonds | NDArray[np.integer] | None,
    frame_time_s: float | None,
) -> Input:
    """Take arrays as `painet.predict` is given them; see there for parameters and errors."""
    if frame_time_s is not None and not 0 < frame_time_s < np.inf:
        raise RequestError(
            f"frame_time_s={frame_time_s!r}: no time between frames", "give seconds above zero"
        )
    unit, up_axis = model.header.units.length, model.header.up_axis
    frames = _frames(system, up_axis)
    count = frames.shape[1]
    kinds = tuple(types if types is not None else names or ())
    for column in (kinds, names, residues):
        _check_column(column, count)
    particles = _particles(kinds, names, residues)
    in_angstrom = particles.elements and unit == "angstrom"
    if in_angstrom:
        refuse_other_unit("the system", particles.elements, frames[-1])
    if bonds is not None:
        particles = particles.model_copy(update={"bonds": _pairs(bonds, count)})
    elif in_angstrom:
        found = covalent_bonds(frames[-1], particles.elements)
        particles = particles.model_copy(update={"bonds": found})
    return Input(
        name="the system",
        kind="arrays",
        path=None,
        particles=particles,
        frames=frames,
        frame_time_s=frame_time_s or _trained_frame_time(model.header),
        length_unit=unit,
        up_axis=up_axis,
    )


def _frames(system: ArrayLike, up_axis: Axis | None) -> NDArray[np.floating]:  # (F, N, 3)
    """Positions of one frame or of several, in as many digits as they need."""
    if isinstance(system, Tensor):
        system = system.detach().cpu()
    if np.ma.is_masked(system):
        system = np.ma.filled(np.ma.asarray(system).astype(np.float64), np.nan)
    try:
        given = np.asarray(system)
    except ValueError:
        given = np.empty(0, dtype=object)
    if given.dtype.kind not in "fiu":
        raise RequestError(
            "positions are no array of real numbers", "give (N, 3), or (F, N, 3) of the same atoms"
        )
    if given.ndim not in (2, 3) or given.shape[-1] != 3 or not given.size:
        raise RequestError(
            f"positions of shape {np.shape(system)}", "expected (particles, 3) or (frames, N, 3)"
        )
    check_finite(given)
    single = given.dtype in (np.float16, np.float32)
    frames = kept_digits(given if single else given.astype(np.float64), up_axis)
    frames = frames[None] if frames.ndim == 2 else frames
    check_finite(frames)  # a float64 may be too large for float32
    return frames


def _check_column(column: Sequence[str] | None, count: int) -> None:
    """Refuse types, names or residues that are not one word a particle."""
    if column is None:
        return
    if not all(isinstance(one, str) for one in column):
        raise RequestError(
            "types, names and residues are words", "give them so: types=['C', 'C', 'O']"
        )
    if len(column) != count:
        raise RequestError(
            f"{len(column)} types, names or residues for {count} particles",
            "give one a particle: types=['C', 'C', 'O'] or names=['N', 'CA', 'C', 'O']",
        )


def _pairs(bonds: Bonds | NDArray[np.integer], count: int) -> tuple[tuple[int, int], ...]:
    """Bonds, each of two of `count` particles."""
    try:
        pairs = np.asarray(bonds)
    except ValueError:  # rows of several lengths
        pairs = np.asarray([np.nan])
    if pairs.size and (pairs.dtype.kind not in "iu" or pairs.shape[1:] != (2,)):
        raise RequestError("bonds are no pairs of particles", "give whole numbers, (B, 2)")
    listed = tuple((int(i), int(j)) for i, j in pairs.tolist())
    if any(i == j or not 0 <= min(i, j) <= max(i, j) < count for i, j in listed):
        raise RequestError(f"bonds: one does not join two of the {count} particles")
    return listed


def _trained_frame_time(header: Header) -> float | None:
    """Seconds between frames as in training; None where it was on a range of times."""
    return None if frame_times_of(header.preset.data) else header.units.frame_time_s


def _particles(
    kinds: Sequence[str], names: Sequence[str] | None, residues: Sequence[str] | None
) -> Particles:
    listed = sorted(set(kinds))
    return Particles(
        names=tuple(names if names is not None else kinds),
        types=tuple(listed.index(kind) for kind in kinds),
        type_names=tuple(listed),
        bonds=(),
        elements=tuple(kinds) if all(map(is_element, kinds)) else (),
        residues=tuple(residues or ()),
    )


def check_finite(frames: NDArray[Any]) -> None:
    """Refuse positions that are no numbers, and name the place of the first."""
    if frames.dtype.kind != "f" or np.isfinite(frames).all():
        return
    place = np.argwhere(~np.isfinite(frames))[0].tolist()
    names = ("frame", "particle", "coordinate")[-len(place) :]
    where = ", ".join(f"{name} {number}" for name, number in zip(names, place, strict=False))
    if frames.dtype == np.float16 and not np.isnan(frames).any():
        raise RequestError(
            f"a position is infinite: {where}", "float16 overflows at 65,504; give float32"
        )
    raise RequestError(f"a position is NaN or infinite: {where}", "predict from whole frames")
