"""`prepare`: a source by its name and options to a dataset, for Python and for `painet prepare`."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin, get_type_hints

from pydantic import ValidationError

from painet_cli.config.arguments import checked_argument
from painet_cli.data.dataset.dataset import Dataset
from painet_cli.data.sources.options import Positional
from painet_cli.data.sources.registry import DataSource, Destination, find_source
from painet_cli.errors import PainetError, RequestError, did_you_mean

if TYPE_CHECKING:
    from painet_cli.storage.progress import OnBytes, OnCount


def prepare(
    source: str,
    /,
    *,
    data_dir: str | Path = "data",
    force: bool = False,
    progress: OnCount | None = None,
    downloading: OnBytes | None = None,
    **options: Any,
) -> Dataset:
    """Prepare a dataset from its raw source.

    Parameters
    ----------
    source
        `mocap`, `md17`, `md22`, `adk`, `nbody`, `sample`, `merge`, `trajectory`, `motion`,
        `bandai`, or what an installed package adds; `registry.sources()` lists them.
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
        `subject=35`, `source="FILE.npz"` for files at hand, `topology` and `trajectory`,
        `delta_frames`, `horizon`, `split`, `frame_time="0.5fs"`.

    Returns
    -------
    Dataset
        Opened and checked.

    Raises
    ------
    RequestError
        There is no such source or option, one is missing or not allowed, files at hand are not
        what they should be, or the dataset is there already and `force` is false.
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
    call = ", ".join([repr(source), *(f"{key}={value!r}" for key, value in options.items())])
    command = f"painet {version('painet')}: prepare({call})"
    to = Destination(Path(data_dir), force=force, command=command, downloading=downloading)
    if progress is not None:
        to = replace(to, progress=progress)
    return prepare_at(to, source, **options)


def prepare_at(to: Destination, source: str, /, **options: Any) -> Dataset:
    """Prepare a dataset of a source at a destination.

    Raises
    ------
    RequestError
        As `prepare` does.
    PainetError
        Its function gives no dataset.
    """
    found = find_source(source)
    own = checked_options(found, options)
    try:
        made: object = found.prepare(to, **own)
    except ValidationError as error:  # of a manifest
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise RequestError(
            f"source {source}: {error.title} {where}: {first['input']!r} is not allowed",
            first["msg"].replace("Input should", "it should"),
        ) from error
    if not isinstance(made, Dataset):
        raise PainetError(
            f"source {source}: its function gives a {type(made).__name__}, not a Dataset",
            "it ends in `return write_dataset(...)`",
        )
    return made


@dataclass(frozen=True)
class SourceOption:
    """An option of a source, as the signature of its function has it.

    Attributes
    ----------
    name
        Name of the parameter.
    annotation
        Its type, with the bounds that `Annotated` adds to it.
    kind
        Its type alone.
    help
        The words of `Annotated`, where there are some.
    default
        `inspect.Parameter.empty` where it must be given.
    """

    name: str
    annotation: Any
    kind: Any
    help: str
    default: Any

    @property
    def required(self) -> bool:
        """Whether it must be given."""
        return self.default is inspect.Parameter.empty

    @property
    def positional(self) -> bool:
        """Whether the command line takes it by its place."""
        return any(
            isinstance(note, Positional) for note in getattr(self.annotation, "__metadata__", ())
        )

    @property
    def several(self) -> bool:
        """Whether it is a sequence, of which one may stand alone."""
        return get_origin(self.kind) in (Sequence, list, tuple)

    def bound(self, name: str) -> Any:
        """Bound of a name, `ge` or `le`, as `pydantic.Field` takes it; None where there is none."""
        notes = getattr(self.annotation, "__metadata__", ())
        parts = [part for note in notes for part in (note, *getattr(note, "metadata", ()))]
        return next((getattr(part, name) for part in parts if hasattr(part, name)), None)


def options_of(source: DataSource) -> dict[str, SourceOption]:
    """A source's own options by name, in the order of its function's parameters.

    Raises
    ------
    NameError, TypeError
        The function's signature does not say them.
    """
    _, *own = inspect.signature(source.prepare).parameters.values()
    hints = get_type_hints(source.prepare, include_extras=True)
    options = {}
    for parameter in own:
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            raise TypeError(f"{parameter} names none")
        hint = hints.get(parameter.name, str)
        kind, *notes = get_args(hint) if get_origin(hint) is Annotated else (hint,)
        words = next((note for note in notes if isinstance(note, str)), "")
        options[parameter.name] = SourceOption(parameter.name, hint, kind, words, parameter.default)
    return options


def checked_options(source: DataSource, given: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a source, of the types and within the bounds that its function says.

    Raises
    ------
    RequestError
        One is unknown, missing or not allowed.
    """
    known, name = options_of(source), source.about.name
    for unknown in given.keys() - known.keys():
        guess = did_you_mean(unknown, known)
        raise RequestError(
            f"source {name}: no option {unknown}", f"{guess}it takes {', '.join(known) or 'none'}"
        )
    missing = [one.name for one in known.values() if one.required and one.name not in given]
    if missing:
        raise RequestError(
            f"source {name}: {missing[0]} is missing",
            f"give {missing[0]}=..., as `painet prepare {name} --help` describes it",
        )
    return {
        key: value
        if value is known[key].default
        else checked_argument(key, known[key].annotation, value)
        for key, value in given.items()
    }
