r"""Kernel ridge regression in the body's own frame: a closed form, with a standard deviation.

A window is written in the frame that moves with the body (`layers/body_frame.py`): positions,
velocities and, where they are told, the displacements to the frames before. Its targets are
displacements in the same frame. They are predicted as

.. math::
    \hat y_p(z) = \bar y_p + \sum_n k_p(z, z_n)\, w_{n, p}

with a kernel (`ridge.py`) for each part p of the body: the whole of it, or its trunk and limbs.
Weights of the kernel and the ridge are chosen on the validation windows (`tuning.py`). Of more
training windows than `largest`, so many are kept and all are learned from (Nyström).

None of this is in the paper; what it means for its claims is in docs/explanation/body-frame.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from painet_cli.config.presets import Preset
from painet_cli.config.schema import KernelConfig
from painet_cli.data.batches.batch import Batch
from painet_cli.errors import RequestError
from painet_cli.models.base import DynamicsModel, SystemSpec
from painet_cli.models.kernel.fitting import fitted
from painet_cli.models.kernel.ridge import Weights, kernel, own_kernel, variances
from painet_cli.models.kernel.written import write_inputs
from painet_cli.models.layers.body_frame import BodyFrame, Frames
from painet_cli.models.layers.fitted_buffers import FittedBuffers

_DIMENSIONS = {
    "inputs": 2, "mean": 1, "scale": 1, "part": 1, "group": 1, "log_a": 2, "log_b": 2, "ridge": 1,
    "dual": 4, "offset": 3, "spread": 2, "projection": 3, "strength": 2,
}  # fmt: skip


class Kernel(FittedBuffers, DynamicsModel):
    """Kernel ridge regression in the body's frame; fitted, not trained.

    Parameters
    ----------
    config
        Form of the kernel and its parts.
    system
        Up axis, frames before the start, names of the particles.
    horizon
        T, steps to predict.

    Attributes
    ----------
    inputs
        (m, D) kept windows, less `mean` (D,) and over `scale` (D,).
    part, group
        (N,) part of every particle, and (D,) group of every column.
    log_a, log_b, ridge
        (P, G) weights of the groups in each part's kernel, and (P,) ridges.
    dual
        (m, T, N, 3) what kernels are multiplied by.
    offset
        (T, N, 3) mean displacement.
    spread
        (T, N) what standard deviations are multiplied by, so that they are right on the validation
        windows.
    projection, strength
        (P, m, r) and (P, r) features of the variance.
    """

    Config = KernelConfig
    closed_form = True
    reads_past = "always"

    inputs: Tensor
    mean: Tensor
    scale: Tensor
    part: Tensor
    group: Tensor
    log_a: Tensor
    log_b: Tensor
    ridge: Tensor
    dual: Tensor
    offset: Tensor
    spread: Tensor
    projection: Tensor
    strength: Tensor

    def __init__(self, config: KernelConfig, system: SystemSpec, horizon: int) -> None:
        super().__init__()
        self.config = config
        self.system = system
        self.horizon = horizon
        self.frame = BodyFrame(system.up)
        for name, dimensions in _DIMENSIONS.items():
            dtype = torch.int64 if name in ("part", "group") else torch.float64
            self.register_buffer(name, torch.zeros((0,) * dimensions, dtype=dtype))

    @classmethod
    def build(cls, config: KernelConfig, preset: Preset, system: SystemSpec) -> Kernel:
        """Model of a preset, to be fitted."""
        return cls(config, system, preset.data.horizon)

    @property
    def parameter_count(self) -> int:
        """Numbers that were fitted: those that kernels are multiplied by."""
        return self.dual.numel()

    @torch.no_grad()
    def fit(self, train: Iterable[Batch], val: Iterable[Batch]) -> None:
        """Fit to training windows, with choices by validation windows.

        Parameters
        ----------
        train, val
            Gone through more than once.

        Raises
        ------
        RequestError
            The systems are of several kinds, or limbs are asked for of what has none.
        """
        found = fitted(train, val, self.frame, self.config, self.system)
        for name in _DIMENSIONS:
            self._set(name, getattr(found, name))

    def unlike(self) -> str | None:
        """What does not go together, as the base class has it."""
        (kept, columns), (steps, particles, _) = self.inputs.shape, (*self.offset.shape,)
        parts, groups = self.log_a.shape
        rank = self.strength.shape[-1]
        shapes: dict[str, tuple[int, ...]] = {
            "mean": (columns,), "scale": (columns,), "group": (columns,), "part": (particles,),
            "log_b": (parts, groups), "ridge": (parts,), "dual": (kept, steps, particles, 3),
            "offset": (steps, particles, 3), "spread": (steps, particles),
            "projection": (parts, kept, rank), "strength": (parts, rank),
        }  # fmt: skip
        if not kept:
            return None
        for name, shape in shapes.items():
            found = tuple(getattr(self, name).shape)
            if found != shape:
                return f"{name} is of shape {found}, and the others make it {shape}"
        expected = (self.horizon, (2 + self.system.history) * particles * 3)
        if (steps, columns) != expected or len(self.frame.reference) != particles:
            return "it predicts other steps or particles than its preset says"
        inside = int(self.part.min()) >= 0 and int(self.part.max()) < parts
        inside = inside and int(self.group.min()) >= 0 and int(self.group.max()) < groups
        return None if inside else "a part or group is not there"

    def forward(
        self,
        batch: Batch,  # M particles
    ) -> Tensor:  # (T, M, 3)
        """Predicted positions, (T, M, 3).

        Raises
        ------
        RequestError
            The model is not fitted, or the systems have other particles.
        """
        frames, z = self._columns(batch)
        moved = self.offset.double().expand(len(z), -1, -1, -1).clone()
        for _, particles, kernels in self._kernels(z):
            dual = self.dual[:, :, particles].double()
            moved[:, :, particles] += torch.tensordot(kernels, dual, dims=1)
        moved = moved.transpose(0, 1).flatten(1, 2)  # (T, M, 3)
        return batch.positions + frames.back(moved.to(batch.positions.dtype))

    def deviations(
        self,
        batch: Batch,  # M particles
    ) -> Tensor:  # (T, M)
        """Standard deviation of each predicted coordinate, in the unit of length.

        That of a Gaussian process with the same kernel, times what makes it right on the validation
        windows.
        """
        _, z = self._columns(batch)
        made = self.spread.double().expand(len(z), -1, -1).clone()
        for p, particles, kernels in self._kernels(z):
            own = own_kernel(z, self.group, self._weights(p))
            features = self.projection[p].double(), self.strength[p].double()
            variance = variances(kernels, own, *features, self.ridge[p].double())
            made[:, :, particles] *= variance.sqrt()[:, None, None]
        return made.transpose(0, 1).flatten(1).to(batch.positions.dtype)

    def _columns(self, batch: Batch) -> tuple[Frames, Tensor]:
        """Frames of the systems, and what the kernel reads of them, (B, D) float64."""
        if not len(self.inputs):
            raise RequestError("model kernel: it is not fitted", "`painet train` fits it")
        frames = self.frame(batch)
        known = write_inputs(batch, frames, self.system.history).flatten(1)
        return frames, (known - self.mean) / self.scale

    def _kernels(self, z: Tensor) -> Iterator[tuple[int, Tensor, Tensor]]:
        """Each part: its number, its particles, and (B, m) kernels with the kept windows."""
        for p in range(len(self.ridge)):
            particles = (self.part == p).nonzero()[:, 0]
            yield p, particles, kernel(z, self.inputs.double(), self.group, self._weights(p))

    def _weights(self, p: int) -> Weights:
        return Weights(self.log_a[p].double(), self.log_b[p].double())


def fit_kernel(
    train: Iterable[Batch],
    val: Iterable[Batch],
    system: SystemSpec,
    config: KernelConfig | None = None,
) -> Kernel:
    """Fit a kernel to windows, in seconds and without a run.

    Parameters
    ----------
    train, val
        Windows with targets, of systems with the same particles; lists of batches, or anything
        that can be gone through again. Weights and ridge are chosen on `val`.
    system
        Up axis, frames before the start, and names of the particles for `parts: limbs`.
    config
        Form of the kernel; by default as a preset has it.

    Returns
    -------
    Kernel
        In evaluation mode; `deviations` gives standard deviations.

    Raises
    ------
    RequestError
        The systems are of several kinds.
    """
    horizon = len(next(iter(train)).known_targets())
    model = Kernel(config or KernelConfig(), system, horizon)
    model.fit(train, val)
    model.eval()
    return model
