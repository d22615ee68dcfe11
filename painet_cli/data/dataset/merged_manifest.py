"""From the manifests of several datasets to that of one, whose systems they are."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any

from painet_cli.data.dataset.manifest import (
    SPLITS,
    Manifest,
    Origin,
    Segment,
    Split,
    SplitName,
)
from painet_cli.data.particles.names import LONGEST_NAME
from painet_cli.data.particles.particles import COLUMNS, Particles
from painet_cli.errors import RequestError, some_of


def merged_manifest(
    name: str,
    manifests: Sequence[Manifest],
    *,
    command: str,
    val: Sequence[str] = (),
    test: Sequence[str] = (),
) -> Manifest:
    """Describe some datasets as one of several systems.

    A dataset of one system gives a system of its name; one of several gives all of them. Particle
    types are those of all, by their names. Without `test` every window stays in its part.

    Parameters
    ----------
    name
        Of the new dataset.
    manifests
        At least two, in one unit of length, or one of several systems.
    command
        painet's version and the command line, for `origin.prepared_by`.
    val, test
        Systems whose windows all serve validation, and those whose windows all are tests. All
        windows of the other systems then train; where no system is for validation, their own
        validation windows serve it, and their test windows are left out.

    Raises
    ------
    RequestError
        Another unit of length or direction of height, two systems of one name, types that differ by
        segment, or a system for a part that is not there or is named twice; or no window is left
        to train.
    """
    _check_alike(manifests)
    systems = tuple(system for one in manifests for system in one.each_system)
    names = [system.name for system in systems]
    for clash in (known for known in names if names.count(known) > 1):
        raise RequestError(
            f"system {clash}: two of the datasets have one of that name",
            "prepare one of them again under another --name",
        )
    segments = _joined_segments(manifests)
    first = manifests[0]
    return Manifest(
        name=name,
        origin=_joined_origin(manifests, command),
        units=first.units.model_copy(update={"frame_time_s": systems[0].frame_time_s}),
        up_axis=first.up_axis,
        velocity="next" if all(one.velocity == "next" for one in manifests) else "before",
        treatment=tuple(
            one for one in first.treatment if all(one in other.treatment for other in manifests)
        ),
        particles=_joined_particles([one.particles for one in manifests]),
        systems=systems,
        segments=segments,
        split=_joined_split(manifests, segments, names, val, test),
    )


def _check_alike(manifests: Sequence[Manifest]) -> None:
    if len(manifests) < 2 and not (manifests and manifests[0].systems):
        raise RequestError(
            "one dataset of one system: nothing to merge", "name two datasets or more"
        )
    first = manifests[0]
    for other in manifests[1:]:
        for what, own, theirs in (
            ("in", first.units.length, other.units.length),
            ("of metres", first.units.length_in_metres, other.units.length_in_metres),
            ("with the vertical", first.up_axis, other.up_axis),
        ):
            if own != theirs:
                raise RequestError(
                    f"dataset {first.name} is {what} {own}, {other.name} {what} {theirs}: "
                    "one dataset has one unit and one vertical",
                    "merge datasets that are alike in both (`painet data show`)",
                )
    for one in manifests:
        if any(segment.types is not None for segment in one.segments):
            raise RequestError(
                f"dataset {one.name}: its particle types differ by segment",
                "such a dataset cannot be merged with others",
            )


def _joined_particles(several: Sequence[Particles]) -> Particles:
    type_names = tuple(dict.fromkeys(name for one in several for name in one.type_names))
    number = {name: index for index, name in enumerate(type_names)}
    starts = [0, *accumulate(len(one.names) for one in several)]
    columns: dict[str, Any] = {
        column: tuple(value for one in several for value in getattr(one, column))
        for column in COLUMNS
        if all(getattr(one, column) for one in several)
    }
    return Particles(
        names=tuple(name for one in several for name in one.names),
        types=tuple(number[one.type_names[index]] for one in several for index in one.types),
        type_names=type_names,
        bonds=tuple(
            (i + start, j + start)
            for one, start in zip(several, starts, strict=False)
            for i, j in one.bonds
        ),
        **columns,
    )


def _joined_segments(manifests: Sequence[Manifest]) -> tuple[Segment, ...]:
    joined: list[Segment] = []
    end = systems = 0
    for one in manifests:
        own = one.each_system
        for segment in one.segments:
            system = own[segment.system].name
            full = segment.name if segment.name.startswith(system) else f"{system}: {segment.name}"
            joined.append(
                Segment(
                    name=full[:LONGEST_NAME],
                    start=end,
                    length=segment.length,
                    system=systems + segment.system,
                )
            )
            end += segment.length
        systems += len(own)
    return tuple(joined)


def _joined_split(
    manifests: Sequence[Manifest],
    segments: Sequence[Segment],
    names: Sequence[str],
    val: Sequence[str],
    test: Sequence[str],
) -> Split:
    starts: dict[SplitName, list[int]] = {part: [] for part in SPLITS}
    shift = 0
    for one in manifests:
        for part in SPLITS:
            starts[part] += [start + shift for start in one.split.starts(part)]
        shift += one.frame_count
    kinds = {one.split.kind for one in manifests}
    kind = kinds.pop() if len(kinds) == 1 else "random" if "random" in kinds else "blocks"
    if val or test:
        kind = "systems"
        starts = _by_system(starts, segments, names, val, test)
    delta_frames = min(one.split.delta_frames for one in manifests)
    return Split(
        kind=kind, delta_frames=delta_frames, **{part: tuple(starts[part]) for part in SPLITS}
    )


def _by_system(
    starts: dict[SplitName, list[int]],
    segments: Sequence[Segment],
    names: Sequence[str],
    val: Sequence[str],
    test: Sequence[str],
) -> dict[SplitName, list[int]]:
    """Windows shared out by the systems that they are of."""
    for system in (*val, *test):
        if system not in names or [*val, *test].count(system) > 1:
            twice = "named for two parts" if system in names else "in none of the datasets"
            raise RequestError(
                f"system {system}: {twice}",
                f"the systems are {some_of(names)}",
            )
    if not test:
        raise RequestError(
            "systems for validation alone: none is for tests", "name one with --test"
        )
    firsts = [segment.start for segment in segments]

    def part_of(start: int, was: SplitName) -> SplitName | None:
        system = names[segments[bisect_right(firsts, start) - 1].system]
        if system in test:
            return "test"
        if system in val:
            return "val"
        if val:
            return "train"
        return None if was == "test" else was

    shared: dict[SplitName, list[int]] = {part: [] for part in SPLITS}
    for was in SPLITS:
        for start in starts[was]:
            part = part_of(start, was)
            if part is not None:
                shared[part].append(start)
    if not shared["train"]:
        raise RequestError("no system is left to train on", "name fewer with --test and --val")
    return {part: sorted(found) for part, found in shared.items()}


def _joined_origin(manifests: Sequence[Manifest], command: str) -> Origin:
    def once(values: Iterable[str], between: str) -> str:
        return between.join(dict.fromkeys(value for value in values if value))

    origins = [one.origin for one in manifests]
    labels = {origin.label for origin in origins}
    lacking = [
        column
        for column in COLUMNS
        if 0 < sum(bool(getattr(one.particles, column)) for one in manifests) < len(manifests)
    ]
    moved = [one.name for one in manifests if any(one.offset)]
    notes = [
        f"Left out, as not every dataset has them: {', '.join(lacking)}." * bool(lacking),
        f"Far from the origin in their source: {', '.join(moved)}." * bool(moved),
        once((origin.notes for origin in origins), " "),
    ]
    return Origin(
        source="merged: "
        + ", ".join(f"{one.name} (sha256 {one.fingerprint()})" for one in manifests),
        licence=once((origin.licence for origin in origins), "; "),
        citation=once((origin.citation for origin in origins), "; "),
        prepared_by=command,
        label=labels.pop() if len(labels) == 1 else "",
        notes=" ".join(note for note in notes if note),
    )
