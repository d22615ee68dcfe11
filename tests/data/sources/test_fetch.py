"""Downloads against a server on this machine that misbehaves in every way a real one does."""

from __future__ import annotations

import hashlib
import json
import logging
import resource
import shutil
import socket
import threading
import time
import zipfile
from collections import namedtuple
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from painet_cli.data.sources import fetch, registry
from painet_cli.data.sources.fetch import cache_folder, fetch_files
from painet_cli.data.sources.registry import RemoteFile, Source
from painet_cli.errors import PainetError, RequestError
from painet_cli.storage.http_client import DownloadError, Limits, open_url

CONTENT = bytes(range(256)) * 1200
SHA256 = hashlib.sha256(CONTENT).hexdigest()
HALF = len(CONTENT) // 2
FAST = Limits(connect_s=2, read_s=0.3, attempts=3, backoff_s=0.01, slow_s=0.4, slow_bytes=10_000)


@dataclass
class Seen:
    range: str | None
    if_range: str | None
    first: int = 0
    sent: int = 0


@dataclass
class Host:
    """How the server behaves, and what it was asked."""

    content: bytes = CONTENT
    tag: str | None = '"one"'
    cuts: list[int] = field(default_factory=list)
    """Bytes after which the next connections are cut."""
    ranges: bool = True
    if_range: bool = True
    status: int = 200
    kind: str = "application/octet-stream"
    length: bool = True
    trickle: bool = False
    stall: bool = False
    location: str | None = None
    seen: list[Seen] = field(default_factory=list)
    url: str = ""


def handler(host: Host) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            seen = Seen(self.headers.get("Range"), self.headers.get("If-Range"))
            host.seen.append(seen)
            if host.location and self.path != "/moved":
                self.send_response(302)
                self.send_header("Location", host.location)
                self.end_headers()
                return
            status, total = host.status, len(host.content)
            if host.ranges and seen.range and (not host.if_range or seen.if_range == host.tag):
                seen.first = int(seen.range.removeprefix("bytes=").rstrip("-"))
                status = 206 if seen.first < total else 416
            body = host.content[seen.first :]
            self.send_response(status)
            self.send_header("Content-Type", host.kind)
            if host.tag:
                self.send_header("ETag", host.tag)
            if status == 206:
                self.send_header("Content-Range", f"bytes {seen.first}-{total - 1}/{total}")
            if host.length:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if host.stall:
                time.sleep(2 * FAST.read_s)
            try:
                for byte in body[: 20 if host.trickle else 0]:
                    self.wfile.write(bytes([byte]))
                    time.sleep(FAST.read_s / 6)
                end = host.cuts.pop(0) if host.cuts else len(body)
                seen.sent = len(body[:end])  # before it is read, and looked at
                self.wfile.write(body[:end])
            except OSError:
                pass  # the client has given up, as it should

    return Handler


@pytest.fixture
def host() -> Iterator[Host]:
    host = Host()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(host))
    host.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield host
    server.shutdown()
    thread.join()
    server.server_close()


Offer = Callable[..., Path]


