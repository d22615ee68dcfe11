"""What other packages add: models, data sources and recorders, found by their entry points.

Finding reads the installed packages' metadata alone, which takes milliseconds; a package is
imported when something of it is asked for. A broken one costs a line of warning, and fails only
those who use it.
"""

from __future__ import annotations

import warnings
from collections.abc import Container, Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from painet_cli.errors import PluginWarning, RequestError, in_a_line

MODELS = "painet.models"
"""Group of entry points whose values are subclasses of `DynamicsModel`."""
SOURCES = "painet.sources"
"""Group of entry points whose values are `DataSource`s."""
RECORDERS = "painet.recorders"
"""Group of entry points whose values make a `Recorder`."""


@dataclass(frozen=True)
class Plugin:
    """Something another package adds.

    Attributes
    ----------
    group
        `painet.models`, `painet.sources` or `painet.recorders`.
    name
        What presets and commands call it.
    target
        Where it is, `package.module:attribute`.
    package
        Distribution that adds it, as pip knows it.
    version
        That distribution's version.
    """

    group: str
    name: str
    target: str
    package: str
    version: str

    @property
    def kind(self) -> str:
        """What it is, in words: `model`, `source` or `recorder`."""
        return self.group.rpartition(".")[2].removesuffix("s")

    def load(self) -> Any:
        """Import the package and return what it adds.

        Raises
        ------
        RequestError
            It cannot be imported; names the package and what it said.
        """
        try:
            return EntryPoint(self.name, self.target, self.group).load()
        except (Exception, SystemExit) as error:  # a stranger's module may do anything
            raise self.broken(in_a_line(error)) from error

    def broken(self, why: str) -> RequestError:
        """Error that says why it cannot be used."""
        return RequestError(
            f"{self.kind} {self.name} of the package {self.package}: cannot be used ({why})",
            f"install {self.package} again, or a version of it for this painet",
        )


def plugins(group: str, own: Container[str]) -> dict[str, Plugin]:
    """Find what installed packages add to a group, by name; nothing is imported.

    Parameters
    ----------
    group
        `MODELS`, `SOURCES` or `RECORDERS`.
    own
        Names of painet's own, which no package can take.

    Warns
    -----
    PluginWarning
        A name is taken already: by painet, or by the package that comes first by alphabet.
    """
    found: dict[str, Plugin] = {}
    for plugin in sorted(_declared(group), key=lambda plugin: (plugin.package, plugin.name)):
        if plugin.name in own:
            holder = "painet"
        elif (first := found.setdefault(plugin.name, plugin)).target != plugin.target:
            holder = first.package
        else:
            continue
        warn(
            f"{plugin.kind} {plugin.name} of the package {plugin.package} is left out: "
            f"{holder} has one of that name"
        )
    return found


def _declared(group: str) -> Iterator[Plugin]:
    for point in entry_points(group=group):
        package, version = (point.dist.name, point.dist.version) if point.dist else ("?", "?")
        yield Plugin(group, point.name, point.value, package, version)


def warn(message: str) -> None:
    """Warn of a plugin, in one line."""
    warnings.warn(message, PluginWarning, stacklevel=3)
