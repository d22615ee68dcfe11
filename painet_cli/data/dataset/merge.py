"""Some prepared datasets written as one of several systems."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.dataset.dataset import Dataset, write_dataset
from painet_cli.data.dataset.merged_manifest import merged_manifest

_CHUNK_ROWS = 2**20


def merge_datasets(
    folder: Path,
    datasets: Sequence[Dataset],
    *,
    command: str,
    val: Sequence[str] = (),
    test: Sequence[str] = (),
    force: bool = False,
) -> Dataset:
    """Write some datasets as one that holds all their systems.

    Parameters
    ----------
    folder
        Where it goes; its name is the dataset's.
    datasets
        At least two, in one unit of length, or one of several systems.
    command
        painet's version and the command line, for `origin.prepared_by`.
    val, test
        Systems whose windows all serve validation, and those whose windows all are tests; without
        them every window stays in its part.
    force
        Replace a dataset that is already there.

    Raises
    ------
    RequestError
        They do not go together (`merged_manifest`), or the folder cannot be written.
    """
    manifest = merged_manifest(
        folder.name, [one.manifest for one in datasets], command=command, val=val, test=test
    )
    return write_dataset(folder, _rows(datasets), manifest, force=force)


def _rows(datasets: Sequence[Dataset]) -> Iterator[NDArray[np.float32]]:
    for one in datasets:
        rows = one.array.reshape(-1, 3)
        for first in range(0, len(rows), _CHUNK_ROWS):
            yield rows[first : first + _CHUNK_ROWS]
