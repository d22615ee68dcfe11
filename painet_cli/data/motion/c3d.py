"""C3D: markers of motion capture in binary, read by ezc3d.

Format: https://www.c3d.org/HTML/default.htm
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.motion.length_units import METRES, metres_of
from painet_cli.data.motion.motion import Motion, markers
from painet_cli.data.particles.names import AXES, Axis
from painet_cli.errors import RequestError
from painet_cli.storage.decoder import Decoder, Opened

DECODED_WITH = ("ezc3d",)
_BLOCK = 512
_OTHERS = ("ANGLES", "FORCES", "MOMENTS", "POWERS", "REACTIONS", "SCALARS")
"""Lists of points that are no places, but what models such as Plug-in Gait compute of them."""


def read_c3d(path: Path) -> Motion:
    """Read a C3D file, in metres; markers that are missing in a frame are left out.

    So are points that the file lists as angles, forces, moments, powers, reactions or scalars.

    Raises
    ------
    RequestError
        It is damaged, its unit is unknown, or fewer than two markers are there in all frames.
    """
    _check_end(path)
    try:
        with closing(Decoder(f"{__name__}:content", path)) as file:
            said, (points,) = file(0)
    except OSError as error:  # its reader raises whatever its C++ does on junk
        raise RequestError(
            f"{path}: cannot be read", "check that it is whole, and a C3D file of markers"
        ) from error
    names, unit, rate = said["names"], said["unit"], said["rate"]
    metres = metres_of(unit)
    if metres is None:
        raise RequestError(
            f"{path}: {unit[:40]!r} is no unit of length", f"expected {', '.join(METRES)}"
        )
    x = points[:3].transpose(2, 1, 0) * metres
    names += [f"marker{k}" for k in range(len(names), x.shape[1])]
    places = [k for k, name in enumerate(names[: x.shape[1]]) if name not in said["others"]]
    up = _up(said["screen"]) or "z"
    x, turned = _upright(x, said["screen"], up, path)
    motion = markers(
        path,
        [names[k] for k in places],
        x[:, places],
        frame_time_s=1 / rate if rate > 0 else None,
        up_axis=up,
        times_s=(said["first"] + np.arange(len(x))) / rate if rate > 0 else None,
    )
    notes = [*motion.notes, *turned]
    if others := [name for name in names[: x.shape[1]] if name in said["others"]]:
        more = ", ..." * (len(others) > 5)
        notes.insert(
            0,
            f"{path.name}: {len(others)} points are no markers, but angles, forces and the like, "
            f"and are left out: {', '.join(others[:5])}{more}",
        )
    return replace(motion, notes=tuple(notes))


def _up(screen: str) -> Axis | None:
    """Axis that points up on a screen, as `+Z` or `-Y` names it."""
    return next((axis for axis in AXES if screen.strip("+- ").lower() == axis), None)


def _upright(
    x: NDArray[np.float64],  # (F, M, 3)
    screen: str,
    up: Axis,
    path: Path,
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Markers with height growing along the vertical, and a sentence where a file says otherwise.

    People stand on the ground, which is at 0: where that is above the markers they are turned by
    half a turn.
    """
    k = AXES.index(up)
    if not screen.strip().startswith("-"):
        return x, ()
    name = f"{path.name}: its vertical (Y_SCREEN) is -{up.upper()}"
    heights = x[..., k][np.isfinite(x).all(axis=-1) & x.any(axis=-1)]
    if not (len(heights) and np.median(heights) < 0):
        return x, (f"{name}, but its markers lie above 0 along +{up.upper()}: that is taken as up",)
    other = (k + 1) % 3
    signs = np.ones(3)
    signs[[k, other]] = -1
    both = " and ".join(sorted((AXES[other].upper(), up.upper())))
    said = f"{name}: {both} are turned round, so that +{up.upper()} is up"
    return x * signs, (said,)


def _check_end(path: Path) -> None:
    """Refuse a file that ends within its list of parameters, in search of whose end ezc3d reads."""
    with path.open("rb") as file:
        first = file.read(1) or b"\0"
        begin = max(0, first[0] - 1) * _BLOCK
        file.seek(begin)
        head = file.read(4).ljust(4, b"\0")  # the third byte counts the blocks
    if begin + head[2] * _BLOCK > path.stat().st_size:
        raise RequestError(f"{path}: ends within its parameters", "it was cut short: get it again")


def content(path: str) -> Opened:
    """Read a file with ezc3d; in the child, since it goes round in circles on one that was cut."""
    import ezc3d

    held = ezc3d.c3d(path)
    parameters = held["parameters"]["POINT"]
    said = {
        "names": _listed(parameters, "LABELS"),
        "others": [name for key in _OTHERS for name in _listed(parameters, key)],
        "unit": str((parameters["UNITS"]["value"] or ["mm"])[0]).strip(),
        "rate": float(parameters["RATE"]["value"][0]),
        "first": int(held["header"]["points"]["first_frame"]),  # counted from 0
        "screen": str((*parameters.get("Y_SCREEN", {"value": ()})["value"], "")[0]),
    }
    points = np.array(held["data"]["points"], dtype=np.float64)  # (4, markers, frames)
    return {}, lambda _: (said, [points])


def _listed(parameters: Mapping[str, Any], key: str) -> list[str]:
    """Texts of a parameter, whose 256th and further ones stand in `LABELS2` and so on."""
    listed: list[str] = []
    for number in count(1):
        values = parameters.get(key if number == 1 else f"{key}{number}", {"value": ()})["value"]
        if number > 1 and not len(values):
            break
        listed += [str(value) for value in values]
    return listed
