"""Buffers whose shape is known only once a model is fitted, such as a reference structure."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class FittedBuffers(nn.Module):
    """A module whose own buffers take the shapes that a checkpoint has for them."""

    def __init__(self) -> None:
        super().__init__()
        self.register_load_state_dict_post_hook(_hold_together)  # type: ignore[no-untyped-call]

    def unlike(self) -> str | None:
        """What of the buffers does not go together; None where all do."""
        return None

    def _set(self, name: str, value: Tensor) -> None:
        """Replace a buffer by values of another shape, in its own type and place."""
        there = value.detach().to(getattr(self, name))
        setattr(self, name, there.clone(memory_format=torch.contiguous_format))

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        for name, buffer in self._buffers.items():
            saved = state_dict.get(prefix + name)
            if buffer is not None and saved is not None and saved.dim() == buffer.dim():
                setattr(
                    self, name, torch.empty_like(saved, dtype=buffer.dtype, device=buffer.device)
                )
        super()._load_from_state_dict(state_dict, prefix, *rest)


def _hold_together(module: nn.Module, _: object) -> None:
    """Refuse a state whose shapes contradict each other, once all of it is loaded."""
    wrong = module.unlike() if isinstance(module, FittedBuffers) else None
    if wrong is not None:
        raise RuntimeError(f"{type(module).__name__}: {wrong}")
