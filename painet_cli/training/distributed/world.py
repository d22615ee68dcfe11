"""The processes that train one model together, as the training loop sees them.

Alone, the methods of a `World` do nothing; `process_group.py` has the same for many.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

import torch
from torch import Tensor, nn

from painet_cli.data.batches.batch import Batch
from painet_cli.data.batches.windows import Windows


class Share(NamedTuple):
    """One process's part of a batch."""

    batch: Batch | None
    """None where a batch has fewer windows than there are processes."""
    weight: float
    """Windows of the part by windows of the batch."""


class World:
    """The processes that train together: here, this one alone."""

    rank: int = 0
    size: int = 1

    @property
    def is_writer(self) -> bool:
        """Whether this process writes files and speaks: one of them does."""
        return self.rank == 0

    def shares(
        self, windows: Windows, batch_size: int, order: Tensor | None = None
    ) -> Iterator[Share]:
        """Parts of every batch, of windows in `order` (S,), that fall to this process."""
        return (Share(batch, 1.0) for batch in windows.batches(batch_size, order))

    def batches(self, windows: Windows, batch_size: int) -> Iterator[Batch]:
        """Parts of all windows, in their order, that fall to this process and are not empty."""
        parts = (share.batch for share in self.shares(windows, batch_size))
        return (batch for batch in parts if batch is not None)

    def all_or_none(self) -> AbstractContextManager[None]:
        """A block that ends well in all processes or raises in all of them."""
        return nullcontext()

    def averaging(self, model: nn.Module, weight: float) -> AbstractContextManager[None]:
        """A block after which gradients are those of the whole batch.

        Parameters
        ----------
        model
            The block gives its parameters the gradients of this process's part, or none.
        weight
            Of this part in the mean.
        """
        return nullcontext()

    def broadcast_weights(self, models: Iterable[nn.Module], identity: str) -> None:
        """Give all processes the weights of rank 0.

        Raises
        ------
        RequestError
            Another process was given something else to train, as `identity` tells.
        """

    def all_reduce(self, own: Tensor) -> Tensor:
        """Sums over the processes of numbers on the CPU."""
        return own

    def broadcast_number(self, own: float) -> float:
        """The number of rank 0."""
        return own

    def gather_rows(self, own: Sequence[Tensor], windows: Windows, batch_size: int) -> Tensor:
        """Rows of all windows in their order, (S, T) float64 on the CPU, each window once.

        Parameters
        ----------
        own
            (B, T) rows of each of this process's `batches` of the windows.
        """
        return torch.cat(list(own)).cpu().double()

    def broadcast_text(self, make: Callable[[], str]) -> str:
        """What rank 0 makes, in all processes."""
        return make()


SINGLE = World()
