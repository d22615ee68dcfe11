"""Files and folders that are written whole or not at all."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from painet_cli.errors import RequestError


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Give a temporary sibling of `path` to write; it takes its place when the block ends well.

    Raises
    ------
    RequestError
        It cannot be written.
    """
    staging = path.with_name(f".{path.name}.partial")
    try:
        staging.unlink(missing_ok=True)  # a link there would be written through
        yield staging
        staging.replace(path)
    except OSError as error:
        raise RequestError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        staging.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file in one step.

    Raises
    ------
    RequestError
        It cannot be written.
    """
    with new_file(path) as staging:
        staging.write_text(text, encoding="utf-8")


@contextmanager
def new_folder(folder: Path, *, force: bool) -> Iterator[Path]:
    """Give a temporary sibling of `folder` to fill; it takes its place when the block ends well.

    Raises
    ------
    RequestError
        The folder exists and `force` is false, or it cannot be written.
    """
    check_writable(folder, force=force)
    staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        staging.chmod(0o755)
        yield staging
        old = staging.with_name(f"{staging.name}.old")
        if folder.exists():
            folder.replace(old)
        try:
            staging.replace(folder)
        except OSError:
            if old.exists():
                old.replace(folder)
            raise
        if old.is_symlink():
            old.unlink()
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise RequestError(f"{folder}: cannot be written ({error.strerror or error})") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def check_writable(folder: Path, *, force: bool, option: str = "--data-dir") -> None:
    """Refuse early, before any work is done, when `folder` could not be written.

    Parameters
    ----------
    force
        Whether a folder that is there already may be replaced.
    option
        Command-line option that chooses another place, for the message.

    Raises
    ------
    RequestError
        It exists and `force` is false, or its parent cannot be made or written to.
    """
    if folder.exists() and not folder.is_dir():
        raise RequestError(f"{folder}: a file is in the way", "move it, or choose another name")
    if folder.exists() and not force:
        raise RequestError(f"{folder}: exists already", "give --force to replace it")
    elsewhere = f"choose another place with {option}"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RequestError(
            f"{folder.parent}: cannot be made ({error.strerror})", elsewhere
        ) from error
    if not os.access(folder.parent, os.W_OK | os.X_OK):
        raise RequestError(f"{folder.parent}: not writable", elsewhere)


def file_sha256(path: Path) -> str:
    """Hex sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_new_file(path: Path, *, force: bool) -> None:
    """Refuse early, before any work is done, when the file `path` could not be written.

    Raises
    ------
    RequestError
        It is a folder, it exists and `force` is false, or there is no folder to hold it.
    """
    if path.is_dir():
        raise RequestError(f"{path}: a folder is in the way", "name another file")
    if path.exists() and not force:
        raise RequestError(f"{path}: exists already", "give --force to replace it")
    if not path.parent.is_dir():
        raise RequestError(f"{path.parent}: no such folder", "make it, or name another file")


def file_stem(name: str) -> str:
    """A name with what a file's name, or a command that opens it, cannot hold replaced."""
    return re.sub(r"[^\w.-]+", "_", name)
