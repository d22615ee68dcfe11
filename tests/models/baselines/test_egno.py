"""EGNO: its convolution is the Fourier one, and it owns no parameter that cannot matter."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from painet_cli.models.baselines.egno import EgnoCore, EgnoLayer, centroids
from painet_cli.models.layers.temporal import TimeConvolution, waves
from systems import BRANCHED, PAIR, RING, equal_systems, normal, shaken, side_by_side, typed

TOLERANCE = {"rtol": 1e-10, "atol": 1e-10}
WIDTH = 3


def by_fourier_transform(convolution: TimeConvolution, x: Tensor, parts: Tensor | None) -> Tensor:
    """The convolution as the paper has it; `parts` are the imaginary parts nothing should read."""
    real = convolution.real
    imaginary = torch.zeros_like(real) if parts is None else parts[: len(real)].clone()
    if convolution.imaginary is not None:
        imaginary[1 : 1 + len(convolution.imaginary)] = convolution.imaginary
    weight = torch.complex(real, imaginary)
    spectrum = torch.fft.rfft(x, dim=0)[: len(weight)]
    mixed = torch.einsum("k...i,koi->k...o", spectrum, weight)
    return torch.fft.irfft(mixed, n=len(x), dim=0)


@pytest.mark.parametrize("horizon", [1, 2, 3, 4, 5, 8])
@pytest.mark.parametrize("modes", [1, 2, 3, 5, 9])
def test_convolves_over_time_as_the_fourier_transform_does(horizon: int, modes: int) -> None:
    convolution = TimeConvolution(WIDTH, modes, horizon, scale=1.0).double()
    x = normal(horizon, 4, 2, WIDTH, seed=1)
    y = convolution(x, waves(horizon, modes, x))
    expected = by_fourier_transform(convolution, x, None)
    torch.testing.assert_close(y, expected, **TOLERANCE)
    # what is left out, modes 0 and T / 2 having no sine, could not have mattered
    parts = normal(modes, WIDTH, WIDTH, seed=2)
    torch.testing.assert_close(by_fourier_transform(convolution, x, parts), expected, **TOLERANCE)


@pytest.mark.parametrize(
    ("horizon", "modes", "cosines", "sines"),
    [(1, 2, 1, 0), (2, 2, 2, 0), (3, 2, 2, 1), (4, 3, 3, 1), (5, 2, 2, 1), (5, 9, 3, 2)],
)
def test_keeps_the_waves_that_there_are(horizon: int, modes: int, cosines: int, sines: int) -> None:
    convolution = TimeConvolution(WIDTH, modes, horizon, scale=1.0)
    assert len(convolution.real) == cosines
    assert (0 if convolution.imaginary is None else len(convolution.imaginary)) == sines
    basis = waves(horizon, modes, normal(1, seed=0))
    torch.testing.assert_close(
        basis @ basis.t(), torch.eye(cosines + sines, dtype=torch.float64), **TOLERANCE
    )


def test_one_wave_alone_is_a_mean_over_time() -> None:
    convolution = TimeConvolution(WIDTH, 1, 5, scale=1.0).double()
    x = normal(5, 4, WIDTH, seed=1)
    expected = (x.mean(dim=0) @ convolution.real[0].t()).expand(5, -1, -1)
    torch.testing.assert_close(convolution(x, waves(5, 1, x)), expected, **TOLERANCE)


def test_a_particle_hears_of_its_system_s_centroid() -> None:
    molecules = (BRANCHED, PAIR, RING)
    batch = side_by_side([equal_systems(molecule, seed=k) for k, molecule in enumerate(molecules)])
    sizes = [len(molecule.types) for molecule in molecules]
    expected = [part.mean(dim=0).expand_as(part) for part in batch.positions.split(sizes)]
    torch.testing.assert_close(
        centroids(batch.positions, batch.graph), torch.cat(expected), **TOLERANCE
    )


@pytest.mark.parametrize("by_axis", [False, True])
def test_the_force_on_a_particle_is_bounded(by_axis: bool) -> None:
    batch = equal_systems(BRANCHED)
    m, edges = batch.graph.num_nodes, batch.graph.edge_hop.shape[0]
    layer = EgnoLayer(4, 1, last=True, by_axis=by_axis).double()
    shaken(layer)
    h, a, rest = normal(m, 4, seed=1), normal(edges, 1, seed=2), torch.zeros(m, 3).double()
    far = 1e4 * batch.positions
    _, moved = layer(h, far, rest, a, batch.graph)
    step = moved - far
    bounded = step.abs() if by_axis else step.norm(dim=-1)
    torch.testing.assert_close(bounded, torch.full_like(bounded, 100.0), rtol=1e-8, atol=1e-8)


def test_particles_without_neighbours_have_finite_gradients() -> None:
    graph = typed([[0, 0], [0]])
    layer = EgnoLayer(4, 0).double()
    h, x, v = normal(3, 4, seed=1), normal(3, 3, seed=2), normal(3, 3, seed=3)
    h, x = layer(h, x.requires_grad_(), v, x.new_zeros(0, 0), graph)
    (h.sum() + x.sum()).backward()
    for name, parameter in layer.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


def test_gives_velocities_and_embeddings_of_every_step_too() -> None:
    batch = equal_systems(BRANCHED, 2)
    m, edges = batch.graph.num_nodes, batch.graph.edge_hop.shape[0]
    core = EgnoCore(2, 1, 6, layers=2, horizon=3, modes=2, time_width=4, as_published=True).double()
    x, v, h = core(
        normal(m, 2, seed=1),
        batch.positions,
        batch.velocities,
        normal(edges, 1, seed=2),
        batch.graph,
        centroids(batch.positions, batch.graph),
    )
    assert (x.shape, v.shape, h.shape) == ((3, m, 3), (3, m, 3), (3, m, 6))
