"""The squared error that training descends and every metric averages."""

from __future__ import annotations

import torch
from torch import Tensor

from painet_cli.config.schema import Report
from painet_cli.data.batches.batch import Batch
from painet_cli.data.batches.windows import Windows
from painet_cli.models.base import DynamicsModel
from painet_cli.training.distributed.world import SINGLE, World


def squared_errors(
    predicted: Tensor,  # (T, M, 3)
    batch: Batch,
) -> Tensor:  # (B, T)
    """Squared error of every system and step, mean over its particles and coordinates."""
    a_particle = (predicted - batch.known_targets()).square().mean(dim=-1)  # (T, M)
    graph = batch.graph
    if graph.nodes_per_system is not None:
        return a_particle.view(-1, graph.num_systems, graph.nodes_per_system).mean(dim=-1).t()
    sums = a_particle.new_zeros((graph.num_systems, a_particle.shape[0]))
    sums.index_add_(0, graph.system, a_particle.t())
    return sums / graph.ptr.diff()[:, None]


def mean_loss(
    predicted: Tensor,  # (T, M, 3)
    batch: Batch,
) -> Tensor:  # ()
    """Squared error, mean over windows, steps, particles and coordinates.

    A window counts as one, however many particles it has.
    """
    if batch.graph.nodes_per_system is not None:
        return (predicted - batch.known_targets()).square().mean()
    return squared_errors(predicted, batch).mean()


@torch.no_grad()
def validation_mse(
    model: DynamicsModel,
    windows: Windows,
    batch_size: int,
    world: World = SINGLE,
    report: Report = "all",
) -> float:
    """MSE of a model's own T steps over all windows; the model is left in the mode it was in.

    Parameters
    ----------
    report
        Whether the mean is over `all` steps or of the `last` one.
    """
    training = model.training
    model.eval()
    with world.all_or_none():
        squared = [squared_errors(model(b), b) for b in world.batches(windows, batch_size)]
    model.train(training)
    errors = world.gather_rows(squared, windows, batch_size)
    return float((errors[:, -1] if report == "last" else errors).mean())
