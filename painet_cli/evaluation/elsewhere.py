"""A model on other windows than those of its own test: other times, or another dataset."""

from __future__ import annotations

from painet_cli.config.presets import Preset
from painet_cli.data.batches.spacing import frame_times_of
from painet_cli.data.dataset.dataset import Dataset
from painet_cli.data.units import same_time, time_text
from painet_cli.errors import RequestError, option
from painet_cli.models.registry import system_of
from painet_cli.prediction.matching import MisfitError, check_up
from painet_cli.training.checkpoint import Header


def narrowed(preset: Preset, delta_time: tuple[str, str]) -> Preset:
    """Preset with windows of these times, which must be among those it has."""
    trained, narrowed = frame_times_of(preset.data), preset.changed({"data.delta_time": delta_time})
    asked = frame_times_of(narrowed.data)
    if trained is None or asked is None:
        raise RequestError(
            f"{option('delta_time')}: it was trained on the dataset's own time between frames",
            "train with data.delta_time",
        )
    if asked.shortest not in trained or asked.longest not in trained:
        raise RequestError(
            f"{option('delta_time')}: {asked}, but it was trained on {trained}",
            "choose times in that range",
        )
    return narrowed


def check_known(dataset: Dataset, header: Header) -> None:
    """Refuse a dataset that a model does not suit: types, unit, height, time between frames."""
    system, _ = system_of(dataset.manifest, header.preset, header.type_names)
    unknown = system.type_names[len(header.type_names) :]
    if unknown:
        raise RequestError(
            f"dataset {dataset.manifest.name}: particle type {unknown[0]} is unknown to the model",
            f"it knows {', '.join(header.type_names)}",
        )
    if dataset.manifest.units.length != header.units.length:
        raise RequestError(
            f"dataset {dataset.manifest.name} is in {dataset.manifest.units.length}, the model in "
            f"{header.units.length}",
            "measure it on a dataset in its unit",
        )
    try:
        check_up(header, dataset.manifest.up_axis)
    except MisfitError as error:
        raise RequestError(f"dataset {dataset.manifest.name} does not fit: {error.what}") from error
    apart_s, trained_s = dataset.manifest.units.frame_time_s, header.units.frame_time_s
    of_any_time = frame_times_of(header.preset.data) is not None
    if not (of_any_time or same_time(apart_s, trained_s)):
        raise RequestError(
            f"dataset {dataset.manifest.name}: its frames are {time_text(apart_s)} apart, and the "
            f"model was trained on {time_text(trained_s)}",
            "train with data.delta_time, or measure it on a dataset of its time",
        )
