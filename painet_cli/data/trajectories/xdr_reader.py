"""XTC and TRR files, read in a process of their own.

MDAnalysis' compiled decoder trusts the numbers in these files: a damaged one makes it write beyond
its buffers, which ends the process (libxdrfile has no bounds checks). A process of its own turns
that into an error, and decodes while the parent works on the frame before.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from types import SimpleNamespace
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from painet_cli.storage.children import child_command


class XdrReader:
    """What `Trajectory` asks of an MDAnalysis reader, answered by a child process.

    Raises
    ------
    OSError
        The file cannot be read: what the child says, or that it died.
    """

    def __init__(self, filename: str, **_: Any) -> None:
        self._child = subprocess.Popen(  # noqa: S603 - this very module, no shell
            child_command(__name__, filename),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        try:
            said = self._answer()
        except BaseException:
            self.close()
            raise
        self.format = str(said["format"])
        self.n_frames, self.n_atoms = int(said["n_frames"]), int(said["n_atoms"])
        self.dt = float(said["dt"])  # picoseconds, 0 where there is none
        self.last_offset = int(said["last_offset"])  # bytes before the last frame

    def __getitem__(self, number: int) -> SimpleNamespace:
        """Frame by number: positions, dimensions, time, and velocities where there are any."""
        with suppress(OSError):  # a dead child is noticed by its silence
            self._pipe(self._child.stdin).write(f"{number}\n".encode())
            self._pipe(self._child.stdin).flush()
        said = self._answer()
        moving = bool(said["has_velocities"])
        return SimpleNamespace(
            positions=self._vectors(),
            dimensions=said["dimensions"],
            time=float(said["time"]),
            has_velocities=moving,
            velocities=self._vectors() if moving else None,
        )

    def _vectors(self) -> NDArray[np.float32]:
        size = 12 * self.n_atoms
        raw = self._pipe(self._child.stdout).read(size)
        if len(raw) != size:
            raise OSError("the decoder died of it: the file is damaged")
        return np.frombuffer(raw, dtype=np.float32).reshape(self.n_atoms, 3)

    def close(self) -> None:
        """End the child."""
        self._child.kill()
        self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            with suppress(OSError):
                self._pipe(pipe).close()

    def _answer(self) -> dict[str, Any]:
        line = self._pipe(self._child.stdout).readline()
        if not line:
            raise OSError("the decoder died of it: the file is damaged")
        said: dict[str, Any] = json.loads(line)
        if "error" in said:
            raise OSError(said["error"])
        return said

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        if pipe is None:
            raise OSError("no pipe to the decoder")
        return pipe


def _serve(path: str) -> None:
    """Answer the parent's questions until it asks no more."""
    import signal
    import warnings

    from MDAnalysis.coordinates.core import get_reader_for
    from MDAnalysis.coordinates.XDR import XDRBaseReader

    # MDAnalysis would keep the places of frames in a file beside the trajectory, and believe one
    # that it finds there.
    XDRBaseReader._load_offsets = lambda self: self._read_offsets(store=False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    out = sys.stdout.buffer
    warnings.simplefilter("ignore")
    try:
        reader = get_reader_for(path)(path)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            dt = float(reader.dt) if reader.n_frames > 1 else 0.0
        if any("no dt information" in str(one.message) for one in caught):
            dt = 0.0
        told = {
            "format": reader.format,
            "n_frames": reader.n_frames,
            "n_atoms": reader.n_atoms,
            "last_offset": int(reader._xdr.offsets[-1]),
        }
        out.write(json.dumps(told | {"dt": dt}).encode() + b"\n")
        out.flush()
        for line in sys.stdin:
            step = reader[int(line)]
            box = None if step.dimensions is None else step.dimensions.tolist()
            vectors = [step.positions, *([step.velocities] if step.has_velocities else [])]
            answer = {
                "dimensions": box,
                "time": float(step.time),
                "has_velocities": len(vectors) > 1,
            }
            out.write(json.dumps(answer).encode() + b"\n")
            for one in vectors:
                out.write(np.ascontiguousarray(one, dtype=np.float32).tobytes())
            out.flush()
    except Exception as error:  # noqa: BLE001 - the parent says it
        out.write(json.dumps({"error": str(error) or type(error).__name__}).encode() + b"\n")
        out.flush()


if __name__ == "__main__":
    _serve(sys.argv[1])
