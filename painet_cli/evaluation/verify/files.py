"""Single files held against what was written of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from painet_cli.errors import RequestError
from painet_cli.storage.archives import read_object
from painet_cli.storage.atomic import file_sha256
from painet_cli.storage.provenance import KEY, SEAL, layout, seal_holds
from painet_cli.training.checkpoint import load_checkpoint, tensors_digest, under


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes
    ----------
    what
        A file, or what of it.
    ok
        Whether it is as it was written; None where that cannot be told.
    said
        What was found, in words.
    """

    what: str
    ok: bool | None
    said: str


def output_checks(folder: Path, record: Mapping[str, Any]) -> Iterator[Check]:
    """Check the files that a provenance lists."""
    outputs = record.get("outputs")
    if isinstance(outputs, dict):
        yield from (file_check(folder, name, sha256) for name, sha256 in outputs.items())


def file_check(folder: Path, name: str, sha256: Any) -> Check:
    """Whether a file still has the bytes that were written."""
    if Path(name).is_absolute() or ".." in Path(name).parts:
        return Check(name, ok=False, said="outside the folder")
    try:
        found = file_sha256(folder / name)
    except OSError as error:
        return Check(name, ok=False, said=f"cannot be read ({error.strerror or error})")
    except ValueError:  # a null byte, half of a surrogate pair
        return Check(repr(name), ok=False, said="not the name of a file")
    same = found == sha256
    return Check(name, ok=same, said=f"sha256 {found[:12]}" if same else "changed: sha256 differs")


def input_check(given: Any) -> Check:
    """Whether what was read is still there and the same: if not, it is no fault of the output."""
    if not isinstance(given, dict):
        return Check("input", ok=None, said="not recorded")
    path = Path(str(given.get("path")))
    what = f"input {path.name}"
    try:
        if given.get("sha256") is None:
            same = path.stat().st_size == given.get("bytes")
        else:
            same = file_sha256(path) == given["sha256"]
    except (OSError, ValueError):  # ValueError: a null byte, half of a surrogate pair
        return Check(what, ok=None, said=f"{path}: not there any more")
    return Check(what, ok=same or None, said=str(path) if same else f"{path}: changed since")


def checkpoint_check(path: Path) -> Check:
    """Whether a checkpoint's tensors are the ones that were saved, and numbers."""
    try:
        tensors, header = load_checkpoint(path)
    except RequestError as error:
        return Check(path.name, ok=False, said=error.what)
    if not header.tensors_sha256:
        said = "no digest of its tensors: an older painet wrote it"
        return Check(path.name, ok=None, said=said)
    if tensors_digest(tensors) != header.tensors_sha256:
        return Check(path.name, ok=False, said="its tensors changed: sha256 differs")
    broken = [
        name for name, tensor in under("model", tensors).items() if not tensor.isfinite().all()
    ]
    if broken:
        return Check(path.name, ok=False, said=f"{broken[0]} holds NaN or infinity")
    return Check(path.name, ok=True, said=f"{len(tensors)} tensors as they were saved")


def record_of(path: Path) -> dict[str, Any] | None:
    """The provenance in a JSON file; None where it has none or cannot be read."""
    content = read_object(path)
    record = content.get(KEY) if content else None
    return record if isinstance(record, dict) else None


def seal_check(path: Path) -> Check:
    """Whether a JSON file's own figures are the ones that were written."""
    content = read_object(path)
    holds = None if content is None else seal_holds(content)
    if content is None:
        return Check(path.name, ok=False, said="not there, or not JSON")
    if holds is None and "versions" in content.get(KEY, content):
        return Check(path.name, ok=False, said="its digest of itself is gone")
    if holds is None:
        return Check(path.name, ok=None, said="no digest of itself: an older painet wrote it")
    if holds and path.read_text(encoding="utf-8") != layout(content):
        return Check(path.name, ok=False, said="changed: not the letters that were written")
    return Check(path.name, ok=holds, said="what it says" if holds else "what it says was changed")


def without_record(path: Path) -> Check:
    """What to say of a JSON file without provenance: older than that, or damaged."""
    content = read_object(path)
    if content is None or SEAL in content:
        return seal_check(path)
    return Check(path.name, ok=None, said="no provenance: an older painet wrote it")
