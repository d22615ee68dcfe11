r"""The body's own frame: an origin and three axes that move with each system.

Written in its own frame, a motion looks the same wherever the body is and whichever way it faces.
Three rules give the axes:

- *heading*, where there is an up axis: up stays, and forward is the horizontal mean velocity. The
  origin is the centroid on the ground, so that heights are kept. Turns about the vertical and
  horizontal shifts change no component.
- *superposition*, where all training systems have the same particles: the rotation that best lays
  the system on a reference (Kabsch 1976, https://doi.org/10.1107/S0567739476001873), the mean of
  the training starts. Turns and shifts change no component; a mirror does.
- *principal axes*, for systems of several kinds: of the positions' second moments, the longest
  first, each towards the side of the larger third moment.

Where a rule leaves axes open, a second and much weaker term decides: a body that stands still
heads where its reference would; atoms on a line are turned about it by their velocities; equal
second moments are told apart by types, then by velocities. The term is added and not switched to,
so that components change steeply near such a case but do not jump. Where that is nought too, as for
a line at rest, every choice gives the same components, or the axes of the room are taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from painet_cli.data.batches.batch import Batch
from painet_cli.data.batches.by_system import mean_by_system
from painet_cli.data.batches.graph import Graph
from painet_cli.data.particles.body_masses import mass_shares
from painet_cli.errors import RequestError
from painet_cli.models.layers.fitted_buffers import FittedBuffers
from painet_cli.models.layers.frame_rules import (
    TIE,
    best_rotations,
    horizontal,
    inverse_root,
    principal_axes,
    turn_to,
)


@dataclass(frozen=True, eq=False)
class Frames:
    """Frames of the B systems of a batch.

    Attributes
    ----------
    origin
        (B, 3) in the coordinates of the batch.
    turn
        (B, 3, 3) rotations; rows of vectors times one are components in its frame.
    graph
        Which particle is of which system.
    """

    origin: Tensor
    turn: Tensor
    graph: Graph

    def components(
        self,
        vectors: Tensor,  # (..., M, 3)
    ) -> Tensor:  # (..., M, 3)
        """Components of vectors, such as velocities."""
        return self._turned(vectors, self.turn)

    def positions(
        self,
        x: Tensor,  # (M, 3)
    ) -> Tensor:  # (M, 3)
        """Components of positions, from the origin."""
        origin = self.origin.index_select(0, self.graph.system).to(x.dtype)
        return self._turned(x - origin, self.turn)

    def back(
        self,
        components: Tensor,  # (..., M, 3)
    ) -> Tensor:  # (..., M, 3)
        """Vectors of which these are the components."""
        return self._turned(components, self.turn.transpose(1, 2))

    def _turned(self, vectors: Tensor, turn: Tensor) -> Tensor:
        n, turn = self.graph.nodes_per_system, turn.to(vectors.dtype)
        if n is None:
            turns = turn.index_select(0, self.graph.system)
            turned: Tensor = torch.einsum("...mi,mij->...mj", vectors, turns)
            return turned
        systems = vectors.reshape(*vectors.shape[:-2], -1, n, 3)
        return (systems @ turn).flatten(-3, -2)


class BodyFrame(FittedBuffers):
    """Frames of systems, by one of three rules (see the module).

    Parameters
    ----------
    up
        Number of the up axis, where there is one.
    names
        Names of the particles, where all systems have the same: of a human body's joints the mean
        velocity is weighed by mass, so that arms count for less than the trunk.

    Attributes
    ----------
    reference, reference_velocities
        (N, 3) mean training start and the velocities of the first, in the frame; (0, 3) where
        systems are of several kinds, or before `fit`.
    reference_types
        (N,) types of the particles.
    masses
        (N,) their shares of the mass.
    speed
        () root mean square of the systems' mean velocities.
    """

    reference: Tensor
    reference_velocities: Tensor
    reference_types: Tensor
    masses: Tensor
    speed: Tensor

    def __init__(self, up: int | None, names: Sequence[str] = ()) -> None:
        super().__init__()
        self.up = up
        self.names = tuple(names)
        self.register_buffer("reference", torch.zeros((0, 3), dtype=torch.float64))
        self.register_buffer("reference_velocities", torch.zeros((0, 3), dtype=torch.float64))
        self.register_buffer("reference_types", torch.zeros(0, dtype=torch.int64))
        self.register_buffer("masses", torch.zeros(0, dtype=torch.float64))
        self.register_buffer("speed", torch.ones((), dtype=torch.float64))
        self._kept: Tensor | None = None
        self._kept_bytes = b""

    def unlike(self) -> str | None:
        """What does not go together, as the base class has it."""
        n = len(self.reference)
        shapes = [tuple(buffer.shape) for name, buffer in self.named_buffers() if name != "speed"]
        return (
            None if shapes == [(n, 3), (n, 3), (n,), (n,)] else "its reference is of several sizes"
        )

    def fit(self, batches: Iterable[Batch]) -> None:
        """Take the reference from training windows; none where their particles differ."""
        for _ in self.fitting(batches):
            pass

    def fitting(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """The batches of training windows as they come; after the last one the frame is fitted.

        So that something else can be fitted in the same pass, without keeping them.
        """
        self.forget()
        total, count, speed2, alike = torch.zeros(()).double(), 0, 0.0, True
        for batch in batches:
            near = batch.to(torch.device("cpu"))  # not all devices have float64
            with torch.no_grad():
                mean = mean_by_system(near.velocities.double(), near.graph)
                count, speed2 = count + len(mean), speed2 + float(mean.square().sum())
                alike = alike and self._has_its_particles(near)
                if alike:
                    total = total + self._placed(near).sum(dim=0)
            yield batch
        if alike and count:
            self._set("reference", total / count)
        else:
            self.forget()
        self.speed.fill_((speed2 / max(count, 1)) ** 0.5 or 1.0)

    def forget(self) -> None:
        """Have no reference."""
        self._set("reference", torch.zeros((0, 3)))
        self._set("reference_velocities", torch.zeros((0, 3)))
        self._set("reference_types", torch.zeros(0, dtype=torch.int64))
        self._set("masses", torch.zeros(0))
        self.speed.fill_(1.0)

    def _has_its_particles(self, batch: Batch) -> bool:
        """Whether all systems have the reference's particles; the first system becomes it."""
        n, types = batch.graph.nodes_per_system, batch.graph.types
        if n is None:
            return False
        if not len(self.reference):
            self._begin(batch, n)
        same = n == len(self.reference)
        return same and bool((types.view(-1, n) == self.reference_types.cpu()).all())

    def _begin(self, batch: Batch, n: int) -> None:
        """Have the first training start as the reference: as it faces, or as it lies in space."""
        x, v = batch.positions[:n].double(), batch.velocities[:n].double()
        shares = mass_shares(self.names) if len(self.names) == n else np.full(n, 1 / n)
        masses = torch.from_numpy(shares)
        at, turn = x.mean(dim=0), torch.eye(3, dtype=torch.float64)
        if self.up is not None:
            at = at * (torch.arange(3) != self.up)
            turn = turn_to((masses @ v)[None], self.up)[0]
        self._set("reference", (x - at) @ turn)
        self._set("reference_velocities", v @ turn)
        self._set("reference_types", batch.graph.types[:n])
        self._set("masses", masses)

    def _placed(self, batch: Batch) -> Tensor:  # (B, N, 3)
        """Starts in their frames, on the CPU."""
        frame = self if self.reference.device.type == "cpu" else deepcopy(self).cpu()
        placed: Tensor = frame(batch).positions(batch.positions.double())
        return placed.view(-1, len(self.reference), 3)

    def forward(self, batch: Batch) -> Frames:
        """Frames of the systems of a batch, in float64 where the device has it.

        Raises
        ------
        RequestError
            A system has other particles than the reference.
        """
        graph = batch.graph
        wide = torch.float32 if batch.positions.device.type == "mps" else torch.float64
        x, v = batch.positions.to(wide), batch.velocities.to(wide)
        self._check(graph)
        centre = mean_by_system(x, graph)
        apart = x - centre.index_select(0, graph.system)
        if self.up is not None:
            turn = self._headings(apart, v, graph)
            centre = centre * (torch.arange(3, device=centre.device) != self.up)
        elif len(self.reference):
            turn = self._superposed(apart, v)
        else:
            turn = principal_axes(apart, v, graph)
        return Frames(centre, turn, graph)

    def deviations(
        self,
        frames: Frames,
        x: Tensor,  # (M, 3)
    ) -> Tensor:  # (M, 3)
        """Components of positions, less those of the reference where there is one."""
        components = frames.positions(x)
        if not len(self.reference):
            return components
        systems = components.view(-1, len(self.reference), 3)
        return (systems - self.reference.to(systems)).flatten(0, 1)

    def _check(self, graph: Graph) -> None:
        """Refuse systems that the reference says nothing of; looked at once a graph."""
        n = len(self.reference)

        def fits() -> bool:
            same = graph.nodes_per_system == n
            return same and bool((graph.types.view(-1, n) == self.reference_types).all())

        if n and not graph.derived_of_nodes(("reference", self._types()), fits):
            raise RequestError(
                f"features.frame=body: the model's reference has {n} particles of its own types, "
                "and these systems have others",
                "use a model trained on such systems, or features.frame=none",
            )

    def _types(self) -> bytes:
        """The reference's types, by which graphs keep whether they have them; read once."""
        if self._kept is not self.reference_types:
            self._kept = self.reference_types
            self._kept_bytes = self.reference_types.cpu().numpy().tobytes()
        return self._kept_bytes

    def _headings(self, apart: Tensor, v: Tensor, graph: Graph) -> Tensor:
        """(B, 3, 3) turns of the mean velocity to forward."""
        a, b = horizontal(self.up)
        if len(self.reference):
            r = self.reference.to(apart) - self.reference.to(apart).mean(dim=0)
            x = apart.view(-1, len(r), 3)
            cos = (r[:, a] * x[..., a] + r[:, b] * x[..., b]).sum(dim=-1)
            sin = (r[:, a] * x[..., b] - r[:, b] * x[..., a]).sum(dim=-1)
            facing = torch.zeros((len(x), 3), dtype=x.dtype, device=x.device)
            facing[:, a], facing[:, b] = -sin, cos
            mean = self.masses.to(v) @ v.view(-1, len(r), 3)
        else:
            weight = (1 + graph.types)[:, None] * apart.square().sum(dim=-1, keepdim=True)
            facing = mean_by_system(weight * apart, graph)
            facing = facing * (torch.arange(3, device=facing.device) != self.up)
            mean = mean_by_system(v, graph)
        facing = nn.functional.normalize(facing, dim=-1)
        heading = mean + TIE * self.speed.to(v) * facing
        return turn_to(heading, self.up)

    def _superposed(self, apart: Tensor, v: Tensor) -> Tensor:
        """(B, 3, 3) rotations onto the reference."""
        onto, moving = self.reference.to(apart), self.reference_velocities.to(apart)
        x, v = apart.view(-1, len(onto), 3), v.view(-1, len(onto), 3)
        size = onto.square().sum() * inverse_root(moving.square().sum()).square()
        return best_rotations(x.transpose(1, 2) @ onto + TIE * size * (v.transpose(1, 2) @ moving))