@pytest.fixture
def offer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Offer:
    """Make a registry of one file; gives the path it will be cached at."""
    monkeypatch.setenv("PAINET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(fetch, "LIMITS", FAST)

    def make(
        *urls: str, known_hash: str | None = SHA256, size: int | None = None, name: str = "f.dcd"
    ) -> Path:
        file = RemoteFile(key="it", name=name, urls=[*urls], bytes=size, known_hash=known_hash)
        source = Source(
            name="here",
            title="t",
            about="a",
            licence="l",
            citation="c",
            page=None,
            datasets={"d": "c"},
            by_hand="give it with {source}",
            size=None,
            downloads={"thing": [file]},
        )
        monkeypatch.setattr(registry, "own_sources", lambda: (source,))
        return tmp_path / "cache" / "here" / name

    return make


def left_over(path: Path) -> set[str]:
    return {file.name for file in path.parent.iterdir()} - {path.name, f".{path.name}.lock"}


def refused(match: str) -> PainetError:
    with pytest.raises(PainetError, match=match) as caught:
        fetch_files("thing")
    assert caught.value.exit_code == 1
    assert len(str(caught.value).splitlines()) <= 3
    return caught.value


def test_a_whole_file_is_kept_and_not_asked_for_again(host: Host, offer: Offer) -> None:
    path = offer(f"{host.url}/f", size=len(CONTENT))
    told: list[tuple[str, int, int | None]] = []
    assert fetch_files("thing", lambda *news: told.append(news)) == {"it": path}
    assert path.read_bytes() == CONTENT
    assert told[-1] == ("f.dcd", len(CONTENT), len(CONTENT))
    assert left_over(path) == set()
    assert fetch_files("thing") == {"it": path}
    assert len(host.seen) == 1


def test_a_cut_connection_goes_on_where_it_ended(host: Host, offer: Offer) -> None:
    host.cuts = [HALF, 1000]
    path = offer(f"{host.url}/f")
    fetch_files("thing")
    assert path.read_bytes() == CONTENT
    assert [seen.range for seen in host.seen] == [None, f"bytes={HALF}-", f"bytes={HALF + 1000}-"]
    assert {seen.if_range for seen in host.seen[1:]} == {'"one"'}
    assert sum(seen.sent for seen in host.seen) == len(CONTENT), "nothing was sent twice"


def test_a_later_call_goes_on_too(host: Host, offer: Offer) -> None:
    host.cuts = [HALF, 10, 10]
    path = offer(f"{host.url}/f", known_hash=None)
    refused(r"f\.dcd could not be downloaded.*cut")
    assert left_over(path) == {"f.dcd.part", "f.dcd.part.json"}
    fetch_files("thing")
    assert path.read_bytes() == CONTENT
    assert host.seen[-1].range == f"bytes={HALF + 20}-"


def test_an_interrupt_keeps_the_part(host: Host, offer: Offer) -> None:
    path = offer(f"{host.url}/f")

    def interrupt(_name: str, done: int, _total: int | None) -> None:
        if done > HALF:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch_files("thing", interrupt)
    kept = path.with_name("f.dcd.part").stat().st_size
    assert kept > HALF
    fetch_files("thing")
    assert path.read_bytes() == CONTENT
    assert host.seen[-1].range == f"bytes={kept}-" or kept == len(CONTENT)


def test_a_server_that_ignores_ranges_starts_again(host: Host, offer: Offer) -> None:
    host.cuts, host.ranges = [HALF], False
    path = offer(f"{host.url}/f")
    fetch_files("thing")
    assert path.read_bytes() == CONTENT
    assert host.seen[1].range == f"bytes={HALF}-"
    assert host.seen[1].sent == len(CONTENT)


@pytest.mark.parametrize("if_range", [True, False], ids=["If-Range heeded", "If-Range ignored"])
@pytest.mark.parametrize("known", [True, False])
def test_a_file_that_changed_between_two_parts_is_not_spliced(
    host: Host, offer: Offer, if_range: bool, known: bool
) -> None:
    new = CONTENT[::-1]
    path = offer(f"{host.url}/f", known_hash=hashlib.sha256(new).hexdigest() if known else None)
    host.cuts = [HALF, 10, 10]
    refused("cut")
    host.content, host.tag, host.if_range = new, '"two"', if_range
    fetch_files("thing")
    assert path.read_bytes() == new


def test_without_a_validator_only_a_known_hash_allows_to_go_on(host: Host, offer: Offer) -> None:
    host.tag, host.cuts = None, [HALF]
    offer(f"{host.url}/f", known_hash=None)
    fetch_files("thing")
    assert [seen.range for seen in host.seen] == [None, None]


def test_a_spliced_file_of_known_hash_is_fetched_whole(host: Host, offer: Offer) -> None:
    host.tag, host.if_range, host.cuts = None, False, [HALF, 10, 10]
    path = offer(f"{host.url}/f", known_hash=hashlib.sha256(CONTENT[::-1]).hexdigest())
    refused("cut")
    host.content = CONTENT[::-1]
    fetch_files("thing")
    assert path.read_bytes() == CONTENT[::-1]


def test_a_part_too_long_for_the_file_starts_again(host: Host, offer: Offer) -> None:
    path = offer(f"{host.url}/f")
    host.cuts = [HALF, 10, 10]
    refused("cut")
    part = path.with_name("f.dcd.part")
    part.write_bytes(bytes(len(CONTENT) + 5))
    fetch_files("thing")
    assert host.seen[3].range == f"bytes={len(CONTENT) + 5}-"
    assert path.read_bytes() == CONTENT


def test_a_part_that_is_whole_is_not_asked_for(host: Host, offer: Offer) -> None:
    path = offer(f"{host.url}/f")
    path.parent.mkdir(parents=True)
    path.with_name("f.dcd.part").write_bytes(CONTENT)
    notes = {"url": f"{host.url}/f", "validator": '"one"', "total": len(CONTENT)}
    path.with_name("f.dcd.part.json").write_text(json.dumps(notes))
    fetch_files("thing")
    assert path.read_bytes() == CONTENT
    assert host.seen == []


@pytest.mark.parametrize("notes", ["", "[]", "{", '{"url": 3}'])
def test_notes_that_make_no_sense_are_ignored(host: Host, offer: Offer, notes: str) -> None:
    path = offer(f"{host.url}/f")
    path.parent.mkdir(parents=True)
    path.with_name("f.dcd.part").write_bytes(CONTENT[:100])
    path.with_name("f.dcd.part.json").write_text(notes)
    fetch_files("thing")
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/octet-stream"])
def test_a_web_page_is_no_file(host: Host, offer: Offer, kind: str) -> None:
    host.content, host.kind = b"\n<!DOCTYPE html><p>moved, sorry</p>", kind
    path = offer(f"{host.url}/f", known_hash=None)
    refused("sent a web page, not the file")
    assert left_over(path) == set()
    assert not path.exists()


def test_what_to_do_by_hand_is_said(host: Host, offer: Offer) -> None:
    host.status = 404
    path = offer(f"{host.url}/f", f"{host.url}/g")
    error = refused(r"/f: the server answered 404 Not Found; .*/g: the server answered 404")
    assert f"download {host.url}/f by hand and give it with source='FILE'" in error.hint
    assert f"put it at {path}" in error.hint
    assert len(host.seen) == 2, "what is not there is not asked for again"


def test_a_server_in_trouble_is_asked_again(host: Host, offer: Offer) -> None:
    host.status = 503
    offer(f"{host.url}/f")
    refused("503 Service Unavailable")
    assert len(host.seen) == FAST.attempts


def test_another_mirror_is_tried(host: Host, offer: Offer) -> None:
    path = offer("http://127.0.0.1:9/f", f"{host.url}/f")
    fetch_files("thing")
    assert path.read_bytes() == CONTENT


def test_wrong_bytes_are_refused(host: Host, offer: Offer) -> None:
    path = offer(f"{host.url}/f", known_hash="0" * 64)
    refused("sha256 is not the expected one")
    assert not path.exists()
    assert left_over(path) == set()


def test_a_wrong_size_is_refused_before_it_is_downloaded(host: Host, offer: Offer) -> None:
    offer(f"{host.url}/f", size=5)
    refused("has 307,200 bytes there, expected 5")


def test_a_size_that_is_not_announced_is_checked_at_the_end(host: Host, offer: Offer) -> None:
    host.length, host.cuts = False, [HALF]
    path = offer(f"{host.url}/f", size=len(CONTENT))
    fetch_files("thing")
    assert path.read_bytes() == CONTENT
    assert len(host.seen) == 2


def test_an_archive_must_be_whole(host: Host, offer: Offer, tmp_path: Path) -> None:
    path = offer(f"{host.url}/f", known_hash=None, name="f.npz")
    refused("not a whole archive")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a", "b")
    host.content = (tmp_path / "a.zip").read_bytes()
    fetch_files("thing")
    assert path.read_bytes() == host.content


@pytest.mark.parametrize("way", ["stall", "trickle"])
def test_a_slow_server_is_given_up(host: Host, offer: Offer, way: str) -> None:
    setattr(host, way, True)
    host.cuts = [0] * 9
    offer(f"{host.url}/f")
    start = time.monotonic()
    refused("stopped sending|next to nothing|cut")
    assert time.monotonic() - start < 5
    assert len(host.seen) == FAST.attempts


def test_redirects_are_followed_with_the_range(host: Host, offer: Offer) -> None:
    host.location, host.cuts = "/moved", [HALF]
    path = offer(f"{host.url}/f")
    fetch_files("thing")
    assert path.read_bytes() == CONTENT
    assert host.seen[-1].range == f"bytes={HALF}-"


def test_endless_and_strange_redirects_are_refused(host: Host, offer: Offer) -> None:
    offer(f"{host.url}/f")
    host.location = "/f"
    refused("more than 10 redirects")
    host.location = "file:///etc/passwd"
    refused("redirects from http to file")


def test_https_is_never_given_up_for_http(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(*_: object, **options: object) -> requests.Response:
        assert options["verify"] is True
        assert options["allow_redirects"] is False
        response = requests.Response()
        response.status_code = 302
        response.headers["location"] = "http://elsewhere.test/f"
        response.raw = open("/dev/null", "rb")  # noqa: SIM115, PTH123 - closed with the response
        return response

    monkeypatch.setattr(requests.Session, "get", answer)
    with pytest.raises(DownloadError, match="from https to http, which is refused"):
        open_url(requests.Session(), "https://here.test/f", {}, FAST)


@pytest.mark.parametrize(
    ("error", "match"),
    [
        (requests.exceptions.SSLError("certificate has expired"), "certificate does not hold"),
        (requests.ReadTimeout("30"), "did not answer in time"),
    ],
)
def test_a_connection_that_is_no_good_is_refused(
    monkeypatch: pytest.MonkeyPatch, error: Exception, match: str
) -> None:
    def answer(*_: object, **__: object) -> requests.Response:
        raise error

    monkeypatch.setattr(requests.Session, "get", answer)
    with pytest.raises(DownloadError, match=match):
        open_url(requests.Session(), "https://here.test/f", {}, FAST)


def test_no_network_is_said(offer: Offer) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/f"
    offer(url)
    error = refused(r"no connection \(Connection refused\)")
    assert f"download {url} by hand" in error.hint


def test_a_damaged_file_is_fetched_again(
    host: Host, offer: Offer, caplog: pytest.LogCaptureFixture
) -> None:
    path = offer(f"{host.url}/f")
    fetch_files("thing")
    path.write_bytes(CONTENT[:-1] + b"?")
    with caplog.at_level(logging.WARNING):
        fetch_files("thing")
    assert path.read_bytes() == CONTENT
    assert f"{path}: changed or damaged" in caplog.text
    path.write_bytes(b"?")
    host.status = 404
    refused(r"f\.dcd: changed or damaged since it was downloaded, and .* 404")
    assert path.read_bytes() == b"?", "it may be of use to its owner"


def test_a_file_of_unknown_hash_is_trusted_once(host: Host, offer: Offer) -> None:
    path = offer(f"{host.url}/f", known_hash=None)
    fetch_files("thing")
    assert path.with_name("f.dcd.sha256").read_text() == f"{SHA256}  f.dcd\n"
    path.write_bytes(CONTENT[:-1] + b"?")
    fetch_files("thing")
    assert path.read_bytes() == CONTENT
    path.write_bytes(b"?")
    host.content = CONTENT[::-1]
    assert "new version, delete" in refused("sha256 is not the expected one").hint
    path.with_name("f.dcd.sha256").unlink()
    path.unlink()
    fetch_files("thing")
    assert path.read_bytes() == CONTENT[::-1]


def test_a_file_put_there_by_hand_is_used(offer: Offer) -> None:
    path = offer("http://127.0.0.1:9/f", known_hash=None)
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    assert fetch_files("thing") == {"it": path}
    assert SHA256 in path.with_name("f.dcd.sha256").read_text()


def test_half_an_archive_put_there_by_hand_is_refused(offer: Offer) -> None:
    path = offer("http://127.0.0.1:9/f", known_hash=None, name="f.zip")
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    with pytest.raises(RequestError, match=r"f\.zip: not a whole archive\ndelete it"):
        fetch_files("thing")


def test_a_full_disk_is_seen_before(
    host: Host, offer: Offer, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(9, 9, len(CONTENT)))
    path = offer(f"{host.url}/f")
    assert "PAINET_CACHE" in refused(r"0 MB are free, but f\.dcd takes 0 MB more").hint
    assert not path.exists()


def test_a_disk_that_fills_up_keeps_what_is_here(host: Host, offer: Offer) -> None:
    path = offer(f"{host.url}/f")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (HALF, hard))
    try:
        assert "free some space" in refused(r"f\.dcd\.part: cannot be written").hint
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    kept = path.with_name("f.dcd.part").stat().st_size
    assert 0 < kept <= HALF
    fetch_files("thing")
    assert path.read_bytes() == CONTENT
    assert host.seen[-1].range == f"bytes={kept}-"


def test_a_cache_that_cannot_be_made_is_refused(offer: Offer, tmp_path: Path) -> None:
    offer("http://127.0.0.1:9/f")
    (tmp_path / "cache").write_text("in the way")
    with pytest.raises(RequestError, match="PAINET_CACHE"):
        fetch_files("thing")


def test_several_at_once_download_once(host: Host, offer: Offer) -> None:
    path = offer(f"{host.url}/f")
    with ThreadPoolExecutor(4) as pool:
        assert [*pool.map(lambda _: fetch_files("thing"), range(4))] == [{"it": path}] * 4
    assert path.read_bytes() == CONTENT
    assert len(host.seen) == 1


def test_the_cache_is_the_users_unless_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PAINET_CACHE", raising=False)
    assert cache_folder().name == "painet"
    monkeypatch.setenv("PAINET_CACHE", "~/mine")
    assert cache_folder() == Path.home() / "mine"


def test_an_unknown_source_is_refused() -> None:
    with pytest.raises(RequestError, match=r"nothing is downloaded[\s\S]*prepare --list"):
        fetch_files("sample")
