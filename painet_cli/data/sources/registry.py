"""The registry of data sources: what each one is, its files, and the command that prepares it.

A new source is one file that prepares it, an entry in `sources.yaml` and a line in `recipes.py`. A
source of another package is a `DataSource` that an entry point of the group `painet.sources` names.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PositiveInt,
    StringConstraints,
    TypeAdapter,
    field_validator,
)

from painet_cli.config.plugins import SOURCES as GROUP
from painet_cli.config.plugins import Plugin, plugins, warn
from painet_cli.errors import RequestError

if TYPE_CHECKING:
    from painet_cli.data.dataset.dataset import Dataset

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/]+/\S+$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
# A name becomes part of a path in the cache.
FileName = Annotated[str, StringConstraints(pattern=r"^[\w-][\w.-]*$")]


class _Section(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True
    )


class RemoteFile(_Section):
    """A file that a publisher offers."""

    key: Text
    """What its reader calls it: `npz`, `topology`."""
    name: FileName
    urls: Annotated[list[Url], Field(min_length=1)]
    """Places of the same bytes, tried in this order."""
    bytes: PositiveInt | None
    """Size, where it is known."""
    known_hash: Sha256 | None
    """Hex sha256; where the publisher gives none, that of the first complete download counts."""


class Source(_Section):
    """Where datasets come from, and what may be done with them."""

    name: FileName
    """What follows `painet prepare`."""
    title: Text
    about: Text
    """What the data are, in one line."""
    licence: Text
    citation: Text
    page: Text | None = None
    """The publisher's page."""
    datasets: Annotated[dict[str, str], Field(min_length=1)]
    """Dataset name to the command that prepares it; `{word}` in both stands for any text."""
    by_hand: Text | None = None
    """What to do with files that were downloaded by hand."""
    size: Text | None = None
    """About how much is downloaded, where no exact size is known."""
    downloads: dict[str, Annotated[list[RemoteFile], Field(min_length=1)]] = {}
    """Files by the name they are fetched under, such as `md17-benzene`."""

    @field_validator("datasets")
    @classmethod
    def _commands_can_be_filled_in(cls, datasets: dict[str, str]) -> dict[str, str]:
        for name, command in datasets.items():
            if not {*_WORD.findall(command)} <= {*_WORD.findall(name)}:
                raise ValueError(f"{command!r} has a word that {name!r} has not")
        return datasets

    def command(self, dataset: str) -> str | None:
        """Command that prepares a dataset; none where this source does not make it."""
        for name, command in self.datasets.items():
            literal = [re.escape(text) for text in _WORD.split(name)]
            # re.split gives literal text at even places, the words between at odd ones
            literal[1::2] = [f"(?P<{word}>.+)" for word in _WORD.findall(name)]
            if match := re.fullmatch("".join(literal), dataset):
                return command.format(**match.groupdict())
        return None


_WORD = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class DataSource:
    """A source, and the function that prepares its datasets.

    Attributes
    ----------
    about
        What it is and where its files come from.
    prepare
        Called with a `Destination` and the source's own options by keyword; ends in
        `write_dataset` and returns its `Dataset`. The options' annotations, defaults and, with
        `Annotated[int, "Seed."]`, descriptions make those of `painet prepare NAME`.
    """

    about: Source
    prepare: Callable[..., Dataset]


OWN = {
    name: f"painet_cli.data.sources.recipes:{name.upper()}"
    for name in ("mocap", "md17", "md22", "adk", "trajectory", "nbody", "sample")
}
"""Sources of this package."""


def registered_sources() -> dict[str, Plugin]:
    """All sources by name, those of this package first; none is imported."""
    own = {name: Plugin(GROUP, name, target, "painet", "") for name, target in OWN.items()}
    return {**own, **plugins(GROUP, OWN)}


def find_source(name: str) -> DataSource:
    """Source of a name.

    Raises
    ------
    RequestError
        There is none, or it is another package's and that cannot be used.
    """
    known = registered_sources()
    if name not in known:
        raise RequestError(f"{name}: no such source", f"there are {', '.join(known)}")
    found = known[name].load()
    if not isinstance(found, DataSource) or found.about.name != name:
        raise known[name].broken(f"{known[name].target} is no DataSource of the name {name}")
    return found


def all_sources() -> tuple[Source, ...]:
    """All sources, other packages' before the one that takes any name.

    Warns
    -----
    PluginWarning
        One of another package cannot be used, and is left out.
    """
    own = load_sources()
    others = []
    for name in plugins(GROUP, OWN):
        try:
            others.append(find_source(name).about)
        except RequestError as error:
            warn(error.what)
    return (*own[:-1], *others, own[-1])


def own_source(name: str) -> Source:
    """What is known of a source of this package."""
    return next(source for source in load_sources() if source.name == name)


@cache
def load_sources() -> tuple[Source, ...]:
    """Sources of this package, in the order they are listed; one that takes any name comes last."""
    text = (files("painet_cli.data.sources") / "sources.yaml").read_text(encoding="utf-8")
    return tuple(TypeAdapter(list[Source]).validate_python(yaml.safe_load(text)))


def find_download(name: str) -> tuple[Source, tuple[RemoteFile, ...]]:
    """Source and files of a download.

    Parameters
    ----------
    name
        `mocap`, `adk`, `md17-benzene`; case and underscores do not matter.

    Raises
    ------
    RequestError
        Nothing is downloaded under this name.
    """
    for listed in (load_sources, all_sources):  # no other package is imported for one of ours
        for source in listed():
            for key, remote in source.downloads.items():
                if _plain(key) == _plain(name):
                    return source, tuple(remote)
    raise RequestError(
        f"{name}: nothing is downloaded under this name",
        "`painet prepare --list` shows every source",
    )


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")


def how_to_prepare(dataset: str) -> str:
    """One line that says how a dataset is prepared."""
    for source in all_sources():
        if command := source.command(dataset):
            return f"prepare it: `{command}`"
    return "`painet prepare --list` shows every source"
