"""Tables of prepared datasets, for 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from painet_cli.data.dataset.describe import Description, Listed, SystemLine
from painet_cli.data.dataset.manifest import SPLITS, Manifest
from painet_cli.data.trajectories.formats import format_of
from painet_cli.data.units import time_text
from painet_cli.report.tables.layout import LONGEST_NAME, plain_table

if TYPE_CHECKING:  # it imports MDAnalysis, which tables of datasets do without
    from painet_cli.data.dataset.export import Export

FIRST_FEW = 6


def summary_table(described: Description) -> Table:
    """Lay out what `prepare` says of the dataset it made."""
    return _rows(
        {
            "dataset": described.dataset,
            "label": described.origin["label"],
            **_contents(described),
            "licence": described.origin["licence"],
            "notes": described.origin["notes"],
            "sha256": described.sha256,
        }
    )


def description_table(described: Description) -> Table:
    """Lay out all that is known of a dataset."""
    d, origin = described, described.origin
    return _rows(
        {
            "dataset": d.dataset,
            "label": origin["label"],
            **_contents(d),
            "systems": ", ".join(_system(one) for one in d.systems),
            "segments": _few(
                (f"{s.name} ({s.frames:,})" for s in d.segment_list), len(d.segment_list)
            ),
            "size": f"{_extent(d)} {d.unit} in frame 0, radius of gyration "
            f"{d.radius_of_gyration:.4g}",
            "motion": _motion(d),
            "height": f"along {d.up_axis}" if d.up_axis else "",
            "source": origin["source"],
            "licence": origin["licence"],
            "citation": origin["citation"],
            "prepared by": origin["prepared_by"],
            "notes": origin["notes"],
            "on disk": size_text(d.bytes),
            "sha256": d.sha256,
            **{f"  {name}": sha256 for name, sha256 in d.files.items()},
        }
    )


def list_table(listed: Sequence[Listed]) -> list[RenderableType]:
    """Lay out datasets, a line each, and beneath what is wrong with those that cannot be opened."""
    table = plain_table()
    table.add_column("name", max_width=LONGEST_NAME, overflow="fold")
    for heading in ("frames", "particles", "segments", "windows"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("split", no_wrap=True)
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("label", overflow="fold")
    for one in listed:
        known = [one.frames, one.particles, one.segments, one.windows and sum(one.windows.values())]
        table.add_row(
            one.name,
            *("-" if value is None else f"{value:,}" for value in known),
            one.split or "broken",
            size_text(one.bytes),
            one.label or "",
        )
    wrong = [Text(f"broken: {one.error}") for one in listed if one.error]
    return [table, *([Text(), *wrong] if wrong else [])]


def export_table(exports: Sequence[Export]) -> Table:
    """Lay out the trajectories that were written."""
    table = plain_table()
    table.add_column("trajectory", overflow="fold")
    table.add_column("topology", overflow="fold")
    for heading in ("frames", "time a frame", "size"):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in exports:
        table.add_row(
            str(one.path),
            "-" if one.topology is None else one.topology.name,
            f"{len(one.frames):,}",
            time_text(one.frame_time_s),
            size_text(one.path.stat().st_size),
        )
    return table


def export_notes(exports: Sequence[Export], manifest: Manifest) -> list[str]:
    """Say what a reader of the files would not see in them."""
    notes = []
    first = exports[0]
    unit = manifest.units.length
    if unit != "angstrom":
        notes.append(f"lengths are in {unit}; programs that open the file call them angstrom")
    if not format_of(first.path).times:
        picoseconds = first.frame_time_s * 1e12
        notes.append(f"{first.path.suffix} holds no times; MDAnalysis takes dt={picoseconds:.6g}")
    if len(first.segments) > 1:
        notes.append(
            f"{len(first.segments)} segments one after the other; "
            "{segment} in FILE writes one each"
        )
    if any(manifest.offset):
        place = ", ".join(f"{value:,.0f}" for value in manifest.offset)
        notes.append(f"moved to the origin: in the source it lies at ({place}) {unit}")
    return notes


def size_text(count: int) -> str:
    """Write a number of bytes with the unit that suits it: 2163000 is `2.2 MB`."""
    value = float(count)
    for unit in ("bytes", "kB", "MB"):
        if value < 999.5:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} GB"


def _contents(d: Description) -> dict[str, str]:
    segments = "segment" if d.segments == 1 else "segments"
    return {
        "particles": (f"{d.particles:,} in {len(d.systems):,} systems" if d.systems else "")
        or f"{d.particles:,}: {_kinds(d.types)}",
        "types": _kinds(d.types) if d.systems else "",
        "elements": "" if d.elements in ({}, d.types) else _kinds(d.elements),
        "residues": _kinds(d.residues, total=True),
        "chains": _kinds(d.chains) if len(d.chains) > 1 else "",
        "bonds": f"{d.bonds:,}",
        "frames": f"{d.frames:,} in {d.segments:,} {segments}",
        "time": f"{_frame_times(d)} a frame, {time_text(d.time_s) if d.time_s else 0} in all",
        "windows": ", ".join(f"{d.windows[part]:,} {part}" for part in SPLITS)
        + f"; {d.delta_frames:,} frames{'' if _mixed(d) else f', {time_text(d.window_s)},'} each",
        "split": f"{d.split}, {100 * d.leak:.3g} % of test windows overlap a training window",
        "unit": f"1 {d.unit} = {d.length_in_metres:.4g} m",
    }


def _mixed(d: Description) -> bool:
    """Whether the systems differ in the time between frames."""
    return len({one.frame_time_s for one in d.systems}) > 1


def _frame_times(d: Description) -> str:
    if not _mixed(d):
        return time_text(d.frame_time_s)
    times = [one.frame_time_s for one in d.systems]
    return f"{time_text(min(times))} to {time_text(max(times))}"


def _system(one: SystemLine) -> str:
    """`methanol (6 particles, 2,000 frames of 1 fs, train)`."""
    parts = "+".join(part for part in SPLITS if one.windows[part]) or "unused"
    time = time_text(one.frame_time_s)
    return f"{one.name} ({one.particles:,} particles, {one.frames:,} frames of {time}, {parts})"


def _kinds(counts: Mapping[str, int], *, total: bool = False) -> str:
    """Counts of kinds, the most frequent first; names alone where there is one of each."""
    present = {name: count for name, count in counts.items() if count}
    if not present:
        return ""
    ordered = sorted(present.items(), key=lambda item: -item[1])
    alike = len(present) > 1 and set(present.values()) == {1}
    cells = (name if alike else f"{count:,} {name}" for name, count in ordered)
    whole = f"{sum(present.values()):,}: " if total else ""
    return whole + ("one each of " if alike else "") + _few(cells, len(present))


def _few(cells: Iterable[str], count: int) -> str:
    rest = f" and {count - FIRST_FEW:,} more" if count > FIRST_FEW else ""
    return ", ".join(islice(cells, FIRST_FEW)) + rest


def _extent(d: Description) -> str:
    return " x ".join(f"{width:.4g}" for width in d.extent)


def _motion(d: Description) -> str:
    if d.rms_step is None or d.rms_speed_m_s is None:
        return ""
    return f"rms {d.rms_step:.4g} {d.unit} a frame, {d.rms_speed_m_s:.4g} m/s"


def _rows(rows: Mapping[str, str]) -> Table:
    """Names and values, without those that are empty."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows.items():
        if value:
            table.add_row(name, value)
    return table
