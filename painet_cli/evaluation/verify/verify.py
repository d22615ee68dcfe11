"""Whether what painet wrote is still what it wrote: files held against their provenance."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from painet_cli.config.presets import load_preset
from painet_cli.data.dataset.dataset import FRAMES, MANIFEST, open_dataset, read_manifest
from painet_cli.errors import RequestError
from painet_cli.evaluation.verify.files import (
    Check,
    checkpoint_check,
    file_check,
    input_check,
    output_checks,
    record_of,
    seal_check,
    without_record,
)
from painet_cli.prediction.checkpoints import Checkpoint, find_checkpoint
from painet_cli.storage.archives import read_object
from painet_cli.training.checkpoint import Header, read_header
from painet_cli.training.record import trained_facts
from painet_cli.training.run_folder import BEST, CONFIG, EVALUATION, LAST, METRICS, RECORD

SUMMARY = "summary.json"
BENCH = "bench.json"
_CHUNK_BYTES = 2**26


@dataclass(frozen=True)
class Verification:
    """What came of verifying one path.

    Attributes
    ----------
    path
        What was verified.
    kind
        `dataset`, `run`, `checkpoint`, `prediction` or `benchmark`.
    checks
        What was looked at.
    traced
        What it says about where it comes from: command, versions, dataset, preset, seed.
    """

    path: Path
    kind: str
    checks: tuple[Check, ...]
    traced: dict[str, Any]

    @property
    def failed(self) -> list[Check]:
        """Checks that found a difference."""
        return [check for check in self.checks if check.ok is False]

    @property
    def holds(self) -> bool | None:
        """Whether all that can be told is as written; None where nothing can be told."""
        known = [check.ok for check in self.checks if check.ok is not None]
        return all(known) if known else None

    def plain(self) -> dict[str, Any]:
        """The same as plain data."""
        return {
            "path": str(self.path),
            "kind": self.kind,
            "verified": self.holds,
            "checks": [asdict(check) for check in self.checks],
            "provenance": self.traced,
        }


def verify(path: Path, data_dir: Path) -> Verification:
    """Hold a dataset, run, checkpoint, prediction or benchmark against its provenance.

    Parameters
    ----------
    path
        A folder, a checkpoint's file, or the name of a shipped checkpoint or of a dataset in
        `data_dir`.
    data_dir
        Where the dataset of a run is looked for.

    Raises
    ------
    RequestError
        It is not there, or nothing that painet wrote.
    """
    if not path.exists() and (data_dir / path / MANIFEST).is_file():
        path = data_dir / path
    for marker, kind, check in (
        (MANIFEST, "dataset", _dataset),
        (SUMMARY, "prediction", _prediction),
        (BENCH, "benchmark", _benchmark),
    ):
        if (path / marker).is_file():
            traced: dict[str, Any] = {}
            return Verification(path, kind, tuple(check(path, traced)), traced)
    if (path / CONFIG).is_file():
        traced = {}
        return Verification(path, "run", tuple(_run(path, data_dir, traced)), traced)
    if not path.is_dir():
        found = find_checkpoint(path)
        traced = _of_header(found.header)
        return Verification(found.path, "checkpoint", tuple(_alone(found)), traced)
    raise RequestError(
        f"{path}: nothing that painet wrote",
        f"a dataset has {MANIFEST}, a run {CONFIG}, a prediction {SUMMARY}, a benchmark {BENCH}",
    )


def _dataset(folder: Path, traced: dict[str, Any]) -> Iterator[Check]:
    try:
        manifest = read_manifest(folder / MANIFEST)
    except RequestError as error:
        yield Check(MANIFEST, ok=False, said=error.what)
        return
    traced |= {
        "command": manifest.origin.prepared_by,
        "source": manifest.origin.source,
        "versions": manifest.origin.versions,
        "dataset_sha256": manifest.fingerprint(),
    }
    yield seal_check(folder / MANIFEST)
    intact = [file_check(folder, name, sha256) for name, sha256 in manifest.files.items()]
    yield from intact
    if all(check.ok for check in intact):
        yield _finite(folder)


def _finite(folder: Path) -> Check:
    """Whether all coordinates are numbers, looked at in pieces."""
    try:
        dataset = open_dataset(folder)
    except RequestError as error:
        return Check(FRAMES, ok=False, said=error.what)
    for number, system in enumerate(dataset.manifest.each_system):
        frames = dataset.only(number).frames
        whose = f"system {system.name}: " if dataset.manifest.systems else ""
        rows = max(1, _CHUNK_BYTES // max(1, frames[:1].nbytes))
        for first in range(0, len(frames), rows):
            bad = np.argwhere(~np.isfinite(frames[first : first + rows]).all(axis=(1, 2)))
            if len(bad):
                said = f"{whose}frame {first + int(bad[0, 0])} holds NaN or infinity"
                return Check("coordinates", ok=False, said=said)
    count = dataset.manifest.frame_count
    return Check("coordinates", ok=True, said=f"{count:,} frames, all finite")


def _run(folder: Path, data_dir: Path, traced: dict[str, Any]) -> Iterator[Check]:
    record = read_object(folder / RECORD)
    if record is None:
        there = (folder / RECORD).exists()  # written in one step, so never half of it
        said = "damaged: not JSON" if there else "not there yet: resume writes it"
        yield Check(RECORD, ok=False if there else None, said=said)
        record = {}
    traced |= _picked(
        record, "command", "versions", "dataset", "dataset_sha256", "preset", "seed", "status"
    )
    if record:
        yield seal_check(folder / RECORD)
    outputs = [*output_checks(folder, record)]
    yield from outputs
    if record and not outputs:
        said = "no sha256 kept: it is running or was killed (painet train --resume), or is older"
        yield Check(RECORD, ok=None, said=said)
    headers = {}
    for name in (LAST, BEST):
        if (folder / name).is_file():
            check = checkpoint_check(folder / name)
            yield check
            if check.ok is not False:
                headers[name] = read_header(folder / name)
    for name, header in headers.items():
        yield _belongs(folder, name, header, record)
    if LAST in headers:
        yield _metrics(folder / METRICS, headers[LAST].progress.epoch)
        yield _trained_on(headers[LAST], data_dir)
    if (folder / EVALUATION).is_file():
        yield from _evaluated(folder, headers.get(BEST) or headers.get(LAST))


def _belongs(folder: Path, name: str, header: Header, record: Mapping[str, Any]) -> Check:
    """Whether a checkpoint is of the run's preset and dataset."""
    try:
        preset = load_preset(str(folder / CONFIG))
    except RequestError as error:
        return Check(CONFIG, ok=False, said=error.what)
    # going on may have changed how many epochs are asked for, and what memory allows
    ours, theirs = (
        one.changed({"train.epochs": 1, "train.activations": "auto"})
        for one in (preset, header.preset)
    )
    if ours != theirs:
        return Check(name, ok=False, said=f"trained with another preset than {CONFIG} has")
    if record.get("dataset_sha256", header.dataset_sha256) != header.dataset_sha256:
        return Check(name, ok=False, said=f"trained on another dataset than {RECORD} says")
    return Check(name, ok=True, said=f"epoch {header.progress.epoch}, of this preset and dataset")


