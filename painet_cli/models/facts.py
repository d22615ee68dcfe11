"""What is known of each model before it is trained: symmetries, steps, parameters, package."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from painet_cli.config.models import MODEL_CONFIGS
from painet_cli.config.presets import load_preset
from painet_cli.errors import RequestError, in_a_line
from painet_cli.models.registry import build_model, find_model, registered_models, system_spec

PRESET = "demo"
"""Parameters are counted on this preset."""


@dataclass(frozen=True)
class ModelFacts:
    """A row of `painet models`."""

    name: str
    source: str
    """Package and version; `painet` for its own."""
    steps: str | None = None
    """`one`, or `any`."""
    keeps: str | None = None
    """Motions of a system that its prediction shares; None where the model does not say."""
    parameters: int | None = None
    """Learned numbers on the preset demo; None for a closed form, which has none."""
    closed_form: bool = False
    reads_past: str | None = None
    """Whether it reads frames before the start: `never`, by the `features`, or `always`."""
    missing: str = ""
    """Why it cannot be used here; empty where it can."""


def list_models() -> list[ModelFacts]:
    """Facts of all models, those of this package first; of one that cannot be used, why."""
    return [_facts(name) for name in registered_models()]


def _facts(name: str) -> ModelFacts:
    plugin = registered_models()[name]
    source = plugin.package if plugin.package == "painet" else f"{plugin.package} {plugin.version}"
    try:
        kind, config = find_model(name), MODEL_CONFIGS[name]
        closed = kind.closed_form or config.closed_form
        count = None if closed else _count(name, one_step=config.one_step)
    except RequestError as error:
        return ModelFacts(name, source, missing=f"{error.what}; {error.hint}")
    except Exception as error:  # whatever another package's code does
        if plugin.package == "painet":
            raise
        return ModelFacts(name, source, missing=f"cannot be built ({in_a_line(error)})")
    return ModelFacts(
        name=name,
        source=source,
        steps="one" if config.one_step else "any",
        keeps=kind.keeps or None,
        parameters=count,
        closed_form=closed,
        reads_past=kind.reads_past,
    )


def _count(name: str, *, one_step: bool) -> int:
    settings = [f"model.name={name}", *(["data.horizon=1"] if one_step else [])]
    preset = load_preset(PRESET, settings)
    with torch.random.fork_rng([]):
        return build_model(preset, system_spec(preset, ("C", "H", "O"), None)).parameter_count
