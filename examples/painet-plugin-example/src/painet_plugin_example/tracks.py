"""Particle tracks: a CSV with a row a particle and frame, as trackpy writes it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from painet.plugins import (
    Dataset,
    DataSource,
    Destination,
    Manifest,
    Origin,
    Particles,
    RequestError,
    Segment,
    Source,
    Units,
    block_split,
    bonds_within,
    option,
    seconds,
    write_dataset,
)

COLUMNS = ("frame", "particle", "x", "y", "z")


def prepare_tracks(
    to: Destination,
    *,
    source: Annotated[Path, "The CSV: columns frame, particle, x, y, z, in any order."],
    name: Annotated[str, "The dataset is called tracks-NAME."],
    reach: Annotated[
        float, "Particles at most so far apart in the first frame are joined.", Field(gt=0)
    ],
    frame_time: Annotated[str, "Between frames, such as 10ms."],
    metres: Annotated[float, "Metres in one unit of x, y and z.", Field(gt=0)] = 1e-6,
    delta_frames: Annotated[
        int, "Frames from a window's start to its last target.", Field(ge=1)
    ] = 10,
) -> Dataset:
    """Write the particles that are seen in every frame as a dataset.

    Parameters
    ----------
    to
        Where the dataset goes.
    source, name, reach, frame_time, metres, delta_frames
        As annotated: these words are the help of `painet prepare tracks`.

    Raises
    ------
    RequestError
        The file is no table of tracks, no particle is seen throughout, none is joined to another,
        or there are too few frames.
    """
    folder = to.folder(f"tracks-{name}")
    frames, identities = whole_tracks(source)
    bonds = bonds_within(frames[0], reach)
    if not bonds:
        raise RequestError(
            f"{source}: no two particles are within {reach} in the first frame",
            f"give a larger {option('reach')}",
        )
    names = tuple(f"track {identity}" for identity in identities)
    segments = (Segment(name=source.stem, start=0, length=len(frames)),)
    manifest = Manifest(
        name=folder.name,
        origin=Origin(
            source=source.name,
            licence="not stated: that of the file's owner",
            citation="not stated",
            prepared_by=to.command,
            notes=f"{len(names)} particles that are seen in all {len(frames)} frames.",
        ),
        units=Units(length="unit", length_in_metres=metres, frame_time_s=seconds(frame_time)),
        particles=Particles(
            names=names, types=(0,) * len(names), type_names=("particle",), bonds=bonds
        ),
        segments=segments,
        split=block_split(segments, delta_frames, None, seed=1),
    )
    return write_dataset(folder, frames, manifest, force=to.force)


def whole_tracks(path: Path) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Positions (F, N, 3) of the particles that are seen in every frame, and their numbers (N,)."""
    table = _table(path)
    frame, particle = (np.rint(table[column]).astype(np.int64) for column in COLUMNS[:2])
    times, first = np.unique(frame, return_inverse=True)
    if len(times) < 2 or np.diff(times).max() > 1:
        raise RequestError(
            f"{path}: frames are missing", "a window needs frames that follow one another"
        )
    identities, column = np.unique(particle, return_inverse=True)
    positions = np.full((len(times), len(identities), 3), np.nan, dtype=np.float32)
    positions[first, column] = np.stack([table[axis] for axis in "xyz"], axis=-1)
    whole = np.isfinite(positions).all(axis=(0, 2))
    if not whole.any():
        raise RequestError(
            f"{path}: no particle is seen in all {len(times)} frames", "cut the film to fewer"
        )
    return positions[:, whole], identities[whole]


def _table(path: Path) -> Any:
    try:
        table = np.genfromtxt(path, delimiter=",", names=True, encoding="utf-8")
    except (OSError, ValueError) as error:
        said = str(error).splitlines()[0]
        raise RequestError(f"{path}: cannot be read ({said})", "expected a CSV") from error
    missing = [name for name in COLUMNS if name not in (table.dtype.names or ())]
    if missing:
        raise RequestError(
            f"{path}: no column {missing[0]}", f"expected the columns {', '.join(COLUMNS)}"
        )
    return np.atleast_1d(table)


TRACKS = DataSource(
    about=Source(
        name="tracks",
        title="Particle tracks",
        about="particles followed through a film, as the CSV that trackpy writes",
        licence="your own",
        citation="your own",
        datasets={
            "tracks-{name}": "painet prepare tracks --source FILE --name {name} --reach LENGTH "
            "--frame-time TIME"
        },
    ),
    prepare=prepare_tracks,
)
