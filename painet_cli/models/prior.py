r"""A network on a prior: it learns what a prediction that needs no gradients leaves over.

.. math::
    \hat X^{(t)} = X^{(0)} + p_t(X^{(0)}, V^{(0)}) + s_t\,
        \bigl(\mathrm{network}_t(X^{(0)}, V^{(0)}) - X^{(0)}\bigr)

with p the prior's displacement and one learned share s a step, which begins at nought: training
begins at the prior. The priors are those of `model.prior`.

A kernel has seen the targets of its training windows and predicts them too well. What is left over
of them would be no example of what is left over elsewhere, so that the network would learn next to
nothing, or harm. Training windows are therefore told what a kernel predicts that was fitted without
their recording (`Batch.prior`); validation, tests and predictions read the kernel of all training
windows, which the checkpoint holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from painet_cli.config.model_table import Prior
from painet_cli.config.models import KernelConfig
from painet_cli.config.schema import Activations
from painet_cli.data.batches.batch import Batch
from painet_cli.errors import RequestError
from painet_cli.models.base import DynamicsModel, SystemSpec
from painet_cli.models.features import Features
from painet_cli.models.kernel.model import Kernel


class OnPrior(DynamicsModel):
    """A model that predicts what its prior leaves over.

    Parameters
    ----------
    network
        Any model that is trained by gradients.
    prior
        What is predicted without it.
    offsets
        (T,) frames from the start to each target.
    system
        What the network was built for.

    Attributes
    ----------
    share
        (T,) how much of the network's displacements is added.
    kernel
        The prior, where it is one; to be fitted before the network.

    Raises
    ------
    RequestError
        The network is fitted itself, or the prior is the past and none is given.
    """

    reads_past = "always"
    frames: Tensor

    def __init__(
        self,
        network: DynamicsModel,
        prior: Prior,
        offsets: NDArray[np.int64],
        system: SystemSpec,
    ) -> None:
        super().__init__()
        if network.closed_form:
            raise RequestError(
                f"model.prior: {prior}: a model of a closed form learns all at once",
                "set model.prior=null, or choose a model that is trained by gradients",
            )
        if prior == "past" and not system.history:
            raise RequestError(
                "model.prior: past: needs frames before the start, and data.history is 0",
                "set data.history to their number, or choose the prior still or straight",
            )
        self.network = network
        self.horizon = network.horizon
        self.prior = prior
        self.history = system.history
        self.takes_types = network.takes_types  # type: ignore[misc]  # as its network
        self.capturable = network.capturable  # type: ignore[misc]
        self.stackable = network.stackable  # type: ignore[misc]
        self.kernel = Kernel(KernelConfig(), system, self.horizon) if prior == "kernel" else None
        self.share = nn.Parameter(torch.zeros(self.horizon))
        frames = torch.from_numpy(np.asarray(offsets)).float()
        self.register_buffer("frames", frames, persistent=False)

    @property
    def features(self) -> Features | None:
        """Those of the network."""
        return getattr(self.network, "features", None)

    def fit_scales(self, batches: Iterable[Batch]) -> None:
        """Take the network's scales from what the prior leaves over of the training windows."""
        self.network.fit_scales(self._left_over(batches))

    @torch.no_grad()
    def _left_over(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        for batch in batches:
            yield replace(batch, targets=batch.known_targets() - self.displacements(batch))

    def forward(
        self,
        batch: Batch,  # M particles
    ) -> Tensor:  # (T, M, 3)
        """Predicted positions, (T, M, 3)."""
        own = self.network(batch) - batch.positions
        predicted: Tensor = (
            batch.positions + self.displacements(batch) + self.share[:, None, None] * own
        )
        return predicted

    def displacements(
        self,
        batch: Batch,  # M particles
    ) -> Tensor:  # (T, M, 3)
        """What the prior predicts."""
        if batch.prior is not None:
            return batch.prior
        x, steps = batch.positions, (self.horizon, -1, -1)
        match self.prior:
            case "still":
                return torch.zeros_like(x).expand(steps)
            case "straight":
                return self.frames.to(x)[:, None, None] * batch.velocities
            case "past":
                past = batch.known_past(self.history)
                return (past.sum(dim=0) / (1 + self.history)).expand(steps)
            case "kernel":
                moved: Tensor = self._fitted()(batch) - x
                return moved

    def _fitted(self) -> Kernel:
        if self.kernel is None or self.training:
            # a window that says nothing of its prior must not be learned from
            raise AssertionError("training windows are told what a kernel without them predicts")
        return self.kernel

    def pass_bytes(
        self, nodes: int, edges: int, activations: Activations, *, training: bool
    ) -> int | None:
        """Bytes that a pass of the network needs."""
        return self.network.pass_bytes(nodes, edges, activations, training=training)

    @property
    def activations(self) -> Activations:  # its network's
        """How the network trades memory for time."""
        return self.network.activations

    @activations.setter
    def activations(self, way: Activations) -> None:
        self.network.activations = way

    def compile_blocks(self) -> None:
        """Compile what is repeated in the network."""
        self.network.compile_blocks()
