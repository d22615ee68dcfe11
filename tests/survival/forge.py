"""Runs commands of painet and ends them where it is told to; a process of its own.

Importing torch takes seconds, so it is done once here, before any tensor is made: every command
then runs in a fork. Reads a JSON object a line from standard input, answers with one a line.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
CHANGES = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.truncate"}


class Fate:
    """What happens at the n-th change that a command makes to a folder's files.

    An audit hook sees every file that Python opens to write, makes, renames or removes, before it
    happens.
    """

    def __init__(self, under: str, at: int, *, stop: int = 0, errno: int = 0) -> None:
        self.under, self.at, self.stop, self.errno = under, at, stop, errno
        self.seen = 0

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            if not isinstance(args[2], int) or not args[2] & WRITES:
                return
        elif event not in CHANGES:
            return
        if not isinstance(args[0], str | bytes | os.PathLike):
            return
        if not os.path.abspath(os.fsdecode(args[0])).startswith(self.under):  # noqa: PTH100
            return
        self.seen += 1
        if self.errno and self.seen >= self.at and event not in ("os.remove", "os.rmdir"):
            raise OSError(self.errno, os.strerror(self.errno))
        if self.stop and self.seen == self.at:
            os.kill(os.getpid(), self.stop)


def child(order: dict[str, Any]) -> int:
    """Carry out one command, in the fork."""
    from painet_cli.cli.app import main

    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(order["cwd"])
    for stream, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(order[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), stream)
    if order.get("file_bytes"):
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["file_bytes"], hard))
    if order.get("memory_bytes"):
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        limit = used + order["memory_bytes"]
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))
    at = order.get("at", 0)
    stop = order.get("stop", 0) if at else 0
    fate = Fate(order["under"], at, stop=stop, errno=order.get("errno", 0))
    sys.addaudithook(fate)
    sys.argv = ["painet", *order["argv"]]
    status = main(order["argv"])
    sys.stdout.flush()
    Path(order["err"] + ".seen").write_text(str(fate.seen))
    return status


def run(order: dict[str, Any]) -> dict[str, Any]:
    """Fork, wait, and stop the fork by the clock where that is asked for."""
    began = time.monotonic()
    pid = os.fork()
    if pid == 0:
        status = 70
        try:
            status = child(order)
        finally:
            sys.stderr.flush()
            os._exit(status)
    deadline = order.get("after_s")
    told = False
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            break
        if deadline is not None and not told and time.monotonic() - began >= deadline:
            os.kill(pid, order["stop"])
            told = True
        time.sleep(0.002)
    code = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
    return {"code": code, "seconds": time.monotonic() - began}


def warm() -> None:
    """Import what commands need, as their modules would."""
    import PIL.Image

    import painet_cli.cli.progress
    import painet_cli.data.sources.sample
    import painet_cli.evaluation.evaluate
    import painet_cli.prediction.pipeline
    import painet_cli.report.page.write
    import painet_cli.report.pictures.motion
    import painet_cli.report.pictures.run
    import painet_cli.report.tables.evaluation
    import painet_cli.training.run  # noqa: F401

    PIL.Image.init()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    warm()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(run(json.loads(line))) + "\n")
        sys.stdout.flush()
