from . import registry as registry
from .config.presets import Preset as Preset
from .data.batches.windows import pyg as pyg
from .data.batches.windows import windows as windows
from .data.dataset.dataset import Dataset as Dataset
from .data.sources.prepare import prepare as prepare
from .errors import PainetError as PainetError
from .errors import PluginWarning as PluginWarning
from .errors import RequestError as RequestError
from .evaluation.evaluate import Evaluation as Evaluation
from .evaluation.measuring import evaluate as evaluate
from .models.painet.model import PAINET as PAINET
from .prediction.checkpoints import LoadedModel as LoadedModel
from .prediction.checkpoints import load as load
from .prediction.predict import predict as predict
from .training.record import RunSummary as RunSummary
from .training.train import train as train

__all__: list[str]
