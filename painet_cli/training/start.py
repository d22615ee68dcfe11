"""Weights to begin with: those of another training, for types that it knew and types it did not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from painet_cli.data.dataset.manifest import Manifest
from painet_cli.errors import RequestError
from painet_cli.models.base import DynamicsModel
from painet_cli.models.features import Features
from painet_cli.models.prior import OnPrior
from painet_cli.training.checkpoint import Header, load_checkpoint, weights_in
from painet_cli.training.run_folder import best_weights

_OTHER = "keep the model, features, horizon and edges of the checkpoint, or train anew"


@dataclass(frozen=True)
class Start:
    """A checkpoint that a training begins from.

    Attributes
    ----------
    path
        Its file.
    header
        What it was trained on.
    weights
        Its model's tensors by name.
    """

    path: Path
    header: Header
    weights: dict[str, Tensor]

    def facts(self) -> dict[str, str]:
        """What the new checkpoint keeps of it."""
        header = self.header
        return {
            "checkpoint": str(self.path),
            "tensors_sha256": header.tensors_sha256,
            "preset": header.preset_name,
            "dataset": header.dataset,
            "dataset_sha256": header.dataset_sha256,
        }


def read_start(where: str, manifest: Manifest) -> Start:
    """Read the checkpoint that `train.start_from` names.

    Parameters
    ----------
    where
        A run folder or a file.
    manifest
        The dataset to train on.

    Raises
    ------
    RequestError
        There is none, or it was trained in another unit of length.
    """
    path = Path(where)
    path = best_weights(path) if path.is_dir() else path
    tensors, header = load_checkpoint(path)
    if header.units.length != manifest.units.length:
        raise RequestError(
            f"{path}: trained in {header.units.length}, and dataset {manifest.name} is in "
            f"{manifest.units.length}",
            "start from a checkpoint in the same unit",
        )
    return Start(path, header, weights_in(tensors))


@torch.no_grad()
def take_weights(model: DynamicsModel, start: Start, type_names: Sequence[str]) -> None:
    """Give a new model the weights of a checkpoint.

    A type that the checkpoint does not know begins as the mean of those it knows.

    Parameters
    ----------
    model
        Built for `type_names`.
    start
        Whose weights are taken.
    type_names
        Types of the model, those of the checkpoint first.

    Raises
    ------
    RequestError
        The model is another one.
    """
    if isinstance(model, OnPrior) and model.kernel is not None:
        raise RequestError(
            f"{start.path}: model.prior=kernel is fitted to its own dataset, and not gone on with",
            "choose another prior, or leave train.start_from out",
        )
    known, added = len(start.header.type_names), len(type_names) - len(start.header.type_names)
    own = model.state_dict()
    features = getattr(model, "features", None)
    if own.keys() != start.weights.keys():
        odd = sorted(own.keys() ^ start.weights.keys())[0]
        raise RequestError(f"{start.path}: another model (it differs in {odd})", _OTHER)
    if added and not model.takes_types:
        raise RequestError(
            f"{start.path}: its model takes no types that it was not trained on, such as "
            f"{type_names[known]}",
            "train anew, or start from another model",
        )
    taken = {
        name: _grown(name, start, own[name], features, known, added) if added else value
        for name, value in start.weights.items()
    }
    wrong = [name for name, value in taken.items() if value.shape != own[name].shape]
    if wrong:
        shapes = tuple(taken[wrong[0]].shape), tuple(own[wrong[0]].shape)
        raise RequestError(
            f"{start.path}: {wrong[0]} has shape {shapes[0]}, the new model's {shapes[1]}", _OTHER
        )
    model.load_state_dict(taken)


def _grown(
    name: str, start: Start, own: Tensor, features: Features | None, known: int, added: int
) -> Tensor:
    """A tensor of the checkpoint with room for the added types, where it tells types apart."""
    old = start.weights[name]
    if old.shape == own.shape:
        return old
    if old.shape[-2:] == (known, known) and own.shape[-2:] == (known + added, known + added):
        grown = old.mean(dim=(-2, -1), keepdim=True).expand_as(own).clone()
        grown[..., :known, :known] = old
        grown[..., known:, :known] = old.mean(dim=-2, keepdim=True)
        grown[..., :known, known:] = old.mean(dim=-1, keepdim=True)
        return grown
    more = own.shape[-1] - old.shape[-1] if own.shape[:-1] == old.shape[:-1] else 0
    if features is not None and more:
        nodes, edges = features.node_blocks(), features.edge_blocks()
        for blocks, first in ((nodes, True), (edges, False)):
            if more == added * sum(of_types for _, of_types in blocks):
                return _wider(old, blocks, known, added, first=first)
    return old  # of another shape: refused by whoever asked


def _wider(
    old: Tensor,  # (..., columns)
    blocks: Sequence[tuple[int, bool]],
    known: int,
    added: int,
    *,
    first: bool,
) -> Tensor:  # (..., columns and the added types)
    """Map whose first or last columns read features, with columns for the added types.

    Parameters
    ----------
    blocks
        Width of each feature, and whether it is one of types; of these the old map has `known`.
    """
    widths = [known if of_types else width for width, of_types in blocks]
    others = old.shape[-1] - sum(widths)
    lead, *read, tail = torch.split(
        old, [0 if first else others, *widths, others if first else 0], dim=-1
    )
    parts = [lead]
    for (_, of_types), own in zip(blocks, read, strict=True):
        parts.append(own)
        if of_types:
            parts.append(own.mean(dim=-1, keepdim=True).expand(*own.shape[:-1], added))
    return torch.cat([*parts, tail], dim=-1)
