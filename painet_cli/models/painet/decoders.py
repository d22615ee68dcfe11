"""Which decoder a preset has: PAINET's own, or one of those of Figure 4's ablation (section 4.5).

The paper names the latter in a sentence each; what it leaves open is chosen so that a variant
differs from PAINET in what its name says and in nothing else: all begin at straight motion and read
the units of length and time of the training windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from painet_cli.config.models import PainetConfig
from painet_cli.data.batches.batch import Batch
from painet_cli.models.features import Features
from painet_cli.models.layers.message_passing import TwoLayers
from painet_cli.models.painet.parallel_decoder import ParallelDecoder, StraightLayers


def decoder_of(
    config: PainetConfig, features: Features, frames: Sequence[int]
) -> ParallelDecoder | RecurrentDecoder | MlpDecoder:
    """The decoder that a preset names.

    Parameters
    ----------
    frames
        Frames from the start to each target, T of them.
    """
    if config.decoder == "parallel":
        return ParallelDecoder(config, features.edge_width)
    if config.decoder == "recurrent":
        return RecurrentDecoder(config, features, frames)
    return MlpDecoder(config, features)


class RecurrentDecoder(nn.Module):
    r"""EGNN-recurrent: step t is decoded from the predicted step t - 1, one after the other.

    .. math::
        \hat X^{(t)} = \mathrm{EGNN}(H^{(t)}, \hat X^{(t-1)}, V^{(t)}, A), \qquad
        V^{(t)} = \tfrac{g_t}{g_{t-1}} (\hat X^{(t-1)} - \hat X^{(t-2)})

    with :math:`g_t` the frames between the targets t - 1 and t, so that a velocity is the way of
    one step and straight motion goes straight on. The first step has
    :math:`V^{(1)} = g_1 \frac{s}{\bar f} V(0)`: s is the frames by which V(0) best explains the
    targets of the training windows, and :math:`\bar f` the mean of the frames to them. The layers
    are the same for all steps, the graph is the one of the start, and distances along its edges are
    those of the step before. T passes in turn, each as deep as the one of the parallel decoder.

    Parameters
    ----------
    config
        Layers and width.
    features
        Invariants of edges.
    frames
        Frames from the start to each target.
    """

    def __init__(self, config: PainetConfig, features: Features, frames: Sequence[int]) -> None:
        super().__init__()
        self.layers = StraightLayers(config, features.edge_width)
        self.gaps = [end - start for start, end in zip([0, *frames], frames, strict=False)]
        self.mean_frame = sum(frames) / len(frames)

    def forward(
        self,
        embeddings: Tensor,  # (T, M, d)
        batch: Batch,
        features: Features,
    ) -> Tensor:  # (T, M, 3)
        """Positions of all T steps, each from the one before."""
        x = batch.positions
        v = features.time / self.mean_frame * batch.velocities  # the way of one frame
        steps = []
        for gap, h in zip(self.gaps, embeddings, strict=True):
            start, x = x, self._step(h, replace(batch, positions=x, velocities=gap * v), features)
            v = (x - start) / gap
            steps.append(x)
        return torch.stack(steps)

    def _step(self, h: Tensor, batch: Batch, features: Features) -> Tensor:
        x, a = batch.positions, features.edges(batch)
        for layer in self.layers:
            h, x = layer(h, x, batch.velocities, a, batch.graph, features.length)
        return x


class MlpDecoder(nn.Module):
    r"""MLP-add and MLP-concat: every particle by itself, from its embedding and its start.

    With the start :math:`s_i = [x_i, v_i]` in units of length and time,

    .. math::
        \hat x_i^{(t)} = x_i + v_i + \ell\, \mathrm{MLP}(h_i^{(t)} + W s_i)
        \quad\text{or}\quad x_i + v_i + \ell\, \mathrm{MLP}([h_i^{(t)}, s_i]).

    Coordinates go in and coordinates come out: no symmetry is kept, not even a shift. The velocity
    is given too, as PAINET's embedding reads no more of it than its length.

    Parameters
    ----------
    config
        Width, and which of the two.
    features
        Units of length and time.
    """

    def __init__(self, config: PainetConfig, features: Features) -> None:
        super().__init__()
        adds = config.decoder == "mlp-add"
        self.add = nn.Linear(6, config.hidden, bias=False) if adds else None
        self.read = TwoLayers(config.hidden + (0 if adds else 6), config.hidden, 3)
        self.read.begin_near(0.0)

    def forward(
        self,
        embeddings: Tensor,  # (T, M, d)
        batch: Batch,
        features: Features,
    ) -> Tensor:  # (T, M, 3)
        """Positions of all T steps, every particle and step by itself."""
        way = features.time * batch.velocities
        start = torch.cat([batch.positions, way], dim=-1) / features.length  # (M, 6)
        if self.add is not None:
            h = embeddings + self.add(start)
        else:
            h = torch.cat([embeddings, start.expand(len(embeddings), -1, -1)], dim=-1)
        bend: Tensor = self.read(h.flatten(0, 1)).view(len(embeddings), -1, 3)
        return batch.positions + way + features.length * bend
