"""What training windows are seen as besides what they are: symmetries of the system, and noise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from painet_cli.config.presets import Preset
from painet_cli.data.batches.batch import Batch
from painet_cli.data.batches.symmetries import (
    Symmetries,
    mirror_symmetry,
    molecular_symmetries,
)
from painet_cli.data.batches.windows import Windows
from painet_cli.data.dataset.dataset import Dataset
from painet_cli.errors import RequestError


def generator_of(seed: Sequence[int]) -> torch.Generator:
    """A generator, on the CPU, that depends on these numbers alone."""
    key = np.random.SeedSequence(seed).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(key) >> 1)


@dataclass(frozen=True, eq=False)
class AllWindows:
    """Windows as batches that can be gone through again, under each symmetry if there are any."""

    windows: Windows
    batch_size: int
    symmetries: Symmetries | None = None

    def __iter__(self) -> Iterator[Batch]:
        for batch in self.windows.batches(self.batch_size):
            yield from (batch,) if self.symmetries is None else self.symmetries.all_of(batch)


@dataclass(frozen=True, eq=False)
class Augmentation:
    """How training windows are changed before they are learned from.

    Attributes
    ----------
    symmetries
        One of them, at random, is put to each window.
    noise
        Spread of normal noise on what is read, in root mean square velocities of the batch.
    """

    symmetries: Symmetries | None = None
    noise: float = 0.0

    def all_of(self, windows: Windows, batch_size: int) -> AllWindows:
        """All windows under all symmetries, without noise, for a model that is fitted."""
        return AllWindows(windows, batch_size, self.symmetries)

    def one_of(self, batch: Batch, seed: Sequence[int]) -> Batch:
        """A batch as it is seen once; what it is seen as depends on the seed alone."""
        if self.symmetries is None and not self.noise:
            return batch
        generator = generator_of(seed)
        if self.symmetries is not None:
            systems = batch.graph.num_systems
            which = torch.randint(len(self.symmetries), (systems,), generator=generator)
            batch = self.symmetries.applied(batch, which)
        return self._noisy(batch, generator) if self.noise else batch

    def _noisy(self, batch: Batch, generator: torch.Generator) -> Batch:
        size = self.noise * batch.velocities.square().mean().sqrt()

        def shaken(values: Tensor) -> Tensor:
            noise = torch.randn(values.shape, generator=generator)
            return values + size * noise.to(values)

        past = None if batch.past is None else shaken(batch.past)
        x, v = shaken(batch.positions), shaken(batch.velocities)
        return replace(batch, positions=x, velocities=v, past=past)


def augmentation_of(preset: Preset, dataset: Dataset) -> Augmentation:
    """What a preset asks for, on a dataset.

    Raises
    ------
    RequestError
        A mirror is asked for, and the particles have no left and right; or both it and the
        symmetries of a molecule, or these are too many, or differ by segment; or noise, of a model
        that is fitted.
    """
    asked, manifest = set(preset.train.augment), dataset.manifest
    noise, model = preset.train.noise, preset.model
    if noise and model.closed_form:
        raise RequestError(
            f"train.noise={noise:g}: {model.name} is fitted to windows as they are",
            "set train.noise=0, or choose another model",
        )
    if len(asked) > 1:
        raise RequestError(
            "train.augment: both `mirror` and `symmetry`",
            "mirror is for bodies, symmetry for atoms",
        )
    symmetries = None
    if "mirror" in asked:
        symmetries = mirror_symmetry(manifest)
    if "symmetry" in asked:
        if any(segment.types is not None for segment in manifest.segments):
            raise RequestError(
                "train.augment: `symmetry`: which particles are equal differs by segment",
                "leave it out of train.augment",
            )
        particles = manifest.particles
        kinds = particles.elements or particles.types
        start = np.asarray(dataset.frames[dataset.starts("train")[0]])
        symmetries = molecular_symmetries(start, kinds, particles.bonds)
    return Augmentation(symmetries, noise)
