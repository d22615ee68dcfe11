"""Where a source writes its dataset, and who hears how it goes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from painet_cli.errors import RequestError
from painet_cli.storage.atomic import check_writable

if TYPE_CHECKING:
    from painet_cli.storage.download import Progress as Downloading

Counting = Callable[[int, int], None]
"""Called with what is done so far and in all: frames, steps."""


def _unheard(done: int, total: int) -> None:
    """Nobody asked."""


@dataclass(frozen=True)
class Destination:
    """Where a source writes its dataset, and who hears how it goes.

    Attributes
    ----------
    data_dir
        Folder of the prepared datasets.
    force
        Replace a dataset that is already there.
    command
        painet's version and the command line or call, for the dataset's `origin.prepared_by`.
    progress
        Told how much is done and of how much, where a source counts.
    downloading
        Told the name, bytes so far and size of what is downloaded.
    """

    data_dir: Path
    force: bool = False
    command: str = "painet"
    progress: Counting = _unheard
    downloading: Downloading | None = None

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


def checked_name(name: str) -> str:
    """Name of a dataset, which must be that of one folder.

    Raises
    ------
    RequestError
        It is not.
    """
    if not re.fullmatch(r"\w[\w.-]{0,99}", name):
        raise RequestError(
            f"--name {name!r}: not a name of a dataset", "expected letters, digits, - and _"
        )
    return name
