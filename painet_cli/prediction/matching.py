"""Which checkpoint fits which particles, and why another does not."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.batches.spacing import frame_times_of
from painet_cli.data.batches.typed_graph import MissingLabelError, particle_kinds
from painet_cli.data.motion.length_units import UNSAID
from painet_cli.data.particles.names import Axis
from painet_cli.data.particles.particles import Particles
from painet_cli.data.particles.structure import structure_of
from painet_cli.data.units import time_text
from painet_cli.errors import RequestError, option, some_of
from painet_cli.prediction.inputs.recording import Input
from painet_cli.prediction.likeness import Comparison, compare
from painet_cli.training.checkpoint import Header

_SAME_RESIDUE = {
    **dict.fromkeys(("HSD", "HSE", "HSP", "HID", "HIE", "HIP"), "HIS"),
    **dict.fromkeys(("CYX", "CYM"), "CYS"),
    "ASH": "ASP",
    "GLH": "GLU",
    "LYN": "LYS",
    "MSE": "MET",
}
"""Names that force fields give a residue by its protonation or bonds."""


class MisfitError(RequestError):
    """A checkpoint does not fit some particles."""


def types_of(header: Header, particles: Particles) -> NDArray[np.int64]:
    """(N,) type of every particle as a checkpoint counts them.

    Residues that differ by their protonation alone are told apart where the checkpoint does so.

    Raises
    ------
    MisfitError
        It does not know one of them, or it needs labels that the particles do not have.
    """
    labels = header.preset.data.types
    try:
        kinds = particle_kinds(particles, labels, "the input")
    except MissingLabelError as error:
        raise MisfitError(error.missing) from error
    index = {name: number for number, name in enumerate(header.type_names)}
    if "residue" in labels:
        at = labels.index("residue")
        for name, number in list(index.items()):
            index.setdefault(_plain_residue(name, at), number)
        kinds = tuple(kind if kind in index else _plain_residue(kind, at) for kind in kinds)
    unknown = sorted({kind for kind in kinds if kind not in index})
    if unknown:
        raise MisfitError(
            f"{some_of(unknown)}: unknown to it, which was trained on {some_of(header.type_names)}"
            + (f" (heavy atoms: {option('select', 'heavy')})" if unknown == ["H"] else "")
        )
    return np.array([index[kind] for kind in kinds], dtype=np.int64)


def check_time(header: Header, frame_time_s: float | None, *, moving: bool) -> None:
    """Refuse frames whose time a checkpoint of a range of times was not trained on.

    Parameters
    ----------
    moving
        Whether any frame follows on another: those of single structures are no time apart.

    Raises
    ------
    MisfitError
        It is outside of the range, or not known.
    """
    served = frame_times_of(header.preset.data)
    if served is None or (frame_time_s is None and not moving):
        return
    if frame_time_s is None:
        raise MisfitError(
            f"it serves frames {served} apart, and the input does not say how far apart its own "
            f"are ({option('frame_time')} says it)"
        )
    if frame_time_s not in served:
        raise MisfitError(
            f"it serves frames {served} apart, and those of the input are "
            f"{time_text(frame_time_s)} apart"
        )


def check_fit(
    header: Header, particles: Particles, length_unit: str, up_axis: Axis | None
) -> NDArray[np.int64]:
    """(N,) type of every particle as a checkpoint counts them, which fits them.

    Raises
    ------
    MisfitError
        Another unit of length, unknown types, no direction of height or another one where the model
        needs it, or no edges.
    """
    if length_unit != header.units.length:
        raise MisfitError(
            f"it was trained in {header.units.length}, the input is in {length_unit}"
            + (", and no one factor makes its bones the checkpoint's" * (length_unit in UNSAID))
        )
    types = types_of(header, particles)
    check_up(header, up_axis)
    if not particles.bonds and header.preset.data.cutoff is None:
        raise MisfitError("it needs bonds, and the input has none")
    return types


def check_up(header: Header, up_axis: Axis | None) -> None:
    """Refuse another direction of height, or none, where the model goes by it.

    Raises
    ------
    MisfitError
        It reads heights, or headings: features in the body's frame, or a kernel.
    """
    model, features = header.preset.model, header.preset.features
    goes_by_it = (
        "height" in features.node
        or features.frame == "body"
        or model.closed_form
        or model.prior == "kernel"
    )
    if goes_by_it and header.up_axis is not None and up_axis != header.up_axis:
        has = "has none" if up_axis is None else f"is {up_axis}"
        raise MisfitError(f"it needs a vertical axis {header.up_axis}, and the input's {has}")


def compare_input(header: Header, system: Input) -> Comparison:
    """Compare a checkpoint's system with one that it fits.

    Raises
    ------
    MisfitError
        As `check_fit` does.
    """
    types = check_fit(header, system.particles, system.length_unit, system.up_axis)
    found = Counter(header.type_names[k] for k in types.tolist())
    structure = structure_of(system.particles, system.frames[-1:], system.length_unit)
    return compare(header, found, structure)


def _plain_residue(kind: str, at: int) -> str:
    """A type's name with the common name of its residue, which is word number `at`."""
    words = kind.split(" ")
    words[at : at + 1] = [_SAME_RESIDUE.get(word, word) for word in words[at : at + 1]]
    return " ".join(words)
