"""`painet predict FILE...`: a folder a file, one model, and none kept back by a broken one."""

from __future__ import annotations

import json
import os
import shutil
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pytest import MonkeyPatch
from scipy.spatial.transform import Rotation

from painet_cli.errors import PainetError
from painet_cli.prediction import passes, pipeline
from painet_cli.report import many_predictions
from painet_cli.report.many_predictions import read_list
from tiny_files import ethanol, write_pdb
from typed import Say


@pytest.fixture
def structures(data_dir: Path, tmp_path: Path, monkeypatch: MonkeyPatch) -> list[str]:
    """Names of three structures of one molecule, the second of which is broken."""
    monkeypatch.chdir(tmp_path)
    made = ethanol(data_dir)
    for name in ("a.pdb", "c.pdb"):
        write_pdb(Path(name), made, frames=1)
    Path("b.pdb").write_text("no atoms\n")
    return ["a.pdb", "b.pdb", "c.pdb"]


def test_a_broken_file_is_reported_and_the_others_are_predicted(
    structures: list[str], say: Say
) -> None:
    status, out, err = say("predict", *structures, "-T", 2, "--checkpoint", "sample")
    assert status == 2
    assert [line.split()[0] for line in out.splitlines()[2:5]] == structures
    assert "2 of 3 files predicted" in out
    assert "error: 1 of 3 files not predicted, the first: b.pdb:" in err
    assert Path("predictions/a/report.html").is_file()
    assert Path("predictions/c/summary.json").is_file()
    assert not Path("predictions/b").exists()


def test_a_file_among_others_is_predicted_as_it_is_alone(structures: list[str], say: Say) -> None:
    words = ["-T", 2, "--checkpoint", "sample"]
    status, out, _ = say("predict", "a.pdb", "c.pdb", *words, "-o", "many", "--json")
    assert not status
    told = json.loads(out)
    assert [one["input"] for one in told["predictions"]] == ["a.pdb", "c.pdb"]
    assert told["failed"] == []
    assert not say("predict", "c.pdb", *words, "-o", "alone")[0]
    alone, among = (np.load(f"{at}/prediction.npz")["positions"] for at in ("alone", "many/c"))
    np.testing.assert_allclose(among, alone, atol=1e-5)
    for at in ("alone", "many/c"):
        assert json.loads(Path(at, "summary.json").read_text())["warnings"]


def test_a_file_that_the_model_fails_on_does_not_keep_those_that_shared_its_batch(
    structures: list[str], say: Say, monkeypatch: MonkeyPatch
) -> None:
    together, wrong = passes.predict_together, list[Any]()

    def fails_on_the_last(loaded: Any, systems: Any, *rest: Any, **how: Any) -> Any:
        wrong.extend([] if wrong else [systems[-1]])
        if any(one is wrong[0] for one in systems):
            raise PainetError("model gf-node: its ODE needs more than 1024 steps")
        return together(loaded, systems, *rest, **how)

    for module in (many_predictions, pipeline):
        monkeypatch.setattr(module, "predict_together", fails_on_the_last)
    status, _, err = say("predict", "a.pdb", "c.pdb", "-T", 2, "--checkpoint", "sample")
    assert status == 2
    assert "1 of 2 files not predicted, the first: c.pdb: model gf-node" in err
    assert Path("predictions/a/report.html").is_file()


def test_files_of_one_kind_share_batches_and_a_model(
    structures: list[str], say: Say, monkeypatch: MonkeyPatch
) -> None:
    loaded, systems = [], []
    load, together = many_predictions.load_model, passes.predict_together
    monkeypatch.setattr(
        many_predictions, "load_model", lambda *given: loaded.append(given) or load(*given)
    )
    monkeypatch.setattr(
        many_predictions,
        "predict_together",
        lambda *given, **how: systems.append(len(given[1])) or together(*given, **how),
    )
    assert not say("predict", "a.pdb", "c.pdb", "-T", 2, "--checkpoint", "sample")[0]
    assert (len(loaded), systems) == (1, [2])


def test_no_more_than_two_written_predictions_are_in_memory(
    structures: list[str], say: Say, monkeypatch: MonkeyPatch
) -> None:
    shutil.copy("a.pdb", "d.pdb")
    written: list[weakref.ref[object]] = []
    in_memory = []
    save = many_predictions.save_prediction

    def noted(*given: Any, **how: Any) -> object:
        in_memory.append(sum(one() is not None for one in written))
        done = save(*given, **how)
        written.append(weakref.ref(done))
        return done

    monkeypatch.setattr(many_predictions, "save_prediction", noted)
    assert not say("predict", "a.pdb", "c.pdb", "d.pdb", "-T", 2, "--checkpoint", "sample")[0]
    assert in_memory == [0, 1, 1]


