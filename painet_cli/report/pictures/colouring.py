"""What colours stand for, on light and on dark ground."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.particles.particles import Particles
from painet_cli.report.pictures.canvas import COLOURS
from painet_cli.report.pictures.particles import ELEMENTS, SMALLER

ON_DARK = {
    "#4D4D4D": "#BDBDBD",
    "#0072B2": "#4FA8E8",
    "#D55E00": "#FF7A2F",
    "#009E73": "#2CC79B",
    "#56B4E9": "#8FD0F5",
}
"""Lighter colours for a dark background, by those that are too dark for it."""
OTHER = "other"


@dataclass(frozen=True, eq=False)
class Colouring:
    """A colour for every particle.

    Attributes
    ----------
    names
        What each colour means.
    light, dark
        The colours on light and on dark ground, one a name.
    sizes
        Diameter of each name's particles, as a share of the largest.
    of_particle
        (N,) index into the above.
    """

    names: tuple[str, ...]
    light: tuple[str, ...]
    dark: tuple[str, ...]
    sizes: tuple[float, ...]
    of_particle: NDArray[np.int64]


def colouring(particles: Particles) -> Colouring:
    """Colour by element where elements are known, by type where types are few, else all alike.

    Elements without a customary colour here share one.
    """
    if particles.elements:
        return _by_element(particles.elements)
    if set(particles.type_names) <= set(ELEMENTS):
        return _by_element(particles.kinds)
    if len(particles.type_names) > len(COLOURS):
        return _colouring(("prediction",), COLOURS[:1], np.zeros(len(particles.types), np.int64))
    colours = COLOURS[: len(particles.type_names)]
    return _colouring(particles.type_names, colours, np.array(particles.types, dtype=np.int64))


def _by_element(symbols: Sequence[str]) -> Colouring:
    written = [symbol.strip().capitalize() for symbol in symbols]
    known = [name for name in ELEMENTS if name in set(written)]
    names = (*known, OTHER) if set(written) - set(known) else tuple(known)
    place = {name: index for index, name in enumerate(names)}
    of_particle = np.array([place.get(symbol, len(known)) for symbol in written], dtype=np.int64)
    return _colouring(names, [ELEMENTS.get(name, COLOURS[3]) for name in names], of_particle)


def _colouring(
    names: tuple[str, ...], colours: Sequence[str], of_particle: NDArray[np.int64]
) -> Colouring:
    return Colouring(
        names=names,
        light=tuple(colours),
        dark=tuple(ON_DARK.get(colour, colour) for colour in colours),
        sizes=tuple(SMALLER.get(name, 1.0) for name in names),
        of_particle=of_particle,
    )
