"""The folder of a run: made whole, and mended after a kill."""

from __future__ import annotations

import errno
import secrets
import shutil
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from itertools import chain, count
from pathlib import Path

from painet_cli.errors import cannot_write, option
from painet_cli.storage.atomic import check_writable, write_text

BEST = "best.safetensors"
"""The weights of the epoch with the smallest validation MSE."""


def new_run_folder(parent: Path, holding: Mapping[str, str]) -> Path:
    """Make a run folder `parent/STAMP` that holds some files from the moment it is there.

    Parameters
    ----------
    holding
        Text of the files, by name.

    Raises
    ------
    PainetError
        The disk is full.
    RequestError
        It cannot be made.
    """
    stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    check_writable(parent / stamp, force=True, place="run_dir")
    staging = parent / f".{stamp}.{secrets.token_hex(4)}.partial"
    names = chain([stamp], (f"{stamp}-{k}" for k in count(2)))
    try:
        staging.mkdir()
        for name, text in holding.items():
            write_text(staging / name, text)
        while True:
            folder = parent / next(names)
            with suppress(FileExistsError):  # another training began in the same second
                return _renamed(staging, folder)
    except OSError as error:
        raise cannot_write(parent / stamp, error, f"choose another {option('run_dir')}") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _renamed(staging: Path, folder: Path) -> Path:
    try:
        return staging.rename(folder)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise FileExistsError(folder) from error
        raise


def keep_epochs(path: Path, epochs: int) -> None:
    """Drop lines of epochs that the checkpoint does not have, and a half-written last line."""
    if path.exists():
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        write_text(path, "".join(lines[:epochs]))
