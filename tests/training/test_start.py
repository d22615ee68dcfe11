"""A training that begins with the weights of another."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from painet_cli.config.presets import Preset
from painet_cli.data.dataset.dataset import Dataset, write_dataset
from painet_cli.errors import RequestError
from painet_cli.evaluation.evaluate import evaluate_run
from painet_cli.models.registry import build_model, system_of
from painet_cli.prediction.loading import restore
from painet_cli.training.checkpoint import load_checkpoint, read_header
from painet_cli.training.run import resume_run, start_run
from painet_cli.training.run_folder import BEST, LAST
from painet_cli.training.start import read_start, take_weights
from several import merged, three
from systems import frames_of, manifest
from trainings import CPU, Watcher

__all__ = ["three"]

MODELS = ["painet", "egnn", "egno", "mpnn", "rf", "gf-node"]


def preset(name: str = "painet", dataset: str = "chain") -> Preset:
    return Preset.model_validate(
        {
            "data": {"dataset": dataset, "horizon": 1, "delta_frames": 3, "types": ["name"]},
            "features": {"node": ["type", "speed"], "edge": ["types", "hop", "distance"]},
            "model": {"name": name, "layers": 1, "hidden": 6},
            "train": {"epochs": 1, "batch_size": 4, "eval_every": 1, "lr": 1e-3},
        }
    )


def train(folder: Path, chosen: Preset) -> Path:
    return start_run(chosen, "one", folder, folder / "runs", CPU, Watcher()).run


def on_more_types(folder: Path) -> Dataset:
    """The chain with its last particle of a type that nothing else has."""
    described = manifest()
    particles = described.particles
    names = (*particles.names[:-1], "new")
    described = described.model_copy(
        update={"name": "more", "particles": particles.model_copy(update={"names": names})}
    )
    return write_dataset(folder / "more", frames_of(described), described)


@pytest.mark.parametrize("name", MODELS)
def test_weights_are_taken_and_added_types_begin_as_the_mean_of_the_known(
    three: list[Dataset], tmp_path: Path, name: str
) -> None:
    if name == "gf-node":
        pytest.importorskip("torchdiffeq")
    run = train(tmp_path, preset(name))
    more = on_more_types(tmp_path)
    start = read_start(str(run), more.manifest)
    chosen = preset(name, "more")
    system, _ = system_of(more.manifest, chosen, start.header.type_names)
    assert system.type_names == (*start.header.type_names, "new")
    model = build_model(chosen, system)
    take_weights(model, start, system.type_names)
    old, header = restore(run / BEST, CPU)
    own, graph = system_of(three[0].manifest, chosen, header.type_names)
    assert own.type_names == header.type_names
    batch = _batch(three[0], chosen, header.type_names)
    with torch.no_grad():
        torch.testing.assert_close(model.eval()(batch), old(batch))
    assert graph.num_nodes == 4
    if name == "painet":
        widened, before = model.state_dict()["embed.weight"], start.weights["embed.weight"]
        assert torch.equal(widened[:, :4], before[:, :4])
        torch.testing.assert_close(widened[:, 4], before[:, :4].mean(dim=1))
        assert torch.equal(widened[:, 5], before[:, 4])


def test_a_model_that_takes_no_further_types_says_so(three: list[Dataset], tmp_path: Path) -> None:
    pytest.importorskip("e3nn")
    run = train(tmp_path, preset("hegnn"))
    on_more_types(tmp_path)
    chosen = preset("hegnn", "more").changed({"train.start_from": str(run)})
    with pytest.raises(RequestError, match="takes no types that it was not trained"):
        train(tmp_path, chosen)
    assert len(three) == 3


def _batch(dataset: Dataset, chosen: Preset, known: tuple[str, ...]):  # type: ignore[no-untyped-def]
    from painet_cli.evaluation.opened_run import windows_for

    return windows_for(dataset, chosen, "train", known=known).batch(torch.arange(3))


def test_a_run_that_began_from_another_keeps_where_it_began(
    three: list[Dataset], tmp_path: Path
) -> None:
    first = train(tmp_path, preset())
    on_more_types(tmp_path)
    chosen = preset(dataset="more").changed({"train.start_from": str(first), "train.lr": 1e-9})
    second = train(tmp_path, chosen)
    header, begun = read_header(second / BEST), read_header(first / BEST)
    assert header.start is not None
    assert header.start["tensors_sha256"] == begun.tensors_sha256
    assert header.start["dataset_sha256"] == three[0].sha256
    assert header.type_names == (*begun.type_names, "new")
    tensors, _ = load_checkpoint(second / BEST)
    before, _ = load_checkpoint(first / BEST)
    name = "model/features.length"
    assert torch.equal(tensors[name], before[name])
    assert evaluate_run(second, tmp_path, CPU).windows > 0


def test_a_run_that_began_from_another_is_gone_on_with(
    three: list[Dataset], tmp_path: Path
) -> None:
    first = train(tmp_path, preset())
    chosen = preset().changed({"train.start_from": str(first), "train.epochs": 2})
    whole = train(tmp_path, chosen)
    short = train(tmp_path, chosen.changed({"train.epochs": 1}))
    resume_run(short, tmp_path, CPU, Watcher(), epochs=2)
    for name, tensor in load_checkpoint(whole / LAST)[0].items():
        assert torch.equal(tensor, load_checkpoint(short / LAST)[0][name])
    assert len(three) == 3


@pytest.mark.parametrize("what", ["gone", "of another training"])
def test_a_run_is_gone_on_with_whatever_became_of_where_it_began(
    three: list[Dataset], tmp_path: Path, what: str
) -> None:
    first = train(tmp_path, preset())
    on_more_types(tmp_path)
    chosen = preset(dataset="more").changed({"train.start_from": str(first), "train.epochs": 2})
    whole = train(tmp_path, chosen)
    short = train(tmp_path, chosen.changed({"train.epochs": 1}))
    if what == "gone":
        shutil.rmtree(first)
    else:
        other = preset(dataset="ring").changed({"model.hidden": 7})
        shutil.copy(train(tmp_path, other) / BEST, first / BEST)
    resume_run(short, tmp_path, CPU, Watcher(), epochs=2)
    (expected, begun), (found, gone_on) = (load_checkpoint(run / LAST) for run in (whole, short))
    for name, tensor in expected.items():
        assert torch.equal(tensor, found[name])
    assert gone_on.start == begun.start is not None
    assert gone_on.type_names == begun.type_names
    assert len(three) == 3


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"model.hidden": 7}, "has shape"),
        ({"model.name": "linear"}, "another model"),
        ({"train.start_from": "nowhere"}, "no checkpoint here"),
    ],
)
def test_a_checkpoint_of_another_model_is_refused(
    three: list[Dataset], tmp_path: Path, settings: dict[str, object], said: str
) -> None:
    first = train(tmp_path, preset())
    chosen = preset().changed({"train.start_from": str(first)})
    if "model.name" in settings:
        chosen = chosen.model_copy(
            update={"model": Preset.load("demo", {"model.name": "linear"}).model}
        )
        settings = {}
    with pytest.raises(RequestError, match=said):
        train(tmp_path, chosen.changed(settings))
    assert len(three) == 3


def test_a_checkpoint_in_another_unit_is_refused(three: list[Dataset], tmp_path: Path) -> None:
    first = train(tmp_path, preset())
    units = three[1].manifest.units.model_copy(update={"length": "nm"})
    with pytest.raises(RequestError, match="trained in angstrom, and dataset ring is in nm"):
        read_start(str(first), three[1].manifest.model_copy(update={"units": units}))


def test_a_type_that_is_tested_and_never_trained_is_named(
    three: list[Dataset], tmp_path: Path
) -> None:
    together = merged([three[0], on_more_types(tmp_path)], tmp_path, test=["more"])
    with pytest.raises(RequestError, match="particle type new of system more is in no system"):
        train(tmp_path, preset(dataset=together.manifest.name))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"train.augment": ["mirror"]}, "train.augment knows the names of one"),
        ({"model.name": "kernel"}, "the model kernel is fitted to one"),
    ],
)
def test_what_is_for_one_system_refuses_several(
    three: list[Dataset], tmp_path: Path, settings: dict[str, object], said: str
) -> None:
    merged(three, tmp_path)
    chosen = preset(dataset="all")
    if "model.name" in settings:
        kernel = Preset.load("demo", {"model.name": "kernel", "features.frame": "body"}).model
        chosen, settings = chosen.model_copy(update={"model": kernel}), {}
    with pytest.raises(RequestError, match=said):
        train(tmp_path, chosen.changed(settings))
