"""Channels of vectors and scalars side by side, and the linear maps that commute with rotations.

Normalised as e3nn's `Linear` and `FullyConnectedTensorProduct` of `1o` and `0e` (Geiger and Smidt
2022, https://arxiv.org/abs/2207.09453), whose products of two vectors that are vectors again, or
tensors, are left out as there.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn


class Channels(NamedTuple):
    """Vectors (..., c, 3) and scalars (..., s)."""

    vectors: Tensor
    scalars: Tensor

    def flat(self) -> Tensor:
        """(..., 3 c + s), the vectors first."""
        return torch.cat([self.vectors.flatten(-2), self.scalars], dim=-1)


class ByKind(nn.Module):
    """Vectors from vectors and scalars from scalars: a linear map that commutes with rotations.

    Parameters
    ----------
    given, wanted
        Vectors and scalars that come in and go out.
    """

    def __init__(self, given: tuple[int, int], wanted: tuple[int, int]) -> None:
        super().__init__()
        self.vectors = nn.Parameter(torch.randn(given[0], wanted[0]))
        self.scalars = nn.Parameter(torch.randn(given[1], wanted[1]))

    def forward(self, x: Channels) -> Channels:
        """Channels after the map."""
        vectors = x.vectors.transpose(-1, -2) @ self.vectors / math.sqrt(len(self.vectors))
        scalars = x.scalars @ self.scalars / math.sqrt(len(self.scalars))
        return Channels(vectors.transpose(-1, -2), scalars)


class Product(nn.Module):
    """Every channel of x times every channel of y, as far as the result is a vector or a scalar.

    Parameters
    ----------
    vectors, scalars
        Of x, of y and of the result.
    """

    def __init__(self, vectors: int, scalars: int) -> None:
        super().__init__()
        c, s = vectors, scalars
        self.dots = nn.Parameter(torch.randn(c, c, s))
        self.scaled_x = nn.Parameter(torch.randn(c, s, c))
        self.scaled_y = nn.Parameter(torch.randn(s, c, c))
        self.products = nn.Parameter(torch.randn(s, s, s))
        self.scalar_size = 1 / math.sqrt(c * c + s * s)
        self.vector_size = 1 / math.sqrt(2 * c * s)

    def forward(self, x: Channels, y: Channels) -> Channels:
        """Products, (..., c, 3) and (..., s)."""
        dots = x.vectors @ y.vectors.transpose(-1, -2) / math.sqrt(3)
        pairs = x.scalars[..., :, None] * y.scalars[..., None, :]
        scalars = dots.flatten(-2) @ self.dots.flatten(0, 1)
        scalars = scalars + pairs.flatten(-2) @ self.products.flatten(0, 1)
        # contract the scalars with the table first: a (c, c) map of the vectors an atom
        by_y = torch.einsum("...j,ijk->...ik", y.scalars, self.scaled_x)
        by_x = torch.einsum("...i,ijk->...jk", x.scalars, self.scaled_y)
        vectors = by_y.transpose(-1, -2) @ x.vectors + by_x.transpose(-1, -2) @ y.vectors
        return Channels(vectors * self.vector_size, scalars * self.scalar_size)
