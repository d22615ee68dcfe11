"""What there is to choose from: models, data sources and presets, by name.

This is `painet.registry`. Listing imports no model and no other package.

>>> from painet import registry
>>> registry.models()["egnn"].package
'painet'
>>> registry.sources()["md17"].name
'md17'
>>> "mocap-run-s2s" in registry.presets()
True
"""

from __future__ import annotations

from painet_cli.config.plugins import Plugin
from painet_cli.config.presets import Preset, preset_names
from painet_cli.data.sources.registry import DataSource, find_source, registered_sources
from painet_cli.models.base import DynamicsModel
from painet_cli.models.registry import find_model, registered_models

__all__ = ["model", "models", "preset", "presets", "source", "sources"]


def models() -> dict[str, Plugin]:
    """All models by name: painet's own and those of installed packages; none is imported.

    Returns
    -------
    dict
        What a preset's `model.name` may be, and which package has it.
    """
    return registered_models()


def model(name: str) -> type[DynamicsModel]:
    """Class of a model, whose `Config` is its section in a preset.

    Raises
    ------
    RequestError
        There is none of that name, or a package it needs is missing or broken.

    Examples
    --------
    >>> from painet import registry
    >>> sorted(registry.model("egnn").Config.model_fields)
    ['hidden', 'layers', 'name', 'prior']
    """
    return find_model(name)


def sources() -> dict[str, Plugin]:
    """All data sources by name: painet's own and those of installed packages; none is imported."""
    return registered_sources()


def source(name: str) -> DataSource:
    """A data source: what is known of it, `about`, and the function that prepares it.

    Raises
    ------
    RequestError
        There is none of that name, or its package is broken.

    Examples
    --------
    >>> from painet import registry
    >>> registry.source("adk").about.licence
    'CC BY 4.0'
    """
    return find_source(name)


def presets() -> tuple[str, ...]:
    """Names of the presets that come with painet."""
    return preset_names()


def preset(name: str) -> Preset:
    """A preset that comes with painet, as `Preset.load` reads it.

    Raises
    ------
    RequestError
        There is none of that name.
    """
    return Preset.load(name)
