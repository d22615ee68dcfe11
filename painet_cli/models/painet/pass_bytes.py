"""What a pass of PAINET's needs of memory, by the rows of width d that are alive at once."""

from __future__ import annotations

from painet_cli.config.models import PainetConfig
from painet_cli.config.schema import Activations
from painet_cli.models.layers.message_passing import recomputed_at_once
from painet_cli.models.painet.attention_step import MANY


def pass_bytes(
    config: PainetConfig,
    row: int,
    edge_width: int,
    horizon: int,
    nodes: int,
    edges: int,
    activations: Activations,
    *,
    training: bool,
) -> int:
    """Bytes that a pass is expected to need.

    A particle keeps ten rows a head and attention step, and ten a layer of the decoder, of which
    `stepwise` has one layer at a time and a row of the others; an edge six a layer, or one of the
    stretch at work where edges are computed again. Without gradients a few rows a particle are
    alive, of one head or layer.

    Parameters
    ----------
    row
        Bytes of a row.
    edge_width
        Width of the edge features.
    horizon
        T.
    nodes, edges
        Particles and edges of all systems of the batch.
    """
    at_once = 1 if activations == "stepwise" else horizon
    indices = edges * at_once * (24 + 8 * (1 + edge_width))
    if not training:
        heads = 1 if nodes > MANY else config.heads
        return nodes * row * max(9 * heads, 8 * at_once) + indices
    encoded = nodes * horizon * row * (10 * config.heads + 2)
    kept_edges = edges if activations == "keep" else 0
    layers = config.layers
    rows = layers + 9 if activations == "stepwise" else 10 * layers
    decoded = at_once * row * (rows * nodes + 6 * layers * kept_edges)
    again = 0 if kept_edges else min(at_once * edges, recomputed_at_once(at_once * nodes))
    return encoded + decoded + 6 * row * again + indices
