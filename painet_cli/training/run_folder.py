"""The folder of a run: made whole, and mended after a kill."""

from __future__ import annotations

import errno
import re
import secrets
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, count
from pathlib import Path
from shlex import quote

from painet_cli.errors import PainetError, RequestError, cannot_write, option
from painet_cli.storage.archives import read_json
from painet_cli.storage.atomic import check_writable, write_text

CONFIG = "config.yaml"
METRICS = "metrics.jsonl"
LAST = "last.safetensors"
BEST = "best.safetensors"
"""The weights of the epoch with the smallest validation MSE."""
RECORD = "run.json"
EVALUATION = "evaluation.json"
"""What `painet evaluate` writes beside the weights that it measured."""
CONTENTS = {
    CONFIG: "the preset, every default spelled out",
    METRICS: "a line an epoch: errors, learning rate, seconds",
    LAST: "weights, optimiser, random state of the last whole epoch",
    BEST: "weights with the smallest validation MSE",
    RECORD: "versions, seed, device, dataset, time and memory",
}
_WORD = re.compile(r"\w[\w.+-]{0,39}")


@dataclass(frozen=True)
class RunLabel:
    """What its owner calls a run, to find it again; nothing depends on it.

    Attributes
    ----------
    name
        A short word; empty for none.
    tags
        Words that several runs have in common.
    """

    name: str = ""
    tags: tuple[str, ...] = ()


def best_weights(folder: Path) -> Path:
    """File with the best weights of a run; before its first evaluation those of its last save.

    Raises
    ------
    RequestError
        The folder is no run, or not one epoch of it is done.
    """
    for name in (BEST, LAST):
        if (folder / name).is_file():
            return folder / name
    if (folder / CONFIG).is_file():
        raise RequestError(
            f"{folder}: no epoch of this run is done, so there are no weights yet",
            f"`painet train --resume {quote(str(folder))}` goes on with it",
        )
    raise RequestError(f"{folder}: no run here", "give a folder that `painet train` wrote")


def run_label(name: str | None, tags: Iterable[str]) -> RunLabel:
    """Check what a run is to be called.

    Raises
    ------
    RequestError
        A name or tag is not one word of at most 40 letters, digits and `_ . + -`.
    """
    label = RunLabel(name or "", tuple(dict.fromkeys(tags)))
    for word in [*([name] if name is not None else []), *label.tags]:
        if not _WORD.fullmatch(word):
            raise RequestError(
                f"{word!r}: not a name for a run or a tag",
                "expected one word of at most 40 letters, digits, `_`, `.`, `+` and `-`",
            )
    return label


def label_in(folder: Path) -> RunLabel:
    """What a run is called, by its `run.json`; nothing where that does not say."""
    with suppress(PainetError, AttributeError, TypeError):
        record = read_json(folder / RECORD, "")
        name, tags = record.get("name", ""), record.get("tags", [])
        return run_label(name or None, map(str, tags))
    return RunLabel()


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
    _check_letters(parent)
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


def _check_letters(folder: Path) -> None:
    """Refuse a place that safetensors could write to and not read from."""
    try:
        str(folder).encode()
    except UnicodeEncodeError as error:
        raise RequestError(
            f"{folder}: its name has bytes that are no letters in UTF-8",
            f"choose another {option('run_dir')}, or rename it",
        ) from error


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
