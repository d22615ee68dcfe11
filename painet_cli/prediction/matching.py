"""Which checkpoint fits which particles, and why another does not."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.batches.typed_graph import MissingLabelError, particle_kinds
from painet_cli.data.particles.elements import HEAVY
from painet_cli.data.particles.names import Axis
from painet_cli.data.particles.particles import Particles
from painet_cli.errors import RequestError, option
from painet_cli.prediction.checkpoints import Checkpoint
from painet_cli.prediction.inputs.recording import Selected
from painet_cli.training.checkpoint import Header

FAR = 4.0
"""A checkpoint of a system this many times larger or smaller is the last to be taken."""
SELECTIONS = ("all", HEAVY, "backbone", "name CA")
"""What is tried where the user selects nothing."""
_SAME_RESIDUE = {
    **dict.fromkeys(("HSD", "HSE", "HSP", "HID", "HIE", "HIP"), "HIS"),
    **dict.fromkeys(("CYX", "CYM"), "CYS"),
    "ASH": "ASP",
    "GLH": "GLU",
    "LYN": "LYS",
    "MSE": "MET",
}
"""Names that force fields give a residue by its protonation or bonds."""
_FEW = 6


@dataclass(frozen=True, eq=False)
class Choice:
    """A checkpoint and the particles it fits.

    Attributes
    ----------
    reason
        Why it was taken, in a sentence.
    warnings
        What speaks against it all the same, a sentence each.
    """

    checkpoint: Checkpoint
    selected: Selected
    reason: str
    warnings: tuple[str, ...] = ()


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
            f"{_some(unknown)}: unknown to it, which was trained on {_some(header.type_names)}"
            + (f" (heavy atoms: {option('select', 'heavy')})" if unknown == ["H"] else "")
        )
    return np.array([index[kind] for kind in kinds], dtype=np.int64)


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
        raise MisfitError(f"it was trained in {header.units.length}, the input is in {length_unit}")
    types = types_of(header, particles)
    if "height" in header.preset.features.node and up_axis != header.up_axis:
        has = "has none" if up_axis is None else f"is {up_axis}"
        raise MisfitError(f"it needs a vertical axis {header.up_axis}, and the input's {has}")
    if not particles.bonds and header.preset.data.cutoff is None:
        raise MisfitError("it needs bonds, and the input has none")
    return types


def choose(
    candidates: Sequence[Selected],
    checkpoints: Sequence[Checkpoint],
    length_unit: str,
    up_axis: Axis | None,
    speed: Mapping[str, float] | None = None,
) -> Choice:
    """Choose a checkpoint, and of the candidates the first that it fits.

    Checkpoints of the very same system, by the numbers of particles of each type, come before those
    of others, these before those of systems `FAR` larger or smaller; then runs come before shipped
    ones, the first candidate before the next, equal numbers of particles, and the newest run. Where
    shipped ones are equal in all that, as walking and running are, the speed decides.

    Parameters
    ----------
    candidates
        Selections of the input, the largest first; at least one.
    checkpoints
        To choose from, the newest runs first.
    length_unit, up_axis
        Of the input.
    speed
        Root mean square of a velocity component, unit of length a second, by `Selected.language`.

    Raises
    ------
    RequestError
        None fits; says why the only one does not.
    """
    misfits: dict[str, str] = {}
    fitting: list[tuple[tuple[float, ...], Checkpoint, Selected, Counter[str]]] = []
    for order, checkpoint in enumerate(checkpoints):
        for place, selected in enumerate(candidates):
            try:
                types = check_fit(checkpoint.header, selected.particles, length_unit, up_axis)
            except MisfitError as error:
                misfits.setdefault(checkpoint.name, error.what)
                continue
            found = Counter(checkpoint.header.type_names[k] for k in types.tolist())
            rank = _rank(checkpoint, found, place)
            own = (speed or {}).get(selected.language) if checkpoint.origin == "shipped" else None
            fitting.append(((*rank, _off(checkpoint, own), order), checkpoint, selected, found))
    if not fitting:
        raise _none_fits(checkpoints, misfits)
    _, checkpoint, selected, found = min(fitting, key=lambda one: one[0])
    exact, trained = found == checkpoint.header.composition, checkpoint.header.composition
    why = {
        "given": "as asked",
        "run": "the newest fitting run",
        "shipped": "shipped with painet",
    }[checkpoint.origin]
    same = "trained on this very system" if exact else "its types cover the particles"
    other = (
        f"{checkpoint.name} was trained on another system, {_composition(trained)}; "
        f"this is {_composition(found)}: expect larger errors"
    )
    warnings = (other,) if trained and not exact else ()
    return Choice(checkpoint, selected, f"{why}: {same}, {_composition(found)}", warnings)


def _rank(checkpoint: Checkpoint, found: Counter[str], place: int) -> tuple[float, ...]:
    trained = checkpoint.header.composition
    count, here = sum(trained.values()), found.total()
    far = bool(trained) and max(count, here) > FAR * min(count, here)
    return (found != trained, far, checkpoint.origin == "shipped", place, count != here)


def _off(checkpoint: Checkpoint, speed: float | None) -> float:
    """How far the input's speed is from the trained one, in steps of a factor of 1.5."""
    if not speed or not checkpoint.speed:
        return 0.0
    a_frame = speed * checkpoint.header.units.frame_time_s
    return round(abs(math.log(a_frame / checkpoint.speed)) / math.log(1.5))


def _none_fits(checkpoints: Sequence[Checkpoint], misfits: Mapping[str, str]) -> RequestError:
    if not checkpoints:
        return RequestError(
            f"no checkpoint to predict with: no run in {option('run_dir')}, and none shipped",
            f"train one with `painet train`, or give {option('checkpoint', 'RUN')} or FILE",
        )
    if len(checkpoints) == 1:
        (name, why), *_ = misfits.items()
        return RequestError(
            f"checkpoint {name} does not fit: {why}",
            f"choose other particles with {option('select')}, or another checkpoint "
            "(`painet checkpoints`)",
        )
    nearest = "; ".join(f"{name}: {why}" for name, why in list(misfits.items())[:2])
    return RequestError(
        f"none of {len(checkpoints)} checkpoints fits ({nearest}; ...)",
        f"choose particles with {option('select')}, or train on this system: "
        "`painet prepare --help`",
    )


def _plain_residue(kind: str, at: int) -> str:
    """A type's name with the common name of its residue, which is word number `at`."""
    words = kind.split(" ")
    words[at : at + 1] = [_SAME_RESIDUE.get(word, word) for word in words[at : at + 1]]
    return " ".join(words)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _FEW} more" if len(names) > _FEW else ""
    return ", ".join(names[:_FEW]) + more


def _composition(counts: Mapping[str, int]) -> str:
    """`2 C, 6 H, 1 O`, or how many of how many types."""
    total = sum(counts.values())
    if len(counts) > _FEW:
        return f"{total:,} particles of {len(counts)} types"
    return ", ".join(f"{counts[name]:,} {name}" for name in sorted(counts))
