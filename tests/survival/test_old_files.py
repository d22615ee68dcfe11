"""Files of an older painet open; those of a newer one say what to do."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open

from painet_cli import load
from painet_cli.data.dataset import manifest as manifests
from painet_cli.data.dataset.dataset import MANIFEST, open_dataset, write_dataset
from painet_cli.errors import RequestError
from painet_cli.prediction.checkpoints import shipped
from painet_cli.storage.schema_upgrades import upgraded
from painet_cli.training import checkpoint as checkpoints
from painet_cli.training.checkpoint import load_checkpoint
from painet_cli.training.run import resume_run, start_run
from painet_cli.training.run_folder import BEST
from trainings import CPU, Watcher

OLD = Path(__file__).parents[1] / "old_files"
FIRST = "385c3f14c882263a3dd2984bb2c91174fcf6cb182005ec39374012d641127c76"
"""Fingerprint of the dataset, as the painet that wrote it printed it."""


def test_every_schema_there_has_been_is_kept() -> None:
    for number in range(1, manifests.SCHEMA_VERSION):
        content = json.loads((OLD / f"dataset-v{number}" / MANIFEST).read_text())
        assert content["schema_version"] == number
        with safe_open(OLD / f"checkpoint-v{number}.safetensors", framework="pt") as file:
            assert json.loads(file.metadata()["painet"])["schema_version"] == number
    assert set(manifests.UPGRADES) == set(range(1, manifests.SCHEMA_VERSION))
    assert set(checkpoints.UPGRADES) == set(range(1, checkpoints.SCHEMA_VERSION))


@pytest.mark.parametrize("folder", sorted(OLD.glob("dataset-v*")), ids=lambda path: path.name)
def test_an_old_dataset_opens_as_what_it_was(folder: Path) -> None:
    dataset = open_dataset(folder)
    assert dataset.manifest.schema_version == manifests.SCHEMA_VERSION
    assert dataset.manifest.offset == (0.0, 0.0, 0.0)
    assert dataset.sha256 == FIRST
    assert dataset.frames.shape == (30, 4, 3)


def test_a_dataset_written_today_has_the_fingerprint_it_had_in_schema_1(tmp_path: Path) -> None:
    old = open_dataset(OLD / "dataset-v1")
    new = write_dataset(tmp_path / "chain", np.array(old.frames), old.manifest)
    assert json.loads((new.folder / MANIFEST).read_text())["schema_version"] > 1
    assert new.sha256 == FIRST


@pytest.mark.parametrize("path", sorted(OLD.glob("checkpoint-v*")), ids=lambda path: path.stem)
def test_an_old_checkpoint_still_predicts(path: Path) -> None:
    loaded = load(path, "cpu")
    assert loaded.header.schema_version == checkpoints.SCHEMA_VERSION
    assert loaded.header.dataset_sha256 == FIRST
    assert bool(loaded.header.versions) == (path.stem != "checkpoint-v1")
    assert loaded.header.structure is None
    assert all(torch.isfinite(weight).all() for weight in loaded.model.parameters())


def test_a_run_of_schema_1_is_gone_on_with(tmp_path: Path) -> None:
    header = load_checkpoint(OLD / "checkpoint-v1.safetensors")[1]
    run = start_run(header.preset, "old", OLD, tmp_path, CPU, Watcher()).run
    shutil.copyfile(OLD / "checkpoint-v1.safetensors", run / BEST)
    assert resume_run(run, OLD, CPU, Watcher(), epochs=2).epochs == 2


def test_the_shipped_checkpoints_of_schema_1_load() -> None:
    found = shipped()
    assert len(found) == 5
    assert {one.header.schema_version for one in found} == {checkpoints.SCHEMA_VERSION}


def test_a_chain_takes_every_step_in_its_turn() -> None:
    def third(content: dict[str, Any]) -> dict[str, Any]:
        return {"both": content["first"] + content["second"]}

    steps = {1: lambda content: {**content, "second": 2}, 2: third}
    for old in ({"schema_version": 1, "first": 1}, {"schema_version": 2, "first": 1, "second": 2}):
        assert upgraded(old, steps, Path("x"), "file") == {"schema_version": 3, "both": 3}
    today = {"schema_version": 3, "both": 3}
    assert upgraded(today, steps, Path("x"), "file") is today
    with pytest.raises(RequestError, match="x: file schema 4 is newer than this painet"):
        upgraded({"schema_version": 4}, steps, Path("x"), "file")
    with pytest.raises(RequestError, match="x: not a file of schema 2"):
        upgraded({"schema_version": 2}, steps, Path("x"), "file")


@pytest.mark.parametrize("content", [None, [], "text", {}, {"schema_version": "2"},
                                     {"schema_version": True}, {"schema_version": -1}])  # fmt: skip
def test_what_has_no_schema_is_left_for_its_model_to_refuse(content: Any) -> None:
    assert upgraded(content, {1: lambda one: one}, Path("x"), "file") is content


def test_a_dataset_that_is_too_new_says_upgrade(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    shutil.copytree(OLD / "dataset-v1", folder)
    content = json.loads((folder / MANIFEST).read_text())
    content["schema_version"] = manifests.SCHEMA_VERSION + 1
    (folder / MANIFEST).write_text(json.dumps(content))
    with pytest.raises(RequestError, match="is newer than this painet reads") as caught:
        open_dataset(folder)
    assert "upgrade painet" in caught.value.hint
