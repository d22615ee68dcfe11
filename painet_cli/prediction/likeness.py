"""Whether a checkpoint was trained on this very system, and how like it another one is."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from painet_cli.data.particles.structure import (
    Structure,
    different_lengths,
    likeness,
    same_system,
)
from painet_cli.training.checkpoint import Header

LEAST = 0.6
"""A checkpoint that is less like a system is taken only where it is asked for. A peptide's backbone
and uracil have 0.5, two proteins' backbones of 80 and 855 atoms 0.7."""
_SIZE_WEIGHT = 0.1
_SMALL = 30
"""Particles of a molecule that is a small one. A model of it has seen no larger one, though that
may be made of nearly the same pieces; copies of the molecule are made of the very same."""
_UNSEEN = 0.7
"""Weight of a likeness by numbers of particles alone, where bonds were not kept."""
_SEVERAL = 0.8
"""Likeness of a checkpoint of several systems, made for any with their types, to one of them."""
_MUCH_LARGER = 2
"""Times as many particles as the largest system of several: what was never seen."""
_FEW = 6
_COVERS = "its types cover the particles"


@dataclass(frozen=True)
class Comparison:
    """A checkpoint's system beside another.

    Attributes
    ----------
    same
        Whether it is the same: bonds, elements, hydrogens and, of a skeleton, lengths of bones.
    score
        From 0 to 1: environments of particles, lengths of bonds and numbers of particles.
    said
        Why it may predict the system, in a clause.
    difference
        What is different, in a clause; empty where nothing is.
    """

    same: bool
    score: float
    said: str
    difference: str = ""

    def warnings(self, name: str) -> tuple[str, ...]:
        """What speaks against the checkpoint of that name, a sentence each."""
        return (f"{name}: {self.difference}: expect larger errors",) if self.difference else ()


def compare(
    header: Header, found: Counter[str], here: Structure | None, fingerprint: str = ""
) -> Comparison:
    """Compare a checkpoint's system with particles that its types cover.

    Parameters
    ----------
    found
        Particles of each of the checkpoint's types.
    here
        How they are bonded, where that is known.
    fingerprint
        sha256 of the prepared dataset that they are of, if they are.
    """
    trained, known = header.composition, header.structure
    if fingerprint and fingerprint == header.dataset_sha256:
        return Comparison(same=True, score=1.0, said="trained on this very system")
    if header.systems:
        return _with_several(header, found, here)
    if known is None or here is None:
        return _by_numbers(trained, found)
    if found == trained and same_system(known, here):
        return Comparison(same=True, score=1.0, said="trained on this very system")
    score = likeness(known, here) * _size(known.particles, here.particles)
    if known.chemical and known.particles < min(_SMALL, here.particles):
        score *= likeness(known, here)
    score *= _overlap(trained, found)
    return Comparison(
        same=False,
        score=score,
        said=_COVERS,
        difference=_difference(known, here, trained, found, score),
    )


def _with_several(header: Header, found: Counter[str], here: Structure | None) -> Comparison:
    """Compare with a checkpoint of several systems, made for any with their types."""
    trained, known = header.composition, header.structure
    said = f"trained on {len(header.systems)} systems, whose types cover the particles"
    if trained.get("H") and not found.get("H"):
        bare = "it was trained on all atoms, and there is no hydrogen here"
        return Comparison(same=False, score=0.0, said=said, difference=bare)
    if trained.get("H") and here is not None and _lacks_hydrogens(here):
        bare = "it was trained on all atoms, and carbons lack their hydrogens here (united atoms?)"
        return Comparison(same=False, score=0.0, said=said, difference=bare)
    alike = 1.0
    if known is not None and here is not None:
        alike = min(likeness(known, here), _SEVERAL * _overlap(trained, found))
    if alike < LEAST:
        unlike = f"its systems are built otherwise (likeness {alike:.2f} of 1)"
        return Comparison(same=False, score=alike, said=said, difference=unlike)
    largest, size = sum(trained.values()), found.total()
    if size <= _MUCH_LARGER * largest or not largest:
        return Comparison(same=False, score=_SEVERAL, said=said)
    score = _SEVERAL * (_size(largest, size) if largest < _SMALL else 1.0)
    larger = f"its systems had up to {largest:,} particles, and this one has {size:,}"
    return Comparison(same=False, score=score, said=said, difference=larger)


