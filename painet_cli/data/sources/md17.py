"""MD17: eight small molecules at 500 K, DFT (PBE+vdW-TS), a frame every 0.5 fs.

S. Chmiela et al., Science Advances 3, e1603015 (2017). The published split of the line of work the
paper follows is of the official files, known by their numbers of frames.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files

from painet_cli.data.dataset.manifest import SplitName
from painet_cli.data.sources.md_collections import Collection, Molecule

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


class _PublishedStarts(Mapping[str, Mapping[SplitName, Sequence[int]]]):
    """First 500, 2,000 and 2,000 starts of the published split, read when asked for."""

    def __getitem__(self, molecule: str) -> dict[SplitName, list[int]]:
        if molecule not in _MOLECULES:
            raise KeyError(molecule)
        path = files("painet_cli.data.sources") / "splits" / f"md17-{molecule}.json"
        starts: dict[SplitName, list[int]] = json.loads(path.read_text(encoding="utf-8"))
        return starts

    def __iter__(self) -> Iterator[str]:
        return iter(_MOLECULES)

    def __len__(self) -> int:
        return len(_MOLECULES)


MD17 = Collection(
    name="MD17",
    molecules=_MOLECULES,
    frame_time_s=0.5e-15,
    delta_frames=3000,
    source="MD17, quantum-machine.org/gdml",
    licence="none stated by its publisher",
    citation="S. Chmiela, A. Tkatchenko, H. E. Sauceda, I. Poltavsky, K. T. Schütt, K.-R. Müller, "
    "Machine learning of accurate energy-conserving molecular force fields, "
    "Science Advances 3, e1603015 (2017)",
    published=_PublishedStarts(),
)
