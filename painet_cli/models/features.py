"""The invariants of a batch that models may read, chosen by name."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal

import torch
from torch import Tensor, nn

from painet_cli.config.schema import EdgeFeature, FeatureConfig, NodeFeature
from painet_cli.data.batches.batch import Batch
from painet_cli.data.batches.graph import Graph
from painet_cli.errors import RequestError
from painet_cli.models.base import SystemSpec
from painet_cli.models.layers.body_frame import BodyFrame, Frames

TIME_WIDTH = 6
"""Numbers that tell a model the time between frames."""


class Features(nn.Module):
    """The invariants of a batch, chosen by name and brought to the order of one.

    The scales are fixed numbers, taken once from the training windows and kept in the checkpoint: a
    feature depends on nothing but its own system.

    Parameters
    ----------
    config
        Names of the node and edge features.
    system
        Types, hops and up axis.

    Attributes
    ----------
    length, speed, height
        () unit of lengths, speeds and heights.
    ground
        () height that counts as zero.
    time
        () frames by which velocities are multiplied to be of the size of displacements.

    Raises
    ------
    RequestError
        `height` is asked for and the system has no up axis, components and no frame, the past and
        no history, or `time` and it does not vary.
    """

    length: Tensor
    speed: Tensor
    time: Tensor
    ground: Tensor
    height: Tensor

    def __init__(self, config: FeatureConfig, system: SystemSpec) -> None:
        super().__init__()
        if "height" in config.node and system.up_axis is None:
            raise RequestError(
                "features.node: `height` needs a dataset with an up axis, and this one has none",
                "use `speed` and `type`",
            )
        if "time" in config.node and system.frame_times is None:
            raise RequestError(
                "features.node: `time` needs a time between frames that varies",
                "set data.delta_time=[2fs, 50fs], or leave `time` out",
            )
        _check_frame(config, system)
        self.config = config
        self.frame_times = system.frame_times
        self.num_types = len(system.type_names)
        self.hops = system.hops
        self.up = system.up or 0
        self.history = system.history
        axes = 3 if config.frame == "body" else 1
        widths = {
            "speed": 1, "height": 1, "type": self.num_types, "time": TIME_WIDTH,
            "position": 3, "velocity": 3, "past": axes * self.history,
            "hop": self.hops, "distance": 1, "types": 2 * self.num_types,
        }  # fmt: skip
        self._widths = widths
        self.node_width = sum(widths[name] for name in config.node)
        self.edge_width = sum(widths[name] for name in config.edge)
        for scale in ("length", "speed", "time", "height"):
            self.register_buffer(scale, torch.ones(()))
        self.register_buffer("ground", torch.zeros(()))
        self.frame = BodyFrame(system.up, system.names) if config.frame == "body" else None

    def node_blocks(self) -> list[tuple[int, bool]]:
        """Columns of each node feature in their order, and whether they are one-hot types."""
        return [(self._widths[name], name == "type") for name in self.config.node]

    def edge_blocks(self) -> list[tuple[int, bool]]:
        """The same of edge features; the types of both ends are two blocks."""
        return [
            block
            for name in self.config.edge
            for block in (
                [(self.num_types, True)] * 2 if name == "types" else [(self._widths[name], False)]
            )
        ]

    @torch.no_grad()
    def fit(self, batches: Iterable[Batch]) -> None:
        """Set the scales from the training windows.

        Length and speed are root mean squares over edges and particles. Height is centred on its
        mean and divided by its spread. The unit of time is the one in which straight motion best
        explains the targets, the least-squares s of X(t) - X(0) = s V(0), and at least one frame.
        The body's frame takes its reference from them too.
        """
        if self.frame is not None:
            batches = self.frame.fitting(batches)
        sums = torch.zeros(5, dtype=torch.float64)
        edges = nodes = 0
        for batch in (batch.to(torch.device("cpu")) for batch in batches):  # not all have float64
            x, v = batch.positions.double(), batch.velocities.double()
            moved = (batch.known_targets().double() - x).mean(dim=0)
            parts = (
                displacements(x, batch.graph).square(),
                v.square(),
                moved * v,
                x[:, self.up],
                x[:, self.up].square(),
            )
            sums += torch.stack([part.sum() for part in parts])
            edges += batch.graph.edge_hop.shape[0]
            nodes += x.shape[0]
        length2, speed2, moved_v, height, height2 = sums
        ground = height / nodes
        self.length.fill_(_scale(length2 / max(edges, 1)))
        self.speed.fill_(_scale(speed2 / nodes))
        self.time.fill_(max(1.0, float(moved_v / speed2)) if speed2 > 0 else 1.0)
        self.ground.fill_(ground)
        self.height.fill_(_scale(height2 / nodes - ground.square()))

    def nodes(
        self,
        batch: Batch,
    ) -> Tensor:  # (M, node_width)
        """Invariants of the particles."""
        frames = None if self.frame is None else self.frame(batch)
        return torch.cat([self._node(name, batch, frames) for name in self.config.node], dim=-1)

    def edges(
        self,
        batch: Batch,
    ) -> Tensor:  # (E, edge_width)
        """Invariants of the edges, of the start positions."""
        nothing = batch.positions.new_zeros((batch.graph.edge_hop.shape[0], 0))
        return torch.cat([nothing, *(self._edge(name, batch) for name in self.config.edge)], dim=-1)

    def _node(self, name: NodeFeature, batch: Batch, frames: Frames | None) -> Tensor:
        match name:
            case "position" | "velocity" | "past":
                return self._vectors(name, batch, frames)
            case "speed":
                return lengths(batch.velocities) / self.speed
            case "height":
                return (batch.positions[:, self.up, None] - self.ground) / self.height
            case "type":
                return one_hot(batch.graph.types, self.num_types, batch.positions.dtype)
            case "time":
                return self._times(batch)

    def _vectors(
        self, name: Literal["position", "velocity", "past"], batch: Batch, frames: Frames | None
    ) -> Tensor:
        """Components in the body's frame; of the past the lengths alone where there is none."""
        if name == "past":
            past = batch.known_past(self.history)
            spans = torch.arange(1, self.history + 1, device=past.device)[:, None, None]
            past = past / (self.speed * spans)
            return (
                (lengths(past) if frames is None else frames.components(past))
                .transpose(0, 1)
                .flatten(1)
            )
        if frames is None or self.frame is None:
            raise AssertionError("refused when the features were made")
        if name == "velocity":
            return frames.components(batch.velocities) / self.speed
        return self.frame.deviations(frames, batch.positions) / self.length

    def _edge(self, name: EdgeFeature, batch: Batch) -> Tensor:
        graph, dtype = batch.graph, batch.positions.dtype
        match name:
            case "hop":
                graph.check_hops(self.hops)
                return one_hot(graph.edge_hop - 1, self.hops, dtype)
            case "distance":
                return lengths(displacements(batch.positions, graph)) / self.length
            case "types":
                ends = graph.types[graph.edge_index.t()]
                return one_hot(ends, self.num_types, dtype).flatten(1)

    def _times(
        self,
        batch: Batch,
    ) -> Tensor:  # (M, TIME_WIDTH)
        """Time between frames as bells that are spread evenly over the logarithms of its range."""
        times = self.frame_times
        if times is None or batch.frame_time_s is None:
            raise RequestError(
                "the batch does not say the time between its frames, and the model reads it",
                "make its windows with data.delta_time",
            )
        shortest, longest = math.log(times.shortest), math.log(times.longest)
        step = max(longest - shortest, 1e-3) / (TIME_WIDTH - 1)
        place = (batch.frame_time_s.to(batch.positions.dtype).log() - shortest) / step
        bells = torch.arange(TIME_WIDTH, dtype=place.dtype, device=place.device)
        return (-0.5 * (place[:, None] - bells).square()).exp()[batch.graph.system]


