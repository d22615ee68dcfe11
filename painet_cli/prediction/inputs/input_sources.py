"""Molecules in npz, recorded motion and prepared datasets, as inputs of a prediction."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from MDAnalysis import Universe
from numpy.typing import NDArray

from painet_cli.data.dataset.dataset import MANIFEST, open_dataset
from painet_cli.data.dataset.manifest import Particles
from painet_cli.data.formats.acclaim import read_asf, read_motion
from painet_cli.data.formats.md17_npz import read_headers
from painet_cli.data.particles.bonds import bonds_within
from painet_cli.data.particles.elements import LONGEST_BOND, atoms
from painet_cli.data.particles.origin import kept_digits
from painet_cli.data.particles.residues import residue_starts
from painet_cli.data.sources.mocap import FRAME_TIME_S
from painet_cli.data.trajectories.topology import select
from painet_cli.errors import RequestError, option
from painet_cli.prediction.inputs.molecule import check_several, heavy_places
from painet_cli.prediction.inputs.source import HEAVY, Selected, Source

_SCHEMA = "expected MD17's schema: R (frames, atoms, 3) in angstrom and z (atoms,)"
_HEAVIEST = 118


class _ParticleSource(Source):
    """A source whose particles are described whole, and selected from there."""

    particles: Particles
    first: NDArray[np.floating]

    def select(self, language: str) -> Selected:
        """Choose particles; see `Source.select`."""
        count = len(self.particles.names)
        if language == "all":
            return Selected(language, self.particles, np.arange(count))
        if language == HEAVY:
            indices = heavy_places(self.particles.elements, count, self.path)
        else:
            indices = select(_universe(self.particles, self.first), language, self.path).indices
        check_several(f"{option('select', language)} in {self.path}", len(indices))
        return Selected(language, subset(self.particles, indices), indices)


class NpzSource(_ParticleSource):
    """A molecule in MD17's npz schema, read in pieces; it does not say the time of a frame."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise RequestError(f"{path}: no such file", "check the path")
        members = read_headers(path)
        if "R" not in members or "z" not in members:
            held = ", ".join(list(members)[:5]) or "no arrays"
            raise RequestError(f"{path}: holds {held}, but not both R and z", _SCHEMA)
        self._member, numbers = members["R"], members["z"]
        shape, dtype = self._member.shape, self._member.dtype
        if len(shape) != 3 or shape[2] != 3 or not shape[0] or dtype not in ("<f4", "<f8"):
            raise RequestError(f"{self._member.where}: {dtype} {shape}, not positions", _SCHEMA)
        if numbers.shape != shape[1:2] or numbers.dtype.kind not in "iu":
            raise RequestError(f"{numbers.where}: {numbers.dtype} {numbers.shape}", _SCHEMA)
        z = [int(number) for number in numbers.read()]
        unknown = [number for number in z if not 1 <= number <= _HEAVIEST]
        if unknown:
            raise RequestError(f"{numbers.where}: {unknown[0]} is no atomic number", _SCHEMA)
        check_several(path, len(z))
        super().__init__(path, shape[0], None)
        self.first = next(self._member.chunks(1))[0]
        # cKDTree takes finite positions only; the frame itself is refused when it is read
        bonds = bonds_within(self.first, LONGEST_BOND) if np.isfinite(self.first).all() else ()
        self.particles = atoms(z, bonds)

    def _positions(self, first: int, stop: int, indices: NDArray[np.int64]) -> NDArray[np.floating]:
        shape = (stop - first, len(indices), 3)
        frames: NDArray[np.floating] = np.empty(shape, dtype=kept_digits(self.first).dtype)
        row = 0
        for block in self._member.chunks():
            low, high = max(first, row), min(stop, row + len(block))
            if low < high:
                frames[low - first : high - first] = block[low - row : high - row, indices]
            row += len(block)
            if row >= stop:
                break
        return frames


class MotionSource(_ParticleSource):
    """An AMC motion on its ASF skeleton, 120 frames a second."""

    kind = "motion"
    length_unit = "ASF unit"
    up_axis = "y"

    def __init__(self, path: Path, skeleton: Path | None) -> None:
        if path.suffix.lower() == ".asf":
            raise RequestError(
                f"{path}: a skeleton, which holds no motion",
                f"give a motion of it (.amc), and this with {option('topology')}",
            )
        bones = read_asf(skeleton or _skeleton_of(path))
        frames = read_motion(path, bones)
        super().__init__(path, len(frames), FRAME_TIME_S)
        self._frames = kept_digits(frames, self.up_axis)
        self.first = self._frames[0]
        self.particles = Particles(
            names=bones.names,
            types=tuple(range(len(bones.names))),
            type_names=bones.names,
            bonds=bones.bonds,
        )
        check_several(path, len(bones.names))

    def _positions(self, first: int, stop: int, indices: NDArray[np.int64]) -> NDArray[np.floating]:
        return self._frames[first:stop, indices]


