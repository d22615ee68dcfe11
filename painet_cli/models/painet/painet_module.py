"""PAINET as a plain module for a training loop of one's own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError
from torch import Tensor

from painet_cli.config.presets import Preset
from painet_cli.config.schema import EdgeFeature, FeatureConfig, NodeFeature, PainetConfig
from painet_cli.data.batches.batch import Batch, from_pyg
from painet_cli.data.batches.windows import target_offsets
from painet_cli.data.dataset.dataset import Dataset
from painet_cli.data.particles.names import Axis
from painet_cli.errors import RequestError
from painet_cli.models.base import Features, SystemSpec
from painet_cli.models.painet.model import Painet
from painet_cli.models.registry import system_of

if TYPE_CHECKING:
    from torch_geometric.data import Data


class PAINET(Painet):
    """PAINET as a `torch.nn.Module`: a constructor from sizes, systems as PyG has them.

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
        **sizes: Any,
    ) -> None:
        names = tuple(map(str, range(types))) if isinstance(types, int) else tuple(types)
        try:
            config = PainetConfig(**sizes)
            features = FeatureConfig(node=tuple(node), edge=tuple(edge), frame=frame)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            known = ", ".join(name for name in PainetConfig.model_fields if name != "name")
            raise RequestError(f"PAINET: {where}: {first['msg']}", f"sizes are {known}") from error
        system = SystemSpec(names, hops, up_axis, history)
        frames = range(1, horizon + 1) if isinstance(horizon, int) else horizon
        super().__init__(config, Features(features, system), system, frames)

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
            **config.model_dump(exclude={"name"}),
        )

    def fit_scales(self, batches: Iterable[Batch | Data]) -> None:
        """Take the units of length, speed, height and time from training batches, once.

        Without this call the model reads raw lengths and velocities: right where both are of the
        order of one.
        """
        super().fit_scales(map(_as_batch, batches))

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
        return super().forward(_as_batch(system))


def _as_batch(system: Batch | Data) -> Batch:
    return system if isinstance(system, Batch) else from_pyg(system)
