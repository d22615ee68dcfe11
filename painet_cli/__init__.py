"""painet: 3D dynamics of many-body systems, predicted with energy-derived all-pair attention.

This package is the home of the code. Import its public names from `painet`, which has the same:

>>> import painet, painet_cli
>>> painet.load is painet_cli.load
True
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from painet_cli import catalogue as registry
    from painet_cli.config.presets import Preset
    from painet_cli.data.batches.windows import pyg, windows
    from painet_cli.data.dataset.dataset import Dataset
    from painet_cli.data.sources.prepare import prepare
    from painet_cli.errors import PainetError, PluginWarning, RequestError
    from painet_cli.evaluation.evaluate import Evaluation
    from painet_cli.evaluation.measuring import evaluate
    from painet_cli.models.painet.painet_module import PAINET
    from painet_cli.prediction.checkpoints import LoadedModel, load
    from painet_cli.prediction.predict import predict
    from painet_cli.training.record import RunSummary
    from painet_cli.training.train import train

__all__ = [
    "PAINET",
    "Dataset",
    "Evaluation",
    "LoadedModel",
    "PainetError",
    "PluginWarning",
    "Preset",
    "RequestError",
    "RunSummary",
    "evaluate",
    "load",
    "predict",
    "prepare",
    "pyg",
    "registry",
    "train",
    "windows",
]

_HOMES = {
    "PAINET": "painet_cli.models.painet.painet_module:PAINET",
    "Dataset": "painet_cli.data.dataset.dataset:Dataset",
    "Evaluation": "painet_cli.evaluation.evaluate:Evaluation",
    "LoadedModel": "painet_cli.prediction.checkpoints:LoadedModel",
    "PainetError": "painet_cli.errors:PainetError",
    "PluginWarning": "painet_cli.errors:PluginWarning",
    "Preset": "painet_cli.config.presets:Preset",
    "RequestError": "painet_cli.errors:RequestError",
    "RunSummary": "painet_cli.training.record:RunSummary",
    "evaluate": "painet_cli.evaluation.measuring:evaluate",
    "load": "painet_cli.prediction.checkpoints:load",
    "predict": "painet_cli.prediction.predict:predict",
    "prepare": "painet_cli.data.sources.prepare:prepare",
    "pyg": "painet_cli.data.batches.windows:pyg",
    "registry": "painet_cli.catalogue",
    "train": "painet_cli.training.train:train",
    "windows": "painet_cli.data.batches.windows:windows",
}


def lazy_names(module: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Make a module's `__getattr__`, which imports a name's home when it is first asked for.

    Importing a package, as every command does, must not take as long as torch.

    Parameters
    ----------
    module
        Name of the module.
    homes
        Where each of its names is: `package.module:attribute`, or a module.
    """

    def getattr_of(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        from pkgutil import resolve_name

        return resolve_name(homes[name])

    return getattr_of


__getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
