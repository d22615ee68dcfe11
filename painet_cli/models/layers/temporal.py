"""The axis of time steps: embeddings of a step, and convolutions over all of them."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_LONGEST_PERIOD = 10000.0  # of a time embedding, in times over 2 pi


class TimeConvolution(nn.Module):
    r"""Mixes channels wave by wave, and drops all but the slowest waves over time.

    .. math::
        y = \mathcal F^{-1} [ W_k\, (\mathcal F x)_k ]_{k < K}

    The complex product is written out for cosines and sines: its real part mixes channels, its
    imaginary part shifts in time as well.

    Parameters
    ----------
    width
        Channels.
    modes
        K, of which those up to T / 2 are kept.
    horizon
        T, steps.
    scale
        Upper bound of the first weights; the lower is zero.
    """

    def __init__(self, width: int, modes: int, horizon: int, scale: float) -> None:
        super().__init__()
        cosines, sines = (len(mode) for mode in modes_over(horizon, modes))
        self.real = nn.Parameter(scale * torch.rand(cosines, width, width))
        self.imaginary = nn.Parameter(scale * torch.rand(sines, width, width)) if sines else None

    def forward(
        self,
        x: Tensor,  # (T, ..., width)
        basis: Tensor,  # (waves, T)
    ) -> Tensor:  # (T, ..., width)
        """Filtered signal, of the same shape; `basis` is that of `waves`."""
        parts = (basis @ x.flatten(1)).view(len(basis), -1, x.shape[-1])
        cosines, sines = parts[: len(self.real)], parts[len(self.real) :]
        mixed = [F.linear(cosine, real) for cosine, real in zip(cosines, self.real, strict=True)]
        if self.imaginary is not None:
            for mode, (sine, imaginary) in enumerate(
                zip(sines, self.imaginary, strict=True), start=1
            ):
                mixed[mode] = mixed[mode] + F.linear(sine, imaginary)
                mixed.append(F.linear(sine, self.real[mode]) - F.linear(cosines[mode], imaginary))
        return (basis.t() @ torch.stack(mixed).flatten(1)).view_as(x)


def modes_over(horizon: int, modes: int) -> tuple[range, range]:
    """Which of so many modes have a cosine over T steps, and which a sine too."""
    return range(min(modes, horizon // 2 + 1)), range(1, min(modes, (horizon + 1) // 2))


def waves(
    horizon: int,
    modes: int,
    like: Tensor,
) -> Tensor:  # (waves, T)
    """Orthonormal cosines of all modes, then sines, over the steps."""
    cosines, sines = modes_over(horizon, modes)
    turn = 2 * math.pi / horizon * torch.arange(horizon, device=like.device, dtype=like.dtype)
    # made on the device: a GPU waits for numbers that come from Python
    cosine, sine = (
        torch.arange(which.start, which.stop, device=like.device, dtype=like.dtype)[:, None]
        for which in (cosines, sines)
    )
    rows = torch.cat([(cosine * turn).cos(), (sine * turn).sin()])
    return F.normalize(rows, dim=1)


def time_embeddings(
    times: Tensor,  # (T,)
    width: int,
) -> Tensor:  # (T, width)
    """Sines, then cosines of the times at geometric frequencies."""
    half = width // 2
    falling = -math.log(_LONGEST_PERIOD) / (half - 1)
    frequency = (falling * torch.arange(half, device=times.device, dtype=times.dtype)).exp()
    angle = times[:, None] * frequency
    return torch.cat([angle.sin(), angle.cos()], dim=-1)
