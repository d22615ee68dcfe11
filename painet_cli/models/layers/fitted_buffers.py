"""Buffers whose shape is known only once a model is fitted, such as a reference structure."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class FittedBuffers(nn.Module):
    """A module whose own buffers take the shapes that a checkpoint has for them."""

    def _set(self, name: str, value: Tensor) -> None:
        """Replace a buffer by values of another shape, in its own type and place."""
        setattr(self, name, value.detach().to(getattr(self, name)))

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        for name, buffer in self._buffers.items():
            saved = state_dict.get(prefix + name)
            if buffer is not None and saved is not None and saved.dim() == buffer.dim():
                setattr(
                    self, name, torch.empty_like(saved, dtype=buffer.dtype, device=buffer.device)
                )
        super()._load_from_state_dict(state_dict, prefix, *rest)
