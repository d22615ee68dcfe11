"""How a system is built, in numbers that another can be compared with: bonds, elements, lengths."""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt, model_validator
from scipy.sparse import coo_array
from scipy.sparse.csgraph import shortest_path

from painet_cli.data.particles.bonds import among, neighbours
from painet_cli.data.particles.names import Section
from painet_cli.data.particles.particles import Particles

_ROUNDS = 16
"""Rounds of colour refinement: atoms differ by what lies up to so many bonds away."""
_MOST_PATHS = 500
"""Heavy atoms of the largest system whose distances along bonds are all counted."""
_MOST_FRAMES = 50
"""Frames that lengths are measured in."""
_HYDROGENS = re.compile(r"\.\d+(?=\(|$)")
ATOM_TOLERANCE = 0.03
"""Angstrom, beyond thermal motion, by which the mean length of a kind of bond may differ; a single
bond of carbons (1.53) and an aromatic one (1.40) are 0.13 apart."""
BONE_TOLERANCE = 0.02
"""The same for bones, as a share of their length: another person's differ by a tenth."""
_SPREADS = 4.0
"""Standard deviations of a mean that thermal motion explains."""
_LARGEST_CLUSTER = 4
"""Atoms of the largest molecule in which each is bonded to all others, white phosphorus."""


class Length(Section):
    """Lengths of one kind of bond, in the unit of the system."""

    mean: PositiveFloat
    spread: NonNegativeFloat
    """Standard deviation, over bonds and frames."""
    count: PositiveInt
    """Bonds of this kind."""


class Structure(Section):
    """What a system is built of. Equal graphs, and lengths within a tolerance, are one system."""

    particles: PositiveInt
    chemical: bool
    """Whether lengths are angstrom between atoms; otherwise bones or other links."""
    graph: str
    """Digest of elements (or types) and bonds, hydrogens as numbers of the atoms that have them;
    empty where hydrogens are not known."""
    heavy_graph: str
    """The same without a word of hydrogens."""
    environments: dict[str, PositiveInt]
    """How many particles have each element, number of hydrogens and neighbours: `C.3(C)`."""
    lengths: dict[str, Length]
    """Lengths of each kind of bond, by the environments of its ends without their hydrogens."""

    @model_validator(mode="after")
    def _has_environments(self) -> Self:
        if not self.environments:
            raise ValueError("no particle has an environment")
        return self


def structure_of(
    particles: Particles,
    frames: NDArray[np.floating],  # (F, N, 3)
    length_unit: str,
) -> Structure:
    """Describe a system by its bonds, elements, hydrogens and lengths.

    Hydrogens that are particles count as numbers of the atoms they are bonded to, so that a system
    and its heavy atoms alone have one graph.

    Parameters
    ----------
    frames
        (F, N, 3), at least one, molecules whole; of many, evenly spaced ones are measured.
    length_unit
        Unit of `frames`.
    """
    chemical = length_unit == "angstrom" and bool(particles.elements)
    labels = list(particles.elements if chemical else particles.kinds)
    x = frames[np.linspace(0, len(frames) - 1, min(len(frames), _MOST_FRAMES)).astype(np.int64)]
    kept, bonds, hydrogens = _without_hydrogens(particles, labels, x[0])
    labels = [labels[k] for k in kept]
    around = _around(labels, bonds)
    plain = [label + seen for label, seen in zip(labels, around, strict=True)]
    counted = labels
    if hydrogens is not None:
        counted = [f"{label}.{h}" for label, h in zip(labels, hydrogens.tolist(), strict=True)]
    return Structure(
        particles=len(particles.names),
        chemical=chemical,
        graph="" if hydrogens is None and chemical else _digest(counted, bonds),
        heavy_graph=_digest(labels, bonds),
        environments=dict(Counter(a + b for a, b in zip(counted, around, strict=True))),
        lengths=_lengths(x[:, kept], bonds, plain),
    )


