"""`prepare`: a source by its name to a dataset, for Python; `painet prepare` goes the same way."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from difflib import get_close_matches
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Unpack, get_args, get_type_hints, overload

from painet_cli.data.dataset.dataset import Dataset
from painet_cli.data.sources.destination import Counting, Destination
from painet_cli.data.sources.registry import find_source
from painet_cli.data.sources.source_options import (
    AdkOptions,
    MocapOptions,
    MoleculeOptions,
    NbodyOptions,
    TrajectoryOptions,
)
from painet_cli.errors import RequestError

if TYPE_CHECKING:
    from painet_cli.storage.download import Progress as Downloading


@overload
def prepare(
    source: Literal["mocap"],
    /,
    *,
    data_dir: str | Path = ...,
    force: bool = ...,
    progress: Counting | None = ...,
    downloading: Downloading | None = ...,
    **options: Unpack[MocapOptions],
) -> Dataset: ...


@overload
def prepare(
    source: Literal["md17", "md22"],
    /,
    *,
    data_dir: str | Path = ...,
    force: bool = ...,
    progress: Counting | None = ...,
    downloading: Downloading | None = ...,
    **options: Unpack[MoleculeOptions],
) -> Dataset: ...


@overload
def prepare(
    source: Literal["adk"],
    /,
    *,
    data_dir: str | Path = ...,
    force: bool = ...,
    progress: Counting | None = ...,
    downloading: Downloading | None = ...,
    **options: Unpack[AdkOptions],
) -> Dataset: ...


@overload
def prepare(
    source: Literal["trajectory"],
    /,
    *,
    data_dir: str | Path = ...,
    force: bool = ...,
    progress: Counting | None = ...,
    downloading: Downloading | None = ...,
    **options: Unpack[TrajectoryOptions],
) -> Dataset: ...


@overload
def prepare(
    source: Literal["nbody"],
    /,
    *,
    data_dir: str | Path = ...,
    force: bool = ...,
    progress: Counting | None = ...,
    downloading: Downloading | None = ...,
    **options: Unpack[NbodyOptions],
) -> Dataset: ...


@overload
def prepare(
    source: str,
    /,
    *,
    data_dir: str | Path = ...,
    force: bool = ...,
    progress: Counting | None = ...,
    downloading: Downloading | None = ...,
    **options: Any,
) -> Dataset: ...


def prepare(
    source: str,
    /,
    *,
    data_dir: str | Path = "data",
    force: bool = False,
    progress: Counting | None = None,
    downloading: Downloading | None = None,
    **options: Any,
) -> Dataset:
    """Prepare a dataset from its raw source.

    Parameters
    ----------
    source
        `mocap`, `md17`, `md22`, `adk`, `trajectory`, `nbody`, `sample`, or what an installed
        package adds; `registry.sources()` lists them.
    data_dir
        Folder of the prepared datasets; this one becomes a folder in it.
    force
        Replace a dataset that is already there.
    progress
        Called with what is done so far and in all, by sources that read or simulate for long.
    downloading
        Called with the name, the bytes so far and the size (or None) of what is downloaded.
    options
        The source's own, named as the options of `painet prepare SOURCE`: `molecule="benzene"`,
        `subject=35`, `source="FILE.npz"` for files at hand, `topology` and `trajectories`,
        `delta_frames`, `horizon`, `split`, `frame_time="0.5fs"`.

    Returns
    -------
    Dataset
        Opened and checked.

    Raises
    ------
    RequestError
        There is no such source or option, one is missing, files at hand are not what they should
        be, or the dataset is there already and `force` is false.
    PainetError
        A download failed; what was downloaded is kept.

    Examples
    --------
    >>> import tempfile, painet
    >>> sample = painet.prepare("sample", data_dir=tempfile.mkdtemp())
    >>> sample.frames.shape
    (20000, 9, 3)
    >>> painet.prepare("md17", molecule="benzene", source="benzene.npz")  # doctest: +SKIP
    """
    said = ", ".join([repr(source), *(f"{key}={value!r}" for key, value in options.items())])
    to = Destination(
        Path(data_dir), force=force, command=f"painet {version('painet')}: prepare({said})"
    )
    if progress is not None:
        to = replace(to, progress=progress)
    return prepare_at(replace(to, downloading=downloading), source, **options)


def prepare_at(to: Destination, source: str, /, **options: Any) -> Dataset:
    """Prepare a dataset of a source at a destination.

    Raises
    ------
    RequestError
        As `prepare` does.
    """
    recipe = find_source(source).prepare
    known = options_of(recipe)
    for name in options.keys() - known.keys():
        near = get_close_matches(name, known, n=1)
        guess = f"did you mean {near[0]}? " if near else ""
        raise RequestError(
            f"source {source}: no option {name}", f"{guess}it takes {', '.join(known) or 'none'}"
        )
    missing = [name for name, required in known.items() if required and name not in options]
    if missing:
        raise RequestError(
            f"source {source}: {missing[0]} is missing",
            f"give {missing[0]}=..., as `painet prepare {source} --help` describes it",
        )
    return recipe(to, **options)


def options_of(recipe: Callable[..., Dataset]) -> dict[str, bool]:
    """Names of a source's own options, and whether each must be given."""
    _, *own = inspect.signature(recipe).parameters.values()
    options: dict[str, bool] = {}
    for parameter in own:
        if parameter.kind is parameter.VAR_KEYWORD:
            (several,) = get_args(get_type_hints(recipe)[parameter.name])
            options |= dict.fromkeys(get_type_hints(several), False)
        else:
            options[parameter.name] = parameter.default is parameter.empty
    return options
