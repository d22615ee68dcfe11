"""Which of the checkpoints that fit is taken, and why none is."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from painet_cli.data.particles.names import Axis
from painet_cli.errors import RequestError, option
from painet_cli.prediction.checkpoints import Checkpoint
from painet_cli.prediction.inputs.recording import Selected
from painet_cli.prediction.inputs.selections import SelectedSystem
from painet_cli.prediction.likeness import LEAST, Comparison, compare, composition
from painet_cli.prediction.matching import MisfitError, check_fit, check_time
from painet_cli.prediction.starting.timing import frame_time_of

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

    def seen_in_training(self, fingerprint: str) -> list[str]:
        """A warning, where the dataset of that sha256 is what the checkpoint was trained on."""
        if not fingerprint or fingerprint != self.checkpoint.header.dataset_sha256:
            return []
        return [
            f"{self.checkpoint.name} was trained on this dataset: errors are those of frames it "
            "may have seen (`painet evaluate` keeps to the test windows)"
        ]


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
    untimely = ""
    fitting: list[_Match] = []
    given = any(one.origin == "given" for one in checkpoints)
    untimed = moving and frame_time_s is None and not given
    for order, checkpoint in enumerate(checkpoints):
        for place, candidate in enumerate(candidates):
            particles = candidate.selected.particles
            try:
                types = check_fit(checkpoint.header, particles, length_unit, up_axis)
            except MisfitError as error:
                misfits.setdefault(checkpoint.name, error.what)
                continue
            try:
                check_time(checkpoint.header, frame_time_s, moving=moving)
            except MisfitError as error:
                misfits.setdefault(checkpoint.name, error.what)
                untimely = untimely or f"{checkpoint.name}: {error.what}"
                continue
            found = Counter(checkpoint.header.type_names[k] for k in types.tolist())
            comparison = compare(checkpoint.header, found, candidate.structure, fingerprint)
            rank = _rank(checkpoint, candidate, comparison, frame_time_s)
            match = _Match(checkpoint, candidate, found, comparison, (*rank, place, order))
            fitting.append(match)
    if not fitting:
        in_unit = [one for one in checkpoints if one.header.units.length == length_unit]
        named = length_unit != "angstrom" or any(c.selected.particles.elements for c in candidates)
        raise _none_fits(in_unit or checkpoints, misfits, named=named, untimed=untimed)
    like = [one for one in fitting if one.checkpoint.origin == "given" or _is_like(one)]
    if not like:
        nearest = max(fitting, key=lambda one: one.comparison.score)
        raise _none_is_like(nearest, untimely, untimed=untimed)
    taken = min(like, key=lambda one: one.rank)
    why = {
        "given": "as asked",
        "run": "the newest fitting run",
        "shipped": "shipped with painet",
    }[taken.checkpoint.origin]
    return Choice(
        taken.checkpoint,
        taken.candidate.selected,
        f"{why}: {taken.comparison.said}, {composition(taken.found)}",
        taken.comparison.warnings(taken.checkpoint.name),
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
    checkpoints: Sequence[Checkpoint], misfits: Mapping[str, str], *, named: bool, untimed: bool
) -> RequestError:
    """Why none fits; of atoms, `named` says whether elements are known, `untimed` no time."""
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
            f"{option('topology')} (PDB, MOL2, XYZ ...), or in the file"
            + f"; and the time between frames: {option('frame_time', '2fs')}"
            * untimed,
        )
    if untimed:
        return RequestError(f"{what}, and the time between the frames is not known", _give_time())
    return RequestError(
        what,
        f"choose particles with {option('select')}, or train on this system: "
        "`painet prepare --help`",
    )


def _give_time() -> str:
    return (
        f"give it, such as {option('frame_time', '2fs')}: checkpoints are chosen by it, and where "
        "none fits, learning from the frames takes it"
    )


def _none_is_like(nearest: _Match, untimely: str, *, untimed: bool) -> RequestError:
    """Why none is; `untimely` is one that fits but for the time between frames, and why."""
    if untimed:
        return RequestError("the time between the frames is not known", _give_time())
    source = "motion" if nearest.checkpoint.header.up_axis else "trajectory"
    language = nearest.candidate.selected.language
    of = "" if language == "all" else f" for those that `{language}` selects"
    return RequestError(
        f"no checkpoint is like this system; the nearest, {nearest.checkpoint.name}, would be "
        f"wrong{of}: {nearest.comparison.difference}" + (f"; {untimely}" if untimely else ""),
        f"train on this system (`painet prepare {source} --help`, then `painet train`), or take "
        f"it all the same: {option('checkpoint', nearest.checkpoint.name)}",
    )
