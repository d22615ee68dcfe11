"""Dropout that draws four numbers at a time."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

_BITS = 16


def dropped(rows: Tensor, share: float) -> Tensor:
    """The same with a share of the entries nought, and the others larger to make up for it.

    On a CPU every 64-bit word that is drawn decides on four entries, so that `share` is kept to
    1e-5; torch draws a number an entry, which takes several times as long.
    """
    if rows.device.type != "cpu":
        return F.dropout(rows, share)
    words = torch.empty(-(-rows.numel() * _BITS // 64), dtype=torch.int64).random_(-(2**63), None)
    drawn = words.view(torch.int16)[: rows.numel()].view(rows.shape)
    kept = drawn >= round(share * 2**_BITS) - 2 ** (_BITS - 1)
    factors: Tensor = kept.to(rows.dtype) / (1 - share)
    return rows * factors
