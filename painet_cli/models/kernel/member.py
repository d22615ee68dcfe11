"""One kernel ridge regression: what it keeps, and what it predicts."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from painet_cli.config.models import KernelForm
from painet_cli.models.kernel.layout import along_bones
from painet_cli.models.kernel.ridge import Weights, kernel, own_kernel, solve, variances
from painet_cli.models.kernel.tuning import Chosen
from painet_cli.models.layers.fitted_buffers import FittedBuffers

_DIMENSIONS = {
    "inputs": 2, "parent": 1, "mean": 1, "scale": 1, "group": 1, "log_a": 2, "log_b": 2,
    "ridge": 1, "dual": 4, "projection": 3, "strength": 2,
}  # fmt: skip


class Member(FittedBuffers):
    """Ridge regressions of the parts of a body on the same columns, a kernel each.

    Attributes
    ----------
    inputs
        (m, D) columns of the kept windows.
    parent, mean, scale, group
        How windows become columns (`Layout`).
    log_a, log_b, ridge
        (P, G) weights of the groups in each part's kernel, and (P,) ridges.
    dual
        (m, T, N, 3) what kernels are multiplied by.
    projection, strength
        (P, m, r) and (P, r) features of the variance; r is 0 where all training windows are kept,
        from which they follow.
    """

    inputs: Tensor
    parent: Tensor
    mean: Tensor
    scale: Tensor
    group: Tensor
    log_a: Tensor
    log_b: Tensor
    ridge: Tensor
    dual: Tensor
    projection: Tensor
    strength: Tensor

    def __init__(self, form: KernelForm) -> None:
        super().__init__()
        self.form = form
        for name, dimensions in _DIMENSIONS.items():
            dtype = torch.int64 if name in ("parent", "group") else torch.float64
            self.register_buffer(name, torch.zeros((0,) * dimensions, dtype=dtype))

    def take(self, **buffers: Tensor) -> None:
        """Take what was fitted."""
        for name in _DIMENSIONS:
            self._set(name, buffers[name])

    def choices(self) -> list[Chosen]:
        """Weights and ridge of each part's kernel; their error is not kept."""
        parts = zip(self.log_a.double(), self.log_b.double(), self.ridge.tolist(), strict=True)
        return [Chosen(Weights(log_a, log_b), ridge, math.nan) for log_a, log_b, ridge in parts]

    def unlike(self) -> str | None:
        """What does not go together, as the base class has it."""
        (kept, columns), (parts, groups) = self.inputs.shape, self.log_a.shape
        rank, outputs = self.strength.shape[-1], tuple(self.dual.shape[1:])
        shapes: dict[str, tuple[int, ...]] = {
            "mean": (columns,), "scale": (columns,), "group": (columns,), "log_b": (parts, groups),
            "ridge": (parts,), "dual": (kept, *outputs), "projection": (parts, kept, rank),
            "strength": (parts, rank),
        }  # fmt: skip
        for name, shape in shapes.items():
            found = tuple(getattr(self, name).shape)
            if found != shape:
                return f"{name} is of shape {found}, and the others make it {shape}"
        whole = inside(self.group, groups) and inside(self.parent, outputs[1])
        return None if whole else "a group or a parent is not there"

    def predict(
        self,
        inputs: Tensor,  # (B, K, N, 3)
        part: Tensor,  # (N,)
    ) -> Tensor:  # (B, T, N, 3)
        """Displacements in the frame, less their mean in training."""
        moved = self.dual.new_zeros((len(inputs), *self.dual.shape[1:])).double()
        for _, particles, kernels, _ in self._kernels(inputs, part):
            dual = self.dual[:, :, particles].double()
            moved[:, :, particles] = torch.tensordot(kernels, dual, dims=1)
        return moved

    def deviations(
        self,
        inputs: Tensor,  # (B, K, N, 3)
        part: Tensor,  # (N,)
    ) -> Tensor:  # (B, N)
        """Standard deviations, in units of the kernel."""
        made = inputs.new_zeros((len(inputs), inputs.shape[2]))
        for p, particles, kernels, z in self._kernels(inputs, part):
            own = own_kernel(z, self.group, self._weights(p))
            variance = variances(kernels, own, *self._features(p), self.ridge[p].double())
            made[:, particles] = variance.sqrt()[:, None]
        return made

    def _features(self, p: int) -> tuple[Tensor, Tensor]:
        """Projection and strength of a part, made of the kept windows where they are not kept."""
        if self.strength.shape[-1]:
            return self.projection[p].double(), self.strength[p].double()
        z = self.inputs.double()
        among = kernel(z, z, self.group, self._weights(p), self.form)
        solution = solve(among, None, z[:, :0])
        return solution.projection, solution.strength

    def _kernels(
        self, inputs: Tensor, part: Tensor
    ) -> Iterator[tuple[int, Tensor, Tensor, Tensor]]:
        """Each part: its number, its particles, (B, m) kernels with the kept windows, columns."""
        z = (along_bones(inputs, self.parent) - self.mean) / self.scale
        kept = self.inputs.double()
        for p in range(len(self.ridge)):
            particles = (part == p).nonzero()[:, 0]
            yield p, particles, kernel(z, kept, self.group, self._weights(p), self.form), z

    def _weights(self, p: int) -> Weights:
        return Weights(self.log_a[p].double(), self.log_b[p].double())


def inside(numbers: Tensor, count: int) -> bool:
    """Whether all are numbers of so many things."""
    return not len(numbers) or (int(numbers.min()) >= 0 and int(numbers.max()) < count)
