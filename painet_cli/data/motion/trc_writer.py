"""Joint positions as TRC, the table of markers that OpenSim and Motion Analysis read.

Format: https://opensimconfluence.atlassian.net/wiki/spaces/OpenSim/pages/53089972
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_KEYS = (
    "DataRate CameraRate NumFrames NumMarkers Units OrigDataRate OrigDataStartFrame OrigNumFrames"
)


def write_trc(
    path: Path,
    names: Sequence[str],
    frames: NDArray[np.floating],  # (F, J, 3)
    frame_time_s: float,
    unit: str,
    first_time_s: float = 0.0,
) -> None:
    """Write positions as a TRC file.

    Parameters
    ----------
    names
        (J,) names of joints or markers; blanks in them become `_`.
    frames
        (F, J, 3) finite positions.
    frame_time_s, first_time_s
        Frame k is at `first_time_s + k * frame_time_s`.
    unit
        Their unit of length, as TRC names it: `m`, `cm` or `mm`.
    """
    count, joints = frames.shape[:2]
    rate = f"{1 / frame_time_s:.9g}"
    marked = ["_".join(name.split()) or "joint" for name in names]
    axes = [f"{axis}{k}" for k in range(1, joints + 1) for axis in "XYZ"]
    heading = [
        ["PathFileType", "4", "(X/Y/Z)", path.name],
        _KEYS.split(),
        [rate, rate, str(count), str(joints), unit, rate, "1", str(count)],
        ["Frame#", "Time", *(part for name in marked for part in (name, "", ""))],
        ["", "", *axes],
        [],
    ]
    times = first_time_s + np.arange(count) * frame_time_s
    rows = np.column_stack([np.arange(1, count + 1), times, frames.reshape(count, -1)])
    with path.open("w", encoding="utf-8", errors="replace", newline="") as file:
        file.writelines("\t".join(words) + "\n" for words in heading)
        np.savetxt(file, rows, fmt=["%d", "%.6f", *["%.7g"] * (3 * joints)], delimiter="\t")
