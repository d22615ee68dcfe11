from . import registry as registry
from .config.presets import Preset as Preset
from .data.batches.cut import pyg as pyg
from .data.batches.cut import windows as windows
from .data.dataset.dataset import Dataset as Dataset
from .data.sources.prepare import prepare as prepare
from .errors import PainetError as PainetError
from .errors import PluginWarning as PluginWarning
from .errors import RequestError as RequestError
from .evaluation.evaluation import Evaluation as Evaluation
from .evaluation.measuring import evaluate as evaluate
from .models.painet.model import PAINET as PAINET
from .prediction.loading import LoadedModel as LoadedModel
from .prediction.loading import load as load
from .prediction.predict import predict as predict
from .report.prediction import write_prediction as write_prediction
from .training.record import RunSummary as RunSummary
from .training.train import train as train
from .training.watching.callback import Callback as Callback

__version__: str
