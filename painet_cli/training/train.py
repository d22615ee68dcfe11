"""`train`: a preset to a run, for Python, by the functions that `painet train` calls."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field

from painet_cli.config.arguments import checked
from painet_cli.config.presets import Preset, preset_name
from painet_cli.config.schema import Settings
from painet_cli.errors import RequestError
from painet_cli.training.device import process_as_before, resolve_device
from painet_cli.training.record import RunSummary
from painet_cli.training.run import resume_run, start_run
from painet_cli.training.run_folder import run_label
from painet_cli.training.watching.callback import Callback, Callbacks
from painet_cli.training.watching.recorders import recording


@checked
def train(
    preset: str | Path | Preset | None = None,
    *,
    settings: Settings = (),
    resume: str | Path | None = None,
    epochs: int | None = None,
    budget_s: Annotated[float, Field(gt=0)] | None = None,
    data_dir: str | Path = "data",
    run_dir: str | Path = "runs",
    name: str | None = None,
    run_name: str | None = None,
    tags: Sequence[str] = (),
    device: str = "auto",
    callbacks: Sequence[Callback | str] = (),
) -> RunSummary:
    """Train a model, quietly; torch's random state and settings are afterwards as they were.

    A training that is stopped at any time keeps its last whole epoch; `train(resume=run)` goes on
    from there.

    Parameters
    ----------
    preset
        Name of a shipped preset, a YAML file, or a `Preset`.
    settings
        Changes of the preset: `{"train.lr": 1e-3, "model.name": "egnn"}`.
    resume
        Instead of a preset: the folder of a run to go on with.
    epochs
        Train so many epochs at most, instead of what the preset says.
    budget_s
        Stop after the batch with which so many seconds of training are spent.
    data_dir
        Folder of the prepared datasets.
    run_dir
        Folder of the runs; this one becomes `run_dir/NAME/STAMP`.
    name
        NAME; by default that of the preset, and of a `Preset`, which has none, `preset`. The
        paper's figure stands beside a run that has the name of its row.
    run_name, tags
        What to call the run, to find it again among others; one word each.
    device
        `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.
    callbacks
        Told when training begins, after every batch and epoch, and at the end; a name is that of a
        recorder: `tensorboard`, `wandb`, `mlflow`, or one that an installed package adds.

    Returns
    -------
    RunSummary
        The run folder, `run`, for `load` and `evaluate`, and what came of the training.

    Raises
    ------
    RequestError
        Neither or both of `preset` and `resume`; a preset that is not valid, a dataset that is not
        prepared or does not suit it, a folder that is no run or cannot be written.
    PainetError
        Training failed; the last whole epoch is in the folder.

    Examples
    --------
    >>> import tempfile, painet
    >>> folder = tempfile.mkdtemp()
    >>> sample = painet.prepare("sample", data_dir=folder)
    >>> run = painet.train(
    ...     "demo",
    ...     settings={"model.layers": 1, "model.hidden": 8, "train.batch_size": 500},
    ...     epochs=1,
    ...     data_dir=folder,
    ...     run_dir=folder,
    ...     device="cpu",
    ... )
    >>> run.epochs, run.stopped_by
    (1, 'epochs')
    """
    chosen = resolve_device(device)
    told = Callbacks([recording(one) if isinstance(one, str) else one for one in callbacks])
    if (preset is None) == (resume is None):
        raise RequestError("give either a preset or a run to resume", "registry.presets() has some")
    if preset is None or resume is not None:
        if settings or run_name or tags:
            raise RequestError(
                "settings, run_name, tags: a run that goes on keeps its preset and its name",
                "start a new run for others",
            )
        with process_as_before(chosen):
            return resume_run(
                Path(str(resume)), Path(data_dir), chosen, told, epochs=epochs, budget_s=budget_s
            )
    if isinstance(preset, Preset):
        made, own_name = preset.changed(settings) if settings else preset, "preset"
    else:
        made, own_name = Preset.load(preset, settings), preset_name(str(preset))
    if epochs is not None:
        made = made.changed({"train.epochs": epochs})
    with process_as_before(chosen):
        return start_run(
            made,
            name or own_name,
            Path(data_dir),
            Path(run_dir),
            chosen,
            told,
            budget_s,
            label=run_label(run_name, tags),
        )
