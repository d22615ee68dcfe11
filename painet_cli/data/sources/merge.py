"""Prepared datasets put together: one dataset of several systems, split by system where asked."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import Annotated

from painet_cli.data.dataset.dataset import MANIFEST, Dataset, open_dataset
from painet_cli.data.dataset.merge import merge_datasets
from painet_cli.data.sources.options import Positional
from painet_cli.data.sources.registry import DataSource, Destination, Source
from painet_cli.errors import RequestError


def prepare_merge(
    to: Destination,
    *,
    datasets: Annotated[Sequence[str], "Prepared datasets, by name or folder.", Positional()],
    name: Annotated[str, "Name of the dataset."],
    val: Annotated[Sequence[str], "A system whose windows all serve validation."] = (),
    test: Annotated[Sequence[str], "A system whose windows all are tests."] = (),
) -> Dataset:
    """Write some prepared datasets as one that holds all their systems.

    A single dataset of several systems is written anew, to be split by system.

    Parameters
    ----------
    to
        Where the dataset goes, and where those named are.
    datasets, name
        As annotated.
    val, test
        As annotated; all other systems then train. Without them every window stays in its part.

    Raises
    ------
    RequestError
        A dataset is not there, or they do not go together.
    """
    folder = to.folder(name)
    opened = [_open(one, to.data_dir) for one in datasets]
    return merge_datasets(folder, opened, command=to.command, val=val, test=test, force=to.force)


def _open(name: str, data_dir: Path) -> Dataset:
    for folder in (data_dir / name, Path(name)):
        if (folder / MANIFEST).is_file():
            return open_dataset(folder)
    raise RequestError(
        f"{data_dir / name}: no prepared dataset here",
        f"`painet data list --data-dir {quote(str(data_dir))}` lists those there are",
    )


def prepare_together(
    to: Destination, name: str, systems: Mapping[str, Callable[[Destination], Dataset]]
) -> Dataset:
    """Prepare a dataset a system out of sight, and write them as one.

    Parameters
    ----------
    to, name
        Where the one dataset goes, and what it is called.
    systems
        What prepares each, by the name of the system.

    Raises
    ------
    RequestError
        One cannot be prepared, which the message begins with; or they do not go together.
    """
    folder = to.folder(name)
    to.data_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=to.data_dir, prefix=f".{name}.") as hidden:
        aside = replace(to, data_dir=Path(hidden), force=False)
        opened = [prepare(aside) for prepare in systems.values()]
        return merge_datasets(folder, opened, command=to.command, force=to.force)


MERGE = DataSource(
    Source(
        name="merge",
        title="Merge",
        about="prepared datasets as one of several systems, so that one model learns them all",
        licence="those of its parts",
        citation="those of its parts",
        datasets={"all": "painet prepare merge A B C --name all"},
    ),
    prepare_merge,
)
