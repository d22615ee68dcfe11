"""The section of a preset that makes one model of several runs."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from painet_cli.config.model_table import ModelConfig, Strict


class StackMember(Strict):
    """A run whose model is a member of a stack."""

    run: str
    """Its run folder or checkpoint file; read once, as the stack is fitted."""
    preset: Annotated[dict[str, Any], Field(default_factory=dict)]
    """Its preset, filled in from its checkpoint."""


def _by_its_run(value: Any) -> Any:
    return {"run": value} if isinstance(value, str) else value


class StackConfig(ModelConfig):
    """The weighted mean of the predictions of other runs, weights chosen on validation windows."""

    closed_form: ClassVar[bool] = True
    of_runs: ClassVar[bool] = True

    name: Literal["stack"] = "stack"
    members: Annotated[
        tuple[Annotated[StackMember, BeforeValidator(_by_its_run)], ...], Field(max_length=16)
    ] = ()
    """Run folders or checkpoint files, `[runs/a/STAMP, runs/b/STAMP]`: of the same dataset and
    windows, each of any model."""
    by_step: bool = False
    """Weights of their own for every step; else one set for all."""