def one_hot(indices: Tensor, count: int, dtype: torch.dtype) -> Tensor:
    """(..., count) ones at indices (...); unlike PyTorch's, without a look at what they are."""
    return (indices[..., None] == torch.arange(count, device=indices.device)).to(dtype)


def _check_frame(config: FeatureConfig, system: SystemSpec) -> None:
    """Refuse components without a frame, and a past without frames before the start."""
    components = [name for name in config.node if name in ("position", "velocity")]
    if components and config.frame == "none":
        raise RequestError(
            f"features.node: `{components[0]}` is components in a frame, and there is none",
            "set features.frame=body, or use `speed`",
        )
    if "past" in config.node and not system.history:
        raise RequestError(
            "features.node: `past` needs frames before the start, and data.history is 0",
            "set data.history to their number",
        )


def displacements(positions: Tensor, graph: Graph) -> Tensor:
    """(E, 3) x_i - x_j of every edge, from its source j to its target i."""
    return positions.index_select(0, graph.target) - positions.index_select(0, graph.source)


def squared_lengths(vectors: Tensor) -> Tensor:
    """(E, 1) squared Euclidean lengths of (E, 3) vectors."""
    return vectors.square().sum(dim=-1, keepdim=True)


def lengths(vectors: Tensor) -> Tensor:
    """(E, 1) Euclidean lengths of (E, 3) vectors; their gradient at zero is zero."""
    norm: Tensor = torch.linalg.vector_norm(vectors, dim=-1, keepdim=True)
    return norm


def _scale(mean_square: Tensor) -> float:
    """Root of a mean square; one where there is nothing to scale by."""
    root = float(mean_square.clamp(min=0).sqrt())
    return root if root > 0 else 1.0
