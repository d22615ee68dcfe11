"""Files from strangers: refused in a word, with nothing written, in little memory and time."""

from __future__ import annotations

import re
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import hostile_files  # noqa: F401 - its files are in HOSTILE
import hostile_folders  # noqa: F401
from hostile import HOSTILE, World
from typed import Say

MOST_BYTES = 2**30
MOST_SECONDS = 10  # of the processor, which may be busy with others; none takes more than two


@contextmanager
def limited_memory(extra: int) -> Iterator[None]:
    """Let the process, and those it starts, have no more memory than now and some extra."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + extra, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def listing(folder: Path) -> dict[str, int]:
    """Files below a folder and when they changed."""
    return {
        str(path): path.lstat().st_mtime_ns
        for path in folder.rglob("*")
        if path.is_symlink() or not path.is_dir()
    }


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_and_nothing_is_written(
    name: str, say: Say, data_dir: Path, finished_run: Path, tmp_path: Path
) -> None:
    make, said = HOSTILE[name]
    words = make(tmp_path, World(data_dir, finished_run))
    before, began = listing(tmp_path), time.process_time()
    with limited_memory(MOST_BYTES):
        status, out, err = say(*words)
    assert status == 2, err
    assert out == ""
    _, error, message = err.partition("error: ")
    assert error
    assert re.search(said, message)
    assert 1 <= len(message.splitlines()) <= 3
    assert err.replace("\n", "").isprintable()
    assert listing(tmp_path) == before
    assert not (tmp_path / "unpickled").exists()
    assert time.process_time() - began < MOST_SECONDS