def test_a_list_names_files_and_may_have_remarks(structures: list[str], say: Say) -> None:
    Path("list.txt").write_text("# two molecules\na.pdb\n\n c.pdb \n")
    assert read_list(Path("list.txt")) == [Path("a.pdb"), Path("c.pdb")]
    status, out, _ = say("predict", "--manifest", "list.txt", "-T", 2, "--checkpoint", "sample")
    assert not status
    assert "2 of 2 files predicted" in out


@pytest.mark.parametrize("text", ["", "# nothing\n"])
def test_an_empty_list_is_refused(text: str, say: Say) -> None:
    Path("list.txt").write_text(text)
    status, _, err = say("predict", "--manifest", "list.txt")
    assert status == 2
    assert "list.txt: names no file" in err


def test_no_file_at_all_is_refused(say: Say) -> None:
    status, _, err = say("predict")
    assert status == 2
    assert "no file" in err


def test_a_list_of_names_that_are_no_text_or_too_long(structures: list[str], say: Say) -> None:
    strange = os.fsdecode(b"\xff\xfe.pdb")
    shutil.copy("a.pdb", strange)
    shutil.copy("a.pdb", "n" * 251 + ".pdb")
    names = [os.fsencode(strange), b"n" * 251 + b".pdb", b"a" * 5000, b"..", b"/", b"\x1b[2J.pdb"]
    Path("list.txt").write_bytes(b"\n".join([*names, b"c.pdb"]))
    status, out, err = say("predict", "--manifest", "list.txt", "-T", 2, "--checkpoint", "sample")
    assert status == 2, err
    assert "3 of 7 files predicted" in out or "4 of 7 files not predicted" in err
    Path("list.txt").write_bytes(b"c.pdb\n\0.pdb\n")
    status, _, err = say("predict", "--manifest", "list.txt")
    assert status == 2
    assert "not a list of files" in err


def test_a_folder_is_not_named_as_that_of_an_earlier_file(structures: list[str], say: Say) -> None:
    Path("sub").mkdir()
    shutil.copy("c.pdb", "c-2.pdb")
    shutil.copy("c.pdb", "sub/c.pdb")
    words = ("c.pdb", "sub/c.pdb", "c-2.pdb", "-T", 2, "--checkpoint", "sample")
    status, _, err = say("predict", *words)
    assert not status, err
    assert len(list(Path("predictions").iterdir())) == 3


def test_files_of_the_same_name_have_folders_of_their_own(structures: list[str], say: Say) -> None:
    Path("sub").mkdir()
    Path("a.pdb").rename("sub/c.pdb")
    status, _, _ = say("predict", "c.pdb", "sub/c.pdb", "-T", 2, "--checkpoint", "sample")
    assert not status
    assert {path.name for path in Path("predictions").iterdir()} == {"c", "c-2"}


def test_momentum_and_distributions_are_those_of_each_file_among_others_as_alone(
    data_dir: Path, say: Say
) -> None:
    made = ethanol(data_dir)
    for seed, name in enumerate(("a.pdb", "c.pdb")):
        write_pdb(Path(name), replace(made, frames=_turning(made.frames[seed])), frames=60)
    asked = ["-T", 2, "--checkpoint", "sample", "--frame-time", "4fs"]
    asked += ["--distribution", "--conserve", "momentum"]
    assert not say("predict", "a.pdb", "c.pdb", *asked, "-o", "many")[0]
    for name in ("a", "c"):
        assert not say("predict", f"{name}.pdb", *asked, "-o", f"alone/{name}")[0]
        alone, among = (
            json.loads(Path(at, name, "summary.json").read_text()) for at in ("alone", "many")
        )
        before, after = among["momentum"]["angular"]
        assert before > 1e-3 > after
        assert among["momentum"]["by_mass"]
        assert among["distribution"]["reference"] == "the frames up to the start"
        for key in ("distribution", "momentum"):
            assert among[key].keys() == alone[key].keys()
        np.testing.assert_allclose(
            among["momentum"]["angular"][0], alone["momentum"]["angular"][0], rtol=1e-3
        )
        figures = [
            [row["figures"][name] for row in one["distribution"]["rows"] for name in row["figures"]]
            for one in (among, alone)
        ]
        assert [one is None for one in figures[0]] == [one is None for one in figures[1]]
        known = ([one for one in each if one is not None] for each in figures)
        np.testing.assert_allclose(*known, rtol=1e-3, atol=1e-5)


def _turning(start: NDArray[np.floating]) -> NDArray[np.float32]:
    """(60, N, 3) frames of a molecule that turns and flies, and on which nothing acts."""
    turns = Rotation.from_rotvec(np.outer(0.01 * np.arange(60), [0.0, 0.0, 1.0]))
    centred = start - start.mean(axis=0)
    return np.stack(
        [one.apply(centred) + 0.01 * k for k, one in enumerate(turns)], dtype=np.float32
    )
