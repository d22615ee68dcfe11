"""Momentum of a free rotor and of a simulation without forces from outside, and who has none."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from painet_cli.errors import RequestError
from painet_cli.prediction.momentum import check_conserve, conserved, unsteadiness
from painet_cli.report.prediction import write_prediction

HEAVY = Path(__file__).parents[1] / "reference/ethanol-heavy.safetensors"
MASSES = np.array([12.0, 16.0, 1.0, 1.0, 14.0])
TIMES = 0.1 * np.arange(9)


def _angular(frames: NDArray[np.float64], dt: float) -> NDArray[np.float64]:
    """(T, 3) about the centre of mass, from each of (1 + T, N, 3) frames to the next."""
    apart = frames - np.einsum("n,tnc->tc", MASSES / MASSES.sum(), frames)[:, None]
    moved = np.diff(apart, axis=0) / dt
    return np.einsum("n,tnc->tc", MASSES, np.cross(apart[1:], moved))


def _rotor(pace: float) -> NDArray[np.float64]:
    """A round top that turns about one axis and flies straight on, (9, 5, 3)."""
    shape = np.random.default_rng(3).normal(size=(5, 3))
    shape[:, 2] = 0.0  # flat, so that the axis is one of inertia
    shape -= MASSES @ shape / MASSES.sum()
    turns = Rotation.from_rotvec(np.outer(pace * TIMES, [0.0, 0.0, 1.0]))
    flown = np.outer(TIMES, [0.3, -0.2, 0.1])
    return np.stack([one.apply(shape) for one in turns]) + flown[:, None]


def _simulated(steps: int = 400, *, turning: bool = True) -> NDArray[np.float64]:
    """Masses on springs, all to all, by velocity Verlet: nothing acts from outside."""
    rng = np.random.default_rng(5)
    x, v, dt = rng.normal(size=(5, 3)), 0.3 * rng.normal(size=(5, 3)), 0.01
    if not turning:
        apart, share = x - MASSES @ x / MASSES.sum(), MASSES[:, None]
        v = v - MASSES @ v / MASSES.sum()
        inertia = (share * apart**2).sum() * np.eye(3) - (share * apart).T @ apart
        spin = np.linalg.solve(inertia, (share * np.cross(apart, v)).sum(axis=0))
        v = v - np.cross(spin, apart)
    rest = np.linalg.norm(x[:, None] - x, axis=-1)

    def pull(x: NDArray[np.float64]) -> NDArray[np.float64]:
        between = x[None] - x[:, None]
        far = np.linalg.norm(between, axis=-1) + np.eye(5)
        return 5.0 * ((1 - rest / far)[..., None] * between).sum(axis=1) / MASSES[:, None]

    frames = [x]
    for _ in range(steps):
        v = v + 0.5 * dt * pull(x)
        x = x + dt * v
        v = v + 0.5 * dt * pull(x)
        frames.append(x)
    return np.stack(frames)


def test_a_rotor_that_is_predicted_too_slow_and_off_its_course_is_put_right() -> None:
    real, slow = _rotor(0.8), _rotor(0.5)
    velocity = (real[1] - real[0])[None] / 0.1
    predicted = slow[None, 1:] + np.linspace(0.1, 1.0, 8)[None, :, None, None]
    kept = conserved(real[None, 0], velocity, predicted, TIMES, MASSES)
    np.testing.assert_allclose(kept[0], real[1:], atol=1e-8)


def test_a_simulation_without_outer_forces_is_hardly_changed() -> None:
    every = _simulated()[::10][:9]
    velocity = (every[1] - every[0])[None] / 0.1
    kept = conserved(every[None, 0], velocity, every[None, 1:], TIMES, MASSES)
    moved = np.abs(every - every[0]).max()
    assert np.abs(kept[0] - every[1:]).max() < 0.02 * moved


@pytest.mark.parametrize("frames", [_rotor(0.8), _simulated()[::10][:9]])
def test_any_prediction_comes_to_have_the_momentum_of_its_start(
    frames: NDArray[np.float64],
) -> None:
    noise = 0.05 * np.random.default_rng(1).normal(size=(8, 5, 3)).cumsum(axis=0)
    velocity, predicted = (frames[1] - frames[0])[None] / 0.1, frames[0] + noise
    wanted = _angular(frames, 0.1)[0]
    before = _angular(np.concatenate([frames[:1], predicted]), 0.1) - wanted
    kept = conserved(frames[None, 0], velocity, predicted[None], TIMES, MASSES)
    after = _angular(np.concatenate([frames[:1], kept[0]]), 0.1) - wanted
    assert np.abs(before).max() > 0.5
    assert np.abs(after).max() < 1e-6
    centres = np.einsum("n,tnc->tc", MASSES / MASSES.sum(), np.concatenate([frames[:1], kept[0]]))
    np.testing.assert_allclose(np.diff(centres, n=2, axis=0), 0.0, atol=1e-12)
    for one, other in zip(kept[0], predicted, strict=True):
        np.testing.assert_allclose(
            *(np.linalg.norm(x[:, None] - x, axis=-1) for x in (one, other)), atol=1e-9
        )


def test_atoms_on_a_line_are_turned_too() -> None:
    start = np.array([[-1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    velocity = np.array([[0.0, -0.3, 0.0], [0.0, 0.0, 0.0], [0.0, 0.3, 0.0]])
    still = np.repeat(start[None, None], 4, axis=1)
    kept = conserved(start[None], velocity[None], still, 0.1 * np.arange(5), np.ones(3))
    turned = np.degrees(np.arctan2(kept[0, :, 2, 1], kept[0, :, 2, 0]))
    np.testing.assert_allclose(turned, np.degrees(np.arcsin(0.03)) * np.arange(1, 5), rtol=1e-6)


def test_a_step_that_turns_too_far_is_refused() -> None:
    real = _rotor(0.8)
    velocity = (real[1] - real[0])[None] / 0.1
    with pytest.raises(RequestError, match=r"turns by more than 0\.5 radians in a step"):
        conserved(real[None, 0], velocity, real[None, 1:], 10 * TIMES, MASSES)


@pytest.mark.parametrize("turning", [True, False])
def test_angular_momentum_that_is_kept_is_told_from_one_that_others_change(turning: bool) -> None:
    frames = _simulated(800, turning=turning)[::20]
    whole = [unsteadiness(frames[at : at + 6], MASSES) for at in range(0, 34, 3)]
    part = [unsteadiness(frames[at : at + 6, 1:4], MASSES[1:4]) for at in range(0, 34, 3)]
    assert max(whole) < 0.01
    assert np.median(part) > 0.5


def test_momentum_is_all_that_can_be_conserved() -> None:
    assert check_conserve("momentum")
    assert not check_conserve(None)
    with pytest.raises(RequestError, match="not known"):
        check_conserve("energy")


@pytest.mark.parametrize(
    ("file", "options", "why"),
    [
        ("mocap/subject35/35_01.amc", {}, "stands on a floor"),
        (
            "md17/ethanol_dft_2000.npz",
            {"select": "heavy", "checkpoint": str(HEAVY)},
            "3 of 9 particles are predicted",
        ),
        (
            "protein/dhfr/1rx2_5ns.nc",
            {"topology": "protein/dhfr/1rx2-CA.pdb", "drop_extra": True, "frame_time": "5ps"},
            "holds a part of its atoms",
        ),
    ],
)
def test_what_others_act_on_is_refused(
    shared: Path, tmp_path: Path, file: str, options: dict[str, str], why: str
) -> None:
    if "topology" in options:
        options = options | {"topology": str(shared / "data" / options["topology"])}
    with pytest.raises(RequestError, match=re.escape(why)):
        write_prediction(
            shared / "data" / file,
            5,
            tmp_path / "out",
            conserve="momentum",
            adapt="never" if file.endswith(("npz", "amc")) else "auto",
            device="cpu",
            **options,  # type: ignore[arg-type]
        )
    assert not (tmp_path / "out").exists()
