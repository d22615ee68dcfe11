"""A search that learns from the trials before: Optuna's, in a journal that processes share."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from painet_cli.benchmark.sweep.spec import Between, Scalar, Settings, Sweep
from painet_cli.benchmark.sweep.trials import Trial
from painet_cli.errors import RequestError
from painet_cli.storage.locks import held

JOURNAL = "optuna.jsonl"
_LONGEST_ASK_S = 60.0


class OptunaSearch:
    """Trials that Optuna's tree-structured Parzen estimator asks for.

    Parameters
    ----------
    folder
        Of the sweep, where the journal is kept.
    make
        A trial of a number and settings.

    Raises
    ------
    RequestError
        Optuna is not installed.
    """

    def __init__(self, sweep: Sweep, folder: Path, make: Callable[[int, Settings], Trial]) -> None:
        self._optuna = optuna = _import()
        self._sweep, self._folder, self._make = sweep, folder, make
        self._made: dict[int, Trial] = {}
        self._told: set[int] = set()
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        backend = optuna.storages.journal.JournalFileBackend(str(folder / JOURNAL))
        what = sweep.model_dump_json(exclude={"trials"})
        self._study = optuna.create_study(
            storage=optuna.storages.JournalStorage(backend),
            study_name=hashlib.sha256(what.encode()).hexdigest()[:8],
            load_if_exists=True,
        )

    def trials(self) -> Sequence[Trial]:
        """All that were asked for so far, by any process."""
        found = self._study.get_trials(deepcopy=False)
        return [self._trial(one.number, one.params) for one in found]

    def _trial(self, number: int, params: dict[str, Any]) -> Trial:
        if number not in self._made:
            settings = {key: _value(self._sweep, key, params[key]) for key in self._sweep.space}
            self._made[number] = self._make(number, settings)
        return self._made[number]

    def more(self) -> bool:
        """Ask for another trial; False where there are enough."""
        with held(self._folder / ".ask.lock", self._folder, wait_s=_LONGEST_ASK_S):
            count = len(self._study.get_trials(deepcopy=False))
            if count >= self._sweep.most_trials:
                return False
            # a seed of its own for each, whichever process asks
            self._study.sampler = self._optuna.samplers.TPESampler(seed=self._sweep.seed + count)
            self._study.ask(self._distributions())
        return True

    def _distributions(self) -> dict[str, Any]:
        kinds = self._optuna.distributions
        found = {}
        for key, choices in self._sweep.space.items():
            if isinstance(choices, Between):
                whole = kinds.IntDistribution if choices.whole else kinds.FloatDistribution
                found[key] = whole(choices.low, choices.high, log=choices.log)
            else:
                found[key] = kinds.CategoricalDistribution([json.dumps(one) for one in choices])
        return found

    def told(self, trial: Trial) -> None:
        """Tell Optuna what came of a trial; one without a validation has failed."""
        if trial.number in self._told:
            return
        self._told.add(trial.number)
        score, states = trial.score(), self._optuna.trial.TrialState
        self._study.tell(
            trial.number,
            score,
            state=states.FAIL if score is None else states.COMPLETE,
            skip_if_finished=True,
        )


def _value(sweep: Sweep, key: str, param: Any) -> Scalar:
    value: Scalar = param if isinstance(sweep.space[key], Between) else json.loads(param)
    return value


def _import() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise RequestError(
            "search: optuna: the package optuna is not installed",
            'install it with `pip install "painet[sweep]"`, or choose search: random',
        ) from error
    return optuna
