"""The configuration of a model, chosen by its `name`: one of painet's own or of another package.

A preset's `model` may be of any class in one table: those of this package and those that installed
packages add. A model's module is imported when a preset first names it, and torch with it; only the
configurations of the models that came first are known without.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any, ClassVar, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    SerializerFunctionWrapHandler,
    model_serializer,
)
from pydantic_core import CoreSchema, PydanticCustomError, PydanticKnownError, core_schema
from pydantic_core.core_schema import ValidationInfo

from painet_cli.config.plugins import MODELS, Plugin, plugins, warn
from painet_cli.errors import RequestError

OWN = {
    "painet": "painet_cli.models.painet.model:PAINET",
    "linear": "painet_cli.models.baselines.straight_line:StraightLine",
    "rf": "painet_cli.models.baselines.radial_field:RadialField",
    "mpnn": "painet_cli.models.baselines.mpnn:Mpnn",
    "egnn": "painet_cli.models.baselines.egnn:Egnn",
    "egno": "painet_cli.models.baselines.egno:Egno",
    "hegnn": "painet_cli.models.baselines.hegnn:Hegnn",
    "gf-node": "painet_cli.models.baselines.gf_node:GfNode",
    "kernel": "painet_cli.models.kernel.model:Kernel",
    "atom": "painet_cli.models.baselines.atom:Atom",
    "stack": "painet_cli.models.stack:Stack",
}
"""Models of this package: a new one is one file, with its `Config`, and one line here."""


Prior = Literal["still", "straight", "past", "kernel"]


class Strict(BaseModel):
    """A section of a preset: unknown keys are refused, values never change after loading."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False
    )


class ModelConfig(Strict):
    """Configuration of a model, the base of every model's own.

    A subclass gives `name` its one value, `name: Literal["spring"] = "spring"`, and adds the
    model's fields, each with a default and a docstring, which becomes its description.

    Attributes
    ----------
    one_step
        Whether the model can predict a single target only.
    closed_form
        Whether it is fitted in one go: it has no training step, and predicts its own system alone.
    of_runs
        Whether it is made of runs, and says nothing without them: no benchmark trains it by name.
    """

    one_step: ClassVar[bool] = False
    closed_form: ClassVar[bool] = False
    of_runs: ClassVar[bool] = False

    name: str
    """Which model; the other keys of this section are that model's own."""
    prior: Prior | None = None
    """What is predicted without the network, which learns the rest: that the system is `still`,
    moves `straight` on, stays at the mean of its start and its `past` (`data.history` frames), or
    what a `kernel` predicts that has not seen the window's recording. null: the model begins as it
    is made."""

    @model_serializer(mode="wrap")
    def _as_before(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Say nothing of a prior that is not there, as presets and checkpoints did before."""
        values: dict[str, Any] = handler(self)
        return {k: value for k, value in values.items() if k != "prior" or value is not None}


class ModelTable:
    """Configurations of all models by name; annotates a field that may hold any of them.

    Parameters
    ----------
    ready
        Those that are known without importing their models.
    """

    def __init__(self, *ready: type[ModelConfig]) -> None:
        self.ready = {str(config.model_fields["name"].default): config for config in ready}

    def registered(self) -> dict[str, Plugin]:
        """All models by name, those of this package first; none is imported."""
        return {**self.own(), **plugins(MODELS, OWN)}

    def own(self) -> dict[str, Plugin]:
        """Models of this package by name: no other package is looked for."""
        here = version("painet")
        return {name: Plugin(MODELS, name, at, "painet", here) for name, at in OWN.items()}

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and (name in OWN or name in self.registered())

    def __getitem__(self, name: str) -> type[ModelConfig]:
        """Configuration class of a model.

        Raises
        ------
        KeyError
            There is no model of that name.
        RequestError
            It is another package's, and that cannot be used.
        """
        if name in self.ready:
            return self.ready[name]
        plugin = self.registered()[name]
        kind = plugin.load()
        config = getattr(kind, "Config", None)
        if not (isinstance(config, type) and issubclass(config, ModelConfig)):
            raise plugin.broken("its class has no `Config`, a subclass of ModelConfig")
        if config.model_fields["name"].default != name:
            raise plugin.broken(f"the `name` of its Config is not {name}")
        if config.closed_form != getattr(kind, "closed_form", False):
            raise plugin.broken("`closed_form` of the class and of its Config differ")
        return config

    def usable(self) -> dict[str, type[ModelConfig]]:
        """Configuration classes of all models.

        Warns
        -----
        PluginWarning
            One of another package cannot be used, and is left out.
        """
        found = {}
        for name in self.registered():
            try:
                found[name] = self[name]
            except RequestError as error:
                warn(error.what)
        return found

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(self._validated)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        known = self.usable().items()
        choices = {name: config.__pydantic_core_schema__ for name, config in known}
        return handler(core_schema.tagged_union_schema(choices, "name"))

    def _validated(self, value: object, info: ValidationInfo) -> ModelConfig:
        """Check a section by the class that its `name` chooses, as pydantic's unions would."""
        if isinstance(value, ModelConfig):
            return value
        if not isinstance(value, dict):
            raise PydanticCustomError("model_type", "Input should be an object")
        if "name" not in value:
            raise PydanticKnownError("union_tag_not_found", {"discriminator": "'name'"})
        name = value["name"]
        if name not in self:
            expected = ", ".join(f"'{known}'" for known in self.registered())
            context = {"discriminator": "'name'", "tag": str(name), "expected_tags": expected}
            raise PydanticKnownError("union_tag_invalid", context)
        if info.mode == "json":  # a preset file, which is read strictly: no "3" for 3
            return self[name].model_validate_json(json.dumps(value), strict=True)
        return self[name].model_validate(value)
