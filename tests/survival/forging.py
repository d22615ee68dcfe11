"""Commands that are ended at chosen points."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Ended:
    """How a command ended: its status, negative for a signal, and what it said."""

    code: int
    err: str
    out: str
    changes: int
    """Changes it made to files of the folder, where it came to its own end."""
    seconds: float


class Forge:
    """Runs commands in a folder, each in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._logs = folder / "logs"
        self._logs.mkdir()
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "forge.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, *argv: object, cwd: Path, under: Path | None = None, **fate: Any) -> Ended:
        """Run `painet ARGV` in `cwd`.

        Parameters
        ----------
        under
            Changes to files below it are counted; by default `cwd`.
        fate
            `at` the n-th change `stop` it with a signal, or from then on fail with `errno`; or
            `stop` it `after_s` seconds; or allow `file_bytes` a file, or `memory_bytes` more.
        """
        order = {
            "argv": [*map(str, argv), "--device", "cpu"],
            "cwd": str(cwd),
            "under": str(under or cwd),
            "out": str(self._logs / "out"),
            "err": str(self._logs / "err"),
            **fate,
        }
        seen = self._logs / "err.seen"
        seen.unlink(missing_ok=True)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        return Ended(
            code=answer["code"],
            err=(self._logs / "err").read_text(),
            out=(self._logs / "out").read_text(),
            changes=int(seen.read_text()) if seen.exists() else -1,
            seconds=answer["seconds"],
        )

    def close(self) -> None:
        """End the helper."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()
