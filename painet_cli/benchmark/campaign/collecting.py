"""Results in run folders, wherever they were trained, and what their records still lack."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from painet_cli.benchmark.campaign.record import EVALUATED, YARDSTICKS, check_name
from painet_cli.benchmark.cells import Cell, Result, is_asked
from painet_cli.benchmark.tables.taken import check_taken
from painet_cli.config.presets import Preset, load_preset, preset_names
from painet_cli.data.batches.offsets import target_offsets
from painet_cli.errors import RequestError
from painet_cli.evaluation.evaluation import WINDOW_ERRORS, read_window_errors
from painet_cli.evaluation.opened_run import windows_for
from painet_cli.evaluation.yardsticks import yardsticks
from painet_cli.prediction.rollout import rollout_offsets
from painet_cli.storage.provenance import is_unchanged
from painet_cli.training.run_folder import CONFIG, EVALUATION, RECORD
from painet_cli.training.setup.build import dataset_of


def read_run_folders(runs: Iterable[Path]) -> list[Result]:
    """Results in run folders, whoever trained them.

    One that is not done, or was not evaluated on its test windows, is passed over.
    """
    return [result for run in runs if (result := _result_of(run)) is not None]


def run_folders(folders: Iterable[Path]) -> list[Path]:
    """Run folders below some folders."""
    return sorted(path.parent for folder in folders for path in folder.rglob(RECORD))


def _result_of(run: Path) -> Result | None:
    """Result in a run folder, of an older painet too, whose evaluation says less."""
    try:
        preset = load_preset(str(run / CONFIG))
        record = json.loads((run / RECORD).read_bytes())
        evaluation = json.loads((run / EVALUATION).read_bytes())
        squared = read_window_errors(run)
        whole = record.get("status") == "done" and evaluation.keys() >= set(EVALUATED)
        asked = whole and is_asked(evaluation, preset, record)
        if not asked or not is_unchanged(evaluation, run, WINDOW_ERRORS):
            return None
        name = record["preset"]
        check_name(name)
        cell = Cell(name, preset, run, _label_of(name, preset))
        check_taken(record, evaluation)
        result = Result(cell, record, evaluation, squared)
    except (OSError, ValueError, KeyError, AttributeError, RecursionError, RequestError):
        return None
    return result


def _label_of(preset_name: str, preset: Preset) -> str:
    """What of the model differs from the preset it is named after; empty for another model."""
    if preset_name not in preset_names():
        return ""
    shipped = load_preset(preset_name).model
    if shipped.name != preset.model.name:
        return ""
    own, theirs = preset.model.model_dump(), shipped.model_dump()
    return " ".join(f"model.{key}={own[key]}" for key in own if own[key] != theirs[key])


def measure_yardsticks(results: Iterable[Result], data_dir: Path) -> list[Result]:
    """Results with the yardsticks of their windows, where they lack them and the data are here."""
    found: dict[str, dict[str, list[float]]] = {}
    return [_with_yardsticks(result, data_dir, found) for result in results]


def _with_yardsticks(
    result: Result, data_dir: Path, found: dict[str, dict[str, list[float]]]
) -> Result:
    preset = result.cell.preset
    if result.evaluation.get(YARDSTICKS) or not (data_dir / preset.data.dataset).exists():
        return result
    dataset = dataset_of(preset, data_dir)
    if dataset.sha256 != result.record["dataset_sha256"]:
        return result
    horizon = result.evaluation["horizon"]
    key = f"{horizon} steps of {preset.data.model_dump_json()}"
    if key not in found:
        offsets = rollout_offsets(target_offsets(preset.data), horizon)
        found[key] = yardsticks(dataset, preset, windows_for(dataset, preset, "test", offsets))
    return replace(result, evaluation={**result.evaluation, YARDSTICKS: found[key]})
