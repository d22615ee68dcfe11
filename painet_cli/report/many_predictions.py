"""From many files to a folder each, by models that are loaded once and common batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from painet_cli.errors import PainetError, RequestError
from painet_cli.prediction.checkpoints import Checkpoint, known_checkpoints
from painet_cli.prediction.loading import LoadedModel, load_model
from painet_cli.prediction.passes import predict_together
from painet_cli.prediction.pipeline import Begun, RecordingForecast
from painet_cli.report.prediction_folder import WrittenPrediction, save_prediction
from painet_cli.report.request import PredictionRequest, begin_prediction
from painet_cli.storage.atomic import check_writable, file_stem
from painet_cli.training.device import resolve_device

AT_A_TIME = 64
"""Files that are read before they are predicted: their starts share batches, and memory."""
LONGEST_LIST = 2**24
"""Bytes of a list of files."""

Outcome = WrittenPrediction | PainetError


@dataclass(frozen=True, eq=False)
class Outcomes:
    """What became of many files.

    Attributes
    ----------
    files
        The files, in the order in which they were given.
    outcomes
        Of each the content of its `summary.json`, or what is wrong with it: frames of many files
        would fill the memory.
    """

    files: tuple[Path, ...]
    outcomes: tuple[dict[str, Any] | PainetError, ...]

    @property
    def failed(self) -> list[tuple[Path, PainetError]]:
        """Files that were not predicted, and why."""
        pairs = zip(self.files, self.outcomes, strict=True)
        return [(file, one) for file, one in pairs if isinstance(one, PainetError)]

    def plain(self) -> dict[str, Any]:
        """The same as plain data: the summaries of predictions, and the errors."""
        return {
            "predictions": [one for one in self.outcomes if not isinstance(one, PainetError)],
            "failed": [{"file": str(file), "error": str(error)} for file, error in self.failed],
        }


def read_list(path: Path) -> list[Path]:
    """Files that a list names, one a line; blank lines and those that begin with # do not count.

    Raises
    ------
    RequestError
        It cannot be read, or names none.
    """
    try:
        if not path.is_file() or path.stat().st_size > LONGEST_LIST:
            raise RequestError(f"{path}: not a list of files", "give a text file, a path a line")
        # names of files are bytes, and need be no text
        lines = path.read_text(encoding="utf-8-sig", errors="surrogateescape").split("\n")
    except OSError as error:
        raise RequestError(f"{path}: cannot be read", "give a text file, a path a line") from error
    named = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if any("\0" in name for name in named):
        raise RequestError(f"{path}: not a list of files", "give a text file, a path a line")
    if not named:
        raise RequestError(f"{path}: names no file", "give a path a line")
    return [Path(name) for name in named]


def write_predictions(
    files: Sequence[Path],
    request: PredictionRequest,
    folder: Path,
    *,
    checkpoint: str | None = None,
    members: bool = False,
    run_dir: Path = Path("runs"),
    device: str = "auto",
    force: bool = False,
    notice: Callable[[str], None] = lambda message: None,
    done: Callable[[Path, Outcome], None] = lambda file, outcome: None,
) -> Outcomes:
    """Predict what is in each of many files, as `write_prediction` does what is in one.

    Systems of the same particles and bonds, predicted by the same checkpoint, share batches; no
    prediction depends on that. What is wrong with one file does not keep the others.

    Parameters
    ----------
    folder
        Where a folder a file is written, of the file's name.
    done
        Called with each file and what became of it.

    Raises
    ------
    RequestError
        The folder cannot be written, or there is no such checkpoint or device.
    """
    targets = _folders(files, folder)
    for target in targets:
        check_writable(target, force=force, place="output")
    known = known_checkpoints(checkpoint, run_dir, members=members)
    computer = resolve_device(device)
    load = cache(lambda one: load_model(one, computer))
    found: list[dict[str, Any] | PainetError] = []
    for first in range(0, len(files), AT_A_TIME):
        part = slice(first, first + AT_A_TIME)
        begun = (_begun(file, request, known, load, notice) for file in files[part])
        made = _predicted(list(begun), request, notice)
        for file, target in zip(files[part], targets[part], strict=True):
            outcome = _saved(made.pop(0), file, target, request, known, force=force)
            found.append(outcome if isinstance(outcome, PainetError) else outcome.summary)
            done(file, outcome)
    return Outcomes(tuple(files), tuple(found))


def _saved(
    made: RecordingForecast | PainetError,
    file: Path,
    target: Path,
    request: PredictionRequest,
    checkpoints: Sequence[Checkpoint],
    *,
    force: bool,
) -> Outcome:
    try:
        if isinstance(made, PainetError):
            return made
        return save_prediction(made, file, target, request, checkpoints, force=force)
    except PainetError as error:
        return error


def _folders(files: Sequence[Path], folder: Path) -> list[Path]:
    """A folder a file: its name, with a number where an earlier one has the same."""
    taken: set[str] = set()
    numbers: dict[str, int] = {}
    folders = []
    for file in files:
        stem = name = file_stem(file.resolve().stem).lstrip("-.") or "system"
        while name in taken:
            numbers[stem] = numbers.get(stem, 1) + 1
            name = f"{stem}-{numbers[stem]}"
        taken.add(name)
        folders.append(folder / name)
    return folders


def _begun(
    file: Path,
    request: PredictionRequest,
    checkpoints: Sequence[Checkpoint],
    load: Callable[[Checkpoint], LoadedModel],
    notice: Callable[[str], None],
) -> RecordingForecast | Begun | PainetError:
    try:
        return begin_prediction(file, request, checkpoints, load, notice)
    except PainetError as error:
        return error
    except OSError as error:  # a name that is too long, a folder that may not be looked into
        return RequestError(f"{file}: {error.strerror or error}", "check the path")


def _predicted(
    begun: Sequence[RecordingForecast | Begun | PainetError],
    request: PredictionRequest,
    notice: Callable[[str], None],
) -> list[RecordingForecast | PainetError]:
    """Finish what is begun, systems that are alike in common batches."""
    kinds: list[list[Begun]] = []
    for one in begun:
        if isinstance(one, Begun):
            kind = next((each for each in kinds if each[0].asked.is_like(one.asked)), None)
            if kind is None:
                kinds.append([one])
            else:
                kind.append(one)
    made = {
        id(one): outcome
        for kind in kinds
        for one, outcome in zip(kind, _of_one_kind(kind, request, notice), strict=True)
    }
    return [made[id(one)] if isinstance(one, Begun) else one for one in begun]


def _of_one_kind(
    kind: Sequence[Begun], request: PredictionRequest, notice: Callable[[str], None]
) -> list[RecordingForecast | PainetError]:
    """Finish systems that are alike; each by itself where the model fails on their batches."""
    try:
        ahead = predict_together(
            kind[0].asked.loaded,
            [one.asked.states for one in kind],
            request.steps,
            notice=notice,
            memory_budget=request.memory_budget,
        )
    except PainetError:
        return [_caught(one.predict, notice, request.memory_budget) for one in kind]
    return [_caught(one.finish, positions) for one, positions in zip(kind, ahead, strict=True)]


def _caught(make: Callable[..., RecordingForecast], *given: Any) -> RecordingForecast | PainetError:
    try:
        return make(*given)
    except PainetError as error:
        return error
