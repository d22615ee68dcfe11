"""Particles and their motion as MDAnalysis sees a system."""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any

import numpy as np
from MDAnalysis import Universe
from MDAnalysis.coordinates.memory import MemoryReader
from numpy.typing import NDArray

from painet_cli.data.particles.elements import is_element
from painet_cli.data.particles.particles import Particles, residue_numbers, residue_starts
from painet_cli.data.units import PICOSECOND


def universe_of(
    particles: Particles,
    frames: NDArray[np.float32],  # (F, N, 3) or (N, 3)
    frame_time_s: float,
    *,
    velocities: NDArray[np.float32] | None = None,  # as frames
) -> Universe:
    """Present positions of particles as MDAnalysis sees a system, in the same order.

    Names, types, residues, chains and bonds are the particles'; elements where they have them, or
    where every type is named as one. Particles without residue or chain are in residue 1, `UNK`, of
    chain A. Frames are not copied: a memory-mapped file stays on disk. The numbers are taken as
    they are, whatever their unit, though MDAnalysis calls them angstrom.

    Parameters
    ----------
    frames
        (F, N, 3), or (N, 3) of one frame.
    frame_time_s
        Seconds between these frames.
    velocities
        As `frames`, in their unit of length a picosecond.
    """
    n = len(particles.names)
    firsts = residue_starts(particles)
    chains = [chain or "X" for chain in particles.chains or ["A"] * n]
    segments = list(dict.fromkeys(chains))
    universe = Universe.empty(
        n,
        n_residues=len(firsts),
        n_segments=len(segments),
        atom_resindex=residue_numbers(particles),
        residue_segindex=[segments.index(chains[first]) for first in firsts],
    )
    residues, numbers = particles.residues or ["UNK"] * n, particles.residue_ids or [1] * n
    attributes: dict[str, Sequence[Any]] = {
        # a blank in a name would be a column in text formats
        "names": ["_".join(name.split()) or "X" for name in particles.names],
        "types": particles.kinds,
        "elements": element_symbols(particles),
        "resnames": [residues[first] for first in firsts],
        "resids": [numbers[first] for first in firsts],
        "icodes": [particles.insertions[first] for first in firsts] if particles.insertions else (),
        "segids": segments,
        "chainIDs": _chain_letters(chains, segments),
        "record_types": particles.records,
        "bonds": particles.bonds,
    }
    for name, values in attributes.items():
        if values or name == "bonds":
            universe.add_TopologyAttr(name, values)
    dt = frame_time_s / PICOSECOND
    universe.load_new(frames, format=MemoryReader, dt=dt, velocities=velocities)
    return universe


def bare_universe(
    particles: Particles,
    positions: NDArray[np.floating] | None = None,  # (N, 3)
) -> Universe:
    """What a selection is asked of: all that is known of particles, and nothing by default."""
    n, firsts = len(particles.names), residue_starts(particles)
    universe = Universe.empty(
        n,
        n_residues=len(firsts),
        atom_resindex=residue_numbers(particles),
        trajectory=positions is not None,
    )
    known: dict[str, Sequence[Any]] = {
        "names": particles.names,
        "types": particles.kinds,
        "elements": particles.elements,
        "resnames": [particles.residues[k] for k in firsts] if particles.residues else (),
        "resids": [particles.residue_ids[k] for k in firsts] if particles.residue_ids else (),
        "icodes": [particles.insertions[k] for k in firsts] if particles.insertions else (),
        "chainIDs": particles.chains,
        "record_types": particles.records,
        "bonds": particles.bonds,
    }
    for name, values in known.items():
        if values:
            universe.add_TopologyAttr(name, values)
    if positions is not None:
        universe.atoms.positions = positions
    return universe


def element_symbols(particles: Particles) -> Sequence[str]:
    """Symbol of every particle, (N,); empty where they are no atoms of known elements."""
    if particles.elements or not all(map(is_element, particles.type_names)):
        return particles.elements
    return particles.kinds


def _chain_letters(chains: Sequence[str], segments: Sequence[str]) -> list[str]:
    """One letter or digit a particle: its chain's own where it is such, otherwise one left over."""
    letters = string.ascii_uppercase + string.ascii_lowercase + string.digits
    of = {chain: chain for chain in segments if len(chain) == 1 and chain in letters}
    left = iter([letter for letter in letters if letter not in of])
    for index, chain in enumerate(segments):
        if chain not in of:
            of[chain] = next(left, letters[index % len(letters)])
    return [of[chain] for chain in chains]
