"""Pair weights by particle type: Phi and Psi of equation 9, and what keeps them lawful."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

Mapping = Literal["guaranteed", "paper", "fixed"]


class PairTables(nn.Module):
    r"""Tables of phi and psi over pairs of particle types, one of each a head.

    `guaranteed` (ours) symmetrises both tables and stacks phi on psi, so that phi > psi > 0 and
    Omega is symmetric, which equation 7 and the proof of theorem 1 ask for:

    .. math::
        \psi = s_2\,\sigma(\tfrac12 (E_\psi + E_\psi^\top)), \qquad
        \phi = \psi + s_1\,\sigma(\tfrac12 (E_\phi + E_\phi^\top))

    `paper` is equation 9 to the letter, phi = s1 sigmoid(E_phi) and psi = s2 sigmoid(E_psi);
    `fixed` sets both to one. The positive scalars s1 and s2 are learned through their logarithms.

    Parameters
    ----------
    mapping
        Which of the three.
    heads, types
        Number of heads and of particle types.
    """

    def __init__(self, mapping: Mapping, heads: int, types: int) -> None:
        super().__init__()
        self.mapping = mapping
        self.shape = (heads, types, types)
        if mapping != "fixed":
            self.phi = nn.Parameter(0.1 * torch.randn(self.shape))
            self.psi = nn.Parameter(0.1 * torch.randn(self.shape))
            self.log_scale = nn.Parameter(torch.zeros(2, heads, 1, 1))

    def forward(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """Phi and psi, (heads, types, types) each, in the dtype and on the device of `like`."""
        if self.mapping == "fixed":
            ones = like.new_ones(self.shape)
            return ones, ones
        s1, s2 = self.log_scale.exp()
        if self.mapping == "paper":
            return s1 * self.phi.sigmoid(), s2 * self.psi.sigmoid()
        psi = s2 * _symmetric(self.psi).sigmoid()
        return psi + s1 * _symmetric(self.phi).sigmoid(), psi


def _symmetric(table: Tensor) -> Tensor:
    return 0.5 * (table + table.transpose(-1, -2))
