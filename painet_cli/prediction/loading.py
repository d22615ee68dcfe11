"""From a checkpoint to a model that is ready to predict, with its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from painet_cli.config.arguments import checked
from painet_cli.errors import RequestError
from painet_cli.models.base import DynamicsModel
from painet_cli.models.confidence.kept import CONFIDENCE, radii_of
from painet_cli.models.confidence.radii import Radii, joined
from painet_cli.models.ensemble import Ensemble
from painet_cli.models.registry import build_model, check_weights, system_spec
from painet_cli.prediction.checkpoints import Checkpoint, find_checkpoint
from painet_cli.storage.archives import last_line
from painet_cli.training.checkpoint import Header, load_checkpoint, misfit, weights_in
from painet_cli.training.device import resolve_device


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A model ready to predict.

    Attributes
    ----------
    model
        With its trained weights, in evaluation mode.
    header
        What it was trained on: types, units, preset.
    name
        What messages call it.
    path
        The file it came from.
    device
        Where it computes.
    confidence
        What the checkpoint, or each of several, keeps of how sure it is
        (`models/confidence/kept.py`).
    """

    model: DynamicsModel
    header: Header
    name: str
    path: Path
    device: torch.device
    confidence: tuple[Mapping[str, Tensor], ...] = ()

    def radii(self, types: NDArray[np.int64], frame_time_s: float | None = None) -> Radii | None:
        """Radii for particles of these types, of several members the mean; None where none is kept.

        Parameters
        ----------
        frame_time_s
            Between the frames that are predicted from.

        Raises
        ------
        RequestError
            What it keeps does not go together.
        """
        try:
            kept = [radii_of(one, types, frame_time_s) for one in self.confidence]
        except ValueError as error:
            raise _no_fit(self.path, error) from error
        known = [one for one in kept if one is not None]
        if len(known) < len(kept) or not known:
            return None
        if len(known) == 1:
            return known[0]
        return None if any(one.by_spread for one in known) else joined(known)


@checked
def load(where: str | Path, device: str = "auto") -> LoadedModel:
    """Load a trained model.

    Parameters
    ----------
    where
        A run folder that `painet train` wrote, a `.safetensors` file, or the name of a checkpoint
        that comes with the package (`painet checkpoints` lists them).
    device
        `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.

    Returns
    -------
    LoadedModel
        What `painet.predict` takes.

    Raises
    ------
    RequestError
        There is no such checkpoint, it is none of painet's, or its weights do not fit.

    Examples
    --------
    >>> import painet
    >>> model = painet.load("sample", device="cpu")
    >>> model.header.type_names, model.header.preset.data.horizon
    (('H', 'C', 'O'), 5)
    """
    return load_model(find_checkpoint(where), resolve_device(device))


def load_model(checkpoint: Checkpoint, device: torch.device) -> LoadedModel:
    """Build the model of a checkpoint, with its weights.

    Raises
    ------
    RequestError
        The weights do not fit the model that the checkpoint names.
    """
    if checkpoint.others:
        alone = replace(checkpoint, others=())
        each = [replace(alone, path=path) for path in (alone.path, *checkpoint.others)]
        members = [load_model(one, device) for one in each]
        return replace(
            members[0],
            model=Ensemble([one.model for one in members]).eval(),
            name=checkpoint.name,
            confidence=tuple(one.confidence[0] for one in members),
        )
    tensors, header = load_checkpoint(checkpoint.path)
    model = _model_of(checkpoint.path, tensors, header, device)
    kept = {name: value for name, value in tensors.items() if name.startswith(CONFIDENCE)}
    return LoadedModel(model, header, checkpoint.name, checkpoint.path, device, (kept,))


def restore(path: Path, device: torch.device) -> tuple[DynamicsModel, Header]:
    """Model of a checkpoint file in evaluation mode, and what it was trained on.

    Of a file to go on from that keeps an average of the weights it is the average.

    Raises
    ------
    RequestError
        It is no checkpoint, or its weights do not fit the model it names.
    """
    tensors, header = load_checkpoint(path)
    return _model_of(path, tensors, header, device), header


def _model_of(
    path: Path, tensors: Mapping[str, Tensor], header: Header, device: torch.device
) -> DynamicsModel:
    system = system_spec(header.preset, header.type_names, header.up_axis)
    weights = weights_in(tensors)
    try:
        check_weights(header.preset, system, weights)
        with torch.random.fork_rng([]):  # weights are drawn, and replaced at once
            model = build_model(header.preset, system)
        model.load_state_dict(weights)
        wrong = misfit(weights, model.state_dict())
        if wrong is not None:
            raise ValueError(wrong)
    except (RuntimeError, ValueError) as error:
        raise _no_fit(path, error) from error
    return model.to(device).eval()


def _no_fit(path: Path, error: Exception) -> RequestError:
    return RequestError(f"{path}: its weights do not fit the model it names", last_line(error))
