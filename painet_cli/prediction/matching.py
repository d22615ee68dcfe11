"""Which checkpoint fits which particles, and why another does not."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.batches.spacing import frame_times_of
from painet_cli.data.batches.typed_graph import MissingLabelError, particle_kinds
from painet_cli.data.motion.motion import UNSAID
from painet_cli.data.particles.names import Axis
from painet_cli.data.particles.particles import Particles
from painet_cli.data.particles.structure import structure_of
from painet_cli.data.units import time_text
from painet_cli.errors import RequestError, option
from painet_cli.prediction.checkpoints import Checkpoint
from painet_cli.prediction.inputs.recording import Input, Selected
from painet_cli.prediction.inputs.selections import SelectedSystem
from painet_cli.prediction.likeness import LEAST, Comparison, compare, composition
from painet_cli.prediction.starting.timing import frame_time_of
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
_FEW = 6
_ANOTHER_GAIT = 2.0
"""Steps of a factor of 1.5 in speed from which on a motion is another kind: walking, running."""


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
    if served is None:
        return
    if frame_time_s is None and not moving:
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


@dataclass(frozen=True, eq=False)
class _Match:
    checkpoint: Checkpoint
    candidate: SelectedSystem
    found: Counter[str]
    comparison: Comparison
    rank: tuple[float, ...]


def choose(
    candidates: Sequence[SelectedSystem],
    checkpoints: Sequence[Checkpoint],
    length_unit: str,
    up_axis: Axis | None,
    frame_time_s: float | None = None,
    fingerprint: str = "",
    *,
    moving: bool = True,
) -> Choice:
    """Choose a checkpoint, and of the candidates the one that it fits best.

    Checkpoints of the very same system come before those of others, which have to be `LEAST` like
    it unless they are asked for. Then the nearest time between frames counts, of motion the nearest
    speed (it tells walking from running, which have the same joints), the likeness of the systems;
    runs before shipped ones, the first candidate before the next, and the newest run.

    Parameters
    ----------
    candidates
        Selections of the input, the largest first; at least one.
    checkpoints
        To choose from, the newest runs first.
    length_unit, up_axis
        Of the input.
    frame_time_s
        Seconds between its frames, where it says so.
    fingerprint
        sha256 of the prepared dataset that the input is, if it is one.
    moving
        Whether any frame of the input follows on another.

    Raises
    ------
    RequestError
        None fits, or none is like the system; says which is the nearest and what to do.
    """
    misfits: dict[str, str] = {}
    fitting: list[_Match] = []
    for order, checkpoint in enumerate(checkpoints):
        for place, candidate in enumerate(candidates):
            particles = candidate.selected.particles
            try:
                types = check_fit(checkpoint.header, particles, length_unit, up_axis)
                check_time(checkpoint.header, frame_time_s, moving=moving)
            except MisfitError as error:
                misfits.setdefault(checkpoint.name, error.what)
                continue
            found = Counter(checkpoint.header.type_names[k] for k in types.tolist())
            comparison = compare(checkpoint.header, found, candidate.structure, fingerprint)
            rank = _rank(checkpoint, candidate, comparison, frame_time_s)
            match = _Match(checkpoint, candidate, found, comparison, (*rank, place, order))
            fitting.append(match)
    if not fitting:
        in_unit = [one for one in checkpoints if one.header.units.length == length_unit]
        named = length_unit != "angstrom" or any(c.selected.particles.elements for c in candidates)
        raise _none_fits(in_unit or checkpoints, misfits, named=named)
    like = [one for one in fitting if one.checkpoint.origin == "given" or _is_like(one)]
    if not like:
        raise _none_is_like(max(fitting, key=lambda one: one.comparison.score))
    taken = min(like, key=lambda one: one.rank)
    why = {
        "given": "as asked",
        "run": "the newest fitting run",
        "shipped": "shipped with painet",
    }[taken.checkpoint.origin]
    difference = taken.comparison.difference
    return Choice(
        taken.checkpoint,
        taken.candidate.selected,
        f"{why}: {taken.comparison.said}, {composition(taken.found)}",
        (f"{taken.checkpoint.name}: {difference}: expect larger errors",) if difference else (),
    )


def _is_like(match: _Match) -> bool:
    return match.comparison.same or match.comparison.score >= LEAST


def _rank(
    checkpoint: Checkpoint,
    candidate: SelectedSystem,
    comparison: Comparison,
    frame_time_s: float | None,
) -> tuple[float, ...]:
    off = _off(checkpoint, candidate.speed) if checkpoint.origin == "shipped" else 0.0
    trained = frame_time_of(checkpoint.header, frame_time_s)
    apart = 0 if frame_time_s is None else round(abs(math.log10(frame_time_s / trained)))
    return (
        (not comparison.same) + (off >= _ANOTHER_GAIT),
        apart,
        off,
        -round(comparison.score, 2),
        checkpoint.origin == "shipped",
    )


def _off(checkpoint: Checkpoint, speed: float) -> float:
    """How far the input's speed is from the trained one, in steps of a factor of 1.5."""
    if not speed or not checkpoint.speed:
        return 0.0
    a_frame = speed * checkpoint.header.units.frame_time_s
    return round(abs(math.log(a_frame / checkpoint.speed)) / math.log(1.5))


def _none_fits(
    checkpoints: Sequence[Checkpoint], misfits: Mapping[str, str], *, named: bool
) -> RequestError:
    """Why none fits; `named` says whether elements are known, of atoms."""
    if not checkpoints:
        return RequestError(
            f"no checkpoint to predict with: no run in {option('run_dir')}, and none shipped",
            f"train one with `painet train`, or give {option('checkpoint', 'RUN')} or FILE",
        )
    if len(misfits) == 1:
        name = checkpoints[0].name
        why = misfits[name]
        return RequestError(
            f"checkpoint {name} does not fit: {why}",
            f"choose other particles with {option('select')}, or another checkpoint "
            "(`painet checkpoints`)",
        )
    names = dict.fromkeys(one.name for one in checkpoints)
    nearest = "; ".join(f"{name}: {misfits[name]}" for name in list(names)[:2])
    what = f"none of {len(misfits)} checkpoints fits ({nearest}; ...)"
    if not named:
        return RequestError(
            what,
            "its elements are not known: give them with a "
            f"{option('topology')} (PDB, MOL2, XYZ ...), or in the file",
        )
    return RequestError(
        what,
        f"choose particles with {option('select')}, or train on this system: "
        "`painet prepare --help`",
    )


def _none_is_like(nearest: _Match) -> RequestError:
    source = "motion" if nearest.checkpoint.header.up_axis else "trajectory"
    language = nearest.candidate.selected.language
    of = "" if language == "all" else f" for those that `{language}` selects"
    return RequestError(
        f"no checkpoint is like this system; the nearest, {nearest.checkpoint.name}, would be "
        f"wrong{of}: {nearest.comparison.difference}",
        f"train on this system (`painet prepare {source} --help`, then `painet train`), or take "
        f"it all the same: {option('checkpoint', nearest.checkpoint.name)}",
    )


def _plain_residue(kind: str, at: int) -> str:
    """A type's name with the common name of its residue, which is word number `at`."""
    words = kind.split(" ")
    words[at : at + 1] = [_SAME_RESIDUE.get(word, word) for word in words[at : at + 1]]
    return " ".join(words)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _FEW} more" if len(names) > _FEW else ""
    return ", ".join(names[:_FEW]) + more
