"""What GROMACS topologies include: files beside them, and force fields of GROMACS."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from painet_cli.errors import RequestError
from painet_cli.storage.archives import DISTRUST, read_bytes

_MOST_INCLUDED = 100


def force_fields() -> Path | None:
    """Where GROMACS keeps what topologies include: as its environment says, or beside `gmx`."""
    gmx = shutil.which("gmx") or shutil.which("gmx_mpi")
    places = [
        *(Path(one) for one in os.environ.get("GMXLIB", "").split(os.pathsep) if one),
        *([Path(os.environ["GMXDATA"], "top")] if "GMXDATA" in os.environ else []),
        *([Path(gmx).parents[1] / "share/gromacs/top"] if gmx else []),
    ]
    return next((one for one in places if one.is_dir()), None)


def check_includes(path: Path, seen: list[Path]) -> None:
    """Follow the `#include`s of a GROMACS topology that lead beside it; those of GROMACS are its.

    Every one counts each time it is met: two that include each other twice grow without end.

    Raises
    ------
    RequestError
        They are too many, or one is no file.
    """
    if len(seen) == _MOST_INCLUDED:
        raise RequestError(f"{seen[0]}: includes more than {_MOST_INCLUDED} files", DISTRUST)
    seen.append(path)
    for line in read_bytes(path).splitlines():
        said = line.partition(b";")[0].strip()
        if not said.startswith(b"#include"):
            continue
        name = b"".join(said.split(None, 1)[1:])[1:-1]  # between quotes or brackets
        included = path.parent / os.fsdecode(name)
        with suppress(OSError):  # a name too long for any file
            if included.is_file():
                check_includes(included, seen)
            elif included.exists():
                raise RequestError(f"{seen[0]}: includes {included}, which is no file", DISTRUST)
