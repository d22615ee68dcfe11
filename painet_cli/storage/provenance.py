"""Where a file came from: what wrote it, out of what, and the bytes it had.

Every output keeps such a record beside its figures, and `painet verify` holds the files against it.
"""

from __future__ import annotations

import hashlib
import json
import math
import platform
import re
import shlex
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from painet_cli.storage.atomic import file_sha256

KEY = "provenance"
SEAL = "content_sha256"
PACKAGES = ("torch", "numpy", "safetensors", "MDAnalysis")
LARGEST_HASHED = 2**31
"""Inputs larger than this many bytes are known by their size: reading them takes too long."""
_FOLDERS = re.compile(r"(?<=[\s'\"=])/(?:[^\s'\"/]+/)*")


def command_line() -> str:
    """The command that this process carries out, as a shell takes it.

    Bytes that are no letters, as of a file's name, become `?`: no record could hold them.
    """
    typed = shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
    return typed.encode(errors="replace").decode()


def without_folders(command: str) -> str:
    """A command less where files lie on this machine, which is of no use on another.

    Examples
    --------
    >>> without_folders("painet train --run-dir /home/me/runs --preset demo")
    'painet train --run-dir runs --preset demo'
    """
    return _FOLDERS.sub("", command)


def versions() -> dict[str, str]:
    """Versions of painet, Python and the packages that results depend on."""
    packages = {package: version(package) for package in PACKAGES}
    return {"painet": version("painet"), "python": platform.python_version(), **packages}


def provenance(
    outputs: Mapping[str, Path],
    inputs: Iterable[Path] = (),
    facts: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Record of one command's outputs, as plain data for a JSON file in the same folder.

    Parameters
    ----------
    outputs
        Files that are written already, by their path in the folder of the record.
    inputs
        Files that were read.
    facts
        What else a result depends on: `dataset`, `dataset_sha256`, `preset`, `seed`, `checkpoint`.
    """
    return {
        "command": command_line(),
        "versions": versions(),
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        **(facts or {}),
        "inputs": [_input(path) for path in inputs],
        "outputs": {name: file_sha256(path) for name, path in outputs.items()},
    }


def finite(value: Any) -> Any:
    """Plain data whose NaN and infinity are null, as JSON has it."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def sealed(content: Mapping[str, Any]) -> str:
    """JSON text of an output's figures and provenance, with a digest of all of it.

    Parameters
    ----------
    content
        Plain data; what JSON does not know is written as text.
    """
    plain = json.loads(json.dumps(content, default=str))
    plain[SEAL] = _digest(plain)
    return layout(plain)


def layout(plain: Mapping[str, Any]) -> str:
    """JSON text of an output, letter by letter as it is written."""
    return json.dumps(plain, indent=1) + "\n"


def seal_holds(content: Mapping[str, Any]) -> bool | None:
    """Whether a sealed file says what it said when it was written; None where it has no seal."""
    if SEAL not in content:
        return None
    return bool(_digest({key: content[key] for key in content if key != SEAL}) == content[SEAL])


def _digest(plain: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def _input(path: Path) -> dict[str, Any]:
    size = path.stat().st_size
    sha256 = file_sha256(path) if size <= LARGEST_HASHED else None
    return {"path": str(path.resolve()), "bytes": size, "sha256": sha256}


def is_unchanged(content: Any, folder: Path, name: str) -> bool:
    """Whether an output still has the bytes that a JSON file's provenance gives it.

    True where the file has no provenance: an older painet wrote it.
    """
    try:
        expected = content[KEY]["outputs"][name]
    except (KeyError, TypeError, IndexError):
        return True
    try:
        return bool(file_sha256(folder / name) == expected)
    except OSError:
        return False
