r"""A stack: the weighted mean of the predictions of several trained models.

.. math::
    \hat X^{(t)} = \sum_m w_m \hat X_m^{(t)}, \qquad w_m \ge 0, \quad \sum_m w_m = 1

The weights make the error on the validation windows least (stacked regression with the constraint
of Breiman 1996, https://doi.org/10.1007/BF00117832, and a sum of one, so that a shift stays a
shift). Members of one symmetry make a stack of that symmetry. Members were themselves chosen on
the validation windows, some by many numbers: these look better there than they are, and get more
weight than they earn.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from painet_cli.config.presets import Preset
from painet_cli.config.schema import Report
from painet_cli.config.stack import StackConfig
from painet_cli.data.batches.batch import Batch
from painet_cli.errors import RequestError
from painet_cli.models.base import DynamicsModel, SystemSpec
from painet_cli.models.registry import build_model, member_presets

_JITTER = 1e-10  # of the mean squared error: members that are alike share their weight


class Stack(DynamicsModel):
    """Models and their weights.

    Parameters
    ----------
    members
        Trained models of the same systems and steps.
    by_step
        Whether every step has weights of its own.
    report
        Whether weights are for `all` steps or the `last`.

    Attributes
    ----------
    weights
        (T, K) of each member at each step.
    """

    Config = StackConfig
    keeps = "shift, rotation, reflection"  # where its members do
    closed_form = True
    reads_past = "always"

    weights: Tensor

    def __init__(
        self, members: Sequence[DynamicsModel], *, by_step: bool = False, report: Report = "all"
    ) -> None:
        super().__init__()
        self.horizon = members[0].horizon
        self.members = nn.ModuleList(members)
        self.by_step = by_step
        self.report = report
        equal = torch.full((self.horizon, len(members)), 1 / len(members))
        self.register_buffer("weights", equal)

    @classmethod
    def build(cls, config: StackConfig, preset: Preset, system: SystemSpec) -> Stack:
        """Model of a preset whose members' presets are known; their weights are to be loaded."""
        members = []
        for own in member_presets(preset):
            if own.data.horizon != preset.data.horizon:
                raise RequestError(
                    f"model stack: a member predicts {own.data.horizon} steps, and data.horizon "
                    f"is {preset.data.horizon}"
                )
            known = replace(system, history=own.data.history)
            members.append(build_model(own, known))
        return cls(members, by_step=config.by_step, report=preset.data.report)

    def train(self, mode: bool = True) -> Stack:
        """Members are not trained."""
        super().train(mode)
        self.members.eval()
        return self

    @torch.no_grad()
    def fit(self, train: Iterable[Batch], val: Iterable[Batch]) -> None:
        """Choose the weights on the validation windows; those of training are not looked at."""
        self.train(self.training)
        shape = (self.horizon, len(self.members), len(self.members))
        products = np.zeros(shape)
        for batch in val:
            errors = (self._predicted(batch.question()) - batch.known_targets()).double()
            products += torch.einsum("ktmc,ltmc->tkl", errors, errors).cpu().numpy()
        if self.report == "last":
            products[:-1] = products[-1]
        if not self.by_step:
            products[:] = products.sum(axis=0)
        weights = np.stack([best_weights(of_step) for of_step in products])
        self.weights.copy_(torch.from_numpy(weights))

    def forward(
        self,
        batch: Batch,  # M particles
    ) -> Tensor:  # (T, M, 3)
        """Predicted positions, (T, M, 3)."""
        moved = self._predicted(batch) - batch.positions
        weights = self.weights.to(moved)
        mean: Tensor = torch.einsum("tk,ktmc->tmc", weights, moved)
        return batch.positions + mean

    def _predicted(self, batch: Batch) -> Tensor:  # (K, T, M, 3)
        return torch.stack([member(batch) for member in self.members])


def best_weights(
    products: NDArray[np.float64],  # (K, K)
) -> NDArray[np.float64]:  # (K,)
    r"""Weights of the mean with the least squared error: none negative, their sum one.

    On the simplex the error is :math:`w^T G w`, with G the inner products of the members' errors.
    Its least lies in the direction of the least of :math:`u^T G u - 2 \sum u` over
    :math:`u \ge 0`, which is a problem of non-negative least squares.

    Parameters
    ----------
    products
        G, up to a factor.
    """
    from scipy.optimize import nnls  # a prediction must not wait for it

    size = np.trace(products) / len(products)
    if size == 0:
        return np.full(len(products), 1 / len(products))
    scaled = products / size + _JITTER * np.eye(len(products))
    factor = np.linalg.cholesky(scaled)
    found, _ = nnls(factor.T, np.linalg.solve(factor, np.ones(len(products))))
    weights: NDArray[np.float64] = found / found.sum()
    return weights
