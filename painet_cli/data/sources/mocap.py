"""CMU motion capture: subject 35 walking and subject 9 running, with their published splits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files
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
    end_to_end,
)
from painet_cli.data.motion.length_units import METRES_PER_ASF_UNIT
from painet_cli.data.motion.mocap_files import ARCHIVE_URL, SUBJECTS, read_trials
from painet_cli.data.particles.particles import joints
from painet_cli.data.sources.options import AtHand
from painet_cli.data.sources.registry import DataSource, Destination, RemoteFile, Source
from painet_cli.errors import RequestError, option

FRAME_TIME_S = 1 / 120
DELTA_FRAMES = 30
TRAINING_WINDOWS = 200
"""Training takes an equal share of these from each of its trials, rounded down."""


def prepare_mocap(
    to: Destination,
    *,
    subject: Annotated[int, "35 (walk) or 9 (run)."],
    source: AtHand = None,
) -> Dataset:
    """Write the trials of a subject as a dataset, `mocap-walk` (35) or `mocap-run` (9).

    Parameters
    ----------
    to
        Where the dataset goes.
    subject
        9 or 35, CMU's number.
    source
        What holds the subject's trials; see `read_trials`. By default CMU's own archive, which
        is downloaded where it is not here yet.

    Raises
    ------
    RequestError
        Another subject, a source that does not hold the subject's trials, a file that
        cannot be read, a trial too short for its windows, or a folder that cannot be written.
    PainetError
        The archive cannot be downloaded.
    """
    if subject not in SUBJECTS:
        known = " or ".join(f"{number} ({SUBJECTS[number].activity})" for number in SUBJECTS)
        raise RequestError(
            f"{option('subject', subject)}: no published split", f"choose subject {known}"
        )
    folder = to.folder(SUBJECTS[subject].dataset)
    if source is None:
        from painet_cli.data.sources.fetch import fetch_files

        source = fetch_files("mocap", to.downloading)["zip"]
    taken = read_trials(subject, source)
    segments = end_to_end(taken.trials, map(len, taken.trials.values()))
    manifest = Manifest(
        name=SUBJECTS[subject].dataset,
        origin=Origin(
            source=f"CMU Graphics Lab Motion Capture Database, mocap.cs.cmu.edu, subject {subject} "
            f"({SUBJECTS[subject].activity}), from {source.name}",
            licence="may be copied, modified and redistributed, but not resold",
            citation=MOCAP.about.citation,
            prepared_by=to.command,
            notes=f"{taken.numbering} 1 ASF unit is 5.644 cm; 120 frames a second.",
        ),
        units=Units(
            length="ASF unit", length_in_metres=METRES_PER_ASF_UNIT, frame_time_s=FRAME_TIME_S
        ),
        up_axis="y",
        particles=joints(taken.joints, taken.bones),
        segments=segments,
        split=published_split(SUBJECTS[subject].dataset, segments),
    )
    frames = np.concatenate([*taken.trials.values()])
    return write_dataset(folder, frames, manifest, force=to.force)


def load_split(name: str) -> dict[SplitName, dict[str, list[int]]]:
    """Read the published start frames within each trial of each part; trials count from 0."""
    text = (files("painet_cli.data.sources") / "splits" / f"{name}.json").read_text(
        encoding="utf-8"
    )
    split: dict[SplitName, dict[str, list[int]]] = json.loads(text)
    return split


def published_split(name: str, segments: Sequence[Segment]) -> Split:
    """Windows of the published protocol.

    Parameters
    ----------
    name
        `mocap-walk` or `mocap-run`.
    segments
        All trials, in numerical order.

    Returns
    -------
    Split
        Validation and test take all listed starts, training the first of each of its trials,
        `TRAINING_WINDOWS` in all or a few less.

    Raises
    ------
    RequestError
        A window does not fit in its trial.
    """
    starts: dict[SplitName, list[int]] = {part: [] for part in SPLITS}
    for part, trials in load_split(name).items():
        count = TRAINING_WINDOWS // len(trials) if part == "train" else None
        for trial, listed in trials.items():
            segment = segments[int(trial)]
            kept = listed[:count]
            if max(kept) + DELTA_FRAMES >= segment.length:
                raise RequestError(
                    f"trial {segment.name} has {segment.length} frames, but the published split "
                    f"has a {part} window of {DELTA_FRAMES} frames after frame {max(kept)}",
                    "check that the source holds the full trials",
                )
            starts[part] += [segment.start + start for start in kept]
    return Split(
        kind="published",
        delta_frames=DELTA_FRAMES,
        **{part: tuple(own) for part, own in starts.items()},
    )


MOCAP = DataSource(
    Source(
        name="mocap",
        title="CMU motion capture",
        about="31 joints of people walking (subject 35) and running (subject 9), 120 frames a "
        "second",
        licence="free for research, also in products that are sold; the data alone may not be "
        "resold",
        citation="The data used in this project was obtained from mocap.cs.cmu.edu. The "
        "database was created with funding from NSF EIA-0196217.",
        page="http://mocap.cs.cmu.edu",
        datasets={
            "mocap-walk": "painet prepare mocap --subject 35",
            "mocap-run": "painet prepare mocap --subject 9",
        },
        by_hand="give it with {source}",
        size="about 1.1 GB",
        downloads={
            "mocap": [
                RemoteFile(
                    key="zip",
                    name="allasfamc.zip",
                    urls=[ARCHIVE_URL],
                )
            ]
        },
    ),
    prepare_mocap,
)
