"""Bandai-Namco's motion of one skeleton in many styles, split by style."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np

from painet_cli.data.dataset.dataset import Dataset, write_dataset
from painet_cli.data.dataset.manifest import (
    SPLITS,
    Manifest,
    Origin,
    Segment,
    Split,
    SplitName,
    Units,
)
from painet_cli.data.dataset.splits import MOST_WINDOWS, starts_inside
from painet_cli.data.motion.files import read_motion_file
from painet_cli.data.motion.length_units import METRES_OF
from painet_cli.data.particles.origin import kept_digits
from painet_cli.data.sources.motion import check_alike, common_frame_time, segments_of
from painet_cli.data.sources.options import DeltaFrames, Horizon, window_frames
from painet_cli.data.sources.registry import DataSource, Destination, Source
from painet_cli.errors import RequestError, did_you_mean, option

DELTA_FRAMES = 30
_NAME = re.compile(r"dataset-\d+_(?P<content>[^_]+)_(?P<style>[^_]+)_\d+")
_LICENCE = "CC BY-NC-ND 4.0: not for commercial use, and nothing derived from it may be passed on"


def prepare_bandai(
    to: Destination,
    *,
    source: Annotated[Path, "Folder with BVH files, named dataset-1_CONTENT_STYLE_001.bvh."],
    name: Annotated[str, "Name of the dataset."] = "bandai",
    content: Annotated[str | None, "Of this content alone, such as walk; else all."] = None,
    val: Annotated[Sequence[str], "A style that serves validation; else the last but one."] = (),
    test: Annotated[Sequence[str], "A style that is tested on; else the last."] = (),
    delta_frames: DeltaFrames = None,
    horizon: Horizon = 5,
) -> Dataset:
    """Write the takes in a folder as a dataset whose parts have styles of their own.

    Parameters
    ----------
    to
        Where the dataset goes.
    source, name, content, val, test, delta_frames, horizon
        As annotated.

    Raises
    ------
    RequestError
        There are no such takes, no such style, fewer than three styles, or a style has no take as
        long as a window.
    """
    folder = to.folder(name)
    styles = _styles(source, content)
    parts = _parts(sorted(set(styles.values())), val, test)
    takes = []
    for path in styles:
        takes.append(read_motion_file(path, "BVH", up_axis="y"))
        to.progress(len(takes), len(styles))
    files = list(styles)
    check_alike(files, takes)
    segments = segments_of([path.stem for path in files], takes)
    own = [
        style for style, take in zip(styles.values(), takes, strict=True) for _ in (0, *take.breaks)
    ]
    window = window_frames(delta_frames or DELTA_FRAMES, horizon)
    first = takes[0]
    manifest = Manifest(
        name=folder.name,
        origin=Origin(
            source=f"Bandai-Namco-Research-Motiondataset, {len(files)} BVH files in {source.name}",
            licence=_LICENCE,
            citation="Kobayashi et al., Motion Capture Dataset for Practical Use of AI-based "
            "Motion Editing and Stylization, arXiv:2306.08861 (2023)",
            prepared_by=to.command,
            notes=" ".join(
                [
                    *(f"Styles of {part}: {', '.join(parts[part])}." for part in SPLITS),
                    *(f"{note}." for take in takes for note in take.notes),
                ]
            ),
        ),
        units=Units(
            length=first.length_unit,
            length_in_metres=METRES_OF[first.length_unit],
            frame_time_s=common_frame_time(files, takes),
        ),
        up_axis=first.up_axis,
        velocity="before",
        particles=first.particles,
        segments=segments,
        split=_split(segments, own, parts, window),
    )
    frames = kept_digits(np.concatenate([take.positions for take in takes]), first.up_axis)
    return write_dataset(folder, frames, manifest, force=to.force)


def _styles(source: Path, content: str | None) -> dict[Path, str]:
    """Style of each BVH file below a folder, by name; of one content alone where it is given."""
    if not source.is_dir():
        raise RequestError(
            f"{option('source', str(source))}: no such folder",
            "unpack the dataset's data.zip, and give its folder",
        )
    named = [(path, _NAME.fullmatch(path.stem)) for path in sorted(source.rglob("*.bvh"))]
    known = {path: match for path, match in named if match}
    contents = {match["content"] for match in known.values()}
    if content is not None and known and content not in contents:
        raise RequestError(
            f"{option('content', content)}: no such content",
            f"{did_you_mean(content, contents)}there are {', '.join(sorted(contents))}",
        )
    found = {
        path: match["style"] for path, match in known.items() if content in (None, match["content"])
    }
    if not found:
        raise RequestError(
            f"{source}: no takes of Bandai-Namco's",
            "expected files such as dataset-1_walk_happy_001.bvh",
        )
    return found


def _parts(
    styles: list[str], val: Sequence[str], test: Sequence[str]
) -> dict[SplitName, list[str]]:
    for key, given in (("val", val), ("test", test)):
        for style in given:
            if style not in styles:
                raise RequestError(
                    f"{option(key, style)}: no such style",
                    f"{did_you_mean(style, styles)}there are {', '.join(styles)}",
                )
    tested = [*test] or [style for style in styles if style not in val][-1:]
    validated = [*val] or [style for style in styles if style not in tested][-1:]
    trained = [style for style in styles if style not in (*tested, *validated)]
    if not (trained and validated and tested) or set(validated) & set(tested):
        raise RequestError(
            f"styles {', '.join(styles)}: each of train, val and test needs one of its own",
            "give takes of three styles at least, none to both val and test",
        )
    return {"train": trained, "val": validated, "test": tested}


def _split(
    segments: Sequence[Segment],
    styles: list[str],
    parts: dict[SplitName, list[str]],
    window: int,
) -> Split:
    starts: dict[SplitName, tuple[int, ...]] = {}
    for seed, part in enumerate(SPLITS):
        own = [one for one, style in zip(segments, styles, strict=True) if style in parts[part]]
        possible = starts_inside(own, 0, own[-1].stop, window)
        if not len(possible):
            raise RequestError(
                f"windows of {window} frames: no take of {', '.join(parts[part])} is as long",
                f"give a smaller {option('delta_frames')}, or other styles",
            )
        count = min(len(possible), MOST_WINDOWS[part])
        drawn = np.random.default_rng((1, seed)).choice(possible, count, replace=False)
        starts[part] = tuple(np.sort(drawn).tolist())
    return Split(kind="blocks", delta_frames=window, **starts)


BANDAI = DataSource(
    Source(
        name="bandai",
        title="Bandai-Namco-Research-Motiondataset",
        about="21 joints in many styles, 30 frames a second, from files at hand; split by style",
        licence=_LICENCE,
        citation="Kobayashi et al. 2023, arXiv:2306.08861; "
        "https://github.com/BandaiNamcoResearchInc/Bandai-Namco-Research-Motiondataset",
        datasets={"bandai": "painet prepare bandai --source FOLDER"},
        preset="motion",
    ),
    prepare_bandai,
)
