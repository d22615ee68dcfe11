"""The energy that attention descends: equations 3, 6 and 7, and theorem 1 as a property."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from painet_cli.config.models import PainetConfig
from painet_cli.models.painet.attention_step import AttentionStep
from painet_cli.models.painet.energy import (
    descent_step,
    energy,
    pair_energy,
    pair_weights,
    potential,
)
from systems import normal, typed, unit_rows


def lawful_tables(types: int, seed: int) -> tuple[Tensor, Tensor]:
    """Symmetric tables with phi > psi > 0, over many orders of magnitude."""
    e_psi, e_phi = (2 * normal(types, types, seed=seed + k) for k in range(2))
    psi = (e_psi + e_psi.t()).exp()
    return psi + (e_phi + e_phi.t()).exp(), psi


def pairs_of(tables: tuple[Tensor, Tensor], kinds: Tensor) -> tuple[Tensor, Tensor]:
    phi, psi = tables
    return phi[kinds[:, None], kinds], psi[kinds[:, None], kinds]


@pytest.fixture
def kinds() -> Tensor:
    return torch.tensor([0, 2, 1, 1, 0, 2, 2])


@pytest.fixture
def tables() -> tuple[Tensor, Tensor]:
    return lawful_tables(3, seed=1)


def test_the_weights_are_the_derivative_of_the_potential(
    kinds: Tensor, tables: tuple[Tensor, Tensor]
) -> None:
    phi, psi = pairs_of(tables, kinds)
    h = unit_rows(len(kinds), 4, seed=3)
    squared = (h[:, None] - h[None, :]).square().sum(dim=-1).requires_grad_()
    (slope,) = torch.autograd.grad(potential(squared, phi, psi).sum(), squared)
    torch.testing.assert_close(slope, pair_weights(h, phi, psi), rtol=1e-12, atol=1e-12)


def test_the_potential_rises_from_zero_and_is_concave(
    kinds: Tensor, tables: tuple[Tensor, Tensor]
) -> None:
    phi, psi = pairs_of(tables, kinds)
    z = torch.linspace(0, 4, 21, dtype=torch.float64)  # squared distances of unit embeddings
    rho = torch.stack([potential(torch.full_like(phi, float(at)), phi, psi) for at in z])
    assert (rho[0] == 0).all()
    assert (rho.diff(dim=0) > 0).all()
    assert (rho.diff(dim=0).diff(dim=0) < 0).all()


def test_the_energy_is_equation_3(kinds: Tensor, tables: tuple[Tensor, Tensor]) -> None:
    phi, psi = pairs_of(tables, kinds)
    n = len(kinds)
    h, before = normal(n, 4, seed=4), normal(n, 4, seed=5)
    expected = torch.zeros((), dtype=torch.float64)
    for i in range(n):
        expected += (h[i] - before[i]) @ (h[i] - before[i])
        for j in range(n):
            z = (h[i] - h[j]) @ (h[i] - h[j])
            a, b = phi[i, j] + psi[i, j], psi[i, j] / 4
            expected += 0.7 * (a * z - b * z**2)
    torch.testing.assert_close(energy(h, before, phi, psi, strength=0.7), expected)


@given(
    n=st.integers(1, 10),
    d=st.integers(1, 6),
    types=st.integers(1, 4),
    eta=st.floats(0, 1, exclude_min=True),
    seed=st.integers(0, 100_000),
)
def test_no_step_of_any_size_raises_the_pair_energy(
    n: int, d: int, types: int, eta: float, seed: int
) -> None:
    kinds = torch.arange(n) * (seed + 1) % types
    phi, psi = pairs_of(lawful_tables(types, seed), kinds)
    h = unit_rows(n, d, seed=seed + 7)
    before, after = (pair_energy(at, phi, psi) for at in (h, descent_step(h, phi, psi, eta)))
    assert after <= before + 1e-9 * (phi + psi).sum()


def test_a_step_lowers_the_energy_of_embeddings_that_differ(
    kinds: Tensor, tables: tuple[Tensor, Tensor]
) -> None:
    phi, psi = pairs_of(tables, kinds)
    h = unit_rows(len(kinds), 4, seed=6)
    after = descent_step(h, phi, psi, 0.5)
    assert pair_energy(after, phi, psi) < 0.9 * pair_energy(h, phi, psi)


def test_a_full_step_is_the_weighted_mean_and_none_stays(
    kinds: Tensor, tables: tuple[Tensor, Tensor]
) -> None:
    phi, psi = pairs_of(tables, kinds)
    h = unit_rows(len(kinds), 4, seed=6)
    weights = phi + psi * (h @ h.t())
    mean = torch.stack([(row[:, None] * h).sum(dim=0) / row.sum() for row in weights])
    torch.testing.assert_close(descent_step(h, phi, psi, 1.0), mean)
    assert torch.equal(descent_step(h, phi, psi, 0.0), h)


@pytest.mark.parametrize("form", ["dense", "factorised"])
def test_an_attention_step_that_projects_nothing_is_a_descent_step(
    form: str, kinds: Tensor, tables: tuple[Tensor, Tensor]
) -> None:
    d, eta = 4, 0.3
    config = PainetConfig.model_validate({"hidden": d, "heads": 1, "eta": eta, "attention": form})
    step = AttentionStep(config).double()
    with torch.no_grad():
        step.project.weight.copy_(torch.eye(d).repeat(3, 1))  # q = k = v = h
    h = unit_rows(len(kinds), d, seed=8)
    phi, psi = (table[None] for table in tables)
    expected = descent_step(h, *pairs_of(tables, kinds), eta)
    actual = step(h, (phi, psi), typed([kinds.tolist()]))
    torch.testing.assert_close(actual, expected, rtol=1e-12, atol=1e-12)


def test_heads_are_averaged(kinds: Tensor) -> None:
    """A step of three heads is equation 8 for each, taken together, and not the first alone."""
    d, heads, eta = 4, 3, 0.3
    config = PainetConfig.model_validate({"hidden": d, "heads": heads, "eta": eta})
    step = AttentionStep(config).double()
    tables = [lawful_tables(3, seed) for seed in range(heads)]
    phi, psi = (torch.stack(of_heads) for of_heads in zip(*tables, strict=True))
    h = normal(len(kinds), d, seed=9)

    read = []
    for head, table in enumerate(tables):
        of_role = step.project.weight.view(3, heads, d, d)[:, head]  # queries, keys, values
        q, k, v = (h @ weight.t() for weight in of_role)
        q, k = (rows / rows.norm(dim=1, keepdim=True) for rows in (q, k))
        pair_phi, pair_psi = pairs_of(table, kinds)
        weights = pair_phi + pair_psi * (q @ k.t())
        read.append(weights @ v / weights.sum(dim=1, keepdim=True))
    expected = (1 - eta) * h + eta * sum(read) / heads
    actual = step(h, (phi, psi), typed([kinds.tolist()]))
    torch.testing.assert_close(actual, expected, rtol=1e-12, atol=1e-12)
