"""Files that are decoded in a process of their own, whose decoders trust what the files say.

libxdrfile, HDF5 and ezc3d are compiled: a damaged file can make them write beyond their buffers, go
round in circles or take all the memory there is. A process of its own turns that into an error, and
decodes while the parent works on what it gave before. One process serves many files, each in a
fork: what a file does to it is gone with the file, and what decodes is imported once.
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from painet_cli.errors import RequestError
from painet_cli.storage.children import child_command

Answer = tuple[dict[str, Any], Sequence[NDArray[Any]]]
"""What JSON can say, and arrays."""
Opened = tuple[dict[str, Any], Callable[[int], Answer]]
"""What is told of a file, and what answers for a number, such as that of a frame."""

_FORKS = hasattr(os, "fork")
_DIED = "the decoder died of it: the file is damaged"
_MOST_BYTES, _TIMES_ITS_SIZE = 2**30, 4
"""Memory that a decoder may take beyond what it has, and how many times the file's size as well."""
_MOST_S, _BYTES_A_S = 5.0, 1e7
"""Seconds of a processor that an answer may take, and how many bytes more take another."""


class Decoder:
    """A file that is open in a process of its own.

    Parameters
    ----------
    opener
        `module:function`: a function of ours that gives `Opened` for a path. What its module
        lists as `DECODED_WITH` is imported once for all files.
    path
        The file.

    Attributes
    ----------
    told
        What the opener tells of the file.

    Raises
    ------
    OSError
        The file cannot be read: what the decoder says, or that it died.
    RequestError
        As the opener raises it.
    """

    def __init__(self, opener: str, path: str | Path) -> None:
        self._server: _Server | None = _idle.pop() if _idle else _Server()
        self.told, _ = self._ask(json.dumps([opener, str(path)]))

    def __call__(self, number: int) -> tuple[dict[str, Any], list[NDArray[Any]]]:
        """What the opener's function answers; raises as opening does."""
        return self._ask(str(number))

    def close(self) -> None:
        """Close the file."""
        server, self._server = self._server, None
        if server is None:
            return
        server.send("")
        if not _FORKS or _idle or server.owner != os.getpid():
            server.end()
        else:
            _idle.append(server)

    def _ask(self, request: str) -> tuple[dict[str, Any], list[NDArray[Any]]]:
        if self._server is None:
            raise OSError("closed")
        try:
            self._server.send(request)
            said, arrays = self._server.answer()
        except BaseException:  # what is left in the pipe would be taken for the next answer
            self._server.end()
            self._server = None
            raise
        if "error" in said:
            self.close()
            if "hint" in said:
                raise RequestError(said["error"], said["hint"])
            raise OSError(said["error"])
        return said, arrays


class _Server:
    """A process that decodes one file after the other."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self._process = subprocess.Popen(  # noqa: S603 - this very module, no shell
            child_command(__name__),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            process_group=0 if _FORKS else None,
        )
        self._requests = cast("IO[bytes]", self._process.stdin)
        self._answers = cast("IO[bytes]", self._process.stdout)

    def send(self, line: str) -> None:
        with suppress(OSError):  # a dead child is noticed by its silence
            self._requests.write(f"{line}\n".encode())
            self._requests.flush()

    def answer(self) -> tuple[dict[str, Any], list[NDArray[Any]]]:
        line = self._answers.readline()
        if not line.endswith(b"\n"):
            raise OSError(_DIED)
        said: dict[str, Any] = json.loads(line)
        arrays = []
        for kind, shape in said.pop("arrays", []):
            size = int(np.dtype(kind).itemsize * np.prod(shape, dtype=np.int64))
            raw = self._answers.read(size)
            if len(raw) != size:
                raise OSError(_DIED)
            arrays.append(np.frombuffer(raw, dtype=kind).reshape(shape))
        return said, arrays

    def end(self) -> None:
        """End the process, and that of its file."""
        if self.owner != os.getpid():
            return
        with suppress(OSError):
            os.killpg(self._process.pid, signal.SIGKILL) if _FORKS else self._process.kill()
        self._process.wait()
        for pipe in (self._requests, self._answers):
            with suppress(OSError):
                pipe.close()


_idle: list[_Server] = []


def _end_idle() -> None:
    while _idle:
        _idle.pop().end()


atexit.register(_end_idle)
if _FORKS:
    os.register_at_fork(after_in_child=_idle.clear)  # it is the parent's


def _serve() -> None:
    """Open the files that the parent names, one after the other, until it asks no more."""
    if _FORKS:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    with open(0, "rb", buffering=0) as requests:
        while line := requests.readline():
            if not line.strip():
                continue  # closed: it had ended by itself
            opener, path = json.loads(line)
            module, _, name = opener.partition(":")
            home = importlib.import_module(module)
            for package in getattr(home, "DECODED_WITH", ()):
                with suppress(ImportError):
                    importlib.import_module(package)
            open_file = getattr(home, name)
            if not _FORKS:
                _decode(open_file, path, requests)
                return
            if not (child := os.fork()):
                try:
                    _limit_memory(path)
                    _decode(open_file, path, requests)
                    os._exit(0)
                finally:
                    os._exit(1)
            _, status = os.waitpid(child, 0)
            if status and os.WIFSIGNALED(status) and os.WTERMSIG(status) != signal.SIGKILL:
                _say({"error": _DIED})  # it had not begun to answer
            elif status:
                return


def _limit_memory(path: str) -> None:
    import resource

    has = 0
    with suppress(OSError, ValueError):
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        has = pages * resource.getpagesize()
    most = has + _MOST_BYTES + _TIMES_ITS_SIZE * Path(path).stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    if soft != resource.RLIM_INFINITY:
        most = min(most, soft)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _decode(open_file: Callable[[str], Opened], path: str, requests: Any) -> None:
    """Answer for one file until it is closed; an error is the last answer."""
    import warnings

    warnings.simplefilter("ignore")
    try:
        _limit_time(_MOST_S + Path(path).stat().st_size / _BYTES_A_S)
        told, answer = open_file(path)
        _limit_time(0)
        _say(told)
        while line := requests.readline().strip():
            _limit_time(_MOST_S + Path(path).stat().st_size / _BYTES_A_S)
            said, arrays = answer(int(line))
            _limit_time(0)
            _say(said, arrays)
    except RequestError as error:
        _limit_time(0)
        _say({"error": error.what, "hint": error.hint})
    except Exception as error:  # noqa: BLE001 - the parent says it
        _limit_time(0)
        _say({"error": str(error) or type(error).__name__})


def _limit_time(seconds: float) -> None:
    """From now on, of a processor; 0 for no limit."""
    if _FORKS:
        signal.setitimer(signal.ITIMER_PROF, seconds)


def _say(said: dict[str, Any], arrays: Sequence[NDArray[Any]] = ()) -> None:
    arrays = [np.ascontiguousarray(one) for one in arrays]
    heads = [[one.dtype.str, one.shape] for one in arrays]
    out = sys.stdout.buffer
    out.write(json.dumps(said | {"arrays": heads}).encode() + b"\n")
    for one in arrays:
        out.write(one.data if one.size else b"")
    out.flush()


if __name__ == "__main__":
    _serve()
