"""Predictions of PyTorch Geometric systems: `Data` or `Batch` in, the same with `y` out."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch_geometric.data import Data

from painet_cli.data.batch import from_pyg
from painet_cli.models.base import DynamicsModel

System = TypeVar("System", bound=Data)


@torch.no_grad()
def predict(model: DynamicsModel, data: System) -> System:
    """Predict the T steps a model was trained for.

    Parameters
    ----------
    model
        On the device of the data.
    data
        A `Data` or a `Batch` with `pos` and `vel` (M, 3), `types` (M,) and `edge_index` (2, E), and
        `edge_hop` (E,) where not all edges are bonds; positions in the length unit of the model's
        dataset, velocities in that unit a frame.

    Returns
    -------
    Data
        A copy whose `y` (M, T, 3) holds the predicted positions.

    Raises
    ------
    RequestError
        A field is missing or has the wrong shape, or a type is not one the model knows.
    """
    model.eval()
    predicted: System = data.clone()
    predicted.y = model(from_pyg(data)).transpose(0, 1)
    return predicted
