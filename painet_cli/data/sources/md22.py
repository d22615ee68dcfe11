"""MD22: seven molecules of 42 to 370 atoms at 400 to 500 K, DFT (PBE+MBD), a frame every 1 fs.

S. Chmiela et al., Science Advances 9, eadf0873 (2023): "sampled at temperatures between 400 K and
500 K at a resolution of 1 fs" (quoted with the data by ColabFit); numbers of frames as NequIP lists
them. No split for the prediction of trajectories has been published.
"""

from __future__ import annotations

from painet_cli.data.sources.md_collections import Collection, Molecule
from painet_cli.data.sources.registry import DataSource, RemoteFile, Source

_MOLECULES = {
    "Ac-Ala3-NHMe": Molecule("C12H22N4O4", 85_109),
    "DHA": Molecule("C22H32O2", 69_753),
    "stachyose": Molecule("C24H42O21", 27_272),
    "AT-AT": Molecule("C20H22N14O4", 20_001),
    "AT-AT-CG-CG": Molecule("C38H42N30O8", 10_153),
    "buckyball-catcher": Molecule("C120H28", 6_102),
    "double-walled_nanotube": Molecule("C326H44", 5_032),
}
_URL = "http://www.quantum-machine.org/gdml/repo/datasets"


def _npz(molecule: str) -> RemoteFile:
    name = f"md22_{molecule}.npz"
    return RemoteFile(key="npz", name=name, urls=[f"{_URL}/{name}"])


# The publisher gives neither hash nor size nor licence; see md17.py.
COLLECTION = Collection(
    about=Source(
        name="md22",
        title="MD22",
        about="larger molecules of 42 to 370 atoms, DFT molecular dynamics, one file a molecule",
        licence="none stated by its publisher",
        citation="S. Chmiela, V. Vassilev-Galindo, O. T. Unke, A. Kabylda, H. E. Sauceda, "
        "A. Tkatchenko, K.-R. Müller, Accurate global machine learning force fields for molecules "
        "with hundreds of atoms, Science Advances 9, eadf0873 (2023).",
        page="http://quantum-machine.org/gdml/",
        datasets={"md22-{molecule}": "painet prepare md22 --molecule {molecule}"},
        by_hand="give it with {source}",
        size="about 40 to 190 MB a molecule",
        downloads={f"md22-{molecule}": [_npz(molecule)] for molecule in _MOLECULES},
    ),
    publisher="quantum-machine.org/gdml",
    molecules=_MOLECULES,
    frame_time_s=1e-15,
    # 0.5 ps: the shortest trajectory, 5,032 frames, then has 306 windows for validation and test
    delta_frames=500,
)
MD22 = DataSource(COLLECTION.about, COLLECTION.prepare)
