"""What the interactive page draws: a forecast's numbers, thinned to what a browser can hold.

Positions travel as base64 of little-endian float32: exact, and shorter than decimals.
"""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.particles.particles import Particles
from painet_cli.data.units import time_text
from painet_cli.prediction.forecast import Forecast
from painet_cli.prediction.yardsticks import STILL, STRAIGHT
from painet_cli.report.pictures.canvas import short_unit
from painet_cli.report.pictures.colouring import colouring
from painet_cli.report.pictures.projection import principal_view, upright_view

MOST_STARTS = 20
MOST_STEPS = 500
MOST_PARTICLES = 40_000
MOST_CHARACTERS = 12_000_000
"""Length of all positions together; three.js adds half a million to the page."""
CHARACTERS_A_PARTICLE = 16
"""Length in base64 of one position."""
FURTHEST = 0.75
"""How far beyond the truth a prediction is still shown, as a share of the truth's extent."""
MARGIN = 0.04

Points = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Shown:
    """Which starts, steps and particles of a forecast are on the page, as indices."""

    starts: NDArray[np.int64]
    steps: NDArray[np.int64]
    particles: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ErrorBars:
    """Radii, in the forecast's unit of length, that hold 90 % of the particles.

    Attributes
    ----------
    all
        (T,) one radius for all particles at a step.
    particles
        (T, N) each particle's own.
    """

    all: NDArray[np.float64]
    particles: NDArray[np.float64]


