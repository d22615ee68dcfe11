"""Folders of runs to what is known of each: its state, its best epoch, what sets it apart."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from painet_cli.config.differences import Flat, changes_of, differing_keys, flat_settings
from painet_cli.config.presets import load_preset
from painet_cli.errors import RequestError, option
from painet_cli.storage.archives import number, numbers_in, read_object
from painet_cli.storage.locks import LOCK, is_held
from painet_cli.training.run_folder import BEST, CONFIG, EVALUATION, LAST, METRICS, RECORD, label_in

_STATES = {"done": "ended", "interrupted": "interrupted", "failed": "failed"}


@dataclass(frozen=True)
class Run:
    """What a run folder says of its training; a row of `painet runs`."""

    run: Path
    name: str
    tags: tuple[str, ...]
    preset: str
    model: str
    seed: int
    state: str
    """`running`, `ended`, `interrupted` (or killed) or `failed`."""
    stopped_by: str | None
    """`epochs`, `patience` or `budget`, of one that ended."""
    epochs: int
    best_epoch: int | None
    val_mse: float | None
    """Validation MSE of the best epoch."""
    test_mse: float | None
    """Of its last evaluation on test windows, where there was one."""
    seconds: float
    """Time spent in training epochs."""
    started: str
    changes: Flat = field(default_factory=dict)
    """What differs from the shipped preset of that name; where there is none, from the others of
    that name."""
    settings: Flat = field(default_factory=dict, repr=False)
    """All of its preset by dotted keys; not part of `plain`."""

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        shown = {key: value for key, value in vars(self).items() if key != "settings"}
        return {**shown, "run": str(self.run), "tags": list(self.tags)}

    def value(self, key: str) -> Any:
        """A column, or a setting by its dotted key; None where it has no such thing."""
        return getattr(self, key) if key in COLUMNS else self.settings.get(key)


COLUMNS = (
    "run", "name", "tags", "preset", "model", "seed", "state", "stopped_by", "epochs",
    "best_epoch", "val_mse", "test_mse", "seconds", "started",
)  # fmt: skip


def run_folders(paths: Iterable[Path]) -> list[Path]:
    """Run folders among these folders and below them, in the order of their names.

    Raises
    ------
    RequestError
        A folder is no run and holds none.
    """
    found: dict[Path, None] = {}
    for path in paths:
        inside = [path] if (path / CONFIG).is_file() else _below(path)
        if not inside:
            raise RequestError(
                f"{path}: no run here, nor in a folder below",
                "give a folder that `painet train` wrote, or one that holds such",
            )
        found |= dict.fromkeys(inside)
    return list(found)


def _below(folder: Path) -> list[Path]:
    return sorted(path.parent for path in folder.rglob(CONFIG) if not _hidden(path, folder))


def _hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def has_weights(run: Path) -> bool:
    """Whether a run has come as far as to have weights that can be evaluated."""
    return (run / BEST).is_file() or (run / LAST).is_file()


def list_runs(folder: Path) -> list[Run]:
    """All runs in a folder and below it, those that cannot be read left out.

    Raises
    ------
    RequestError
        There is none.
    """
    runs = [run for path in run_folders([folder]) if (run := _read(path)) is not None]
    strange = [run for run in runs if changes_of_run(run) is None]
    keys = differing_keys([run.settings for run in strange], [run.preset for run in strange])
    return [_with_changes(run, keys) for run in runs]


def changes_of_run(run: Run) -> Flat | None:
    """What of a run differs from the shipped preset of its name; None where none is shipped."""
    with suppress(RequestError):
        return changes_of(load_preset(str(run.run / CONFIG)), run.preset)
    return None


def _with_changes(run: Run, keys: Sequence[str]) -> Run:
    changes = changes_of_run(run)
    if changes is None:
        changes = {key: run.settings[key] for key in keys if key in run.settings}
    return Run(**{**vars(run), "changes": changes})


def _read(folder: Path) -> Run | None:
    try:
        preset = load_preset(str(folder / CONFIG))
    except RequestError:  # a plug-in's model that is gone, or a file of another program
        return None
    record = read_object(folder / RECORD) or {}
    lines = _epochs(folder / METRICS)
    measured = [(line["val_mse"], line["epoch"]) for line in lines if line["val_mse"] is not None]
    # a training that its budget ended early was evaluated once, outside of its epochs
    kept = (record.get("val_mse"), record.get("best_epoch"))
    best = min(measured, default=(number(kept[0]), number(kept[1])))
    label = label_in(folder)
    test = read_object(folder / EVALUATION) or {}
    return Run(
        run=folder,
        name=label.name,
        tags=label.tags,
        preset=str(record.get("preset", folder.resolve().parent.name)),
        model=preset.model.name,
        seed=preset.train.seed,
        state=_state(folder, str(record.get("status"))),
        stopped_by=str(record["stopped_by"]) if record.get("stopped_by") else None,
        epochs=len(lines),
        best_epoch=None if best[1] is None else int(best[1]),
        val_mse=best[0],
        test_mse=number(test.get("mse")) if test.get("split") == "test" else None,
        seconds=max(sum(line["seconds"] for line in lines), number(record.get("seconds")) or 0.0),
        started=str(record.get("started", "")),
        settings=flat_settings(preset),
    )


def _state(folder: Path, status: str) -> str:
    """State of a run; one that says it is running, and that nobody holds, was killed."""
    return "running" if is_held(folder / LOCK) else _STATES.get(status, "interrupted")


def _epochs(path: Path) -> list[dict[str, Any]]:
    """Whole lines of `metrics.jsonl`."""
    found: list[dict[str, Any]] = []
    with suppress(OSError, ValueError):
        for text in path.read_text(encoding="utf-8").splitlines():
            line = numbers_in(text, ("epoch", "val_mse", "seconds"))
            if line["epoch"] is None or line["seconds"] is None:
                break
            found.append(line)
    return found


def chosen(runs: Iterable[Run], filters: Sequence[str], sort: str) -> list[Run]:
    """Runs that pass all filters, sorted.

    Parameters
    ----------
    filters
        `KEY=VALUE`, of columns and dotted settings; VALUE may hold `*` and `?`. `tag=VALUE` asks
        for one of the tags.
    sort
        Column or dotted setting, from the smallest on; `-KEY` from the largest. What has no such
        value comes last.

    Raises
    ------
    RequestError
        A filter is no `KEY=VALUE`, or no run has such a key.
    """
    runs = list(runs)
    for text in filters:
        key, equals, pattern = text.partition("=")
        if not equals:
            raise RequestError(f"{option('filters', text)}: not KEY=VALUE", "such as state=ended")
        _check_key("filters", key, runs)
        runs = [run for run in runs if _matches(run, key, pattern)]
    key = sort.removeprefix("-")
    _check_key("sort", key, runs)
    known = [run for run in runs if run.value(key) is not None]
    known.sort(key=lambda run: _order(run.value(key)), reverse=sort.startswith("-"))
    return known + [run for run in runs if run.value(key) is None]


def _order(value: Any) -> tuple[bool, Any]:
    number = isinstance(value, int | float)
    return (not number, value if number else str(value))


def _check_key(where: str, key: str, runs: Sequence[Run]) -> None:
    if key == "tag" or key in COLUMNS or not runs or any(key in run.settings for run in runs):
        return
    raise RequestError(
        f"{option(where, key)}: no run has such a key",
        f"columns: {', '.join(COLUMNS)}, tag; or a setting such as train.lr",
    )


def _matches(run: Run, key: str, pattern: str) -> bool:
    if key in ("tag", "tags"):
        return any(fnmatchcase(tag, pattern) for tag in run.tags)
    value = run.value(key)
    with suppress(TypeError, ValueError):
        if not isinstance(value, bool) and float(value) == float(pattern):
            return True
    text = value if isinstance(value, str) else json.dumps(value, default=str).strip('"')
    return fnmatchcase(text, pattern)
