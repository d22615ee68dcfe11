"""The registry of data sources: names, what a source is, and where it writes its dataset.

A new source is one file with a `DataSource`, and one line in `OWN`. A source of another package is
a `DataSource` that an entry point of the group `painet.sources` names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PositiveInt,
    StringConstraints,
    field_validator,
)

from painet_cli.config.plugins import SOURCES as GROUP
from painet_cli.config.plugins import Plugin, plugins, warn
from painet_cli.data.sources.options import checked_name
from painet_cli.errors import RequestError, option
from painet_cli.storage.atomic import check_writable

if TYPE_CHECKING:
    from painet_cli.data.dataset.dataset import Dataset
    from painet_cli.storage.progress import OnBytes, OnCount

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
    bytes: PositiveInt | None = None
    """Size, where it is known."""
    known_hash: Sha256 | None = None
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
    """What to do with files that were downloaded by hand; `{source}` stands for that option."""
    size: Text | None = None
    """About how much is downloaded, where no exact size is known."""
    downloads: dict[str, Annotated[list[RemoteFile], Field(min_length=1)]] = {}
    """Files by the name they are fetched under, such as `md17-benzene`."""
    preset: Text | None = None
    """Preset that suits its datasets, whose windows are the user's to choose."""

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
            if match := _filled(name, dataset):
                return command.format(**match.groupdict())
        return None

    def example(self, usual: Mapping[str, object]) -> str:
        """A command that prepares one of its datasets, by what is `usual` for its options."""

        def fill(word: re.Match[str]) -> str:
            return next(iter(self.choices(word[1])), str(usual.get(word[1], "mine")))

        return _WORD.sub(fill, next(iter(self.datasets.values())))

    def hand_over(self) -> str:
        """`by_hand`, with its options as whoever reads it would write them."""
        return _WORD.sub(lambda word: option(word[1], "FILE"), self.by_hand or "")

    def choices(self, word: str) -> list[str]:
        """What an option may be, by the names of the downloads: `molecule` of `md17-{molecule}`."""
        found = (_filled(name, key) for key in self.downloads for name in self.datasets)
        return [match[word] for match in found if match and word in match.groupdict()]

    @property
    def takes_any_name(self) -> bool:
        """Whether its datasets may be called anything."""
        return any(_filled(name, "-") for name in self.datasets)


_WORD = re.compile(r"\{(\w+)\}")


def _filled(name: str, dataset: str) -> re.Match[str] | None:
    """Match a dataset's name with `md17-{molecule}`, whose words are the match's groups."""
    pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+)", re.escape(name))
    return re.fullmatch(pattern, dataset)


@dataclass(frozen=True)
class Destination:
    """Where a source writes its dataset, and what it calls on the way.

    Attributes
    ----------
    data_dir
        Folder of the prepared datasets.
    force
        Replace a dataset that is already there.
    command
        painet's version and the command line or call, for the dataset's `origin.prepared_by`.
    progress
        Called with how much is done and of how much, by sources that read or simulate for long.
    downloading
        Called with the name, bytes so far and size of what is downloaded.
    """

    data_dir: Path
    force: bool = False
    command: str = "painet"
    progress: OnCount = lambda done, total: None
    downloading: OnBytes | None = None

    def folder(self, name: str) -> Path:
        """Folder of a dataset of that name; refuses early what could not be written.

        Parameters
        ----------
        name
            Letters, digits, `-`, `_` and `.`, such as `md17-benzene`.

        Raises
        ------
        RequestError
            It is not a name, the folder exists and `force` is false, or it cannot be written.
        """
        folder = self.data_dir / checked_name(name)
        check_writable(folder, force=self.force)
        return folder


@dataclass(frozen=True)
class DataSource:
    """A source, and the function that prepares its datasets.

    Attributes
    ----------
    about
        What it is and where its files come from.
    prepare
        Called with a `Destination` and the source's own options by keyword; ends in
        `write_dataset` and returns its `Dataset`. Its signature is the one list of the options,
        for `painet prepare NAME`, the keywords of `painet.prepare` and the documentation: names,
        defaults, and annotations such as `Annotated[int, "Seed.", Field(ge=0)]`, whose words are
        the help and whose bounds (`pydantic.Field`) are checked.
    """

    about: Source
    prepare: Callable[..., Dataset]


OWN = {
    "mocap": "painet_cli.data.sources.mocap:MOCAP",
    "md17": "painet_cli.data.sources.md17:MD17",
    "md22": "painet_cli.data.sources.md22:MD22",
    "adk": "painet_cli.data.sources.adk:ADK",
    "nbody": "painet_cli.data.sources.nbody:NBODY",
    "sample": "painet_cli.data.sources.sample:SAMPLE",
    "merge": "painet_cli.data.sources.merge:MERGE",
    "trajectory": "painet_cli.data.sources.trajectory:TRAJECTORY",
    "motion": "painet_cli.data.sources.motion:MOTION",
    "bandai": "painet_cli.data.sources.bandai:BANDAI",
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
    """All sources, those last that take any name.

    Warns
    -----
    PluginWarning
        One of another package cannot be used, and is left out.
    """
    found = [*own_sources()]
    for name in plugins(GROUP, OWN):
        try:
            found.append(find_source(name).about)
        except RequestError as error:
            warn(error.what)
    return tuple(sorted(found, key=lambda source: source.takes_any_name))


@cache
def own_sources() -> tuple[Source, ...]:
    """Sources of this package."""
    return tuple(find_source(name).about for name in OWN)


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
    for listed in (own_sources, all_sources):  # no other package is imported for one of ours
        for source in listed():
            for key, remote in source.downloads.items():
                if spelling(key) == spelling(name):
                    return source, tuple(remote)
    raise RequestError(
        f"{name}: nothing is downloaded under this name",
        "`painet prepare --list` shows every source",
    )


def spelling(name: str) -> str:
    """A name as it is compared with others: in small letters, with dashes."""
    return name.lower().replace("_", "-")


def how_to_prepare(dataset: str) -> str:
    """One line that says how a dataset is prepared."""
    for source in all_sources():
        if command := source.command(dataset):
            return f"prepare it: `{command}`"
    return "`painet prepare --list` shows every source"
