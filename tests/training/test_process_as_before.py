"""A call of the library leaves the process as it was."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np
import pytest
import torch

import painet
from painet_cli.training.device import flushed_denormals

SMALL = {"model.hidden": 8, "model.layers": 1, "train.batch_size": 250}


def flushes() -> bool:
    return not bool(torch.tensor(1e-40) * 1.0 > 0)


def test_training_and_predicting_leave_the_process_as_it_was(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", None)  # the C library is not told anything
    torch.manual_seed(3)
    before = torch.get_rng_state()
    numbers = np.random.get_state()[1].copy()  # noqa: NPY002 - it is numpy's global state
    run = painet.train(
        "demo", settings=SMALL, epochs=1, data_dir=data_dir, run_dir=tmp_path, device="cpu"
    ).run
    painet.train(resume=run, epochs=2, data_dir=data_dir, device="cpu")
    painet.evaluate(run, data_dir=data_dir, device="cpu")
    sample = painet.Dataset.open(data_dir / "sample")
    atoms = sample.manifest.particles
    painet.predict(run, sample.frames[:2], types=atoms.elements, bonds=atoms.bonds)
    assert torch.equal(torch.get_rng_state(), before)
    assert (np.random.get_state()[1] == numbers).all()  # noqa: NPY002
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.is_grad_enabled()
    assert not flushes()


def test_who_flushes_denormals_goes_on_doing_so() -> None:
    torch.set_flush_denormal(True)
    try:
        with flushed_denormals():
            assert flushes()
        assert flushes()
    finally:
        torch.set_flush_denormal(False)
    with flushed_denormals():
        assert flushes()
    assert not flushes()
