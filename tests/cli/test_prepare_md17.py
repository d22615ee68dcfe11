"""`painet prepare md17`, `md22` and `nbody` as a user types them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from pytest import MonkeyPatch

from painet_cli.data.dataset.dataset import open_dataset
from typed import Say

SPELLED = ["prepare", "md17", "--molecule", "benzene"]


@pytest.fixture
def benzene(tmp_path: Path) -> Path:
    angles = np.arange(6) * np.pi / 3
    ring = np.stack([np.cos(angles), np.sin(angles), np.zeros(6)], axis=-1)
    frames = np.concatenate([1.39 * ring, 2.48 * ring]) + np.zeros((200, 1, 1))
    np.savez(tmp_path / "b.npz", R=frames, z=[6] * 6 + [1] * 6)
    return tmp_path / "b.npz"


def label_of(name: str) -> str:
    return open_dataset(Path("data") / name).manifest.origin.label


def test_the_promised_spelling_reads_what_is_downloaded(
    say: Say, benzene: Path, monkeypatch: MonkeyPatch
) -> None:
    asked = []

    def fetched(name: str, progress: object = None) -> dict[str, Path]:
        asked.append(name)
        return {"npz": benzene}

    monkeypatch.setattr("painet_cli.data.sources.fetch.fetch_files", fetched)
    status, out, err = say(*SPELLED, "--delta-frames", 20)
    assert (status, err) == (0, "")
    assert asked == ["md17-benzene"]
    assert "blocks, 0 % of test windows overlap" in out
    assert label_of("md17-benzene") == "not MD17's own frames"


def test_what_was_prepared_is_said_as_json(say: Say, benzene: Path) -> None:
    status, out, _ = say(*SPELLED, "--source", benzene, "--delta-frames", 20, "--json")
    seen = json.loads(out)
    assert status == 0
    assert {"dataset", "name", "frames", "particles", "segments", "sha256"} <= set(seen)
    assert seen["windows"] == {"train": 76, "val": 12, "test": 12}
    assert seen["split"] == "blocks"
    assert Path("data/md17-benzene/frames.npy").is_file()


def test_every_choice_is_heard(say: Say, benzene: Path) -> None:
    words = ["--source", benzene, "--delta-frames", 30, "--horizon", 30, "--split", "random"]
    words += ["--frame-time", "2 fs", "--hydrogens", "--superpose", "--label", "mine", "--json"]
    status, out, _ = say(*SPELLED, *words)
    seen = json.loads(out)
    assert status == 0
    assert (seen["split"], seen["particles"]) == ("random", 12)
    assert label_of("md17-benzene") == "mine, superposed"
    assert seen["frame_time_s"] == 2e-15


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["md17", "--molecule", "bensene"], "did you mean benzene?"),
        (["md17", "--molecule", "ethanol"], "holds benzene (C6H6), not ethanol (C2H6O)"),
        (["md17", "--molecule", "benzene"], "give --delta-frames 9; up to 28 fits"),
        (["md17", "--molecule", "benzene", "--split", "published"], "official file of 627,983"),
        (["md17", "--molecule", "benzene", "--horizon", "51"], "--horizon"),
        (["md22", "--molecule", "at-at-cg"], "did you mean AT-AT-CG-CG?"),
        (["md22", "--molecule", "double-walled-nanotube"], "not double-walled_nanotube (C326H44)"),
    ],
)
def test_what_cannot_be_done_is_refused(
    say: Say, benzene: Path, words: list[str], expected: str
) -> None:
    status, out, err = say("prepare", *words, "--source", benzene)
    assert (status, out) == (2, "")
    assert expected in err
    assert len(err.strip().splitlines()) <= 3
    assert not list(Path("data").glob("*"))


def test_nbody_is_simulated(say: Say, monkeypatch: MonkeyPatch) -> None:
    few = {"train": 3, "val": 2, "test": 2}
    monkeypatch.setattr("painet_cli.data.sources.nbody.SIMULATIONS", few)
    status, out, _ = say(
        "prepare", "nbody", "--particles", 3, "--seed", 7, "--delta-frames", 2, "--json"
    )
    seen = json.loads(out)
    assert status == 0
    assert (seen["windows"], seen["particles"], seen["bonds"]) == (few, 3, 3)
