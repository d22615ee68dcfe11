"""TRC: markers of motion capture as a table, as OpenSim and Motion Analysis write it.

Format: https://opensimconfluence.atlassian.net/wiki/spaces/OpenSim/pages/53089972
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.motion.acclaim_text import NOT_WHOLE, bad_line, decoded, numbers, quote
from painet_cli.data.motion.length_units import METRES, metres_of
from painet_cli.data.motion.motion import Motion, markers
from painet_cli.storage.archives import read_bytes

_TIMES = "expected frames in the order of time"
_TWICE = "leave out a frame that is there twice, or write times with more digits"
_HINT = "expected a TRC file: its heading in four lines, names of markers, and a line a frame"


def read_trc(path: Path) -> Motion:
    """Read a TRC file, in metres; markers that are missing in a frame are left out.

    Raises
    ------
    RequestError
        With file and line: no TRC heading, an unknown unit, a frame with more values than the
        markers have, or fewer than two markers that are there in all frames.
    """
    where = str(path)
    lines = decoded(read_bytes(path)).splitlines()
    if not lines or not lines[0].startswith("PathFileType"):
        raise bad_line(where, 1, "does not begin with PathFileType", _HINT)
    keys, said, names_line = (lines[k] if len(lines) > k else "" for k in (1, 2, 3))
    heading = dict(zip(keys.split(), said.split(), strict=False))
    unit = heading.get("Units", "")
    metres = metres_of(unit)
    if metres is None:
        raise bad_line(
            where, 3, f"{quote(unit)} is no unit of length", f"expected {', '.join(METRES)}"
        )
    rate = numbers([heading.get("DataRate", "")], where, 3)[0]
    # a name stands over three columns, and may have blanks in it
    words = names_line.split("\t" if "\t" in names_line else None)
    names = [name for word in words[2:] if (name := word.strip())]
    if words[:1] != ["Frame#"] or not names or not rate > 0:
        raise bad_line(where, 4, "no names of markers", _HINT)
    width = 3 * len(names)
    rows, times, places = [], [], []
    for number, line in enumerate(lines[5:], start=6):
        if not line.strip():
            continue
        # a marker that was not seen is an empty column between tabs
        words = [word.strip() for word in line.split("\t")]
        if len(words) < 3:
            words = line.split()
        times.append(words[1] if len(words) > 1 else "")
        places.append(number)
        words = ["" if word.lower() == "nan" else word for word in words[2:]]
        held = max((place for place, word in enumerate(words, start=1) if word), default=0)
        if held > width:
            more = f"{held} values, not {width} as there are markers"
            raise bad_line(where, number, more, _HINT)
        words = (words + [""] * width)[:width]
        values = numbers([word or "0" for word in words], where, number)
        rows.append([value if word else np.nan for value, word in zip(values, words, strict=True)])
    if not rows:
        raise bad_line(where, len(lines), "no frames follow", NOT_WHOLE)
    positions = np.array(rows).reshape(len(rows), len(names), 3) * metres
    seconds = _seconds(times)
    frame_time_s, breaks, notes = _timing(times, seconds, places, rate, where)
    motion = markers(
        path,
        names,
        positions,
        frame_time_s=frame_time_s,
        up_axis="y",
        breaks=breaks,
        times_s=_times(seconds, frame_time_s, breaks),
    )
    return replace(motion, notes=(*motion.notes, *notes))


def _seconds(words: list[str]) -> NDArray[np.float64]:
    """(F,) times of the frames; 0 where one is no number."""
    try:
        times = np.array([float(word) for word in words])
    except ValueError:
        return np.zeros(len(words))
    return times if np.isfinite(times).all() else np.zeros(len(words))


def _times(
    said: NDArray[np.float64], frame_time_s: float, breaks: tuple[int, ...]
) -> NDArray[np.float64]:
    """(F,) seconds: as the first frame of every stretch says, and on by the time between frames."""
    begins = np.zeros(len(said), dtype=np.int64)
    begins[list(breaks)] = breaks
    begins = np.maximum.accumulate(begins)
    times: NDArray[np.float64] = said[begins] + (np.arange(len(said)) - begins) * frame_time_s
    return times


def _timing(
    words: list[str], times: NDArray[np.float64], places: list[int], rate: float, where: str
) -> tuple[float, tuple[int, ...], tuple[str, ...]]:
    """Seconds between frames, the frames that come later than that, and what is said of both.

    What the frames say of their times counts for more than the rate in the heading.
    """
    said = 1 / rate
    passed = np.diff(times)
    if not passed.any():
        return said, (), ()
    if (passed <= 0).any():
        at = int(np.argmax(passed <= 0)) + 1
        what = f"its time, {quote(words[at])}, is not after the one before"
        raise bad_line(where, places[at], what, _TWICE if passed[at - 1] == 0 else _TIMES)
    digits = max(len(word.partition(".")[2].rstrip("0")) for word in words)
    rounding = 10.0**-digits
    usual = float(np.median(passed))
    if not (passed > 1.5 * usual + rounding).any():
        usual = float(passed.mean())  # which rounding matters less to
    notes = []
    if abs(usual - said) > 0.01 * said + rounding:
        notes.append(
            f"{Path(where).name}: its frames are {usual:.4g} s apart, its DataRate of {rate:g} "
            f"says {said:.4g} s: the times of the frames are taken"
        )
    else:
        usual = said
    breaks = tuple((np.flatnonzero(passed > 1.5 * usual + rounding) + 1).tolist())
    if breaks:
        notes.append(
            f"{Path(where).name}: frames are missing in {len(breaks)} "
            f"place{'s' * (len(breaks) > 1)}, first before {words[breaks[0]]} s: no motion is "
            "taken across"
        )
    return usual, breaks, tuple(notes)
