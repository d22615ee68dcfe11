"""HTTP as a download needs it: what an answer promises, and why one did not come."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

CHUNK_BYTES = 2**18
MAX_REDIRECTS = 10


class DownloadError(Exception):
    """A URL does not give the file; the text says why."""


class InterruptedDownloadError(DownloadError):
    """Another attempt may go on from here."""


class NoConnectionError(InterruptedDownloadError):
    """The host did not answer at all."""


@dataclass(frozen=True)
class Limits:
    """How long to wait, and how often to try."""

    connect_s: float = 10
    read_s: float = 60
    attempts: int = 5
    backoff_s: float = 1
    slow_s: float = 60
    """A connection that gives fewer than `slow_bytes` in this time is given up."""
    slow_bytes: int = 2**16


def open_url(
    session: requests.Session, url: str, headers: Mapping[str, str], limits: Limits
) -> requests.Response:
    """Answer to a request, after redirects, with a body yet to be read.

    Raises
    ------
    DownloadError
        There is none, or it redirects from https to http.
    """
    for _ in range(MAX_REDIRECTS):
        try:
            response = session.get(
                url,
                headers=headers,
                stream=True,
                timeout=(limits.connect_s, limits.read_s),
                verify=True,
                allow_redirects=False,
            )
        except requests.exceptions.SSLError as error:
            raise DownloadError(f"its certificate does not hold ({reason(error)})") from error
        except requests.ReadTimeout as error:
            raise InterruptedDownloadError("the server did not answer in time") from error
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise NoConnectionError(f"no connection ({reason(error)})") from error
        if not response.is_redirect:
            return response
        response.close()
        target = urljoin(url, response.headers["location"])
        was, now = urlsplit(url).scheme, urlsplit(target).scheme
        if now not in ("http", "https") or (was == "https" and now == "http"):
            raise DownloadError(f"it redirects from {was} to {now}, which is refused")
        url = target
    raise DownloadError(f"more than {MAX_REDIRECTS} redirects")


def check_answer(response: requests.Response) -> None:
    """Refuse an answer that does not bring a file.

    Raises
    ------
    DownloadError
        It brings none; an `InterruptedDownloadError` where a later one may.
    """
    status = response.status_code
    if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT) or status >= 500:
        raise InterruptedDownloadError(f"the server answered {status} {response.reason}")
    if status not in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
        raise DownloadError(f"the server answered {status} {response.reason}")
    if response.headers.get("content-type", "").lower().startswith("text/html"):
        raise DownloadError("the server sent a web page, not the file")


def read_some(response: requests.Response) -> bytes:
    """What has come, at most a chunk, so that a trickle is seen as such; empty at the end.

    Raises
    ------
    InterruptedDownloadError
        The connection was cut, or nothing came in time.
    """
    try:
        chunk: bytes = response.raw.read1(CHUNK_BYTES, decode_content=False)
    except (urllib3.exceptions.ReadTimeoutError, TimeoutError) as error:
        raise InterruptedDownloadError("the server stopped sending") from error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise InterruptedDownloadError(f"the connection was cut ({reason(error)})") from error
    return chunk


def validator(response: requests.Response) -> str | None:
    """What a server recognises this version of a file by; a weak tag promises too little."""
    tag: str | None = response.headers.get("etag")
    if tag and not tag.startswith("W/"):
        return tag
    date: str | None = response.headers.get("last-modified")
    return date


def total_bytes(response: requests.Response) -> int | None:
    """Size of the whole file, as the answer has it."""
    if response.status_code == HTTPStatus.PARTIAL_CONTENT:
        return _number(response.headers.get("content-range", "").rpartition("/")[2])
    return _number(response.headers.get("content-length", ""))


def first_byte(response: requests.Response) -> int | None:
    """Where in the file the body of a partial answer begins."""
    text = response.headers.get("content-range", "")
    return _number(text.removeprefix("bytes ").partition("-")[0])


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None


def reason(error: BaseException) -> str:
    """The innermost cause in a few words: requests and urllib3 wrap theirs several times."""
    while True:
        inner = getattr(error, "reason", None)
        if not isinstance(inner, BaseException):
            inner = next((part for part in error.args if isinstance(part, BaseException)), None)
        if inner is None:
            break
        error = inner
    text = str(getattr(error, "strerror", None) or error) or type(error).__name__
    # urllib3 begins with the object that failed, and what it was about to do
    text = text.rpartition(">: ")[2].rpartition("): ")[2].splitlines()[0]
    text = re.sub(r"\[Errno -?\d+\] ", "", text)
    return text.removeprefix("Failed to establish a new connection: ")[:100]