def _lacks_hydrogens(here: Structure) -> bool:
    """Whether carbons are without their hydrogens, as united atoms and those of PDBQT are.

    One that is bonded to a single carbon has hydrogens in every molecule; one between two has them
    in all but alkynes and the like, of which hardly any has none elsewhere.
    """
    around = here.environments
    none_at_all = not any(label.startswith("C.") and label[2] != "0" for label in around)
    return "C.0(C)" in around or ("C.0(C,C)" in around and none_at_all)


def _by_numbers(trained: Mapping[str, int], found: Counter[str]) -> Comparison:
    """Compare where the bonds of one of the two are not known: by particles of each type."""
    score = _UNSEEN * _overlap(trained, found) * _size(sum(trained.values()), found.total())
    equal = found == trained
    if equal or not trained:
        unknown = "its bonds were not kept with it, so that it may be another system"
        said = "as many particles of each type as it was trained on" if equal else _COVERS
        return Comparison(same=False, score=score, said=said, difference=unknown)
    return Comparison(same=False, score=score, said=_COVERS, difference=_other(trained, found))


def _overlap(first: Mapping[str, int], second: Mapping[str, int]) -> float:
    """Share of particles that two systems have in common, by type; 1 where one is not known."""
    one, other = sum(first.values()), sum(second.values())
    if not one or not other:
        return 1.0
    return sum(min(count / one, second.get(name, 0) / other) for name, count in first.items())


def _size(one: int, other: int) -> float:
    """1 for equal numbers of particles, less by their ratio: 0.75 at 10, 0.6 at 100."""
    if not one or not other:
        return 1.0
    return 1 / (1 + _SIZE_WEIGHT * abs(math.log2(one / other)))


def _difference(
    known: Structure,
    here: Structure,
    trained: Mapping[str, int],
    found: Mapping[str, int],
    score: float,
) -> str:
    bare = {name: count for name, count in trained.items() if name != "H"}
    if known.heavy_graph == here.heavy_graph and bare == found != trained:
        return (
            f"it was trained on this molecule with its {trained['H']:,} hydrogens, and there are "
            "none here"
        )
    if known.heavy_graph != here.heavy_graph or trained != found:
        return _other(trained, found, f"likeness {score:.2f} of 1")
    off = different_lengths(known, here)
    if not off:
        return "it was trained on another molecule: the same atoms, but other hydrogens"
    kind, (length, expected) = max(
        off.items(), key=lambda one: abs(math.log(one[1][0] / one[1][1]))
    )
    if known.chemical:
        return (
            f"it was trained on another molecule: bonds {_plain(kind)} are {length:.3g} long here, "
            f"{expected:.3g} there"
        )
    return (
        f"it was trained on another skeleton: {len(off)} of {len(here.lengths)} bone lengths "
        f"differ, {_plain(kind)} is {length:.3g} here, {expected:.3g} there"
    )


def _plain(kind: str) -> str:
    """`C(C,C)-C(C,C)` as a reader knows it: C-C."""
    ends, depth, text = [], 0, ""
    for letter in f"{kind}-":
        depth += (letter == "(") - (letter == ")")
        if letter == "-" and depth == 0:
            ends.append(text)
            text = ""
        elif depth == 0 and letter != ")":
            text += letter
    return "-".join(ends)


def _other(trained: Mapping[str, int], found: Mapping[str, int], more: str = "") -> str:
    return (
        f"it was trained on another system, {composition(trained)}; this is {composition(found)}"
        + (f" ({more})" if more else "")
    )


def composition(counts: Mapping[str, int]) -> str:
    """`2 C, 6 H, 1 O`, or how many of how many types."""
    total = sum(counts.values())
    if len(counts) > _FEW:
        return f"{total:,} particles of {len(counts)} types"
    return ", ".join(f"{counts[name]:,} {name}" for name in sorted(counts))
