"""Files and folders that are written whole or not at all, whatever ends the process that writes."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import glob
import hashlib
import os
import re
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from painet_cli.errors import PainetError, RequestError, cannot_write, option
from painet_cli.storage.locks import held

_LONGEST_STEM = 150
"""Bytes of a name that painet makes of another; file systems take 255, with an ending."""


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Give a temporary sibling of `path` to write; it takes its place when the block ends well.

    The sibling is locked while it is written: one that a killed process left is told from one that
    another process writes, and removed.

    Raises
    ------
    PainetError
        The disk is full.
    RequestError
        It cannot be written.
    """
    staging, lock = None, -1
    try:
        sweep(path.parent, path.name)
        staging, lock = _staging(path)
        yield staging
        _flush(staging)
        staging.replace(path)
        _flush(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        with suppress(OSError):
            if staging is not None:
                staging.unlink(missing_ok=True)
        if lock >= 0:
            os.close(lock)


def _staging(path: Path) -> tuple[Path, int]:
    """A new, locked sibling and its descriptor, which holds the lock."""
    while True:
        staging = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
        lock = os.open(staging, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        try:
            with suppress(OSError):  # a file system without locks
                fcntl.flock(lock, fcntl.LOCK_EX)
            if os.fstat(lock).st_nlink:  # not swept away before it was locked
                return staging, lock
        except BaseException:
            os.close(lock)
            staging.unlink(missing_ok=True)
            raise
        os.close(lock)


def sweep(folder: Path, name: str | None = None) -> None:
    """Remove temporary siblings that killed processes left: of one file, or of all in a folder."""
    pattern = ".*.partial" if name is None else f".{glob.escape(name)}.*.partial"
    for left in folder.glob(pattern):
        with suppress(OSError):
            lock = os.open(left, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                left.unlink()
            finally:
                os.close(lock)


def _flush(path: Path) -> None:
    """Have a file's bytes, or a folder's names, on the disk before going on."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # cannot be asked of this file system
            raise
    finally:
        os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    """Write a text file in one step; bytes that are no letters, as of a file's name, become `?`.

    Raises
    ------
    PainetError
        The disk is full.
    RequestError
        It cannot be written.
    """
    with new_file(path) as staging:
        staging.write_text(text, encoding="utf-8", errors="replace")


def append_line(path: Path, line: str) -> None:
    """Add a line to a text file, and have it on the disk.

    Raises
    ------
    PainetError
        The disk is full; part of the line may be there.
    RequestError
        It cannot be written.
    """
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise cannot_write(path, error) from error


@contextmanager
def new_folder(folder: Path, *, force: bool) -> Iterator[Path]:
    """Give a temporary sibling of `folder` to fill; it takes its place when the block ends well.

    What a killed process left there is removed first. One process at a time writes a folder; the
    next one is refused.

    Raises
    ------
    PainetError
        The disk is full.
    RequestError
        The folder exists and `force` is false, another process writes it, or it cannot be written.
    """
    check_writable(folder, force=force)
    staging = folder.with_name(f".{folder.name}.partial")
    with held(folder.with_name(f".{folder.name}.lock"), folder):
        _heal(folder)
        check_writable(folder, force=force)  # it may have been made since
        try:
            _remove(staging)
            staging.mkdir()
            yield staging
            for path in (*staging.rglob("*"), staging):
                _flush(path)
            _take_place(staging, folder)
            _flush(folder.parent)
        except OSError as error:
            raise cannot_write(folder, error) from error
        finally:
            with suppress(OSError):
                _remove(staging)


def _take_place(staging: Path, folder: Path) -> None:
    """Put a finished folder in its place; what was there is then in `staging`, or gone."""
    if not folder.exists():
        staging.replace(folder)
        return
    if _exchange(staging, folder):
        return
    old = _aside(folder)
    folder.replace(old)
    try:
        staging.replace(folder)
    except OSError:
        old.replace(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two paths in one step, so that neither is ever missing; false where it cannot be."""
    libc = ctypes.CDLL(None, use_errno=True)
    here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE: Linux; RENAME_SWAP: macOS
    paths = os.fsencode(one), os.fsencode(other)
    try:
        if sys.platform == "darwin":
            return bool(libc.renamex_np(*paths, exchange) == 0)
        return bool(libc.renameat2(here, paths[0], here, paths[1], exchange) == 0)
    except AttributeError:  # an older C library
        return False


def _aside(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.old")


def _heal(folder: Path) -> None:
    """Finish what a process began that was killed between two renames."""
    old = _aside(folder)
    if folder.exists():
        _remove(old)
    elif old.exists():
        with suppress(OSError):
            old.replace(folder)


def recover(folder: Path) -> None:
    """Bring back a folder that a process was replacing when it was killed.

    Only where the file system cannot swap two folders in one step is there anything to do.
    """
    if not folder.exists() and _aside(folder).exists():
        with suppress(PainetError), held(folder.with_name(f".{folder.name}.lock"), folder):
            _heal(folder)


def _remove(folder: Path) -> None:
    if folder.is_symlink():  # what it leads to is not ours
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)


def check_writable(folder: Path, *, force: bool, place: str = "data_dir") -> None:
    """Refuse early, before any work is done, when `folder` could not be written.

    Parameters
    ----------
    force
        Whether a folder that is there already may be replaced.
    place
        Argument that chooses another place, for the message.

    Raises
    ------
    RequestError
        It exists and `force` is false, or its parent cannot be made or written to.
    """
    if folder.exists() and not folder.is_dir():
        raise RequestError(f"{folder}: a file is in the way", "move it, or choose another name")
    if folder.exists() and not force:
        raise RequestError(
            f"{folder}: exists already", f"give {option('force', value=True)} to replace it"
        )
    elsewhere = f"choose another place with {option(place)}"
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
        raise RequestError(
            f"{path}: exists already", f"give {option('force', value=True)} to replace it"
        )
    if not path.parent.is_dir():
        raise RequestError(f"{path.parent}: no such folder", "make it, or name another file")


def file_stem(name: str) -> str:
    """A name with what a file's name, or a command that opens it, cannot hold replaced; cut."""
    return re.sub(r"[^\w.-]+", "_", name).encode()[:_LONGEST_STEM].decode(errors="ignore")
