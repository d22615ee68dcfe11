"""Linear maps by the faster of the two libraries PyTorch carries for its products on CPUs.

PyTorch multiplies float32 matrices on x86 by MKL, which leaves AVX-512 alone on processors that are
not Intel's; oneDNN, which PyTorch carries too, uses it, and is faster there. Everywhere else
(float64, GPUs, narrow maps, a processor without AVX-512, where oneDNN is the slower one, a PyTorch
without its operator) the maps are `F.linear`.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

_NARROW = 16  # where one side of the weight is shorter, oneDNN gains nothing


class Linear(nn.Linear):
    """`nn.Linear`, by `linear`."""

    def forward(
        self,
        x: Tensor,  # (rows, in)
    ) -> Tensor:  # (rows, out)
        """X W^T + b, (rows, out)."""
        return linear(x, self.weight, self.bias)


def linear(
    x: Tensor,  # (rows, in)
    weight: Tensor,  # (out, in)
    bias: Tensor | None = None,  # (out,)
) -> Tensor:  # (rows, out)
    """X W^T + b, (rows, out); where oneDNN takes it, it can be differentiated once."""
    if not torch.compiler.is_compiling() and _suits_onednn(x, weight):
        out: Tensor = _Linear.apply(x, weight, bias)  # type: ignore[no-untyped-call]
        return out
    return F.linear(x, weight, bias)


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        # oneDNN falls back to a loop for a slice of a matrix
        x, weight = x.contiguous(), weight.contiguous()
        ctx.save_for_backward(x, weight)
        return _product(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_out: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        d_out = d_out.contiguous()
        by_x, by_weight, by_bias = ctx.needs_input_grad
        return (
            _product(d_out, weight.t()) if by_x else None,
            d_out.t() @ x if by_weight else None,  # oneDNN would copy both to transpose them
            d_out.sum(dim=0) if by_bias else None,
        )


def two_linear(
    parts: tuple[Tensor, ...],  # (rows, some columns) each
    weight: Tensor,  # (hidden, all columns)
    bias: Tensor,  # (hidden,)
    last: Tensor,  # (out, hidden)
    last_bias: Tensor | None,  # (out,)
) -> Tensor:  # (rows, out)
    """SiLU([x, y, ...] W^T + b) U^T + c, which keeps the inputs and one row of width `hidden`."""
    on = parts[0]
    if torch.compiler.is_compiling() or torch.is_autocast_enabled(on.device.type) or on.dim() != 2:
        return F.linear(F.silu(F.linear(torch.cat(parts, dim=-1), weight, bias)), last, last_bias)
    out: Tensor = _TwoLinear.apply(weight, bias, last, last_bias, *parts)  # type: ignore[no-untyped-call]
    return out


class _TwoLinear(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        weight: Tensor,
        bias: Tensor,
        last: Tensor,
        last_bias: Tensor | None,
        *parts: Tensor,
    ) -> Tensor:
        columns = torch.split(weight, [part.shape[1] for part in parts], dim=1)
        z = _map(parts[0], columns[0], bias)
        for part, own in zip(parts[1:], columns[1:], strict=True):
            z.addmm_(part, own.t())
        ctx.save_for_backward(weight, last, z, *parts)
        return _map(F.silu(z), last, last_bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_out: Tensor) -> tuple[Tensor | None, ...]:
        weight, last, z, *parts = ctx.saved_tensors
        d_last = d_out.t() @ F.silu(z)
        # a single column is spread faster by multiplication
        d_s = d_out * last if len(last) == 1 else _map(d_out.contiguous(), last.t())
        d_z = torch.ops.aten.silu_backward(d_s, z)
        d_weight = torch.empty_like(weight)
        d_parts = []
        sizes = [part.shape[1] for part in parts]
        for part, own, d_own in zip(
            parts,
            torch.split(weight, sizes, dim=1),
            torch.split(d_weight, sizes, dim=1),
            strict=True,
        ):
            torch.mm(d_z.t(), part, out=d_own)
            d_parts.append(_map(d_z, own.t()))
        d_last_bias = d_out.sum(dim=0) if ctx.needs_input_grad[3] else None
        return d_weight, d_z.sum(dim=0), d_last, d_last_bias, *d_parts


def _map(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """X W^T + b by whichever library suits, outside of autograd."""
    if _suits_onednn(x, weight):
        dense = (
            weight if weight.is_contiguous() or weight.t().is_contiguous() else weight.contiguous()
        )
        return _product(x.contiguous(), dense, bias)
    return F.linear(x, weight, bias)


def _suits_onednn(x: Tensor, weight: Tensor) -> bool:
    wide = x.dim() == 2 and len(x) > 0 and min(weight.shape) >= _NARROW
    return wide and x.is_cpu and x.dtype is weight.dtype is torch.float32 and _use_onednn()


def _use_onednn() -> bool:
    return torch.backends.cpu.get_cpu_capability() == "AVX512" and _has_onednn()


@cache
def _has_onednn() -> bool:
    """Whether this PyTorch has the operator, which is TorchInductor's, in the form used here."""
    one = torch.ones(_NARROW, _NARROW)
    try:
        return bool(_product(one, one)[0, 0] == _NARROW)
    except (AttributeError, RuntimeError, TypeError):
        return False


def _product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """X W^T + b by oneDNN; the weight is contiguous, or the transpose of what is."""
    out: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return out