def rigid_bonds(structure: Structure, particles: Particles) -> NDArray[np.bool_]:
    """(B,) which bonds of a skeleton keep their lengths, by one that was measured in motion.

    Those between markers of two bodies, or across a joint, do not. One that was not measured does.
    """
    labels = particles.kinds
    around = _around(labels, np.asarray(particles.bonds, dtype=np.int64).reshape(-1, 2))
    plain = [label + seen for label, seen in zip(labels, around, strict=True)]
    lengths = [structure.lengths.get(_kind(plain, i, j)) for i, j in particles.bonds]
    return np.array([one is None or one.spread <= BONE_TOLERANCE * one.mean for one in lengths])


def holds_lengths(particles: Particles) -> bool:
    """Whether there are bonds, and not merely edges from everyone to everyone (charged bodies)."""
    n, bonds = len(particles.names), len(particles.bonds)
    return bonds > 0 and not (n > _LARGEST_CLUSTER and bonds == n * (n - 1) // 2)


def same_system(one: Structure, other: Structure) -> bool:
    """Whether two systems have the same bonded graph, and the same bones where they are no atoms.

    Hydrogens are compared where both know them; where one does not, lengths of bonds tell an
    aromatic ring from a saturated one.
    """
    if one.heavy_graph != other.heavy_graph or one.chemical != other.chemical:
        return False
    if one.chemical and one.graph and other.graph:
        return one.graph == other.graph
    return not different_lengths(one, other)


def likeness(trained: Structure, here: Structure) -> float:
    """From 0 to 1: shared environments of particles, and how near lengths of bonds are."""
    both = all(one.graph for one in (trained, here))
    first, second = (_shares(one, hydrogens=both) for one in (trained, here))
    shared = sum(min(share, second.get(label, 0.0)) for label, share in first.items())
    return shared * _near(trained, here)


def different_lengths(trained: Structure, here: Structure) -> dict[str, tuple[float, float]]:
    """Kinds of bonds whose lengths differ beyond the tolerance: here, and as trained."""
    return {
        kind: (length.mean, trained.lengths[kind].mean)
        for kind, length in here.lengths.items()
        if kind in trained.lengths and _beyond(trained, here, kind) > 0
    }


def _beyond(trained: Structure, here: Structure, kind: str) -> float:
    """How far a mean length is beyond the tolerance and the thermal motion of so many bonds."""
    length, known = here.lengths[kind], trained.lengths[kind]
    tolerance = ATOM_TOLERANCE if here.chemical else BONE_TOLERANCE * known.mean
    thermal = _SPREADS * known.spread / math.sqrt(length.count)
    return abs(length.mean - known.mean) - tolerance - thermal


def _near(trained: Structure, here: Structure) -> float:
    """1 where lengths are the same, 0 where atoms' are 0.1 angstrom off and bones' are half."""
    kinds = [kind for kind in here.lengths if kind in trained.lengths]
    if not kinds:
        return 1.0
    off = [
        max(0.0, _beyond(trained, here, kind))
        / (0.1 if here.chemical else 0.5 * trained.lengths[kind].mean)
        for kind in kinds
    ]
    return float(np.mean([max(0.0, 1.0 - one) for one in off]))


def _shares(structure: Structure, *, hydrogens: bool) -> dict[str, float]:
    total = sum(structure.environments.values())
    shares: dict[str, float] = defaultdict(float)
    for label, count in structure.environments.items():
        plain = label if hydrogens or not structure.chemical else _HYDROGENS.sub("", label, count=1)
        shares[plain] += count / total
    return shares


def _around(labels: Sequence[str], bonds: NDArray[np.int64]) -> list[str]:
    """The neighbours of every particle: `(C,H)`."""
    near = neighbours(bonds.tolist(), len(labels))
    return [f"({','.join(sorted(labels[k] for k in own))})" for own in near]


def _kind(environments: Sequence[str], i: int, j: int) -> str:
    return "-".join(sorted((environments[i], environments[j])))


def _without_hydrogens(
    particles: Particles, labels: Sequence[str], x: NDArray[np.floating]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64] | None]:
    """Particles that are no hydrogens of others, their bonds, and their numbers of hydrogens.

    The numbers are None where no hydrogen is a particle or known to be there.
    """
    n = len(labels)
    ends = np.asarray(particles.bonds, dtype=np.int64).reshape(-1, 2)
    is_hydrogen = np.array([label in ("H", "D") for label in labels])
    known = np.asarray(particles.hydrogens or np.zeros(n), dtype=np.int64)
    one_sided = ends[is_hydrogen[ends].sum(axis=1) == 1] if len(ends) else ends
    h = np.where(is_hydrogen[one_sided[:, 0]], one_sided[:, 0], one_sided[:, 1])
    heavy = one_sided.sum(axis=1) - h
    apart = np.linalg.norm(x[h].astype(np.float64) - x[heavy], axis=1)
    nearest = np.lexsort((apart, h))  # a shared hydrogen is the nearer atom's
    _, first = np.unique(h[nearest], return_index=True)
    own = nearest[first]
    counts = known + np.bincount(heavy[own], minlength=n)
    dropped = np.zeros(n, dtype=bool)
    dropped[h[own]] = True
    kept = np.flatnonzero(~dropped)
    known_here = bool(dropped.any() or particles.hydrogens)
    return kept, among(ends, kept), counts[kept] if known_here else None


