"""One file over HTTP, into a part that a later call goes on from."""

from __future__ import annotations

import json
import shutil
import time
import zipfile
from http import HTTPStatus
from pathlib import Path
from typing import Any

import requests

from painet_cli.errors import PainetError
from painet_cli.storage.http_client import (
    DownloadError,
    InterruptedDownloadError,
    Limits,
    NoConnectionError,
    check_answer,
    first_byte,
    open_url,
    read_some,
    total_bytes,
    validator,
)
from painet_cli.storage.progress import OnBytes

MARGIN_BYTES = 2**24
"""Left free on a disk that is being filled."""
PROGRESS_BYTES = 2**20
"""A connection that is cut after this many new bytes was not in vain: attempts count anew."""
NO_CONNECTION_ATTEMPTS = 2
"""A host that cannot be reached is asked again once, not as often as a cut connection."""
LONGEST_BACKOFF_S = 30.0
ARCHIVES = (".zip", ".npz")


class Downloader:
    """pooch's downloader protocol: call it with a URL and the file to write.

    Parameters
    ----------
    part
        Where bytes are collected. It is kept when a download ends early, and the next goes on
        from it where the server vouches (If-Range) that the file is still the same.
    size
        Size of the whole file, where it is known.
    trusted
        Whether a known hash will be checked, so that parts of different URLs may be joined.
    progress
        Told about every piece that comes.
    limits
        How long to wait, and how often to try.

    Attributes
    ----------
    resumed
        Whether the last file was put together from parts.
    """

    def __init__(
        self,
        part: Path,
        *,
        size: int | None = None,
        trusted: bool = False,
        progress: OnBytes | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.resumed = False
        self._part = part
        self._notes = part.with_name(f"{part.name}.json")
        self._name = part.name.removesuffix(".part")
        self._size = size
        self._trusted = trusted
        self._progress = progress
        self._limits = limits or Limits()

    def __call__(self, url: str, output_file: str, _pooch: object = None) -> None:
        """Download `url`, all of it, to `output_file`.

        Raises
        ------
        DownloadError
            The URL does not give the file.
        PainetError
            It does not fit on the disk.
        """
        self.resumed = False
        failures, best = 0, self._length()
        while True:
            try:
                self._attempt(url)
                break
            except InterruptedDownloadError as error:
                if self._length() >= best + PROGRESS_BYTES:
                    failures, best = 0, self._length()
                failures += 1
                allowed = self._limits.attempts
                if isinstance(error, NoConnectionError):
                    allowed = min(allowed, NO_CONNECTION_ATTEMPTS)
                if failures >= allowed:
                    raise
                time.sleep(min(self._limits.backoff_s * 2 ** (failures - 1), LONGEST_BACKOFF_S))
        if Path(self._name).suffix in ARCHIVES and not zipfile.is_zipfile(self._part):
            self._discard()
            raise DownloadError("what came is not a whole archive")
        self._part.replace(output_file)
        self._discard()

    def _attempt(self, url: str) -> None:
        notes = self._usable_notes(url)
        offset = self._length() if notes else 0
        if offset and offset == notes.get("total"):
            self.resumed = True
            return
        headers = {"Accept-Encoding": "identity", "User-Agent": "painet"}
        if offset:
            headers["Range"] = f"bytes={offset}-"
            if notes.get("validator"):
                headers["If-Range"] = notes["validator"]
        with (
            requests.Session() as session,
            open_url(session, url, headers, self._limits) as response,
        ):
            if offset and response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                self._discard()
                raise InterruptedDownloadError("the part that was here does not fit the file")
            check_answer(response)
            if response.status_code == HTTPStatus.PARTIAL_CONTENT:
                self._check_same(response, offset, notes)
                self.resumed = True
            else:
                offset = 0
            total = total_bytes(response)
            if self._size is not None and total not in (None, self._size):
                raise DownloadError(f"it has {total:,} bytes there, expected {self._size:,}")
            self._check_space((total or self._size or 0) - offset)
            self._receive(url, response, offset, total)

    def _check_same(self, response: requests.Response, offset: int, notes: dict[str, Any]) -> None:
        """Refuse to splice: some servers ignore If-Range, and some the place asked for."""
        tag = validator(response)
        if (
            first_byte(response) != offset
            or (tag is not None and tag != notes.get("validator"))
            or total_bytes(response) not in (None, notes.get("total"))
        ):
            self._discard()
            raise InterruptedDownloadError("the file changed between two parts of it")

    def _receive(
        self, url: str, response: requests.Response, offset: int, total: int | None
    ) -> None:
        """Append the body to the part that ends at `offset`."""
        chunk = read_some(response)
        if not offset and chunk.lstrip()[:15].lower().startswith((b"<!doctype", b"<html")):
            raise DownloadError("the server sent a web page, not the file")
        done = window_done = offset
        window_start = time.monotonic()
        try:
            notes = {"url": url, "validator": validator(response), "total": total}
            self._notes.write_text(json.dumps(notes), encoding="utf-8")
            with self._part.open("r+b" if offset else "wb") as file:
                file.seek(offset)
                while chunk:
                    file.write(chunk)
                    done += len(chunk)
                    if self._progress is not None:
                        self._progress(self._name, done, total or self._size)
                    if time.monotonic() - window_start > self._limits.slow_s:
                        if done - window_done < self._limits.slow_bytes:
                            raise InterruptedDownloadError("the server sends next to nothing")
                        window_start, window_done = time.monotonic(), done
                    chunk = read_some(response)
        except OSError as error:
            raise PainetError(
                f"{self._part}: cannot be written ({error.strerror or error})",
                "what is here already is kept; free some space, or set PAINET_CACHE",
            ) from error
        if total is not None and done != total:
            raise InterruptedDownloadError(
                f"the connection was cut after {done:,} of {total:,} bytes"
            )
        if self._size is not None and done != self._size:
            self._discard()
            raise InterruptedDownloadError(f"{done:,} bytes came, expected {self._size:,}")

    def _check_space(self, needed: int) -> None:
        folder = self._part.parent
        free = shutil.disk_usage(folder).free
        if needed + MARGIN_BYTES > free:
            raise PainetError(
                f"{folder}: {free / 1e6:,.0f} MB are free, but {self._name} takes "
                f"{needed / 1e6:,.0f} MB more",
                "free some space, or set PAINET_CACHE to a folder on another disk",
            )

    def _length(self) -> int:
        return self._part.stat().st_size if self._part.is_file() else 0

    def _usable_notes(self, url: str) -> dict[str, Any]:
        """Notes on the part that is here; empty where it cannot be gone on from."""
        try:
            notes = json.loads(self._notes.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        if not isinstance(notes, dict) or not self._length():
            return {}
        vouched = notes.get("validator") and notes.get("url") == url
        return notes if vouched or self._trusted else {}

    def _discard(self) -> None:
        self._part.unlink(missing_ok=True)
        self._notes.unlink(missing_ok=True)
