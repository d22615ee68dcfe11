"""What a pass of a model needs in memory, and the fastest way of computing that fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ByteSize

from painet_cli.config.schema import Activations
from painet_cli.data.batches.batch import Batch
from painet_cli.models.base import DynamicsModel

WAYS: tuple[Activations, ...] = ("keep", "recompute", "stepwise")  # fastest first
_WORDS = {
    "keep": "activations kept",
    "recompute": "edges computed again in the backward pass",
    "stepwise": "one time step decoded after the other",
}


@dataclass(frozen=True)
class MemoryPlan:
    """How a model computes, and what that is expected to take.

    Attributes
    ----------
    activations
        The way of computing.
    expected
        Bytes of a pass, estimated; None where the model has but one way.
    budget
        Bytes that it was to fit in.
    """

    activations: Activations
    expected: int | None
    budget: int

    @property
    def words(self) -> str:
        """The choice for a reader, in a line; empty where there was none."""
        if self.expected is None:
            return ""
        expected, budget = (
            ByteSize(size).human_readable(decimal=True) for size in (self.expected, self.budget)
        )
        fits = "" if self.expected <= self.budget else ", which may not suffice"
        return f"about {expected} of {budget}{fits}; {_WORDS[self.activations]}"


def fit_memory(
    model: DynamicsModel,
    batch: Batch,
    budget: int,
    *,
    training: bool,
    ways: Sequence[Activations] = WAYS,
) -> MemoryPlan:
    """Have a model compute in the fastest way that fits, or else in the one that needs least.

    The ways give the same numbers to rounding.

    Parameters
    ----------
    batch
        As large as any to come.
    budget
        Bytes to fit in.
    training
        Whether gradients are asked for.
    ways
        Those to choose of, the fastest first.
    """
    nodes, edges = batch.graph.num_nodes, batch.graph.edge_hop.shape[0]
    for way in ways:
        expected = model.pass_bytes(nodes, edges, way, training=training)
        if expected is None or expected <= budget:
            break
    model.activations = way
    return MemoryPlan(way, expected, budget)
