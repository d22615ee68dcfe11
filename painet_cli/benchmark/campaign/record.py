"""A trained cell as one small JSON file, which outlives its run folder and goes with the docs.

It holds the preset with every default spelled out, how training went and ended, the figures of the
test windows, a summary of the errors of single windows, versions and, where known, the machine.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from painet_cli.benchmark.cells import Cell, Result
from painet_cli.benchmark.tables.taken import check_taken
from painet_cli.config.presets import Preset
from painet_cli.data.particles.names import LONGEST_NAME
from painet_cli.errors import RequestError
from painet_cli.evaluation.evaluate import with_benchmark_velocity
from painet_cli.storage.archives import read_object
from painet_cli.storage.atomic import write_text
from painet_cli.storage.provenance import without_folders

_MOST_WINDOWS = 250
"""Windows whose errors are kept, evenly spaced over those of the test part."""
_TRAINING = (
    "epochs", "best_epoch", "val_mse", "stopped_by", "epoch_s", "wall_s", "seconds",
    "peak_memory_gb", "memory_kind", "parameters", "device", "threads", "dataset",
    "dataset_sha256", "started", "command", "versions",
)  # fmt: skip
EVALUATED = (
    "mse", "f_mse", "a_mse", "step_mse", "unit", "windows", "horizon", "trained_horizon",
    "dataset", "label", "as_published", "split", "split_kind", "leak", "time_s", "peak_memory_gb",
)  # fmt: skip
_BESIDE = ("superposed_step_mse", "superposed_yardsticks")
"""Of evaluations that have them; those of an older painet do not."""
YARDSTICKS = "yardsticks"
FAILED = "failed"
"""Of records of cells that came to no result: why."""
_QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)


def cell_key(preset: Preset, dataset_sha256: str) -> str:
    """Eight hex digits that tell a cell's settings, seed and dataset from any other's.

    What a machine chooses for itself, memory for time, and the preset's description do not count,
    and a velocity that is left to the dataset is that of the benchmarks.
    """
    train = preset.train.model_copy(update={"activations": "auto"})
    data = with_benchmark_velocity(preset.data)
    plain = preset.model_copy(update={"description": "", "train": train, "data": data})
    return hashlib.sha256(f"{plain.to_yaml()}{dataset_sha256}".encode()).hexdigest()[:8]


def settings_key(preset: Preset) -> str:
    """Key of a preset's settings, whatever the seed, and the window where it was cut shorter."""
    data = preset.data.model_copy(update={"delta_frames": preset.data.horizon})
    train = preset.train.model_copy(update={"seed": 1})
    return cell_key(preset.model_copy(update={"data": data, "train": train}), "")


def result_key(result: Result) -> str:
    """The `cell_key` of a result."""
    return cell_key(result.cell.preset, str(result.record["dataset_sha256"]))