def _metrics(path: Path, epochs: int) -> Check:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        numbers = [json.loads(line)["epoch"] for line in lines[:epochs]]
    except (OSError, ValueError, KeyError, TypeError):
        numbers = []
    whole = numbers == list(range(1, epochs + 1))
    said = "a line an epoch" if whole else f"not the epochs 1 to {epochs} of {LAST}"
    return Check(path.name, ok=whole, said=said)


def _trained_on(header: Header, data_dir: Path) -> Check:
    """Whether the prepared dataset is the one a run was trained on, where it is there."""
    folder = data_dir / header.preset.data.dataset
    what = f"dataset {header.dataset}"
    try:
        found = open_dataset(folder).sha256
    except RequestError as error:
        return Check(what, ok=None, said=error.what)
    same = found == header.dataset_sha256
    return Check(what, ok=same, said=str(folder) if same else f"{folder}: another version of it")


def _evaluated(folder: Path, best: Header | None) -> Iterator[Check]:
    record = record_of(folder / EVALUATION)
    if record is None:
        yield without_record(folder / EVALUATION)
        return
    yield seal_check(folder / EVALUATION)
    yield from output_checks(folder, record)
    digest = record.get("tensors_sha256")
    if best is not None and best.tensors_sha256 and digest:
        same = digest == best.tensors_sha256
        said = f"of these weights ({BEST})" if same else f"of other weights than {BEST} has"
        yield Check(EVALUATION, ok=same, said=said)


def _prediction(folder: Path, traced: dict[str, Any]) -> Iterator[Check]:
    record = record_of(folder / SUMMARY)
    yield from _recorded(folder / SUMMARY, record, traced)
    given = record.get("inputs") if record else None
    yield from map(input_check, given if isinstance(given, list) else [])
    if record:
        yield _predicted_with(Path(str(record.get("checkpoint"))), record.get("tensors_sha256"))


def _predicted_with(path: Path, digest: Any) -> Check:
    """Whether the checkpoint is still there and the same: if not, no fault of the prediction."""
    try:
        found = read_header(path).tensors_sha256
    except RequestError as error:
        return Check("checkpoint", ok=None, said=error.what)
    if not digest:
        return Check("checkpoint", ok=None, said=f"{path}: no digest, an older painet wrote it")
    if found != digest:
        said = f"{path}: other weights since than it was predicted with"
        return Check("checkpoint", ok=None, said=said)
    return Check("checkpoint", ok=True, said=str(path))


def _benchmark(folder: Path, traced: dict[str, Any]) -> Iterator[Check]:
    yield from _recorded(folder / BENCH, record_of(folder / BENCH), traced)


def _recorded(path: Path, record: dict[str, Any] | None, traced: dict[str, Any]) -> Iterator[Check]:
    """Check the outputs that a file's provenance lists, where it has one."""
    if record is None:
        yield without_record(path)
        return
    traced |= {key: value for key, value in record.items() if key not in ("inputs", "outputs")}
    yield seal_check(path)
    yield from output_checks(path.parent, record)


def _alone(checkpoint: Checkpoint) -> Iterator[Check]:
    """A checkpoint's file, by the digest it has of itself or, if shipped, by its card's."""
    path, card = checkpoint.path, checkpoint.card
    if card.sha256:
        yield file_check(path.parent, path.name, card.sha256)
    if not card.sha256 or checkpoint.header.tensors_sha256:
        yield checkpoint_check(path)


def _of_header(header: Header) -> dict[str, Any]:
    return {"command": header.command, **trained_facts(header)}


def _picked(content: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: content[key] for key in keys if key in content}
