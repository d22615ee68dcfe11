"""Processes of our own: they run painet's code, never a file that lies where a command is typed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_RUN = (
    "import sys; sys.path[:] = sys.argv[2].split({separator!r}); sys.argv[1:] = sys.argv[3:] "
    "+ [sys.argv[1]]; import runpy; runpy.run_module(sys.argv.pop(), run_name='__main__')"
)


def child_command(module: str, *arguments: str) -> list[str]:
    """Command that runs a module as a script, isolated from the current folder.

    The child sees the packages that this process sees, and of the environment no `PYTHON*`.

    Parameters
    ----------
    module
        Its full name, such as `painet_cli.storage.decoder`.
    arguments
        The script's own.
    """
    code = _RUN.format(separator=os.pathsep)
    paths = os.pathsep.join(_trusted_path())
    return [sys.executable, "-I", "-c", code, module, paths, *arguments]


def _trusted_path() -> list[str]:
    """Where modules are looked for, without the current folder; last where painet lies there."""
    here = Path.cwd()
    home = Path(__file__).parents[2]
    paths = [path for path in sys.path if path and Path(path).resolve() != here]
    return [*paths, str(home)] if home.resolve() == here else paths


@contextmanager
def isolated_spawn() -> Iterator[None]:
    """While a process of `multiprocessing` starts: it must not look into the current folder."""
    kept = {name: value for name, value in os.environ.items() if name.startswith("PYTHON")}
    for name in kept:
        del os.environ[name]
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        yield
    finally:
        del os.environ["PYTHONSAFEPATH"]
        os.environ.update(kept)
