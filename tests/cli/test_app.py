"""The program around the commands: help, errors, exit statuses, streams."""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
import time
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from pytest import CaptureFixture, MonkeyPatch

from painet_cli.cli.app import main
from painet_cli.cli.session import Session
from painet_cli.errors import PainetError, RequestError

HEAVY = ("torch", "numpy", "pydantic", "matplotlib", "rich", "importlib.metadata")
ROOT = Path(__file__).parents[2]


def raising(monkeypatch: MonkeyPatch, error: BaseException) -> None:
    """Let `painet presets show` meet an error."""

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("painet_cli.config.presets.load_preset", fail)


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], []])
def test_help_lists_the_commands(arguments: list[str], capsys: CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    out, err = capsys.readouterr()
    assert "presets" in out
    assert "--device" in out
    assert err == ""


def test_version(capsys: CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"painet {version('painet')}\n"


@pytest.mark.parametrize("arguments", [["--version", "--json"], ["--json", "--version"]])
def test_the_versions_that_results_depend_on_are_json_too(
    arguments: list[str], capsys: CaptureFixture[str]
) -> None:
    assert main(arguments) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["painet"] == version("painet")
    assert {"python", "torch", "numpy"} <= said.keys()


def test_nothing_heavy_is_imported_before_a_command_needs_it() -> None:
    code = f"import sys, painet_cli.cli.app; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_help_is_quick() -> None:
    code = "from painet_cli.cli.app import main; main(['--help'])"
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert time.perf_counter() - start < 2.0  # 0.2 s on an idle machine


@pytest.mark.parametrize(
    ("error", "status"),
    [(PainetError("it broke", "mend it"), 1), (RequestError("it broke", "mend it"), 2)],
)
def test_an_error_is_two_lines_and_its_status(
    error: PainetError, status: int, capsys: CaptureFixture[str], monkeypatch: MonkeyPatch
) -> None:
    raising(monkeypatch, error)
    assert main(["presets", "show", "demo"]) == status
    assert capsys.readouterr() == ("", "error: it broke\nmend it\n")


def test_an_unforeseen_error_is_one_line_and_the_way_to_more(
    capsys: CaptureFixture[str], monkeypatch: MonkeyPatch
) -> None:
    raising(monkeypatch, ZeroDivisionError("by nought"))
    assert main(["presets", "show", "demo"]) == 1
    assert capsys.readouterr().err == (
        "error: ZeroDivisionError: by nought\nrun again with --debug for the traceback\n"
    )


def test_debug_shows_the_traceback(capsys: CaptureFixture[str], monkeypatch: MonkeyPatch) -> None:
    raising(monkeypatch, ZeroDivisionError("by nought"))
    assert main(["presets", "show", "demo", "--debug"]) == 1
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_an_interrupt_is_130(capsys: CaptureFixture[str], monkeypatch: MonkeyPatch) -> None:
    raising(monkeypatch, KeyboardInterrupt())
    assert main(["presets", "show", "demo"]) == 130
    assert capsys.readouterr().err.splitlines()[-1] == "error: interrupted"


def test_an_interrupt_while_the_program_is_loaded_says_nothing() -> None:
    entry = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]["painet"]
    module, _, function = entry.partition(":")
    code = f"""
import os, signal, sys
from {module} import {function}

class Pressed:
    def find_spec(self, name, *_):
        if name == "typer":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Pressed())
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
{function}()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


def test_a_reader_that_left_is_no_error() -> None:
    code = "import sys; from painet_cli.cli.app import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "presets", "schema"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["presets", "--nonsense"], "No such option: --nonsense"),
        (["presets", "show"], "Missing argument 'NAME'"),
        (["--json"], "Missing command"),
        (["presets", "--device", "gpu"], "gpu is none of auto, cpu, cuda, cuda:N, mps"),
    ],
)
def test_a_wrong_command_line_is_2(
    arguments: list[str], what: str, capsys: CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert what in err
    assert "--help` shows what it takes" in err
    assert len(err.splitlines()) == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["--json", "presets", "show", "demo"],
        ["presets", "--json", "show", "demo"],
        ["presets", "show", "demo", "--json"],
    ],
)
def test_common_options_stand_before_or_after_a_command(
    arguments: list[str], capsys: CaptureFixture[str]
) -> None:
    assert main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["presets"][0]["name"] == "demo"


def test_json_is_all_that_standard_output_gets(capsys: CaptureFixture[str]) -> None:
    session = Session(json=True)
    session.out.print("by the way")
    session.console.print("progress")
    payload: dict[str, Any] = {"mse": [1.0, math.nan], "run": Path("runs")}
    session.emit(payload, "a table")
    out, err = capsys.readouterr()
    assert json.loads(out) == {"mse": [1.0, None], "run": "runs"}
    assert err == "by the way\nprogress\n"


def test_quiet_silences_messages_and_keeps_answers(capsys: CaptureFixture[str]) -> None:
    session = Session(quiet=True)
    session.console.print("progress")
    session.emit({}, "made")
    session.answer({}, "result [bold] " + "x" * 100)
    assert capsys.readouterr() == ("result [bold] " + "x" * 100 + "\n", "")


def test_no_color_is_respected(monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert Session().out.no_color
