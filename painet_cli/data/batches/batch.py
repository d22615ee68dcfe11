"""What a model reads: the state of some systems, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from painet_cli.data.batches.graph import Graph, graph_of
from painet_cli.errors import PainetError, RequestError

if TYPE_CHECKING:
    from torch_geometric.data import Batch as PyGBatch
    from torch_geometric.data import Data


@dataclass(frozen=True, eq=False)
class Batch:
    """B systems at their start, side by side.

    Attributes
    ----------
    graph
        Types and edges of the M particles.
    positions
        (M, 3) X(0), in the dataset's length unit.
    velocities
        (M, 3) V(0), length unit a frame.
    targets
        (T, M, 3) X(1..T) where they are known.
    past
        (H, M, 3) displacements X(-k) - X(0) to the k-th frame before the start, the latest first;
        None where no frame before the start is given.
    frame_time_s
        (B,) seconds between the frames that velocities, past and targets count by, a system; None
        where the model is not told.
    prior
        (T, M, 3) displacements that a model's prior predicts without having seen this window; None
        where the prior may look at it.
    weights
        (B, T) what the squared errors of every system and step are multiplied by to be learned
        from; None where by nothing.
    """

    graph: Graph
    positions: Tensor
    velocities: Tensor
    targets: Tensor | None = None
    past: Tensor | None = None
    frame_time_s: Tensor | None = None
    prior: Tensor | None = None
    weights: Tensor | None = None

    def numbers(self) -> dict[str, Tensor]:
        """What it holds beside the graph, by name: all that differs between batches of one."""
        held = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in held.items() if isinstance(value, Tensor)}

    def known_targets(self) -> Tensor:
        """(T, M, 3) targets of a batch that has them.

        Raises
        ------
        RequestError
            The batch has none.
        """
        if self.targets is None:
            raise RequestError("the batch holds no targets", "give `y` of shape (particles, T, 3)")
        return self.targets

    def question(self) -> Batch:
        """The same without what became of the systems: all that a prediction may know."""
        return replace(self, targets=None, weights=None)

    def writes(self) -> dict[str, int]:
        """How often each of its tensors, and of its graph's, has been written to."""
        parts = {name: getattr(self.graph, name) for name in ("types", "edge_index", "edge_hop")}
        return {name: tensor._version for name, tensor in {**self.numbers(), **parts}.items()}

    def check_unwritten(self, before: dict[str, int]) -> None:
        """Refuse a model that has changed what it was given, which others read after it.

        Parameters
        ----------
        before
            `writes` before the model.

        Raises
        ------
        PainetError
            It has.
        """
        changed = [name for name, count in self.writes().items() if count != before.get(name)]
        if changed:
            raise PainetError(
                f"the model writes into the {changed[0]} of the batch that it is given",
                "`forward` makes tensors of its own: `x = x - c`, not `x -= c`",
            )

    def check_predicted(self, predicted: Tensor, steps: int) -> None:
        """Refuse positions that are not (`steps`, M, 3), as the model of a package may give them.

        Raises
        ------
        PainetError
            They are not: torch would compare one step with all, or take particles for steps.
        """
        given = getattr(predicted, "shape", None)
        if given != (expected := (steps, *self.positions.shape)):
            raise PainetError(
                f"the model gives numbers of shape {tuple(given)}, not {expected}"
                if given is not None
                else f"the model gives a {type(predicted).__name__}, not a tensor of {expected}",
                "`forward` gives positions of shape (steps, particles, 3)",
            )

    def known_past(self, frames: int) -> Tensor:
        """(frames, M, 3) displacements to the frames before the start, which the batch must have.

        Raises
        ------
        RequestError
            It has fewer.
        """
        given = 0 if self.past is None else len(self.past)
        if self.past is None or given < frames:
            raise RequestError(
                f"the batch holds {given} frames before its start, and the model reads {frames}",
                "make its windows with data.history of at least as many",
            )
        return self.past[:frames]

    def at(self, positions: Tensor, velocities: Tensor, past: Tensor | None = None) -> Batch:
        """Same systems in another state, without targets; edges by distance are made anew."""
        graph = self.graph.at(positions)
        return Batch(graph, positions, velocities, past=past, frame_time_s=self.frame_time_s)

    def to(self, device: torch.device) -> Batch:
        """Same batch on another device."""
        moved = {name: numbers.to(device) for name, numbers in self.numbers().items()}
        return replace(self, graph=self.graph.to(device), **moved)


