"""The program: its commands, and what it says and returns when one of them fails."""

from __future__ import annotations

import errno
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from painet_cli.cli import data, presets
from painet_cli.cli.bench.ablation import ablation
from painet_cli.cli.bench.motion import motion
from painet_cli.cli.bench.report import report
from painet_cli.cli.bench.scaling import scaling
from painet_cli.cli.bench.sweep import sweep
from painet_cli.cli.bench.tables import tables
from painet_cli.cli.checkpoints import checkpoints
from painet_cli.cli.demo import demo
from painet_cli.cli.evaluate import evaluate
from painet_cli.cli.models import models
from painet_cli.cli.predict import predict
from painet_cli.cli.prepare import command as prepare
from painet_cli.cli.runs import runs
from painet_cli.cli.session import Session, with_session
from painet_cli.cli.train import train
from painet_cli.cli.verify import verify
from painet_cli.errors import PainetError, PluginWarning, RequestError, in_a_line, out_of_memory
from painet_cli.training.distributed.launch import Launch, launched

INTERRUPTED = 130
_BY_MANY = ("train", "evaluate")
_OF_A_PATH = (errno.ENAMETOOLONG, errno.EACCES, errno.ENOTDIR, errno.EISDIR, errno.ELOOP)
"""What is wrong with a path that was given, where nothing says it better."""
_SMALLER = "ask for less: a smaller batch or model, fewer frames, starts or steps"

app = typer.Typer(
    name="painet",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
bench = typer.Typer(
    help="Models by datasets, beside the paper's figures.\n\n"
    "Example: `painet bench tables --presets mocap-run-s2s`",
    no_args_is_help=True,
)
for benchmark in (tables, report, scaling, ablation, motion):
    bench.command()(benchmark)
# A command is one file and one line here; its module imports nothing heavy before it is called.
app.add_typer(prepare.app, name="prepare")
app.add_typer(data.app, name="data")
app.command()(demo)
app.command()(train)
app.command()(evaluate)
app.command()(runs)
app.command()(sweep)
app.command()(predict)
app.command()(checkpoints)
app.command()(models)
app.command()(verify)
app.add_typer(bench, name="bench")
app.add_typer(presets.app, name="presets")


@app.callback(invoke_without_command=True)
@with_session
def painet(
    session: Session,
    version: Annotated[bool, typer.Option("--version", help="The version.")] = False,
) -> None:
    """Predict the 3D dynamics of many-body systems.

    Example: `painet demo`
    """
    if version:
        from painet_cli.storage.provenance import versions

        found = versions()
        session.answer(found, f"painet {found['painet']}")
        raise typer.Exit
    if session.subcommand is None:
        raise RequestError("Missing command.", "`painet --help` shows what it takes")
    launch = launched()
    if launch.size == 1 or session.subcommand in _BY_MANY:
        return
    if launch.rank > 0:
        raise typer.Exit(RequestError.exit_code)
    raise RequestError(
        f"painet {session.subcommand} is work for one process, and {launch.size} were started",
        "leave out torchrun or srun; only `painet train` and `evaluate` share their work",
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program.

    Parameters
    ----------
    arguments
        The command line without the program's name; by default that of the process.

    Returns
    -------
    int
        0 done, 1 it ran and failed, 2 the request cannot be carried out, 130 interrupted.
    """
    _stop_as_interrupted()
    # Before torch is loaded. By default threads spin while they wait, and on a busy machine keep
    # the core from the thread that they wait for: an epoch of the demo then takes minutes.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in arguments
    launch = Launch()
    try:
        launch = launched()
        with _warnings_as_lines():
            code = app(arguments or ["--help"], prog_name="painet", standalone_mode=False) or 0
        sys.stdout.flush()
    except PainetError as error:
        return _failed(error, error.what, error.hint, error.exit_code, debug=debug)
    except typer.TyperException as error:
        return _misused(error, arguments) if launch.rank == 0 else error.exit_code
    except (typer.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except BrokenPipeError:
        # The reader has gone; without this the interpreter complains when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:  # noqa: BLE001 - the last resort, so that no one meets a traceback
        if out_of_memory(error):
            return _failed(error, "out of memory", _SMALLER, 1, debug=debug)
        if isinstance(error, OSError) and error.errno in _OF_A_PATH and error.filename:
            what, hint = f"{error.filename}: {error.strerror}", "check the path and its permissions"
            return _failed(error, what, hint, RequestError.exit_code, debug=debug)
        what = in_a_line(error)
        hint = "" if debug else "run again with --debug for the traceback"
        return _failed(error, what, hint, 1, debug=debug)
    if code == INTERRUPTED:
        _say("interrupted")
    return int(code)


def _stop_as_interrupted() -> None:
    """Take a batch system's stop, and a terminal that closes, as an interrupt: work is kept."""
    for stop in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(stop) is signal.SIG_DFL:  # nohup has it ignored
            signal.signal(stop, signal.default_int_handler)


@contextmanager
def _warnings_as_lines() -> Iterator[None]:
    """Show what is warned of plugins as one line each, once; other warnings as Python does."""
    with warnings.catch_warnings():
        warnings.simplefilter("default", PluginWarning)
        shown = warnings.showwarning
        said = set()

        def show(message: Warning | str, category: type[Warning], *where: Any) -> None:
            if not issubclass(category, PluginWarning):
                shown(message, category, *where)
            elif str(message) not in said:
                said.add(str(message))
                Session().console.print(f"warning: {message}", style="yellow", soft_wrap=True)

        warnings.showwarning = show  # type: ignore[assignment]  # its keywords are the where
        yield


def _misused(error: typer.TyperException, arguments: Sequence[str]) -> int:
    """Report a command line that cannot be parsed."""
    context: typer.Context | None = getattr(error, "ctx", None)
    command = context.command_path if context else "painet"
    if what := error.format_message():  # empty where the help has been shown instead
        hint = f"`{command} --help` shows what it takes"
        wrong: str | None = getattr(error, "option_name", None)
        takes_settings = context and any(one.name == "settings" for one in context.command.params)
        if wrong and takes_settings and (setting := _as_setting(wrong, arguments)):
            what, hint = f"No such option: {wrong}", f"write `{setting}`; {hint}"
        elif "unexpected extra argument" in what and any(one.endswith(",") for one in arguments):
            hint = f"a list with blanks wants quotes: 'A, B'; {hint}"
        _say(what, hint)
    return error.exit_code


def _as_setting(flag: str, arguments: Sequence[str]) -> str:
    """How a preset's key that was typed as an option, `--lr 1e-3`, is given; or nothing."""
    from painet_cli.config.dotted import where_is
    from painet_cli.config.presets import Preset

    known = where_is(flag.lstrip("-").replace("-", "_"), Preset)
    if not known:
        return ""
    _, *after = [*arguments[arguments.index(flag) :], "..."] if flag in arguments else [flag, "..."]
    given = [one.partition("=")[2] for one in arguments if one.startswith(f"{flag}=")]
    value = (given or after)[0]
    return f"--set {known[0]}={'...' if value.startswith('-') else value}"


def _failed(error: Exception, what: str, hint: str, code: int, *, debug: bool) -> int:
    if debug:
        said = "".join(traceback.format_exception(error)).rstrip()
        Session().console.print(said, soft_wrap=True)
    _say(what, hint)
    return code


def _say(what: str, hint: str = "") -> None:
    """Write an error to standard error."""
    console = Session().console
    console.print("error: ", style="bold red", end="")
    console.print(f"{what}\n{hint}".rstrip(), soft_wrap=True)