def save_record(result: Result, folder: Path, *, here: bool) -> Path:
    """Write a result as `FOLDER/PRESET/MODEL-seedN-KEY.json`; return the path.

    Parameters
    ----------
    here
        Whether it was trained on this machine, which the record then names.

    Raises
    ------
    RequestError
        The folder cannot be written.
    """
    path = record_path(result.cell, str(result.record["dataset_sha256"]), folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    machine = {"processor": _processor(), "system": platform.platform()}
    content = {**_plain(result), **({"machine": machine} if here else {})}
    write_text(path, json.dumps(content, indent=1) + "\n")
    return path


def record_path(cell: Cell, dataset_sha256: str, folder: Path) -> Path:
    """Where the record of a cell lies."""
    key = cell_key(cell.preset, dataset_sha256)
    return folder / cell.preset_name / f"{cell.model}-seed{cell.seed}-{key}.json"


def said_of(cell: Cell) -> dict[str, Any]:
    """What a record says of which cell it is."""
    config = cell.preset.model_dump(mode="json")
    return {"preset": cell.preset_name, "label": cell.label, "config": config}


def _plain(result: Result) -> dict[str, Any]:
    errors, record = result.window_mse, dict(result.record)
    record["command"] = without_folders(str(record.get("command", "")))
    kept = np.unique(np.linspace(0, len(errors) - 1, min(len(errors), _MOST_WINDOWS)).round())
    return {
        **said_of(result.cell),
        "training": {key: record[key] for key in _TRAINING if key in record},
        "evaluation": {key: result.evaluation[key] for key in EVALUATED}
        | {key: result.evaluation[key] for key in _BESIDE if key in result.evaluation}
        | {YARDSTICKS: result.evaluation.get(YARDSTICKS, {})},
        "window_errors": {
            "quantiles": _digits(np.quantile(errors, _QUANTILES)),
            "of_windows": " ".join(map(str, _digits(errors[kept.astype(int)]))),
        },
    }


def _digits(values: NDArray[np.float64]) -> list[float]:
    return [float(f"{value:.4g}") for value in values]


def _processor() -> str:
    """Model of this machine's processor, as well as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def read_records(folder: Path) -> list[Result]:
    """All results kept below a folder, by preset, model, seed; of a cell the longest training.

    A cell has several files where an older painet wrote one of them.

    Raises
    ------
    RequestError
        A file is no record of a cell.
    """
    found: dict[str, Result] = {}
    read = [_read(path, content) for path, content in contents(folder) if FAILED not in content]
    for result in read:
        known = found.setdefault(result_key(result), result)
        if known.record["epochs"] < result.record["epochs"]:
            found[result_key(result)] = result
    return sorted(
        found.values(), key=lambda one: (one.cell.preset_name, one.cell.model, one.cell.seed)
    )


def contents(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every record below a folder, with its path; raises as `read_records`."""
    for path in sorted(folder.glob("*/*.json")):
        yield path, content_of(path)


def content_of(path: Path) -> dict[str, Any]:
    """What a record holds; raises as `read_records`."""
    content = read_object(path)
    if content is None:
        raise no_record(path)
    return content


def no_record(path: Path) -> RequestError:
    """What is said of a file that holds something else."""
    return RequestError(
        f"{path}: not the record of a cell", "`painet bench report --collect` writes them"
    )


def _read(path: Path, content: dict[str, Any]) -> Result:
    try:
        cell = recorded_cell(path, content)
        errors = np.array([float(x) for x in content["window_errors"]["of_windows"].split()])
        largest = float(content["window_errors"]["quantiles"][-1])
        check_taken(content["training"], content["evaluation"])
        if not len(errors):
            raise ValueError("no windows")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise no_record(path) from error
    return Result(cell, content["training"], content["evaluation"], errors[:, None], largest)


def recorded_cell(path: Path, content: dict[str, Any]) -> Cell:
    """Cell that a record is of.

    Raises
    ------
    ValueError, KeyError, TypeError
        It is the record of none.
    """
    preset = Preset.model_validate(content["config"])
    check_name(content["preset"])
    if not isinstance(content["label"], str):
        raise ValueError("no label")
    return Cell(content["preset"], preset, path.parent, content["label"])


def check_name(name: Any) -> None:
    """Refuse what would lead elsewhere as the name of a preset's folder."""
    if not isinstance(name, str) or not name.isprintable() or name.strip(".") == "":
        raise ValueError("not the name of a preset")
    if len(name) > LONGEST_NAME or "/" in name or "\\" in name:
        raise ValueError("not the name of a preset")


def unsaved(results: Sequence[Result], kept: Sequence[Result]) -> list[Result]:
    """Results that are not among those kept already, or were trained longer since."""
    known = {result_key(result): int(result.record["epochs"]) for result in kept}
    return [one for one in results if known.get(result_key(one), -1) < one.record["epochs"]]


def mostly_alike(results: Sequence[Result]) -> list[Result]:
    """Results on the dataset, and windows as long, that most of their preset's were trained on."""
    counts: dict[str, Counter[tuple[str, int]]] = {}
    for result in results:
        counts.setdefault(result.cell.preset_name, Counter())[data_key(result)] += 1
    most = {name: count.most_common(1)[0][0] for name, count in counts.items()}
    return [result for result in results if data_key(result) == most[result.cell.preset_name]]


def data_key(result: Result) -> tuple[str, int]:
    """What `settings_key` leaves out: the dataset's digest, and frames of a window."""
    return str(result.record["dataset_sha256"]), result.cell.preset.data.delta_frames
