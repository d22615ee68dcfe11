"""The trajectory that comes with the package: ethanol, simulated by `scripts/make_sample.py`."""

from __future__ import annotations

from importlib.resources import files

import numpy as np

from painet_cli.data.dataset.dataset import Dataset, write_dataset
from painet_cli.data.dataset.manifest import (
    Manifest,
    Origin,
    Segment,
    SplitName,
    Units,
)
from painet_cli.data.dataset.splits import block_split
from painet_cli.data.particles.bonds import covalent_bonds
from painet_cli.data.particles.elements import atoms, symbol
from painet_cli.data.sources.registry import DataSource, Destination, Source

DELTA_FRAMES = 200
"""100 fs, in which the bonds vibrate several times and the molecule bends."""
WINDOWS: dict[SplitName, int] = {"train": 500, "val": 200, "test": 400}
SEED = 1


def prepare_sample(to: Destination) -> Dataset:
    """Write the embedded trajectory as the dataset `sample`.

    Raises
    ------
    RequestError
        The folder exists and `to.force` is false, or cannot be written.
    """
    folder = to.folder("sample")
    with (
        files("painet_cli.data.sources")
        .joinpath("sample_files", "ethanol_xtb.npz")
        .open("rb") as file,
        np.load(file, allow_pickle=False) as archive,
    ):
        frames, numbers, theory = archive["R"], archive["z"].tolist(), str(archive["theory"])
    segments = (Segment(name="ethanol", start=0, length=len(frames)),)
    manifest = Manifest(
        name=folder.name,
        origin=Origin(
            source="scripts/make_sample.py of painet's repository",
            licence="MIT",
            citation=(
                "GFN2-xTB: C. Bannwarth, S. Ehlert, S. Grimme, J. Chem. Theory Comput. 15, "
                "1652 (2019), doi:10.1021/acs.jctc.8b01176; ASE: A. H. Larsen et al., "
                "J. Phys.: Condens. Matter 29, 273002 (2017), doi:10.1088/1361-648X/aa680e"
            ),
            prepared_by=to.command,
            notes=f"Simulated ethanol at MD17's conditions, not MD17's own frames: {theory}.",
        ),
        units=Units(length="angstrom", length_in_metres=1e-10, frame_time_s=0.5e-15),
        particles=atoms(numbers, covalent_bonds(frames[0], [symbol(number) for number in numbers])),
        segments=segments,
        split=block_split(segments, DELTA_FRAMES, WINDOWS, seed=SEED),
    )
    return write_dataset(folder, frames, manifest, force=to.force)


SAMPLE = DataSource(
    Source(
        name="sample",
        title="Sample",
        about="a short run of ethanol that painet's own script simulated and the package holds",
        licence="MIT, as painet",
        citation="painet.",
        datasets={"sample": "painet prepare sample"},
    ),
    prepare_sample,
)
