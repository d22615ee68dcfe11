"""The readers, given damaged files; `make fuzz` gives them far more of them."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz_targets import TARGETS, corpus, damaged, fuzz


@pytest.fixture(autouse=True, scope="module")
def little_to_clear_up() -> Iterator[None]:
    """Readers that fail clear up behind them; what was there before is not looked through."""
    gc.freeze()
    yield
    gc.unfreeze()


KEPT = [(target, path.name) for target in TARGETS for path in corpus(target)]


@pytest.mark.parametrize(("target", "name"), KEPT)
def test_what_once_found_a_fault_finds_none(target: str, name: str, tmp_path: Path) -> None:
    kept = {path.name: path for path in corpus(target)}
    fuzz(target, kept[name].read_bytes(), tmp_path)


@pytest.mark.parametrize("target", TARGETS)
def test_a_damaged_file_is_read_or_refused(target: str, tmp_path: Path) -> None:
    seeds = [path.read_bytes() for path in corpus(target)]

    @settings(max_examples=40, derandomize=True, database=None)
    @given(st.randoms(use_true_random=False))
    def reads(random: Random) -> None:
        fuzz(target, damaged(target, random, seeds), tmp_path)

    reads()


@pytest.mark.parametrize("target", TARGETS)
def test_any_bytes_are_read_or_refused(target: str, tmp_path: Path) -> None:
    @settings(max_examples=20, derandomize=True, database=None)
    @given(st.binary(max_size=300))
    def reads(raw: bytes) -> None:
        fuzz(target, raw, tmp_path)

    reads()


def test_the_corpus_stays_small() -> None:
    sizes = [path.stat().st_size for target in TARGETS for path in corpus(target)]
    assert sum(sizes) < 300_000
