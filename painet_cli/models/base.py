"""The interface all models share, and what they are told of the systems they are built for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from torch import Tensor, nn

from painet_cli.config.model_table import ModelConfig
from painet_cli.config.presets import Preset
from painet_cli.config.schema import Activations
from painet_cli.data.batches.batch import Batch
from painet_cli.data.batches.spacing import FrameTimes
from painet_cli.data.particles.names import AXES, Axis


@dataclass(frozen=True)
class SystemSpec:
    """What a model must know of the systems it is built for.

    Attributes
    ----------
    type_names
        Names of the particle types; E of them.
    hops
        Largest `edge_hop` in a graph.
    up_axis
        Direction of height, where there is one.
    history
        H, frames before the start that batches tell of.
    names
        Names of the particles, where all systems have the same and they are known.
    frame_times
        Between the frames that the model is given, where they vary.
    """

    type_names: tuple[str, ...]
    hops: int
    up_axis: Axis | None = None
    history: int = 0
    names: tuple[str, ...] = ()
    frame_times: FrameTimes | None = None

    @property
    def up(self) -> int | None:
        """Number of the up axis."""
        return None if self.up_axis is None else AXES.index(self.up_axis)


class DynamicsModel(nn.Module, ABC):
    """Predicts X(1..T) of a batch of systems from X(0) and V(0) in one pass.

    Attributes
    ----------
    Config
        Class of the model's section in a preset.
    takes_types
        Whether types may be added to trained weights: `features` are read by maps whose first
        columns are node features, or whose last are edge features, and by tables over types.
    horizon
        T, the number of steps `forward` predicts.
    activations
        How memory is traded for time, by models that have the choice.
    reads_past
        Whether it reads the frames before the start: `never`, by the `features` of a preset, or
        `always`.
    closed_form
        Whether it is fitted by `fit` and not trained by gradients.
    capturable
        Whether a pass takes the same operations whatever the numbers, and asks the device nothing,
        so that it can be recorded as a CUDA graph.
    stackable
        Whether it also draws nothing, so that several of it can be computed as one.
    keeps
        Motions of a system that its prediction shares, of invariant features: `shift, rotation,
        reflection`, some of these, or `nothing`; empty where it is not said.
    """

    Config: ClassVar[type[ModelConfig]]
    takes_types: ClassVar[bool] = False
    reads_past: ClassVar[Literal["never", "features", "always"]] = "never"
    closed_form: ClassVar[bool] = False
    capturable: ClassVar[bool] = True
    stackable: ClassVar[bool] = True
    keeps: ClassVar[str] = ""
    horizon: int
    activations: Activations = "keep"

    @classmethod
    def build(
        cls,
        config: Any,  # a `Config`
        preset: Preset,
        system: SystemSpec,
    ) -> DynamicsModel:
        """Model of a preset for systems of a kind, with weights from torch's global generator."""
        raise NotImplementedError(f"{cls.__name__} cannot be built from a preset")

    @abstractmethod
    def forward(
        self,
        batch: Batch,  # M particles
    ) -> Tensor:  # (T, M, 3)
        """Predicted positions, (T, M, 3), in the length unit of the batch."""

    def deviations(
        self,
        batch: Batch,  # M particles
    ) -> Tensor | None:  # (T, M)
        """Standard deviation of each predicted coordinate, by models that know one; else None."""
        return None

    def fit_scales(self, batches: Iterable[Batch]) -> None:
        """Take the size of typical inputs from the training windows, where a model asks for it."""

    def fit(self, train: Iterable[Batch], val: Iterable[Batch]) -> None:
        """Fit to training windows in closed form, with choices by those of validation.

        Parameters
        ----------
        train, val
            Gone through as often as need be.
        """
        raise NotImplementedError(f"{type(self).__name__} is trained by gradients")

    @property
    def parameter_count(self) -> int:
        """Numbers that were learned."""
        return sum(parameter.numel() for parameter in self.parameters())

    def pass_bytes(
        self, nodes: int, edges: int, activations: Activations, *, training: bool
    ) -> int | None:
        """Bytes that a pass is expected to need; None where a model can trade no memory for time.

        Parameters
        ----------
        nodes, edges
            Particles and edges of a batch.
        training
            Whether gradients are asked for.
        """
        return None

    def compile_blocks(self) -> None:
        """Compile what is repeated in the model, or all of it, by torch.compile."""
        self.compile()
