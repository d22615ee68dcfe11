"""Downloads of a source's files, kept in the user's cache and verified on every use."""

from __future__ import annotations

import logging
import os
import re
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pooch
from filelock import FileLock

from painet_cli.data.sources.registry import RemoteFile, Source, find_download
from painet_cli.errors import PainetError, RequestError
from painet_cli.storage.atomic import file_sha256, write_text
from painet_cli.storage.download import ARCHIVES, Downloader
from painet_cli.storage.http_client import DownloadError, Limits
from painet_cli.storage.progress import OnBytes

CACHE_VARIABLE = "PAINET_CACHE"
LIMITS = Limits()

_log = logging.getLogger(__name__)


def fetch_files(source: str, progress: OnBytes | None = None) -> dict[str, Path]:
    """Files of a source, downloaded where they are not here yet.

    Parameters
    ----------
    source
        `mocap`, `adk`, `md17-benzene`, `md22-stachyose`: a name among the downloads of a source.
    progress
        Called as bytes come with a file's name, how many there are, and how many there will be.

    Returns
    -------
    dict of str to Path
        Files by the key their source gives them (`npz`, `topology`).

    Raises
    ------
    RequestError
        No such source, or the cache cannot be written.
    PainetError
        A file can be had neither from the cache nor from its publisher.
    """
    found, remote = find_download(source)
    hint = _by_hand(found, remote)
    return {file.key: _fetch(found, file, hint, progress) for file in remote}


def cache_folder() -> Path:
    """Where downloads are kept: `PAINET_CACHE`, or a folder of the operating system's cache."""
    chosen = os.environ.get(CACHE_VARIABLE)
    return Path(chosen).expanduser() if chosen else Path(pooch.os_cache("painet"))


def cached_path(source: Source, file: RemoteFile) -> Path:
    """Where a file of a source is kept, whether it is there or not."""
    return cache_folder() / source.name / file.name


def _fetch(source: Source, file: RemoteFile, hint: str, progress: OnBytes | None) -> Path:
    path = cached_path(source, file)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # One process downloads, the others wait and find the file; the part has one writer.
        with FileLock(path.with_name(f".{path.name}.lock")):
            if not _is_here(path, file):
                _download(file, path, hint, progress)
    except OSError as error:
        raise RequestError(
            f"{path.parent}: cannot be used ({error.strerror or error})",
            f"choose another folder for downloads with {CACHE_VARIABLE}",
        ) from error
    return path


def _is_here(path: Path, file: RemoteFile) -> bool:
    """Whether the file is in the cache with the bytes it had; a first use is recorded."""
    if not path.is_file():
        return False
    expected = file.known_hash or _recorded(path)
    found = file_sha256(path)
    if expected is None:
        # put here by hand, or a download that ended before its hash was kept
        if path.suffix in ARCHIVES and not zipfile.is_zipfile(path):
            raise RequestError(f"{path}: not a whole archive", "delete it to download it again")
        _record(path, found)
    elif found != expected:
        _log.warning("%s: changed or damaged since it was downloaded; it is fetched again", path)
        return False
    return True


def _download(file: RemoteFile, path: Path, hint: str, progress: OnBytes | None) -> None:
    """Put the file at `path`, from the first of its URLs that gives it."""
    expected = file.known_hash or _recorded(path)
    downloader = Downloader(
        path.with_name(f"{path.name}.part"),
        size=file.bytes,
        trusted=expected is not None,
        progress=progress,
        limits=LIMITS,
    )
    failures = []
    for url in file.urls:
        try:
            _retrieve(url, expected, path, downloader)
        except DownloadError as error:
            failures.append(f"{url}: {error}")
        else:
            if expected is None:
                _record(path, file_sha256(path))
            return
    what = f"{file.name} could not be downloaded. {'; '.join(failures)}"
    if path.exists():
        what = f"{path}: changed or damaged since it was downloaded, and {what}"
    if file.known_hash is None and expected is not None:
        hint += f"; if the publisher has a new version, delete {_record_path(path)} to accept it"
    raise PainetError(what, hint)


def _retrieve(url: str, expected: str | None, path: Path, downloader: Downloader) -> None:
    known = None if expected is None else f"sha256:{expected}"
    for attempt in range(2):
        try:
            with _quiet_pooch():
                pooch.retrieve(url, known, path.name, path.parent, downloader=downloader)
        except ValueError as error:  # pooch's word for another hash
            # A part from an earlier call may be to blame; pooch has thrown it away.
            if attempt or not downloader.resumed:
                raise DownloadError("its sha256 is not the expected one") from error
        else:
            return


def _by_hand(source: Source, remote: Sequence[RemoteFile]) -> str:
    urls = " and ".join(file.urls[0] for file in remote)
    places = " and ".join(str(cached_path(source, file)) for file in remote)
    them = "it" if len(remote) == 1 else "them"
    by_option = f"{source.hand_over()}, or " if source.by_hand else ""
    return f"download {urls} by hand and {by_option}put {them} at {places}"


def _record_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _record(path: Path, sha256: str) -> None:
    """Keep the hash of a first download, in the form `sha256sum -c` reads."""
    write_text(_record_path(path), f"{sha256}  {path.name}\n")


def _recorded(path: Path) -> str | None:
    """Hash of the first complete download, where there was one."""
    try:
        text = _record_path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    match = re.match(r"[0-9a-f]{64}\b", text)
    return match[0] if match else None


@contextmanager
def _quiet_pooch() -> Iterator[None]:
    """Keep pooch's messages back; ours say what matters."""
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
