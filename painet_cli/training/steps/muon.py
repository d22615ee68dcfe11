"""Muon: steps along the orthogonal factor of the gradient's average.

Jordan 2024 (https://kellerjordan.github.io/posts/muon/), as `torch.optim.Muon` has it. What differs
is how its products are taken: those of all matrices of one shape at once, and in float32. torch
takes them one by one in bfloat16, which processors without AVX-512 emulate, some 20 times as
slowly (docs/results-costs.md).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn


class Muon(torch.optim.Muon):
    """`torch.optim.Muon` with steps as long as AdamW's, of matrices of one shape at once.

    Parameters
    ----------
    matrices
        What to train, each (A, B).
    lr
        Learning rate.
    weight_decay
        Share of a matrix that a step takes away, times `lr`.
    """

    def __init__(self, matrices: Iterable[nn.Parameter], *, lr: float, weight_decay: float) -> None:
        super().__init__(matrices, lr=lr, weight_decay=weight_decay)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Move every matrix that has a gradient."""
        loss = None if closure is None else closure()
        for group in self.param_groups:
            alike: dict[torch.Size, list[Tensor]] = defaultdict(list)
            for matrix in group["params"]:
                if matrix.grad is not None:
                    alike[matrix.shape].append(matrix)
            for matrices in alike.values():
                self._move(matrices, group)
        return loss

    def _move(self, matrices: Sequence[Tensor], group: dict[str, Any]) -> None:
        """Move matrices (A, B) of one shape."""
        momentum, rate = group["momentum"], float(group["lr"])
        gradients = torch.stack([matrix.grad for matrix in matrices if matrix.grad is not None])
        averages = []
        for matrix, gradient in zip(matrices, gradients, strict=True):
            state = self.state[matrix]
            if "momentum_buffer" not in state:
                state["momentum_buffer"] = torch.zeros_like(matrix)
            averages.append(state["momentum_buffer"].lerp_(gradient, 1 - momentum))
        ahead = gradients.lerp(torch.stack(averages), momentum)
        steps = orthogonal(ahead, group["ns_coefficients"], group["ns_steps"], group["eps"])
        length = 0.2 * max(matrices[0].shape) ** 0.5  # a root mean square like AdamW's
        for matrix, step in zip(matrices, steps, strict=True):
            matrix.mul_(1 - rate * group["weight_decay"]).add_(step, alpha=-rate * length)


def orthogonal(
    matrices: Tensor,  # (K, A, B)
    coefficients: tuple[float, float, float],
    steps: int,
    eps: float,
) -> Tensor:  # (K, A, B)
    """Their orthogonal factors, with singular values of about 0.7 to 1.2 in place of 1.

    By Newton and Schulz's iteration with a polynomial of fifth degree in as many steps.
    """
    a, b, c = coefficients
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x / torch.linalg.matrix_norm(x, keepdim=True).clamp(min=eps)
    for _ in range(steps):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x
