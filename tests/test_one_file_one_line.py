"""A model is one file and one line, a source is one file and one line: all else follows."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import painet
from painet import Preset, registry
from painet_cli.benchmark.scaling import choose_forms
from painet_cli.benchmark.scaling_plots import look
from painet_cli.config import model_table
from painet_cli.config.presets import preset_schema
from painet_cli.data.sources import registry as sources
from painet_cli.testing import Kit, checks
from typed import Say

MODEL = '''
"""Straight on, at a speed of its own."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from painet_cli.config.model_table import ModelConfig
from painet_cli.config.presets import Preset
from painet_cli.data.batches.batch import Batch
from painet_cli.models.base import DynamicsModel, SystemSpec


class DriftConfig(ModelConfig):
    """Straight on."""

    name: Literal["drift"] = "drift"
    speed: float = 0.5
    """Times the speed of the start."""


class Drift(DynamicsModel):
    Config = DriftConfig

    def __init__(self, speed: float, horizon: int) -> None:
        super().__init__()
        self.horizon = horizon
        self.times = nn.Parameter(torch.full((horizon,), speed))

    @classmethod
    def build(cls, config: DriftConfig, preset: Preset, system: SystemSpec) -> Drift:
        return cls(config.speed, preset.data.horizon)

    def forward(self, batch: Batch) -> Tensor:
        return batch.positions + self.times[:, None, None] * batch.velocities
'''

SOURCE = '''
"""A lattice that shakes."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from painet_cli.data.dataset.dataset import Dataset, write_dataset
from painet_cli.data.dataset.manifest import Manifest, Origin, Segment, Units
from painet_cli.data.dataset.splits import block_split
from painet_cli.data.particles.bonds import bonds_within
from painet_cli.data.particles.particles import Particles
from painet_cli.data.sources.registry import DataSource, Destination, Source


def prepare_lattice(
    to: Destination, *, side: Annotated[int, "Particles along an edge.", Field(ge=2)] = 2
) -> Dataset:
    """Write a lattice of side**3 particles."""
    folder = to.folder("lattice")
    places = np.stack(np.meshgrid(*[np.arange(side)] * 3), axis=-1).reshape(-1, 3)
    frames = places + np.random.default_rng(0).normal(0, 0.01, (80, side**3, 3))
    segments = (Segment(name="all", start=0, length=80),)
    manifest = Manifest(
        name=folder.name,
        origin=Origin(source="made", licence="MIT", citation="none", prepared_by=to.command),
        units=Units(length="angstrom", length_in_metres=1e-10, frame_time_s=1e-15),
        particles=Particles(
            names=tuple(f"p{k}" for k in range(side**3)),
            types=(0,) * side**3,
            type_names=("p",),
            bonds=bonds_within(places.astype(float), 1.1),
        ),
        segments=segments,
        split=block_split(segments, 5, None, seed=1),
    )
    return write_dataset(folder, frames.astype(np.float32), manifest, force=to.force)


LATTICE = DataSource(
    Source(
        name="lattice",
        title="Lattice",
        about="a cube of particles that shake",
        licence="MIT",
        citation="none",
        datasets={"lattice": "painet prepare lattice"},
    ),
    prepare_lattice,
)
'''


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One file each, and the one line that names it."""
    package = tmp_path / "site"
    package.mkdir()
    (package / "drift_model.py").write_text(MODEL, encoding="utf-8")
    (package / "lattice_source.py").write_text(SOURCE, encoding="utf-8")
    monkeypatch.syspath_prepend(package)
    monkeypatch.setitem(model_table.OWN, "drift", "drift_model:Drift")
    monkeypatch.setitem(sources.OWN, "lattice", "lattice_source:LATTICE")
    sources.own_sources.cache_clear()
    yield
    sources.own_sources.cache_clear()
    for module in ("drift_model", "lattice_source"):
        sys.modules.pop(module, None)


def test_a_model_is_one_file_and_one_line(
    added: None, data_dir: Path, tmp_path: Path, say: Say
) -> None:
    assert registry.models()["drift"].package == "painet"
    status, out, _ = say("presets", "show", "demo", "--set", "model.name=drift")
    assert status == 0 and "speed: 0.5" in out
    assert "DriftConfig" in preset_schema()["$defs"]
    with pytest.raises(painet.RequestError, match=r"did you mean model\.speed"):
        Preset.load("demo", ["model.name=drift", "model.sped=2"])
    run = painet.train(
        "demo",
        settings={"model.name": "drift"},
        epochs=1,
        data_dir=data_dir,
        run_dir=tmp_path / "runs",
        device="cpu",
    ).run
    assert painet.evaluate(run, data_dir=data_dir, device="cpu").model == "drift"
    assert type(painet.load(run).model).__name__ == "Drift"
    for check in checks("drift", Kit(reads_features=False)):
        check()


def test_the_benchmarks_take_it_up(added: None) -> None:
    assert choose_forms("drift,egnn") == ["drift", "egnn"]
    assert "drift" in choose_forms(None)
    looks = [look(form) for form in choose_forms(None)]
    assert len({*looks}) == len(looks)


def test_a_source_is_one_file_and_one_line(added: None, tmp_path: Path, say: Say) -> None:
    status, out, _ = say("prepare", "lattice", "--help")
    assert status == 0
    assert "--side" in out and "Particles along an edge." in out and "[default: 2]" in out
    assert "a cube of particles that shake" in " ".join(say("prepare", "--help")[1].split())
    listed = say("prepare", "--list")[1]
    assert "painet prepare lattice" in listed and "a cube of particles" in listed
    assert say("prepare", "lattice", "--side", 1)[0] == 2
    assert say("prepare", "lattice", "--side", 3, "--data-dir", tmp_path / "a")[0] == 0
    made = painet.prepare("lattice", side=3, data_dir=tmp_path / "b")
    assert made.sha256 == painet.Dataset.open(tmp_path / "a" / "lattice").sha256
    with pytest.raises(painet.RequestError, match=r"side=1: not allowed\nit should be greater"):
        painet.prepare("lattice", side=1, data_dir=tmp_path / "c")
    with pytest.raises(painet.RequestError, match="did you mean side"):
        painet.prepare("lattice", sides=3, data_dir=tmp_path / "c")
