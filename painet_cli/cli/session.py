"""What all commands share: the common options, and where results and messages go."""

from __future__ import annotations

import functools
import gc
import inspect
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, get_args
from unicodedata import category

import typer
from typer.models import OptionInfo

from painet_cli.errors import spelling

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.status import Status

    from painet_cli.training.distributed.world import World

_OBEYED = {"Cc", "Cf", "Cs", "Zl", "Zp"}


@dataclass(frozen=True)
class Session:
    """The common options of one call, and its two streams.

    Attributes
    ----------
    json
        Standard output gets one JSON object and nothing else.
    csv
        Standard output gets the rows of the result as comma-separated values and nothing else.
    quiet
        Nothing but errors, and what a command that makes nothing is asked for.
    debug
        Errors come with their traceback.
    device
        `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.
    subcommand
        Command that follows, while a group of commands is being called.
    mute
        No results either: another process hands them over.
    """

    json: bool = False
    csv: bool = False
    quiet: bool = False
    debug: bool = False
    device: str = "auto"
    subcommand: str | None = None
    mute: bool = False

    @cached_property
    def console(self) -> Console:
        """Standard error, for progress and messages; silent when `quiet`."""
        return _console(stderr=True, quiet=self.quiet)

    @cached_property
    def out(self) -> Console:
        """Standard output, for results; standard error when that is kept for JSON or CSV."""
        return _console(stderr=self.json or self.csv)

    def of(self, world: World) -> Session:
        """Same session in one of several processes: only one of them speaks."""
        return self if world.is_writer else replace(self, quiet=True, mute=True)

    def emit(self, payload: dict[str, Any], *renderables: RenderableType) -> None:
        """Say what was made: as `answer` does, and nothing when `quiet`, unless as JSON or CSV."""
        if self.json or self.csv or not self.quiet:
            self.answer(payload, *renderables)

    def answer(self, payload: dict[str, Any], *renderables: RenderableType) -> None:
        """Hand over what was asked for: as JSON or CSV where wanted, else as tables and text.

        Parameters
        ----------
        payload
            The result as plain data; numbers that JSON cannot hold become null.
        renderables
            The same for a reader. Text is written as it is, never wrapped.
        """
        if self.mute:
            return
        if self.json:
            sys.stdout.write(f"{as_json(payload)}\n")
            return
        if self.csv:
            from painet_cli.report.tables.comma_separated import as_csv, rows_of

            sys.stdout.write(neutral(as_csv(rows_of(payload))))
            return
        for renderable in renderables:
            self.out.print(renderable, soft_wrap=isinstance(renderable, str))


@contextmanager
def loading() -> Iterator[None]:
    """Import what a command needs without looking for garbage among it, a tenth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.freeze()  # modules stay: nothing looks through them again


def as_json(payload: dict[str, Any]) -> str:
    """Write plain data as JSON: NaN and infinity become null, paths become text."""
    from painet_cli.storage.provenance import finite

    return json.dumps(finite(payload), indent=2, default=str)


def _console(*, stderr: bool, quiet: bool = False) -> Console:
    from rich.console import Console
    from rich.segment import Segment
    from rich.text import Text

    class PlainConsole(Console):
        """Every text passes here last: what a file calls its atoms gives a terminal no orders."""

        def render(self, *args: Any, **options: Any) -> Iterable[Segment]:
            for segment in super().render(*args, **options):
                text, style, control = segment
                yield segment if control else Segment(neutral(text), style)

        def status(self, status: RenderableType, **options: Any) -> Status:
            # rich takes markup here whatever the console is told: a path may hold [/]
            return super().status(Text(status) if isinstance(status, str) else status, **options)

    # No markup: a path or a list such as [speed, type] is text, not a style.
    return PlainConsole(stderr=stderr, quiet=quiet, markup=False, emoji=False, highlight=False)


def neutral(text: str) -> str:
    """Text with `?` for all that a terminal obeys or hides: escapes, directions, half characters.

    Newlines and tabs stay.
    """
    if text.isprintable():  # never so for a category below
        return text
    return "".join("?" if category(c) in _OBEYED and c not in "\n\t" else c for c in text)


def _checked_device(device: str) -> str:
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?|mps", device):
        raise typer.BadParameter(f"{device} is none of auto, cpu, cuda, cuda:N, mps")
    return device


def _flag(name: str, help_text: str) -> Any:
    return typer.Option(f"--{name}", help=help_text, rich_help_panel="Common options")


def _session(
    ctx: typer.Context,
    json: Annotated[bool, _flag("json", "One JSON object on standard output.")] = False,
    csv: Annotated[bool, _flag("csv", "Comma-separated values on standard output.")] = False,
    quiet: Annotated[bool, _flag("quiet", "Nothing but errors and answers.")] = False,
    debug: Annotated[bool, _flag("debug", "Show the traceback of an error.")] = False,
    device: Annotated[
        str,
        typer.Option(
            "--device",
            metavar="auto|cpu|cuda|cuda:N|mps",
            help="Where to compute.",
            callback=_checked_device,
            rich_help_panel="Common options",
        ),
    ] = "auto",
) -> Session:
    """Join the common options with those given before the command's name."""
    given = ctx.obj if isinstance(ctx.obj, Session) else Session()
    session = Session(
        json=json or given.json,
        csv=(csv or given.csv) and not (json or given.json),
        quiet=quiet or given.quiet,
        debug=debug or given.debug,
        device=device if device != "auto" else given.device,
        subcommand=ctx.invoked_subcommand,
    )
    ctx.obj = session
    return session


def dashed(ctx: typer.Context) -> Callable[..., str]:
    """How messages spell an argument on a command line: `--molecule bensene`."""
    flags = {
        param.name: opt
        for param in ctx.command.params
        for opt in param.opts
        if opt.startswith("--")
    }

    def spell(name: str, value: object = ...) -> str:
        flag = flags.get(name, f"--{name.replace('_', '-')}")
        if value is False:
            return f"--no-{flag.removeprefix('--')}"
        return flag if value is ... or value is True else f"{flag} {_typed(value)}"

    return spell


def _typed(value: object) -> str:
    """A value as one word of a command line."""
    if isinstance(value, float):
        return f"{value:g}"
    plain = not isinstance(value, str) or re.fullmatch(r"[\w.,:=+-]*\w", value)
    return str(value) if plain else repr(value)


_METAVARS = {int: "N", float: "X"}


def _measured(parameter: inspect.Parameter) -> inspect.Parameter:
    """A number is N or X in the help, where Typer says `<int range>`."""
    kind, *notes = get_args(parameter.annotation) or (parameter.annotation,)
    metavar = next((_METAVARS[one] for one in (kind, *get_args(kind)) if one in _METAVARS), None)
    if metavar is None:
        return parameter
    named = [copy(note) if isinstance(note, OptionInfo) else note for note in notes]
    for note in named:
        if isinstance(note, OptionInfo):
            note.metavar = note.metavar or metavar
    return parameter.replace(annotation=Annotated[kind, *named]) if named else parameter


def with_session(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the common options; it receives them as its first argument, a `Session`.

    Typer reads the options from a signature, so the command's own parameters, less the session, and
    those of `_session` are joined in one.
    """
    own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
    common = inspect.signature(_session, eval_str=True).parameters

    @functools.wraps(command)
    def run(**values: Any) -> None:
        with spelling(dashed(values["ctx"])):
            session = _session(**{name: values.pop(name) for name in common})
            command(session, **values)

    parameters = [_measured(p).replace(kind=p.KEYWORD_ONLY) for p in (*own, *common.values())]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return run
