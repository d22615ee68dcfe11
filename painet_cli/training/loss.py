"""The squared error that training descends and every metric averages, raw or superposed."""

from __future__ import annotations

import torch
from torch import Tensor

from painet_cli.config.presets import Preset
from painet_cli.config.schema import Loss, Report
from painet_cli.data.batches.batch import Batch
from painet_cli.data.batches.by_system import mean_by_system
from painet_cli.data.batches.windows import Windows
from painet_cli.data.dataset.manifest import Manifest
from painet_cli.errors import RequestError
from painet_cli.models.base import DynamicsModel
from painet_cli.models.layers.frame_rules import best_rotations
from painet_cli.training.distributed.world import SINGLE, World


def squared_errors(
    predicted: Tensor,  # (T, M, 3)
    batch: Batch,
    loss: Loss = "raw",
) -> Tensor:  # (B, T)
    """Squared error of every system and step, mean over its particles and coordinates."""
    off = predicted - _targets(predicted, batch, loss)
    return mean_by_system(off.square().mean(dim=-1).t(), batch.graph)


def mean_loss(
    predicted: Tensor,  # (T, M, 3)
    batch: Batch,
    loss: Loss = "raw",
) -> Tensor:  # ()
    """Squared error, mean over windows, steps, particles and coordinates, by the batch's weights.

    A window counts as one, however many particles it has.
    """
    if batch.weights is not None:
        return (squared_errors(predicted, batch, loss) * batch.weights).mean()
    if batch.graph.nodes_per_system is not None:
        return (predicted - _targets(predicted, batch, loss)).square().mean()
    return squared_errors(predicted, batch, loss).mean()


def _targets(predicted: Tensor, batch: Batch, loss: Loss) -> Tensor:
    batch.check_predicted(predicted, len(batch.known_targets()))
    return superposed_targets(predicted, batch) if loss == "superposed" else batch.known_targets()


@torch.no_grad()
def superposed_targets(
    predicted: Tensor,  # (T, M, 3)
    batch: Batch,
) -> Tensor:  # (T, M, 3)
    """Lay each system's targets, step by step, on its prediction (Kabsch), as constants.

    The shift and the turn make the squared error smallest, so that its derivative by them is zero:
    the gradient with them held constant is that of the error itself (envelope theorem), and no
    derivative of singular values is needed. Second derivatives of the error are not had this way.
    """
    graph, targets = batch.graph, batch.known_targets()
    wide = torch.float32 if targets.device.type == "mps" else torch.float64
    x, y = (a.transpose(0, 1).to(wide) for a in (targets, predicted))  # (M, T, 3)
    steps, systems = x.shape[1], graph.num_systems
    x_mid, y_mid = (mean_by_system(a.flatten(1), graph).view(systems, steps, 3) for a in (x, y))
    x = x - x_mid.index_select(0, graph.system)
    apart = y - y_mid.index_select(0, graph.system)
    moments = mean_by_system((x[..., :, None] * apart[..., None, :]).flatten(1), graph)
    # singular values of what is no number are not to be had; the error is no number all the same
    moments = torch.nan_to_num(moments, nan=0.0, posinf=0.0, neginf=0.0)
    turn = best_rotations(moments.view(systems, steps, 3, 3)).index_select(0, graph.system)
    laid: Tensor = (x[..., None, :] @ turn).squeeze(-2) + y_mid.index_select(0, graph.system)
    return laid.transpose(0, 1).to(targets.dtype)


def check_loss(preset: Preset, manifest: Manifest) -> None:
    """Refuse a loss that has no meaning for the model or the dataset.

    Raises
    ------
    RequestError
        Superposition would lose the vertical, or the model is fitted in closed form.
    """
    loss = preset.train.loss
    if loss == "raw":
        return
    if preset.model.closed_form:
        raise RequestError(
            f"train.loss: {loss}: {preset.model.name} is the closed form of the raw error",
            "set train.loss=raw, or choose another model",
        )
    if loss == "superposed" and manifest.up_axis is not None:
        raise RequestError(
            f"train.loss: superposed: dataset {manifest.name} has an up axis, {manifest.up_axis}, "
            "and superposition would not see a body fall over",
            "set train.loss=raw",
        )


@torch.no_grad()
def validation_mse(
    model: DynamicsModel,
    windows: Windows,
    batch_size: int,
    world: World = SINGLE,
    report: Report = "all",
    loss: Loss = "raw",
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
        squared = []
        for batch in world.batches(windows, batch_size):
            errors = squared_errors(model(batch.question()), batch, loss)
            squared.append(errors if batch.weights is None else errors * batch.weights)
    model.train(training)
    rows = world.gather_rows(squared, windows, batch_size)
    return float((rows[:, -1] if report == "last" else rows).mean())
