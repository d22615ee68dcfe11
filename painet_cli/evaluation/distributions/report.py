"""What is said of distributions: a row for each set of frames, held against a reference."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from painet_cli.storage.provenance import finite


@dataclass(frozen=True)
class Row:
    """Figures of one set of frames.

    Attributes
    ----------
    name
        Whose frames they are.
    frames, kept
        How many, and in how many nothing is broken or too close.
    figures
        By heading; None where it cannot be had.
    by_step
        A figure at each step; empty where steps mean nothing.
    """

    name: str
    frames: int
    kept: int
    figures: dict[str, float | None]
    by_step: list[float]


@dataclass(frozen=True)
class Distribution:
    """Distributions of predicted frames beside those of a reference.

    Attributes
    ----------
    kind
        `molecule` or `motion`.
    starts, steps
        S and T of the prediction.
    reference
        What the frames are held against.
    step_figure
        What `by_step` of the rows is.
    rows
        The prediction, yardsticks, the reference's second half against its first, the reference.
    notes
        What the figures are, a sentence each.
    """

    kind: str
    starts: int
    steps: int
    reference: str
    step_figure: str
    rows: tuple[Row, ...]
    notes: tuple[str, ...]

    def plain(self) -> dict[str, Any]:
        """As JSON has it; what is no number is None."""
        plain: dict[str, Any] = finite(asdict(self))
        return plain
