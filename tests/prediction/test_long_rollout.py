"""A long rollout of the shipped walk stays finite and human: bones are held at every new start."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from painet_cli.data.batches.bond_graph import bond_graph
from painet_cli.data.particles.particles import Particles
from painet_cli.data.particles.structure import structure_of
from painet_cli.prediction.checkpoints import find_checkpoint
from painet_cli.prediction.forecast import Forecast
from painet_cli.prediction.inputs.open import open_input
from painet_cli.prediction.inputs.recording import Input
from painet_cli.prediction.inputs.skeleton import skeleton_of
from painet_cli.prediction.outputs.rigid import with_kept_bones
from painet_cli.prediction.sanity import sanity_of
from painet_cli.prediction.starting.states import States
from recordings import forecast_recording

STEPS = 50


def rolled(file: Path, start: str = "40") -> Forecast:
    with open_input(file) as recording:
        return forecast_recording(
            recording,
            STEPS,
            [find_checkpoint("mocap-walk")],
            start=start,
        ).forecast


def lengths(forecast: Forecast, positions: NDArray[np.floating]) -> NDArray[np.floating]:
    i, j = np.array(forecast.system.particles.bonds).T
    return np.asarray(np.linalg.norm(positions[..., i, :] - positions[..., j, :], axis=-1))


@pytest.mark.parametrize("take", ["35_01", "35_05", "35_12"])
def test_fifty_steps_of_a_walk_stay_finite_and_human(take: str, shared: Path) -> None:
    forecast = rolled(shared / f"data/mocap/subject35/{take}.amc")
    assert forecast.positions.shape[1] == STEPS
    assert np.isfinite(forecast.positions).all()
    at_start = lengths(forecast, forecast.start_positions)[:, None]
    off = np.abs(lengths(forecast, forecast.positions) / at_start - 1)
    assert off.mean() < 0.12
    names = forecast.system.particles.names
    height = forecast.positions[0, :, names.index("head"), 1]
    assert (height > forecast.positions[0, :, names.index("lfoot"), 1]).all()

    kept = with_kept_bones(forecast)
    off = np.abs(lengths(kept, kept.positions) / at_start - 1)
    assert off.max() < 1e-3


@pytest.fixture
def chain() -> Input:
    """A chain of four joints."""
    names = ("root", "hip", "knee", "foot")
    particles = Particles(
        names=names, types=(0, 1, 2, 3), type_names=names, bonds=((0, 1), (1, 2), (2, 3))
    )
    frames = np.random.default_rng(3).normal(size=(2, 4, 3)).astype(np.float32)
    return Input("chain", "motion", None, particles, frames, 0.01, "metre", up_axis="y")


def test_held_bones_do_not_hide_that_a_prediction_ended_early(chain: Input) -> None:
    positions, begin = chain.frames[:1, None].repeat(3, axis=1), chain.frames[:1]
    lost = sanity_of(positions, begin, chain.particles, "step 4 of 9 is far away")
    forecast = Forecast(
        system=chain,
        starts=np.array([0]),
        positions=positions,
        times_s=np.arange(1, 4) * 0.01,
        velocities=begin,
        straight=positions,
        warnings=(lost.sentence,),
        sanity=lost,
    )
    kept = with_kept_bones(forecast)
    assert kept.sanity is not None
    assert (kept.sanity.verdict, kept.warnings) == ("runs away", forecast.warnings)


def test_predictions_are_held_to_the_bones_of_their_own_start(chain: Input) -> None:
    graph = bond_graph([0, 1, 2, 3], chain.particles.bonds, 1)
    skeleton, cpu = skeleton_of(chain), torch.device("cpu")
    states = States(graph, chain.frames, chain.frames, None, cpu, None, skeleton)
    predicted = torch.from_numpy(np.random.default_rng(4).normal(size=(5, 8, 3))).float()
    held = states.bones_held(slice(0, 2))(predicted).unflatten(1, (2, 4)).numpy()
    for start in (0, 1):
        made, wanted = (
            np.linalg.norm(np.diff(x, axis=-2), axis=-1)
            for x in (held[:, start], chain.frames[start])
        )
        np.testing.assert_allclose(made, np.broadcast_to(wanted, made.shape), rtol=1e-4)


def test_what_joins_markers_of_two_bodies_is_no_bone(chain: Input) -> None:
    """The last two joints move away from the first two, which keep their lengths all the same."""
    x = chain.frames[:1].repeat(6, axis=0)
    x[:, 2:] += np.arange(6, dtype=np.float32)[:, None, None]
    system = replace(chain, frames=x)
    known = structure_of(system.particles, x, "metre")
    forecast = Forecast(
        system=replace(system, frames=x[3:]),
        starts=np.array([0]),
        positions=1.1 * x[None, 4:],
        times_s=np.arange(1, 3) * 0.01,
        velocities=x[:1],
        straight=x[None, 4:],
    )
    kept = with_kept_bones(forecast, known)
    apart = lengths(kept, kept.positions)[0]
    at_start = lengths(kept, x[3])
    np.testing.assert_allclose(
        apart[:, [0, 2]], at_start[[0, 2]][None].repeat(2, axis=0), rtol=1e-5
    )
    np.testing.assert_allclose(apart[:, 1], 1.1 * lengths(kept, x[4:])[:, 1], rtol=1e-5)


def test_molecules_have_no_skeleton(chain: Input) -> None:
    molecule = replace(chain, kind="molecule", up_axis=None)
    assert skeleton_of(molecule) is None
