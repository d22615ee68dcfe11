"""A cell that failed, as a small JSON file in the place of its record, until it ends well."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from painet_cli.benchmark.campaign.record import (
    FAILED,
    content_of,
    contents,
    no_record,
    record_path,
    recorded_cell,
    said_of,
)
from painet_cli.benchmark.cells import Cell
from painet_cli.storage.atomic import write_text
from painet_cli.training.run_folder import RECORD


@dataclass(frozen=True)
class Failure:
    """A cell and what it said when it failed."""

    cell: Cell
    said: str


def save_failure(failure: Failure, folder: Path) -> Path | None:
    """Write what a cell failed with, where its record would be; return the path.

    None, and nothing is written, where training had not begun or was stopped from outside, which
    tells nothing of the model, and where there is a result of fewer epochs.

    Raises
    ------
    RequestError
        The folder cannot be written.
    """
    cell = failure.cell
    try:
        record = json.loads((cell.folder / RECORD).read_bytes())
        sha256, status, epochs = record["dataset_sha256"], record["status"], int(record["epochs"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if status not in ("failed", "done"):
        return None
    path = record_path(cell, sha256, folder)
    if path.exists() and FAILED not in content_of(path):
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {**said_of(cell), FAILED: failure.said, "epochs": epochs, "dataset_sha256": sha256}
    write_text(path, json.dumps(content, indent=1) + "\n")
    return path


def read_failures(folder: Path) -> list[Failure]:
    """Failures kept below a folder, by preset, model and seed.

    Raises
    ------
    RequestError
        A file is no record of a cell.
    """
    found = [_read(path, content) for path, content in contents(folder) if FAILED in content]
    return sorted(found, key=lambda one: (one.cell.preset_name, one.cell.model, one.cell.seed))


def _read(path: Path, content: dict[str, Any]) -> Failure:
    try:
        return Failure(recorded_cell(path, content), str(content[FAILED]))
    except (ValueError, KeyError, TypeError) as error:
        raise no_record(path) from error
