"""Checkpoints to predict with: of runs, of files, and those that come with the package."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import safe_open

from painet_cli.data.batches.spacing import FrameTimes, frame_times_of
from painet_cli.errors import RequestError, option
from painet_cli.storage.archives import read_json
from painet_cli.training.checkpoint import Header, read_header
from painet_cli.training.run_folder import BEST, EVALUATION, best_weights

SUFFIX = ".safetensors"
SHIPPED = Path(str(files("painet_cli"))) / "checkpoints"
"""Folder of the checkpoints that come with the package, each with its card beside it."""


class Card(BaseModel):
    """What a shipped checkpoint is good for, and what it is not."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str = ""
    title: str = ""
    system: str = ""
    """What moves, in words."""
    trained_on: str = ""
    split: str = ""
    mse: float | None = None
    """On the test windows, in `unit`."""
    unit: str = ""
    horizon: int | None = None
    """T, steps that one pass predicts."""
    step_s: float | None = None
    """Seconds between predicted steps."""
    limits: tuple[str, ...] = ()
    """What it does not know, a sentence each."""
    licence: str = ""
    citation: str = ""
    command: str = ""
    """How it was trained."""
    sha256: str = ""
    """Of the file."""


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A checkpoint of which the header alone has been read.

    Attributes
    ----------
    name
        What messages call it: a shipped name, or a path.
    path
        Its safetensors file.
    header
        What it says about itself.
    origin
        `given` by the user, newest of the `run`s, or `shipped` with the package.
    others
        Files of the same model from other seeds, whose mean with this one predicts.
    """

    name: str
    path: Path
    header: Header
    origin: Literal["given", "run", "shipped"]
    others: tuple[Path, ...] = ()

    @cached_property
    def card(self) -> Card:
        """Its model card; an empty one where there is none.

        Raises
        ------
        RequestError
            There is one that cannot be read.
        """
        path = self.path.with_suffix(".yaml")
        if self.path.parent != SHIPPED or not path.is_file():
            return Card(name=self.name)
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
            return Card.model_validate({**content, "name": self.name})
        except (OSError, TypeError, ValidationError, yaml.YAMLError) as error:
            raise RequestError(
                f"{path}: no model card ({error})", "install painet again"
            ) from error

    @property
    def horizon(self) -> int:
        """T, steps that one pass predicts."""
        return self.header.preset.data.horizon

    @property
    def frame_times(self) -> FrameTimes | None:
        """Range of times between frames that it serves; None where it serves one time alone."""
        return frame_times_of(self.header.preset.data)

    @property
    def step_s(self) -> float | None:
        """Seconds between predicted steps, the mean where they are not even.

        None where they are the input's own.
        """
        data = self.header.preset.data
        if self.frame_times is not None:
            return None
        frames = 1.0 if data.sampling == "tail" else data.delta_frames / data.horizon
        if data.horizon == 1:
            frames = data.delta_frames
        return frames * self.header.units.frame_time_s

    @property
    def test_mse(self) -> float | None:
        """MSE on the test windows by its card, or by the last evaluation of its run; else None."""
        if self.card.mse is not None:
            return self.card.mse
        try:
            measured = read_json(self.path.parent / EVALUATION, "")
            return float(measured["mse"]) if measured["split"] == "test" else None
        except (RequestError, KeyError, TypeError, ValueError, OverflowError):
            return None

    def plain(self) -> dict[str, Any]:
        """What is known of it, as plain data."""
        header, card = self.header, self.card
        return {
            "name": self.name,
            "origin": self.origin,
            "path": str(self.path),
            "system": card.system or header.dataset_label or header.dataset,
            "model": header.preset.model.name,
            "particles": sum(header.composition.values()) or None,
            "types": list(header.type_names),
            "horizon": self.horizon,
            "step_s": self.step_s,
            "frame_times_s": self.frame_times and list(self.frame_times.bounds),
            "frame_time_s": header.units.frame_time_s,
            "mse": self.test_mse,
            "unit": f"{header.units.length}²",
            "bytes": self.path.stat().st_size,
            "licence": card.licence,
            "trained_on": card.trained_on or header.dataset,
            "split": card.split,
            "limits": list(card.limits),
            "citation": card.citation,
            "command": card.command,
        }

    @cached_property
    def speed(self) -> float | None:
        """Root mean square of speeds in training, unit of length a frame.

        None where the model keeps no such scale.
        """
        with safe_open(self.path, framework="pt", device="cpu") as file:
            kept = [name for name in file.keys() if is_speed(name)]  # noqa: SIM118
            return float(file.get_tensor(kept[0])) if kept else None


def is_speed(name: str) -> bool:
    """Whether a tensor is the speed of particles in training, and not that of bodies as a whole."""
    return name.endswith(".speed") and not name.endswith("frame.speed")


def find_checkpoint(where: str | Path) -> Checkpoint:
    """Find a checkpoint by its run folder, file or shipped name, and read its header.

    Raises
    ------
    RequestError
        There is none, or it is none of painet's.
    """
    path = Path(where)
    if path.is_dir():
        weights = best_weights(path)
        return Checkpoint(str(path), weights, read_header(weights), "given")
    if path.is_file():
        return Checkpoint(str(path), path, read_header(path), "given")
    own = SHIPPED / f"{where}{SUFFIX}"
    if path.name == str(where) and own.is_file():
        return Checkpoint(str(where), own, read_header(own), "given")
    names = ", ".join(checkpoint.name for checkpoint in shipped()) or "none"
    raise RequestError(
        f"{option('checkpoint', str(where))}: no run folder, file or shipped checkpoint of that "
        "name",
        f"shipped: {names}; `painet checkpoints` lists the runs too",
    )


def find_members(where: str | Path) -> Checkpoint:
    """Find the runs of several seeds in a folder, as `painet train --seeds` writes them.

    Raises
    ------
    RequestError
        There are fewer than two, or they differ in more than their seed.
    """
    folder = Path(where)
    paths = sorted(folder.glob(f"*/{BEST}"))
    if len(paths) < 2:
        raise RequestError(
            f"{option('members', 'all')}: {folder} holds {len(paths)} run{'s' * (len(paths) != 1)}",
            "give the folder of several seeds: `painet train --seeds 3` writes runs/PRESET/STAMP",
        )
    headers = [read_header(path) for path in paths]
    first = _but_seed(headers[0])
    for path, header in zip(paths[1:], headers[1:], strict=True):
        if _but_seed(header) != first:
            raise RequestError(
                f"{path.parent}: differs from {paths[0].parent} in more than its seed",
                "keep the runs of one preset and one dataset in the folder",
            )
    name = f"{folder} ({len(paths)} members)"
    return Checkpoint(name, paths[0], headers[0], "given", tuple(paths[1:]))


def _but_seed(header: Header) -> tuple[object, ...]:
    same = {"train.seed": 1, "train.activations": "auto", "train.epochs": 1}
    return header.preset.changed(same), header.type_names, header.dataset_sha256


def shipped() -> list[Checkpoint]:
    """List the checkpoints that come with the package, by name."""
    paths = sorted(SHIPPED.glob(f"*{SUFFIX}"))
    return [Checkpoint(path.stem, path, read_header(path), "shipped") for path in paths]


def trained_runs(run_dir: Path) -> list[Checkpoint]:
    """List the runs `run_dir/PRESET/STAMP` that have a checkpoint, the newest first.

    One that cannot be read, say of a newer painet, is left out.
    """
    found = sorted(run_dir.glob(f"*/*/{BEST}"), key=lambda path: -path.stat().st_mtime)
    runs = []
    for path in found:
        try:
            header = read_header(path)
        except RequestError:
            continue
        runs.append(Checkpoint(str(path.parent), path, header, "run"))
    return runs


def known_checkpoints(
    given: str | Path | None, run_dir: Path, *, members: bool = False
) -> Sequence[Checkpoint]:
    """Checkpoints to choose from: the given one, otherwise the runs and those shipped.

    Parameters
    ----------
    members
        Take all runs in the given folder, which differ in their seed.

    Raises
    ------
    RequestError
        The given one is not there; or members are asked for and no folder is given.
    """
    if members:
        if given is None:
            raise RequestError(
                f"{option('members', 'all')}: of what?",
                f"give the folder of several seeds as {option('checkpoint')}",
            )
        return [find_members(given)]
    if given is not None:
        return [find_checkpoint(given)]
    return [*trained_runs(run_dir), *shipped()]
