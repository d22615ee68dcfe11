"""How long a cell of the plan is expected to take."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

import torch

from painet_cli.benchmark.cells import Cell, Result
from painet_cli.config.schema import CosineSchedule
from painet_cli.data.batches.typed_graph import dataset_graph
from painet_cli.data.dataset.dataset import Dataset

_EPOCH_S = {
    "linear": 0.008, "rf": 0.1, "mpnn": 0.65, "egnn": 1.4, "egno": 1.6, "hegnn": 1.3,
    "gf-node": 3.0, "atom": 2.2, "painet": 1.9,
}  # fmt: skip
"""Seconds of an epoch of 200 windows of motion capture at width 128, as a first guess: the shortest
of the records in `docs/results/`, on one hardware thread of a core with two."""
_GUESSED = 200 * (31 + 130) * 128**2
"""Windows by particles and edges by the square of the width, of that guess."""
_CLOSED_FORM_S = 60.0
"""Seconds of a closed form a step, as a first guess."""
_PATIENT_EPOCHS = 500
"""Epochs after which patience has mostly ended a training at a constant rate."""


def expected_hours(cell: Cell, dataset: Dataset, like: Sequence[Result]) -> float:
    """Hours that a cell is expected to take, from the same with other seeds and from its size.

    A recorded epoch may be of a machine that did other work too, so it counts where it is shorter
    than the guess, or there is none.
    """
    preset, model = cell.preset, cell.model
    graph = dataset_graph(dataset.manifest, preset.data)[1]
    rows = graph.num_nodes + graph.at(torch.tensor(dataset.frames[0])).edge_index.shape[1]
    size = len(dataset.starts("train")) * rows * preset.data.horizon
    width: int = getattr(preset.model, "hidden", 128)
    epoch_s = _EPOCH_S.get(model, 1.0) * size * width**2 / _GUESSED
    whole = isinstance(preset.train.schedule, CosineSchedule)
    epochs: float = preset.train.epochs if whole else min(preset.train.epochs, _PATIENT_EPOCHS)
    if preset.model.closed_form:
        epoch_s, epochs = _CLOSED_FORM_S * preset.data.horizon, 1
    if like:
        epochs = fmean(one.record["epochs"] for one in like)
        recorded = min(float(one.record["epoch_s"]) for one in like)
        epoch_s = min(epoch_s, recorded) if model in _EPOCH_S else recorded
    return float(epochs * epoch_s / 3600)
