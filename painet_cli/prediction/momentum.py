r"""Predictions that keep the momentum of their start.

With masses m, positions r about the centre of mass and velocities from one step to the next,
u_k = (r_k - r_{k-1}) / dt, the momentum of step k is P_k = sum m u_k and its angular momentum about
the centre of mass L_k = sum m r_k x u_k = sum m r_{k-1} x r_k / dt. Each predicted step is shifted,
so that the centre of mass goes straight on with the start's mean velocity, and turned as a whole,
so that L_k is the start's. No distance within a step changes.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from painet_cli.data.particles.masses import atomic_masses
from painet_cli.data.particles.names import BACKBONE
from painet_cli.errors import RequestError, option
from painet_cli.prediction.inputs.recording import Recording
from painet_cli.prediction.pipeline import RecordingForecast
from painet_cli.prediction.sanity import sanity_of

_ROUNDS = 30  # of Newton's method, which takes three to five
_EXACT = 1e-9  # of sum m |r|^2 / dt, the largest angular momentum that a step can have
_WIDEST = 0.5
"""Radians that the start may turn in a step: the chord of a longer turn is no velocity."""
_STEADY = 0.5
"""How far the recording's own angular momentum may change in as long as is predicted, as a share of
what it is and of what it would be if no particle knew of another: of a molecule that does not turn
it is nearly zero, and changes by multiples of itself."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Momentum:
    """How far a prediction was from keeping the start's momentum, before and after.

    Attributes
    ----------
    off_course
        Largest distance of the centre of mass from straight motion, unit of length.
    angular
        Largest difference of the angular momentum from the start's, as a share of sum m |r| |v|
        there, which is the most that it could be.
    by_mass
        Whether the masses are known; otherwise all particles weigh one.
    """

    off_course: tuple[float, float]
    angular: tuple[float, float]
    by_mass: bool

    def sentence(self, unit: str) -> str:
        """What was done, for a reader."""
        (far, now), (turned, left) = self.off_course, self.angular
        weighed = "by mass" if self.by_mass else "all particles weighing the same"
        return (
            f"The start's momentum is kept ({weighed}): the centre of mass was up to {far:.2g} "
            f"{unit} off its course and is {now:.1g}, the angular momentum {turned:.0%} and is "
            f"{left:.1g}"
        )

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def keep_momentum(
    made: RecordingForecast, recording: Recording
) -> tuple[RecordingForecast, Momentum]:
    """Shift and turn each step of a forecast, so that it keeps the momentum of its start.

    Parameters
    ----------
    recording
        What was predicted from; its frames before the start tell whether momentum is kept at all.

    Raises
    ------
    RequestError
        It makes no sense here: something outside of the system acts on it, the velocity at the
        start is not known, or a step is too long for velocities of differences.
    """
    forecast = made.forecast
    masses, by_mass = atomic_masses(forecast.system.particles)
    _check_alone(made, recording)
    start = forecast.start_positions.astype(np.float64)
    velocity = (forecast.straight[:, 0].astype(np.float64) - start) / forecast.times_s[0]
    if not np.abs(velocity).max() > 0:
        raise _refused("the velocity at the start is not known", "give two frames or more")
    times = np.concatenate([[0.0], forecast.times_s])
    _check_steady(made, recording, masses)
    kept = conserved(start, velocity, forecast.positions, times, masses)
    before, after = (
        _deviations(start, velocity, positions.astype(np.float64), times, masses)
        for positions in (forecast.positions, kept)
    )
    notes = Momentum((before[0], after[0]), (before[1], after[1]), by_mass)
    positions = kept.astype(forecast.positions.dtype)
    sanity = forecast.sanity and sanity_of(
        positions, forecast.start_positions, forecast.system.particles, forecast.sanity.lost
    )
    return replace(made, forecast=replace(forecast, positions=positions, sanity=sanity)), notes


def conserved(
    start: Floats,  # (S, N, 3)
    velocity: Floats,  # (S, N, 3), unit of length a second
    predicted: NDArray[np.floating],  # (S, T, N, 3)
    times: Floats,  # (1 + T,) seconds, from 0
    masses: Floats,  # (N,)
) -> Floats:  # (S, T, N, 3)
    """Shift and turn each step, so that it keeps the momentum of the start (see the module).

    Raises
    ------
    RequestError
        No turn of a step gives it the start's angular momentum: the step is too long.
    """
    share = masses / masses.sum()
    centre, course = share @ start, share @ velocity  # (S, 3)
    before = start - centre[:, None]
    wanted = np.einsum("n,snc->sc", masses, np.cross(before, velocity))
    _check_turn(before, wanted, times, masses)
    turned = Rotation.identity(len(start)).as_matrix()
    kept = np.empty(predicted.shape)
    for step, dt in enumerate(np.diff(times)):
        x = predicted[:, step].astype(np.float64)
        apart = (x - (share @ x)[:, None]) @ turned
        turn = _turn(before, apart, wanted * dt, masses)
        apart, turned = apart @ turn, turned @ turn
        kept[:, step] = apart + (centre + course * times[step + 1])[:, None]
        before = apart
    return kept


