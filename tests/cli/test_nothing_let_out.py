"""What comes out of painet: nothing beside the folders asked for, no orders to a terminal."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from pytest import CaptureFixture, MonkeyPatch
from rich.table import Table
from rich.tree import Tree

from painet_cli.cli.app import main
from painet_cli.cli.session import Session, neutral
from painet_cli.errors import RequestError
from painet_cli.storage.atomic import new_file, new_folder
from tiny_files import ethanol, write_pdb, write_trajectory
from typed import Say

ORDERS = "\x1b[2J\x9b31m\x1b]0;title\x07\u202e\u2028\x7f\ud800\r"


@pytest.mark.parametrize("letter", ORDERS)
def test_a_letter_that_gives_a_terminal_orders_becomes_a_question_mark(letter: str) -> None:
    assert neutral(f"a{letter}b") == ("a?b" if not letter.isprintable() else f"a{letter}b")


def test_all_other_text_stays_as_it_is() -> None:
    text = "Å · 漢字 é\n\tm² [red]x[/red]"
    assert neutral(text) == text


def test_texts_tables_trees_and_spinners_are_neutral(capsys: CaptureFixture[str]) -> None:
    table, tree = Table(f"head{ORDERS}"), Tree(f"root{ORDERS}")
    table.add_row(f"cell{ORDERS}")
    tree.add(f"leaf{ORDERS}")
    session = Session()
    session.emit({}, f"text{ORDERS}", table, tree)
    with session.console.status(f"busy{ORDERS} [/nothing]"):
        pass
    out, err = capsys.readouterr()
    assert all(word in out for word in ("text", "head", "cell", "root", "leaf"))
    assert (out + err).replace("\n", "").isprintable()


@pytest.mark.parametrize("debug", [[], ["--debug"]])
def test_errors_and_tracebacks_are_neutral(
    debug: list[str], capsys: CaptureFixture[str], monkeypatch: MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RequestError(f"a name{ORDERS}", f"a hint{ORDERS}")

    monkeypatch.setattr("painet_cli.config.presets.load_preset", fail)
    assert main(["presets", "show", "demo", *debug]) == 2
    err = capsys.readouterr().err
    assert "a name?[2J" in err
    assert err.replace("\n", "").isprintable()


def stranger(data_dir: Path, folder: Path, name: str) -> Path:
    """A dataset whose texts give orders and whose only segment has a name."""
    shutil.copytree(data_dir / "sample", folder / "data" / "bad")
    manifest = folder / "data" / "bad" / "dataset.json"
    content = json.loads(manifest.read_text())
    content["origin"].update(source=ORDERS[:-2], licence=ORDERS[:-2], notes=ORDERS[:-2])
    content["segments"][0]["name"] = name
    manifest.write_text(json.dumps(content))
    return folder / "data" / "bad"


def test_a_datasets_texts_give_no_orders(say: Say, data_dir: Path, tmp_path: Path) -> None:
    dataset = stranger(data_dir, tmp_path, "one")
    status, out, _ = say("data", "show", dataset)
    assert status == 0
    assert out.replace("\n", "").isprintable()
    status, out, _ = say("data", "show", dataset, "--json")
    assert status == 0
    assert out.replace("\n", "").isprintable()
    assert ORDERS[:4] in json.dumps(json.loads(out), ensure_ascii=False).replace("\\u001b", "\x1b")


def test_a_segments_name_leads_nowhere(say: Say, data_dir: Path, tmp_path: Path) -> None:
    dataset = stranger(data_dir, tmp_path, "../../out")
    (tmp_path / "here").mkdir()
    status, _, err = say("data", "export", dataset, "-o", "here/{segment}.dcd", "--stop", 3)
    assert status == 0, err
    names = sorted(path.name for path in (tmp_path / "here").iterdir())
    assert names == [".._.._out.dcd", ".._.._out.pdb"]


def test_a_file_is_not_written_through_a_link(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_text("mine")
    for name in ("out.txt", ".out.txt.partial"):
        (tmp_path / name).symlink_to(mine)
    with new_file(tmp_path / "out.txt") as staging:
        staging.write_text("theirs")
    assert mine.read_text() == "mine"
    assert (tmp_path / "out.txt").read_text() == "theirs"
    assert not (tmp_path / "out.txt").is_symlink()


def test_a_folder_that_is_a_link_is_replaced_not_emptied(tmp_path: Path) -> None:
    mine, out = tmp_path / "mine", tmp_path / "out"
    mine.mkdir()
    (mine / "kept").write_text("mine")
    out.symlink_to(mine, target_is_directory=True)
    for content in ("one", "two"):
        with new_folder(out, force=True) as staging:
            (staging / "made").write_text(content)
    assert [path.name for path in mine.iterdir()] == ["kept"]
    assert not out.is_symlink()
    assert (out / "made").read_text() == "two"


def test_nothing_is_written_beside_a_trajectory(
    say: Say, data_dir: Path, finished_run: Path, tmp_path: Path
) -> None:
    made = ethanol(data_dir)
    inputs = tmp_path / "in"
    inputs.mkdir()
    write_trajectory(inputs, made, frames=30)
    say("data", "export", data_dir / "sample", "-o", inputs / "e.xtc", "--stop", 30)
    before = sorted(inputs.iterdir())
    assert inputs / "e.xtc" in before
    words = ["--topology", inputs / "ethanol.pdb", "--checkpoint", finished_run]
    status, _, err = say("predict", inputs / "e.xtc", *words, "-o", tmp_path / "out")
    assert status == 0, err
    assert sorted(inputs.iterdir()) == before


@pytest.mark.parametrize("name", ["-rf.pdb", "$\\foo$.pdb", "a;b`c`.pdb", "[red].pdb"])
def test_an_inputs_name_is_only_a_name(
    name: str, say: Say, data_dir: Path, finished_run: Path, tmp_path: Path
) -> None:
    made = ethanol(data_dir)
    pdb = write_pdb(tmp_path / "made.pdb", made, frames=3).rename(tmp_path / name)
    words = ("--checkpoint", finished_run, "-o", tmp_path / "out", "--frame-time", "0.5fs", "-T", 2)
    status, _, err = say("predict", *words, "--", pdb)
    assert status == 0, err
    for path in (tmp_path / "out").iterdir():
        assert path.name.replace("_", "").replace(".", "").replace("-", "").isalnum()
        assert not path.name.startswith("-")


@pytest.mark.parametrize("name", [b"\xff\xfe", b"a\nATOM      9  X   UNK"])
def test_a_name_that_is_no_text_or_of_two_lines_is_predicted_and_gives_no_lines(
    say: Say, tmp_path: Path, name: bytes
) -> None:
    path = tmp_path / f"{os.fsdecode(name)}.xyz"
    path.write_text("3\n\nC -1.27 0.25 0\nC 0 -0.55 0\nO 1.15 0.28 0\n")
    heavy = Path(__file__).parents[1] / "reference/ethanol-heavy.safetensors"
    status, _, err = say("predict", path, "-T", 2, "--checkpoint", heavy, "-o", tmp_path / "out")
    assert status == 0, err
    for written in (tmp_path / "out").glob("*.pdb"):
        lines = written.read_text().splitlines()
        assert sum(line.startswith("ATOM") for line in lines) in (3, 6, 9)


def test_data_lie_in_a_folder_whose_name_is_no_text(
    say: Say, tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    folder = tmp_path / os.fsdecode(b"f\xfcr")
    monkeypatch.setattr("sys.argv", ["painet", "prepare", "sample", "--data-dir", str(folder)])
    status, _, err = say("prepare", "sample", "--data-dir", folder)
    assert status == 0, err
    assert (
        "/f?r" in json.loads((folder / "sample/dataset.json").read_text())["origin"]["prepared_by"]
    )


def test_a_run_whose_weights_could_not_be_read_is_refused_at_once(
    say: Say, data_dir: Path, tmp_path: Path
) -> None:
    place = tmp_path / os.fsdecode(b"f\xfcr")  # safetensors opens no such file
    status, _, err = say("train", "--preset", "demo", "--data-dir", data_dir, "--run-dir", place)
    assert status == 2
    assert err.startswith(f"error: {tmp_path}/f?r/demo: its name has bytes that are no letters")
    assert len(err.splitlines()) == 2
    assert not place.exists()


@pytest.mark.parametrize("words", [["verify"], ["predict"], ["evaluate"], ["train", "--resume"]])
def test_a_path_that_is_too_long_is_a_sentence(say: Say, words: list[str]) -> None:
    status, _, err = say(*words, "a" * 300)
    assert status == 2
    assert len(err.splitlines()) <= 3