def shown(forecast: Forecast) -> Shown:
    """Choose evenly spaced particles, steps and starts that fit, the first start among them."""
    horizon, count = forecast.positions.shape[1:3]
    particles = _evenly(count, MOST_PARTICLES)
    rows = MOST_CHARACTERS // (CHARACTERS_A_PARTICLE * len(particles))
    rows_a_step = 1 if forecast.truth is None else 2
    steps = _evenly(horizon, min(MOST_STEPS, max(1, (rows - 1) // rows_a_step)))
    fitting = max(1, rows // (1 + rows_a_step * len(steps)))
    starts = _evenly(len(forecast.starts), min(MOST_STARTS, fitting))
    starts[0] = 0  # where only one fits, it is the last
    return Shown(starts, steps, particles)


def page_data(forecast: Forecast, chosen: Shown, bars: ErrorBars | None) -> dict[str, Any]:
    """Gather what the page's script reads, as JSON knows it; numbers that are not finite are None.

    Parameters
    ----------
    chosen
        What is on the page.
    bars
        How sure the forecast is, where that is known.
    """
    system = forecast.system
    colours = colouring(system.particles)
    times = [f"+{time_text(value)}" for value in forecast.times_s[chosen.steps].tolist()]
    return {
        "unit": short_unit(system.length_unit),
        "up": system.up_axis,
        "steps": [0, *(chosen.steps + 1).tolist()],
        "times": ["start", *times],
        "labels": _labels(system.particles, chosen.particles),
        "kinds": {
            "names": colours.names,
            "light": colours.light,
            "dark": colours.dark,
            "sizes": colours.sizes,
            "of_particle": colours.of_particle[chosen.particles].tolist(),
        },
        "bonds": _bonds(system.particles, chosen.particles).ravel().tolist(),
        "trace": _trace(system.particles, chosen.particles).ravel().tolist(),
        "view": _view(forecast).round(4).tolist(),
        "truth_known": forecast.truth is not None,
        "radius": None if bars is None else _radii(bars, chosen),
        "starts": [_start(forecast, chosen, index) for index in chosen.starts.tolist()],
    }


def _radii(bars: ErrorBars, chosen: Shown) -> dict[str, Any]:
    return {
        "all": [_finite(value) for value in bars.all[chosen.steps].tolist()],
        "particles": _packed(bars.particles[np.ix_(chosen.steps, chosen.particles)]),
    }


def _start(forecast: Forecast, chosen: Shown, index: int) -> dict[str, Any]:
    begin = forecast.start_positions[index][chosen.particles]
    on_page = np.ix_(chosen.steps, chosen.particles)
    predicted = forecast.positions[index][on_page]
    truth = None if forecast.truth is None else forecast.truth[index][on_page]
    return {
        "frame": forecast.system.first_frame + int(forecast.starts[index]),
        "begin": _packed(begin),
        "predicted": _packed(predicted),
        "truth": None if truth is None else _packed(truth),
        "ranges": _ranges(begin, predicted, truth).tolist(),
        "errors": {
            name: [_finite(value) for value in values[chosen.steps].tolist()]
            for name, values in step_errors(forecast, slice(index, index + 1)).items()
        },
    }


def step_errors(forecast: Forecast, starts: slice) -> dict[str, NDArray[np.float64]]:
    """(T,) MSE at each step from some starts, or RMS displacement where the truth is not known."""
    begin = forecast.start_positions[starts, None].astype(np.float64)
    guesses = {"prediction": forecast.positions[starts], STRAIGHT: forecast.straight[starts]}
    if forecast.truth is None:
        return {
            name: np.sqrt(np.square(guess - begin).sum(axis=-1).mean(axis=(0, 2)))
            for name, guess in guesses.items()
        }
    guesses = {"prediction": guesses["prediction"], STILL: begin, **guesses}
    return {
        name: np.square(guess.astype(np.float64) - forecast.truth[starts]).mean(axis=(0, 2, 3))
        for name, guess in guesses.items()
    }


def _ranges(
    begin: NDArray[np.floating],  # (N, 3)
    predicted: NDArray[np.floating],  # (T, N, 3)
    truth: NDArray[np.floating] | None,  # (T, N, 3)
) -> Points:  # (3, 2)
    """Axes that hold all steps of one start, so that nothing jumps.

    A prediction that flies away would leave a dot of everything else: it is cut off.
    """
    known = begin[None] if truth is None else np.concatenate([begin[None], truth])
    low, high = _extent(known)
    size = max(float((high - low).max()), 1e-3)
    wild_low, wild_high = _extent(np.concatenate([begin[None], predicted]))
    low = np.minimum(low, np.maximum(wild_low, low - FURTHEST * size))
    high = np.maximum(high, np.minimum(wild_high, high + FURTHEST * size))
    margin = MARGIN * size
    return np.stack([low - margin, high + margin], axis=1).round(4)


def _extent(positions: NDArray[np.floating]) -> tuple[Points, Points]:
    points = positions.reshape(-1, 3).astype(np.float64)
    points = points[np.isfinite(points).all(axis=1)]
    return points.min(axis=0), points.max(axis=0)


def _view(forecast: Forecast) -> Points:  # (3, 3)
    begin = forecast.start_positions[0]
    up_axis = forecast.system.up_axis
    if up_axis is None:
        return principal_view(begin)
    known = forecast.positions if forecast.truth is None else forecast.truth
    moving = np.concatenate([begin, *known[0]])
    return upright_view(moving[np.isfinite(moving).all(axis=1)], up_axis)


def _labels(particles: Particles, chosen: NDArray[np.int64]) -> list[str]:
    labels: list[str] = []
    for index in chosen.tolist():
        residue = particles.residues[index] if particles.residues else ""
        if residue and particles.residue_ids:
            residue += f" {particles.residue_ids[index]}"
        chain = particles.chains[index] if particles.chains else ""
        labels.append(" · ".join(part for part in (particles.names[index], residue, chain) if part))
    return labels


def _bonds(particles: Particles, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    """Bonds, (B, 2), between particles on the page, numbered as there."""
    place = np.full(len(particles.names), -1)
    place[chosen] = np.arange(len(chosen))
    bonds = place[np.array(particles.bonds, dtype=np.int64).reshape(-1, 2)]
    return bonds[(bonds >= 0).all(axis=1)]


def _trace(particles: Particles, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pairs, (P, 2), of alpha carbons that follow each other in a chain: the tube of a protein."""
    carbons = [k for k, index in enumerate(chosen.tolist()) if particles.names[index] == "CA"]
    if not particles.residue_ids or len(carbons) < 3:
        return np.empty((0, 2), dtype=np.int64)
    at = chosen[carbons]
    chains = np.array(particles.chains or ("",) * len(particles.names), dtype=object)[at]
    follows = np.diff(np.array(particles.residue_ids)[at]) == 1
    follows &= chains[1:] == chains[:-1]
    places = np.array(carbons)
    return np.stack([places[:-1][follows], places[1:][follows]], axis=1)


def _packed(positions: NDArray[np.floating]) -> str:
    return base64.b64encode(positions.astype("<f4").tobytes()).decode("ascii")


def _finite(value: float) -> float | None:
    return float(f"{value:.6g}") if math.isfinite(value) else None


def _evenly(count: int, most: int) -> NDArray[np.int64]:
    """Of `count` indices, up to `most` evenly spaced ones, the last among them."""
    if count <= most:
        return np.arange(count)
    return np.unique(np.linspace(count - 1, 0, most).round().astype(np.int64))
