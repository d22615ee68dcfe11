"""C3D: markers of motion capture in binary, read by ezc3d.

Format: https://www.c3d.org/HTML/default.htm
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from painet_cli.data.motion.motion import METRES, Motion, markers
from painet_cli.errors import RequestError


def read_c3d(path: Path) -> Motion:
    """Read a C3D file, in metres; markers that are missing in a frame are left out.

    Raises
    ------
    RequestError
        It is damaged, its unit is unknown, or fewer than two markers are there in all frames.
    """
    import ezc3d

    try:
        content = ezc3d.c3d(str(path))
        points = np.array(content["data"]["points"], dtype=np.float64)  # (4, markers, frames)
        parameters = content["parameters"]["POINT"]
        names = [str(name) for name in parameters["LABELS"]["value"]]
        unit = str((parameters["UNITS"]["value"] or ["mm"])[0]).strip()
        rate = float(parameters["RATE"]["value"][0])
    except Exception as error:  # its reader raises whatever its C++ does on junk
        raise RequestError(
            f"{path}: cannot be read", "check that it is whole, and a C3D file of markers"
        ) from error
    if unit not in METRES:
        raise RequestError(
            f"{path}: {unit[:40]!r} is no unit of length", f"expected {', '.join(METRES)}"
        )
    x = points[:3].transpose(2, 1, 0) * METRES[unit]
    names += [f"marker{k}" for k in range(len(names), x.shape[1])]
    return markers(
        path,
        names[: x.shape[1]],
        x,
        frame_time_s=1 / rate if rate > 0 else None,
        up_axis="z",
    )