class PreparedSource(_ParticleSource):
    """A prepared dataset; its segments are recordings of their own."""

    kind = "dataset"

    def __init__(self, folder: Path) -> None:
        dataset = open_dataset(folder)
        manifest = dataset.manifest
        if any(segment.types is not None for segment in manifest.segments):
            raise RequestError(
                f"{folder}: its particle types differ by segment, so it is no one system",
                "`painet evaluate RUN` measures a model on such a dataset",
            )
        super().__init__(folder, manifest.frame_count, manifest.units.frame_time_s)
        self.name = folder.resolve().name
        self.length_unit = manifest.units.length
        self.up_axis = manifest.up_axis
        self.breaks = tuple(segment.start for segment in manifest.segments[1:])
        self.fingerprint = dataset.sha256
        self.particles = manifest.particles
        self._frames = dataset.frames
        self.first = dataset.frames[0]
        check_several(folder, len(self.particles.names))

    def _positions(self, first: int, stop: int, indices: NDArray[np.int64]) -> NDArray[np.floating]:
        return np.ascontiguousarray(self._frames[first:stop, indices])


def dataset_folder(path: Path, data_dir: Path | None) -> Path | None:
    """Folder of the prepared dataset that a path or a name in `data_dir` means, if it means one.

    Raises
    ------
    RequestError
        It is a folder, but of no dataset.
    """
    for folder in (path, *([data_dir / path] if data_dir is not None else [])):
        if (folder / MANIFEST).is_file():
            return folder
    if path.is_dir():
        raise RequestError(
            f"{path}: a folder, but no prepared dataset ({MANIFEST} is missing)",
            f"give a file, a prepared dataset or its name in {option('data_dir')}",
        )
    if not path.exists():
        raise RequestError(
            f"{path}: no such file, and no prepared dataset of that name",
            "check the path; `painet data list` lists the datasets",
        )
    return None


def subset(particles: Particles, indices: NDArray[np.int64]) -> Particles:
    """Some particles, in the order given, with the bonds between them."""
    place = {int(index): k for k, index in enumerate(indices)}

    def chosen(column: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(column[index] for index in place) if column else ()

    return Particles(
        names=chosen(particles.names),
        types=chosen(particles.types),
        type_names=particles.type_names,
        bonds=tuple((place[i], place[j]) for i, j in particles.bonds if i in place and j in place),
        elements=chosen(particles.elements),
        residues=chosen(particles.residues),
        residue_ids=chosen(particles.residue_ids),
        chains=chosen(particles.chains),
    )


def _universe(particles: Particles, positions: NDArray[np.floating]) -> Universe:
    """What a selection is asked of: names, elements, residues and places, no bonds."""
    firsts = residue_starts(particles)
    residue_of = np.zeros(len(particles.names), dtype=np.int64)
    residue_of[firsts[1:]] = 1
    universe = Universe.empty(
        len(particles.names),
        n_residues=len(firsts),
        atom_resindex=residue_of.cumsum(),
        trajectory=True,
    )
    universe.add_TopologyAttr("names", particles.names)
    universe.add_TopologyAttr("types", [particles.type_names[k] for k in particles.types])
    if particles.elements:
        universe.add_TopologyAttr("elements", particles.elements)
    if particles.residues:
        universe.add_TopologyAttr("resnames", [particles.residues[k] for k in firsts])
    if particles.residue_ids:
        universe.add_TopologyAttr("resids", [particles.residue_ids[k] for k in firsts])
    universe.atoms.positions = positions
    return universe


def _skeleton_of(path: Path) -> Path:
    """The ASF file beside a motion: of its subject (35.asf for 35_01.amc), or the only one."""
    beside = sorted(p for p in path.parent.iterdir() if p.suffix.lower() == ".asf")
    subject = path.stem.partition("_")[0]
    same = [p for p in beside if p.stem in (subject, path.stem)]
    if len(same) == 1 or len(beside) == 1:
        return (same or beside)[0]
    raise RequestError(
        f"{path}: {'several skeletons' if beside else 'no skeleton'} (.asf) beside it",
        f"give the one it was recorded with: {option('topology', f'{subject}.asf')}",
    )
