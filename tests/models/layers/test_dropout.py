"""Dropout: how much is left out, what is left, and what it follows."""

from __future__ import annotations

import pytest
import torch

from painet_cli.models.layers.dropout import dropped


@pytest.mark.parametrize("share", [0.1, 0.2, 0.5])
def test_a_share_is_nought_and_the_rest_makes_up_for_it(share: float) -> None:
    torch.manual_seed(0)
    rows = dropped(torch.ones(1000, 1001), share)
    assert set(rows.unique().tolist()) == {0.0, torch.tensor(1 / (1 - share)).item()}
    assert (rows == 0).double().mean().item() == pytest.approx(share, abs=0.002)


def test_entries_that_share_a_word_are_left_out_independently() -> None:
    torch.manual_seed(0)
    out = (dropped(torch.ones(250_000, 4), 0.2) == 0).double()
    expected = 0.2 * 0.8 * torch.eye(4, dtype=out.dtype)
    torch.testing.assert_close(out.T.cov(), expected, rtol=0, atol=0.002)


def test_nothing_is_left_out_at_nought_and_any_size_goes() -> None:
    for shape in ((), (0, 3), (1,), (3, 5), (2, 2, 2)):
        rows = torch.randn(shape)
        assert torch.equal(dropped(rows, 0.0), rows)


def test_it_follows_the_seed_and_the_gradient_follows_it() -> None:
    rows = torch.randn(7, 9, dtype=torch.float64, requires_grad=True)
    torch.manual_seed(3)
    first = dropped(rows, 0.4)
    torch.manual_seed(3)
    assert torch.equal(dropped(rows, 0.4), first)
    first.sum().backward()
    torch.testing.assert_close(rows.grad * rows, first)
