"""Three small systems of unlike sizes, and datasets of them alone and together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from painet_cli.data.dataset.dataset import Dataset, write_dataset
from painet_cli.data.dataset.merge import merge_datasets
from systems import BRANCHED, CHAIN, RING, frames_of, manifest

NAMES = ["chain", "ring", "branched"]


@pytest.fixture
def three(tmp_path: Path) -> list[Dataset]:
    """A dataset of each system."""
    return [
        write_dataset(
            tmp_path / name,
            frames_of(described, seed),
            described.model_copy(update={"name": name}),
        )
        for seed, (name, described) in enumerate(
            zip(NAMES, (manifest(molecule=one) for one in (CHAIN, RING, BRANCHED)), strict=True)
        )
    ]


def merged(
    datasets: Sequence[Dataset],
    folder: Path,
    val: Sequence[str] = (),
    test: Sequence[str] = (),
) -> Dataset:
    """All of them in one dataset."""
    return merge_datasets(folder / "all", datasets, command="pytest", val=val, test=test)