def _lengths(
    x: NDArray[np.floating], bonds: NDArray[np.int64], environments: Sequence[str]
) -> dict[str, Length]:
    if not len(bonds):
        return {}
    apart = np.linalg.norm(
        x[:, bonds[:, 0]].astype(np.float64) - x[:, bonds[:, 1]], axis=-1
    )  # (F, B)
    of_kind: dict[str, list[int]] = defaultdict(list)
    for k, (i, j) in enumerate(bonds.tolist()):
        of_kind[_kind(environments, i, j)].append(k)
    found = {kind: apart[:, places] for kind, places in of_kind.items()}
    return {
        kind: Length(mean=float(values.mean()), spread=float(values.std()), count=values.shape[1])
        for kind, values in sorted(found.items())
        if values.mean() > 0 and np.isfinite(values).all()
    }


def _digest(labels: Sequence[str], bonds: NDArray[np.int64]) -> str:
    """Digest of a graph with labelled nodes, the same in whatever order they stand.

    Colours are refined by their neighbours' (Weisfeiler and Lehman, 1968); numbers of pairs so many
    bonds apart tell graphs that this cannot, such as decalin's and bicyclopentyl's.
    """
    n = len(labels)
    seeds = {
        label: int.from_bytes(hashlib.sha256(label.encode()).digest()[:8], "little")
        for label in set(labels)
    }
    colours = np.array([seeds[label] for label in labels], dtype=np.uint64)
    first, second = bonds[:, 0], bonds[:, 1]
    for _ in range(_ROUNDS):
        mixed = _mixed(colours)
        around = np.zeros(n, dtype=np.uint64)
        np.add.at(around, first, mixed[second])
        np.add.at(around, second, mixed[first])
        colours = _mixed(colours * np.uint64(3) + around)
    digest = hashlib.sha256(np.sort(colours).astype("<u8").tobytes())
    digest.update(f"{n} {len(bonds)}".encode())
    if n <= _MOST_PATHS:
        graph = coo_array((np.ones(len(bonds)), (first, second)), shape=(n, n)).tocsr()
        paths = shortest_path(graph, directed=False, unweighted=True)
        digest.update(np.bincount(paths[np.isfinite(paths)].astype(int)).astype("<i8").tobytes())
    return digest.hexdigest()[:32]


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Hash of 64-bit numbers (the finaliser of splitmix64)."""
    z = values + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: NDArray[np.uint64] = z ^ (z >> np.uint64(31))
    return mixed
