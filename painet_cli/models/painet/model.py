"""PAINET: all-pair attention derived from an energy, read out by a parallel equivariant decoder.

The paper's sections 3.1 to 3.3 and Algorithm 1. What differs from the paper: the embedding reads
invariants only (`features` of the preset), heads have full width and are averaged, the pair tables
are symmetric with phi > psi by construction (`pairwise: guaranteed`), and the decoder is EGNN with
a velocity term, mean coordinate messages and a bound on each, started at straight motion. Why is
in docs/explanation/decisions.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

import torch
from pydantic import ValidationError
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from painet_cli.config.models import PainetConfig
from painet_cli.config.presets import Preset
from painet_cli.config.schema import Activations, EdgeFeature, FeatureConfig, NodeFeature
from painet_cli.data.batches.batch import Batch, as_batch
from painet_cli.data.batches.offsets import target_offsets
from painet_cli.data.batches.spacing import FrameTimes
from painet_cli.data.dataset.dataset import Dataset
from painet_cli.data.particles.names import Axis
from painet_cli.errors import RequestError
from painet_cli.models.base import DynamicsModel, SystemSpec
from painet_cli.models.features import Features
from painet_cli.models.painet.attention_step import AttentionStep
from painet_cli.models.painet.decoders import decoder_of
from painet_cli.models.painet.pair_tables import PairTables
from painet_cli.models.painet.parallel_decoder import ParallelDecoder
from painet_cli.models.painet.pass_bytes import pass_bytes
from painet_cli.models.painet.past_gates import PastGates
from painet_cli.models.registry import system_of

if TYPE_CHECKING:
    from torch_geometric.data import Data


class PAINET(DynamicsModel):
    """Energy-derived attention over time, then all T steps decoded at once.

    A `torch.nn.Module` for a training loop of one's own, too: it takes systems as PyG has them.

    Parameters
    ----------
    types
        Names of the particle types, such as ("C", "H", "O"), or their number E.
    horizon
        T, steps to predict; or the frames from the start to each, which `decoder="recurrent"` alone
        reads.
    node
        Invariants of a particle: `speed`, `type`, and `height` where there is an `up_axis`.
    edge
        Invariants of an edge: `hop`, `distance`, `types`.
    hops
        Largest `edge_hop` of a system.
    up_axis
        Direction of height, `x`, `y` or `z`; reading it leaves only turns about it as symmetry.
    frame
        `body` for features that are components in the body's own frame.
    history
        H, frames before the start; systems have them as `past` (N, H, 3), X(-k) - X(0).
    frame_times_s
        Shortest and longest seconds between the frames that batches have, as their `frame_time_s`
        says; for the node feature `time`.
    sizes
        Fields of `PainetConfig`: `hidden`, `layers`, `heads`, `pairwise` and so on.

    Raises
    ------
    RequestError
        There is no such size or feature, or its value is not allowed.

    Examples
    --------
    A training loop in ten lines:

    >>> import tempfile, torch, painet
    >>> from torch_geometric.loader import DataLoader
    >>> dataset = painet.prepare("sample", data_dir=tempfile.mkdtemp())
    >>> windows = painet.pyg(dataset, "train", painet.Preset.load("demo").data)
    >>> model = painet.PAINET(dataset.manifest.particles.type_names, horizon=5, hidden=16, layers=2)
    >>> model.fit_scales(DataLoader(windows, batch_size=100))
    >>> optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    >>> for batch in DataLoader(windows, batch_size=100, shuffle=True):
    ...     loss = (model(batch) - batch.y.transpose(0, 1)).square().mean()
    ...     optimiser.zero_grad()
    ...     loss.backward()
    ...     optimiser.step()
    >>> model(windows[0]).shape  # (T, particles, 3), angstrom
    torch.Size([5, 9, 3])
    """

    Config = PainetConfig
    keeps = "shift, rotation, reflection"
    takes_types = True
    reads_past = "always"

    def __init__(
        self,
        types: Sequence[str] | int,
        horizon: int | Sequence[int] = 1,
        *,
        node: Sequence[NodeFeature] = ("speed", "type"),
        edge: Sequence[EdgeFeature] = ("hop", "distance"),
        hops: int = 2,
        up_axis: Axis | None = None,
        frame: Literal["none", "body"] = "none",
        history: int = 0,
        frame_times_s: tuple[float, float] | None = None,
        **sizes: Any,
    ) -> None:
        names = tuple(map(str, range(types))) if isinstance(types, int) else tuple(types)
        try:
            config = PainetConfig(**sizes)
            invariants = FeatureConfig(node=tuple(node), edge=tuple(edge), frame=frame)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            known = ", ".join(k for k in PainetConfig.model_fields if k not in ("name", "prior"))
            raise RequestError(f"PAINET: {where}: {first['msg']}", f"sizes are {known}") from error
        _refuse_prior(config.prior)
        times_s = None if frame_times_s is None else FrameTimes(*frame_times_s)
        system = SystemSpec(names, hops, up_axis, history, frame_times=times_s)
        frames = range(1, horizon + 1) if isinstance(horizon, int) else horizon
        super().__init__()
        self.horizon = len(frames)
        self.config = config
        # 1. invariants, embedded: H(0)
        self.features = Features(invariants, system)
        self.embed = nn.Linear(self.features.node_width, config.hidden)
        # 2. pair weights by type, shared by all time steps
        self.tables = (
            None
            if config.pairwise == "none"
            else PairTables(config.pairwise, config.heads, len(system.type_names))
        )
        # 3. one attention layer (or several) a time step, or for all
        times = 1 if config.share_time else self.horizon
        self.steps = nn.ModuleList(
            AttentionStep(config) for _ in range(times * config.attention_layers)
        )
        # 4. the decoder's layers, which together start from straight motion
        self.decoder = decoder_of(config, self.features, frames)
        # 5. of the past, if it is told, a multiple of each displacement
        self.past_gates = PastGates(config.hidden, history) if history else None

    @classmethod
    def from_preset(cls, preset: str | Preset, dataset: Dataset) -> PAINET:
        """Model that a preset describes, for the systems of a dataset.

        Parameters
        ----------
        preset
            A preset of PAINET's, or the name or file of one.
        dataset
            Whose particle types it is to know.

        Raises
        ------
        RequestError
            The preset is of another model, or does not suit the dataset.
        """
        preset = preset if isinstance(preset, Preset) else Preset.load(preset)
        _refuse_prior(preset.model.prior)
        return cls.build(preset.model, preset, system_of(dataset.manifest, preset)[0])

    @classmethod
    def build(cls, config: Any, preset: Preset, system: SystemSpec) -> PAINET:
        """Model of a preset."""
        if not isinstance(config, PainetConfig):
            raise RequestError(f"the preset is of the model {config.name}", "choose one of painet")
        return cls(
            system.type_names,
            target_offsets(preset.data).tolist(),
            node=preset.features.node,
            edge=preset.features.edge,
            hops=system.hops,
            up_axis=system.up_axis,
            frame=preset.features.frame,
            history=system.history,
            frame_times_s=None if system.frame_times is None else system.frame_times.bounds,
            **config.model_dump(exclude={"name", "prior"}),
        )

    def fit_scales(self, batches: Iterable[Batch | Data]) -> None:
        """Take the units of length, speed, height and time from training batches, once.

        Without this call the model reads raw lengths and velocities: right where both are of the
        order of one.
        """
        self.features.fit(map(as_batch, batches))

    def forward(
        self,
        system: Batch | Data,  # M particles
    ) -> Tensor:  # (T, M, 3)
        """Predicted positions X(1..T), (T, M, 3), in the unit of the input.

        Parameters
        ----------
        system
            A `Data` or `Batch` of PyTorch Geometric with `pos` and `vel` (M, 3), `types` (M,),
            `edge_index` (2, E) and, where not all edges are bonds, `edge_hop` (E,); or a batch of
            painet's. Velocities are in the unit of length a frame.

        Raises
        ------
        RequestError
            A field is missing or has the wrong shape, or a type is unknown to the model.
        """
        batch = as_batch(system)
        if self.activations == "stepwise" and isinstance(self.decoder, ParallelDecoder):
            return self._decode_stepwise(batch)
        embeddings = self.encode(batch)
        return self._with_past(self.decode(embeddings, batch), embeddings, batch)

    def _with_past(self, positions: Tensor, embeddings: Tensor, batch: Batch) -> Tensor:
        """Positions (T, M, 3) with what they take of the past, where it is told."""
        if self.past_gates is None:
            return positions
        return positions + self.past_gates.share(embeddings, batch)

    def encode(
        self,
        batch: Batch,
    ) -> Tensor:  # (T, M, d)
        """Embeddings H(1..T), (T, M, d), by attention steps from H(0)."""
        return torch.stack(list(self._embeddings(batch)))

    def _embeddings(self, batch: Batch) -> Iterator[Tensor]:
        """Embeddings H(t), (M, d), for t = 1..T, one after the other."""
        batch.graph.check_types(self.features.num_types)
        h = self.embed(self.features.nodes(batch))
        tables = None if self.tables is None else self.tables(h)
        layers = self.config.attention_layers
        for t in range(self.horizon):
            for layer in range(t * layers, (t + 1) * layers):
                h = self.steps[layer % len(self.steps)](h, tables, batch.graph)
            yield h

    def decode(
        self,
        embeddings: Tensor,  # (T, M, d)
        batch: Batch,
    ) -> Tensor:  # (T, M, 3)
        """Positions of all T steps from their embeddings (equation 10)."""
        positions: Tensor = (
            self.decoder(embeddings, batch, self.features, self.activations)
            if isinstance(self.decoder, ParallelDecoder)
            else self.decoder(embeddings, batch, self.features)
        )
        return positions

    def _decode_stepwise(self, batch: Batch) -> Tensor:  # (T, M, 3)
        """The same, one step after the other.

        For gradients each layer runs again, and before them, of several steps, each step.
        """

        def decode(h: Tensor) -> Tensor:
            return self._with_past(self.decode(h[None], batch), h[None], batch)

        steps = [
            checkpoint(decode, h, use_reentrant=False, preserve_rng_state=False)
            if torch.is_grad_enabled() and self.horizon > 1
            else decode(h)
            for h in self._embeddings(batch)
        ]
        return torch.cat(steps)

    def pass_bytes(
        self, nodes: int, edges: int, activations: Activations, *, training: bool
    ) -> int:
        """Bytes that a pass is expected to need (`painet/pass_bytes.py`)."""
        row = self.embed.out_features * self.embed.weight.element_size()
        given = (self.config, row, self.features.edge_width, self.horizon)
        return pass_bytes(*given, nodes, edges, activations, training=training)

    def compile_blocks(self) -> None:
        """Compile the attention step and the decoder's layer, once for all that are alike."""
        for block in (*self.steps, *self.decoder.children()):
            block.compile()


def _refuse_prior(prior: str | None) -> None:
    if prior is not None:
        raise RequestError(
            f"model.prior: {prior}: a module alone has none",
            "train a preset with model.prior by painet.train",
        )
