"""MD17: eight small molecules at 500 K, DFT (PBE+vdW-TS), a frame every 0.5 fs.

S. Chmiela et al., Science Advances 3, e1603015 (2017). The published split of the line of work the
paper follows is of the official files, known by their numbers of frames.
"""

from __future__ import annotations

import json
from importlib.resources import files

from painet_cli.data.dataset.manifest import SplitName
from painet_cli.data.sources.md_collections import Collection, Molecule
from painet_cli.data.sources.registry import DataSource, RemoteFile, Source

_MOLECULES = {
    "aspirin": Molecule("C9H8O4", 211_762),
    "benzene": Molecule("C6H6", 627_983),
    "ethanol": Molecule("C2H6O", 555_092),
    "malonaldehyde": Molecule("C3H4O2", 993_237),
    "naphthalene": Molecule("C10H8", 326_250),
    "salicylic": Molecule("C7H6O3", 320_231),
    "toluene": Molecule("C7H8", 442_790),
    "uracil": Molecule("C4H4N2O2", 133_770),
}


def _published_starts(molecule: str) -> dict[SplitName, list[int]]:
    """First 500, 2,000 and 2,000 starts of the published split."""
    path = files("painet_cli.data.sources") / "splits" / f"md17-{molecule}.json"
    starts: dict[SplitName, list[int]] = json.loads(path.read_text(encoding="utf-8"))
    return starts


def _npz(molecule: str) -> RemoteFile:
    name = f"md17_{'benzene2017' if molecule == 'benzene' else molecule}.npz"
    hosts = ("quantum-machine.org", "www.quantum-machine.org")
    return RemoteFile(
        key="npz", name=name, urls=[f"http://{host}/gdml/data/npz/{name}" for host in hosts]
    )


# The publisher gives neither hash nor size nor licence. Sizes are reckoned from the published
# numbers of frames, positions and forces in double precision.
COLLECTION = Collection(
    about=Source(
        name="md17",
        title="MD17",
        about="small molecules at 500 K, DFT molecular dynamics, 0.5 fs a frame, one file a "
        "molecule",
        licence="none stated by its publisher",
        citation="S. Chmiela, A. Tkatchenko, H. E. Sauceda, I. Poltavsky, K. T. Schütt, "
        "K.-R. Müller, Machine learning of accurate energy-conserving molecular force fields, "
        "Science Advances 3, e1603015 (2017).",
        page="http://quantum-machine.org/gdml/",
        datasets={"md17-{molecule}": "painet prepare md17 --molecule {molecule}"},
        by_hand="give it with {source}",
        size="about 80 to 440 MB a molecule",
        downloads={f"md17-{molecule}": [_npz(molecule)] for molecule in _MOLECULES},
    ),
    publisher="quantum-machine.org/gdml",
    molecules=_MOLECULES,
    frame_time_s=0.5e-15,
    delta_frames=3000,
    published=_published_starts,
)
MD17 = DataSource(COLLECTION.about, COLLECTION.prepare)