def _turn(before: Floats, after: Floats, wanted: Floats, masses: Floats) -> Floats:
    """(S, 3, 3) turns of rows x @ R of `after`, by which sum m before x after becomes `wanted`."""
    weighed = masses[:, None] * before
    scale = np.sqrt((weighed * before).sum(axis=(1, 2)) * (masses[:, None] * after**2).sum((1, 2)))
    total = Rotation.identity(len(before))
    for _ in range(_ROUNDS):
        now = np.einsum("sij,snj->sni", total.as_matrix(), after)
        off = wanted - np.cross(weighed, now).sum(axis=1)
        if (np.linalg.norm(off, axis=1) <= _EXACT * scale).all():
            turn: Floats = total.as_matrix().swapaxes(1, 2)
            return turn
        # of a x (f x b) = f (a b) - b (a f), by f; singular along the axis of a linear molecule
        change = (weighed * now).sum(axis=(1, 2))[:, None, None] * np.eye(3)
        change -= np.einsum("sni,snj->sij", now, weighed)
        by = np.einsum("sij,sj->si", np.linalg.pinv(change, rcond=1e-9), off)
        total = Rotation.from_rotvec(by) * total
    raise _too_long()


def _deviations(
    start: Floats,
    velocity: Floats,
    positions: Floats,  # (S, T, N, 3)
    times: Floats,
    masses: Floats,
) -> tuple[float, float]:
    """Largest distance of the centre of mass from its course, and share of angular momentum."""
    share = masses / masses.sum()
    course = (share @ start)[:, None] + (share @ velocity)[:, None] * times[1:, None]
    far = np.linalg.norm(share @ positions - course, axis=-1).max()
    every = np.concatenate([start[:, None], positions], axis=1)
    momentum = _angular(every, times, masses).sum(axis=2)
    apart = start - (share @ start)[:, None]
    wanted = np.einsum("n,snc->sc", masses, np.cross(apart, velocity))
    most = (masses * np.linalg.norm(apart, axis=-1) * np.linalg.norm(velocity, axis=-1)).sum(1)
    off = np.linalg.norm(momentum - wanted[:, None], axis=-1) / most[:, None]
    return float(far), float(off.max())


def _angular(
    frames: Floats,  # (S, 1 + T, N, 3)
    times: Floats,  # (1 + T,)
    masses: Floats,
) -> Floats:  # (S, T, N, 3)
    """Angular momentum of each particle about the centre of mass, from each frame to the next."""
    apart = frames - ((masses / masses.sum()) @ frames)[:, :, None]
    crossed = np.cross(apart[:, :-1], apart[:, 1:])
    by_time: Floats = masses[:, None] * crossed / np.diff(times)[:, None, None]
    return by_time


def _check_alone(made: RecordingForecast, recording: Recording) -> None:
    """Refuse systems on which something acts that is not predicted."""
    system, chosen = made.forecast.system, len(made.selected.indices)
    particles, everyone = system.particles, len(recording.select("all").indices)
    if system.up_axis is not None:
        raise _refused(
            f"{recording.name} stands on a floor ({system.up_axis} is up), which pushes it"
        )
    if chosen < everyone:
        raise _refused(
            f"{chosen:,} of {everyone:,} particles are predicted, and the others act on them",
            f"{option('select', 'all')} predicts all, where a checkpoint fits or the file has "
            "enough frames",
        )
    if any(particles.hydrogens) or set(particles.names) <= {*BACKBONE}:
        raise _refused(
            f"{recording.name} holds a part of its atoms alone, and those left out act on them"
        )


def _check_steady(made: RecordingForecast, recording: Recording, masses: Floats) -> None:
    """Refuse a recording whose own angular momentum changes in as long as is predicted."""
    times, at = made.forecast.times_s, made.start_frames[0]
    apart = recording.frame_time_s
    every = 1 if apart is None else max(1, round(float(times[0]) / apart))
    first = max(at - every * len(times), *(one for one in recording.breaks if one <= at), 0)
    frames = recording.read(made.selected, first, at + 1).frames[::-every][::-1]
    if len(frames) < 3:
        return
    if (changed := unsteadiness(frames.astype(np.float64), masses)) > _STEADY:
        raise _refused(
            f"the angular momentum of {recording.name} itself changes by {changed:.0%} of what its "
            f"particles have in the {len(frames):,} frames before the start: something acts on it, "
            "such as solvent that was removed or a thermostat, or a step is too long",
        )


def unsteadiness(frames: Floats, masses: Floats) -> float:  # (F, N, 3), (N,)
    """How far the angular momentum of frames changes, as `_STEADY` bounds it."""
    each = _angular(frames[None], np.arange(float(len(frames))), masses)[0]
    found = each.sum(axis=1)
    size = np.sqrt(np.square(found).sum(axis=1).mean() + np.square(each).sum(axis=(1, 2)).mean())
    return float(np.linalg.norm(found - found[-1], axis=-1).max() / size) if size > 0 else 0.0


def _check_turn(apart: Floats, wanted: Floats, times: Floats, masses: Floats) -> None:
    """Refuse steps in which the start turns too far."""
    squared = (masses[:, None] * apart**2).sum(axis=(1, 2))
    inertia = squared[:, None, None] * np.eye(3)
    inertia -= np.einsum("n,sni,snj->sij", masses, apart, apart)
    pace = np.einsum("sij,sj->si", np.linalg.pinv(inertia, rcond=1e-9), wanted)
    if np.linalg.norm(pace, axis=1).max() * np.diff(times).max() > _WIDEST:
        raise _too_long()


def _too_long() -> RequestError:
    return _refused(
        f"the system turns by more than {_WIDEST:g} radians in a step, and from one step to the "
        "next no velocity can be told",
        "predict with shorter steps",
    )


def _refused(why: str, hint: str | None = None) -> RequestError:
    said = f"{option('conserve', 'momentum')}: {why}"
    return RequestError(said, hint or f"leave {option('conserve')} out")


def check_conserve(text: str | None) -> bool:
    """Whether momentum is to be kept.

    Raises
    ------
    RequestError
        Something else is asked for.
    """
    if text not in (None, "momentum"):
        raise RequestError(f"{option('conserve', text[:40])}: not known", "expected momentum")
    return text is not None
