"""One of the systems of a dataset, taken out."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

from painet_cli.data.dataset.manifest import SPLITS, Manifest
from painet_cli.data.particles.particles import COLUMNS, Particles
from painet_cli.errors import RequestError, some_of


def only_system(manifest: Manifest, system: str | int) -> tuple[Manifest, int]:
    """One of a dataset's systems described as a dataset of its own, and its number.

    Raises
    ------
    RequestError
        There is no such system.
    """
    number = _number(manifest, system)
    if not manifest.systems:
        return manifest, number
    ends = list(accumulate(one.particles for one in manifest.systems))
    own, last = manifest.systems[number], ends[number]
    segments = [segment for segment in manifest.segments if segment.system == number]
    first, stop = segments[0].start, segments[-1].stop
    split = manifest.split
    return manifest.model_copy(
        update={
            "name": own.name,
            "units": manifest.units.model_copy(update={"frame_time_s": own.frame_time_s}),
            "particles": _stretch(manifest.particles, last - own.particles, last),
            "systems": (),
            "segments": tuple(
                segment.model_copy(update={"start": segment.start - first, "system": 0})
                for segment in segments
            ),
            "split": split.model_copy(
                update={
                    part: tuple(s - first for s in split.starts(part) if first <= s < stop)
                    for part in SPLITS
                }
            ),
        }
    ), number


def _number(manifest: Manifest, system: str | int) -> int:
    names = [one.name for one in manifest.each_system]
    if isinstance(system, int) and 0 <= system < len(names):
        return system
    if system in names:
        return names.index(str(system))
    raise RequestError(
        f"dataset {manifest.name}: no system {system}", f"there are {some_of(names)}"
    )


def _stretch(particles: Particles, first: int, last: int) -> Particles:
    """The particles from `first` to before `last`, and the bonds between them."""
    columns: dict[str, Any] = {
        name: getattr(particles, name)[first:last] for name in ("names", "types", *COLUMNS)
    }
    bonds = tuple((i - first, j - first) for i, j in particles.bonds if first <= i < last)
    return particles.model_copy(update={**columns, "bonds": bonds})
