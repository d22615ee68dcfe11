"""What tables take of a run's files, held against what they say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, model_validator


class _Trained(BaseModel):
    """What tables take of a run's record."""

    model_config = ConfigDict(strict=True)
    epochs: int
    epoch_s: float
    stopped_by: str
    peak_memory_gb: float
    memory_kind: str
    parameters: int
    device: str
    threads: int
    dataset_sha256: str


class _Measured(BaseModel):
    """What tables take of a run's evaluation."""

    model_config = ConfigDict(strict=True)
    mse: float
    f_mse: float
    a_mse: float
    step_mse: list[float]
    unit: str
    windows: int
    horizon: int
    dataset: str
    label: str
    as_published: bool
    split_kind: str
    leak: float
    time_s: float
    peak_memory_gb: float
    yardsticks: dict[str, list[float]] | None = None
    superposed_step_mse: list[float] = []
    superposed_yardsticks: dict[str, list[float]] = {}

    @model_validator(mode="after")
    def _check_steps(self) -> Self:
        for steps in (self.step_mse, *(self.yardsticks or {}).values()):
            if len(steps) != self.horizon:
                raise ValueError(f"errors of {len(steps)} steps, not of {self.horizon}")
        return self


def check_taken(record: Mapping[str, Any], evaluation: Mapping[str, Any]) -> None:
    """Refuse what is no result, whoever wrote the files.

    Raises
    ------
    ValueError
        Something that tables take is missing, or is none.
    """
    try:
        _Trained.model_validate(record)
        _Measured.model_validate(evaluation)
    except OverflowError as error:
        raise ValueError("a number beyond all") from error
