"""The members of a stack: runs that are read once, as it is fitted."""

from __future__ import annotations

from pathlib import Path

import torch

from painet_cli.config.presets import Preset
from painet_cli.config.stack import StackConfig
from painet_cli.data.dataset.dataset import Dataset
from painet_cli.errors import RequestError
from painet_cli.models.base import DynamicsModel
from painet_cli.models.stack import Stack
from painet_cli.training.checkpoint import load_checkpoint, read_header, weights_in
from painet_cli.training.run_folder import BEST

_ALIKE = "history", "report"  # what may differ between the windows of members
_TOGETHER = "stack runs that were trained on the same dataset and windows"


def with_members(preset: Preset, dataset: Dataset) -> Preset:
    """The preset of a stack with those of its members in it; any other as it is.

    Its features become those that any member reads.

    Raises
    ------
    RequestError
        A member is no run, or it was trained on another dataset or other windows.
    """
    config = preset.model
    if not isinstance(config, StackConfig) or all(member.preset for member in config.members):
        return preset
    members, node = [], []
    for member in config.members:
        header = read_header(_file(member.run))
        own = header.preset
        if isinstance(own.model, StackConfig):
            raise RequestError(f"{member.run}: a stack itself", "name its members instead")
        if header.dataset_sha256 != dataset.sha256:
            raise RequestError(
                f"{member.run}: trained on dataset {header.dataset}, and this one is "
                f"{dataset.manifest.name} (sha256 differs)",
                _TOGETHER,
            )
        ours, theirs = (data.model_dump(exclude=set(_ALIKE)) for data in (preset.data, own.data))
        odd = next((key for key in ours if ours[key] != theirs[key]), None)
        if odd is not None:
            raise RequestError(
                f"{member.run}: its data.{odd} is {theirs[odd]}, and that of the stack {ours[odd]}",
                _TOGETHER,
            )
        if own.data.history > preset.data.history:
            raise RequestError(
                f"{member.run}: reads {own.data.history} frames before the start, and data.history "
                f"is {preset.data.history}",
                f"set data.history={own.data.history}",
            )
        node += [name for name in own.features.node if name not in node]
        members.append({"run": member.run, "preset": own.model_dump(mode="json")})
    return preset.changed({"model.members": members, "features.node": node or ["speed"]})


@torch.no_grad()
def take_members(model: DynamicsModel, preset: Preset) -> None:
    """Give the members of a stack the best weights of their runs.

    Raises
    ------
    RequestError
        A run is not there any more, or is another one.
    """
    if not isinstance(model, Stack) or not isinstance(preset.model, StackConfig):
        return
    for own, member in zip(model.members, preset.model.members, strict=True):
        tensors, _ = load_checkpoint(_file(member.run))
        try:
            own.load_state_dict(weights_in(tensors))
        except RuntimeError as error:
            raise RequestError(
                f"{member.run}: its weights do not fit the preset that the stack has of it",
                "it changed since; stack the runs again",
            ) from error


def _file(run: str) -> Path:
    path = Path(run)
    return path / BEST if path.is_dir() else path