def to_pyg(batch: Batch) -> PyGBatch:
    """Batch as PyTorch Geometric knows it.

    The fields are `pos` and `vel` (M, 3), `types` (M,), `edge_index` (2, E), `edge_hop` (E,) and,
    where they are known, targets `y` (M, T, 3), the `past` (M, H, 3) and the `frame_time_s` (B,).
    """
    # PyTorch Geometric takes as long to import as torch itself
    from torch_geometric.data import Batch as PyGBatch
    from torch_geometric.data import Data

    graph = batch.graph
    bounds = graph.ptr.tolist()
    cuts = torch.searchsorted(graph.target.contiguous(), graph.ptr).tolist()
    systems = []
    for k, start in enumerate(bounds[:-1]):
        nodes, edges = slice(start, bounds[k + 1]), slice(cuts[k], cuts[k + 1])
        data = Data(
            pos=batch.positions[nodes],
            vel=batch.velocities[nodes],
            types=graph.types[nodes],
            edge_index=graph.edge_index[:, edges] - start,
            edge_hop=graph.edge_hop[edges],
        )
        if batch.targets is not None:
            data.y = batch.targets[:, nodes].transpose(0, 1)
        if batch.past is not None:
            data.past = batch.past[:, nodes].transpose(0, 1)
        if batch.frame_time_s is not None:
            data.frame_time_s = batch.frame_time_s[k, None]
        systems.append(data)
    return PyGBatch.from_data_list(systems)


def from_pyg(data: Data) -> Batch:
    """Batch from a PyTorch Geometric `Data` or `Batch` with the fields `to_pyg` lists.

    `edge_hop` may be missing (all edges then count as bonds).

    Raises
    ------
    RequestError
        A field is missing or has the wrong shape, types or edges are no whole numbers, or an edge
        does not join two of the particles.
    """
    for name in ("pos", "vel", "types", "edge_index"):
        if getattr(data, name, None) is None:
            raise RequestError(
                f"Data.{name} is missing", "a system needs pos, vel, types and edge_index"
            )
    m, edges = data.pos.shape[0], data.edge_index.shape[-1] if data.edge_index.dim() else 0
    hop = getattr(data, "edge_hop", None)
    hop = torch.ones(edges, dtype=torch.int64, device=data.pos.device) if hop is None else hop
    whole = {"types": (data.types, (m,)), "edge_index": (data.edge_index, (2, edges))}
    whole["edge_hop"] = (hop, (edges,))
    moving = {"pos": (data.pos, (m, 3)), "vel": (data.vel, (m, 3))}
    for name, (value, shape) in {**moving, **whole}.items():
        if tuple(value.shape) != shape:
            raise RequestError(f"Data.{name} has shape {tuple(value.shape)}", f"expected {shape}")
        if name in whole and (value.is_floating_point() or value.is_complex()):
            raise RequestError(f"Data.{name} is {value.dtype}", "expected whole numbers")
    ends = data.edge_index.long()
    if edges and not 0 <= int(ends.min()) <= int(ends.max()) < m:
        raise RequestError(f"Data.edge_index joins no two of the {m} particles, counted from 0")
    graph = graph_of(data.types.long(), ends, hop.long(), getattr(data, "ptr", None))
    targets, past = _frames_of(data, "y", "T"), _frames_of(data, "past", "H")
    frame_time_s = getattr(data, "frame_time_s", None)
    if frame_time_s is not None and tuple(frame_time_s.shape) != (graph.num_systems,):
        shape = tuple(frame_time_s.shape)
        raise RequestError(
            f"Data.frame_time_s has shape {shape}", f"expected ({graph.num_systems},)"
        )
    return Batch(graph, data.pos, data.vel, targets, past, frame_time_s)


def as_batch(system: Batch | Data) -> Batch:
    """A batch as it is, or that of PyTorch Geometric's data; raises as `from_pyg` does."""
    return system if isinstance(system, Batch) else from_pyg(system)


def _frames_of(data: Data, name: str, count: str) -> Tensor | None:
    """(frames, M, 3) from a field (M, frames, 3), where there is one."""
    m, value = data.pos.shape[0], getattr(data, name, None)
    if value is None:
        return None
    if value.dim() != 3 or value.shape[0] != m or value.shape[2] != 3:
        raise RequestError(
            f"Data.{name} has shape {tuple(value.shape)}", f"expected ({m}, {count}, 3)"
        )
    by_frame: Tensor = value.transpose(0, 1).contiguous()
    return by_frame
