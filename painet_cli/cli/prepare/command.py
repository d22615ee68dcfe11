"""`painet prepare`: every source is a command, with the options of its function's signature."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

import typer
from typer.core import TyperGroup
from typer.main import get_command

from painet_cli.cli.options import DATA_DIR, DataDir
from painet_cli.cli.session import Session, with_session
from painet_cli.errors import RequestError

if TYPE_CHECKING:
    from painet_cli.data.dataset.dataset import Dataset
    from painet_cli.data.sources.prepare import SourceOption
    from painet_cli.data.sources.registry import DataSource

Force = Annotated[bool, typer.Option("--force", help="Replace a dataset that is there already.")]


class SourceGroup(TyperGroup):
    """The sources of painet and of installed packages, each imported when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of all sources; one that cannot be used is left out, with a warning."""
        from painet_cli.config.plugins import warn
        from painet_cli.data.sources.registry import registered_sources

        names = []
        for name in registered_sources():
            try:
                self.get_command(ctx, name)
            except RequestError as error:
                warn(error.what)
            else:
                names.append(name)
        return names

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Command that is asked for; of a misspelt one says what may be meant."""
        from painet_cli.data.sources.registry import registered_sources

        known = registered_sources()
        if args and args[0] not in known and (near := get_close_matches(args[0], known, n=1)):
            ctx.fail(f"No such command '{args[0]}'. Did you mean '{near[0]}'?")
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Command of a source."""
        from painet_cli.data.sources.registry import find_source, registered_sources

        plugin = registered_sources().get(cmd_name)
        if plugin is None:
            return None
        source = find_source(cmd_name)
        try:
            return _command(source)
        except (NameError, RuntimeError, TypeError, ValueError) as error:  # as Typer refuses types
            raise plugin.broken(f"its options: {error}") from error


app = typer.Typer(
    help="Prepare a dataset from its raw source.\n\nExample: `painet prepare sample`",
    no_args_is_help=True,
    cls=SourceGroup,
)


@app.callback(invoke_without_command=True)
@with_session
def prepare(
    session: Session,
    listed: Annotated[
        bool, typer.Option("--list", help="Show every source, and what of it is here.")
    ] = False,
    data_dir: Annotated[
        Path | None, typer.Option("--data-dir", help="With --list: folder of prepared datasets.")
    ] = None,
) -> None:
    """Prepare a dataset from its raw source."""
    if session.subcommand is not None:
        if listed or data_dir is not None:
            option = "--list stands alone" if listed else "--data-dir belongs to the source"
            raise RequestError(
                f"painet prepare {session.subcommand}: {option}",
                f"`painet prepare --list`, or `painet prepare {session.subcommand} --data-dir DIR`",
            )
        return
    if not listed:
        raise RequestError(
            "painet prepare: no source given", "`painet prepare --list` shows every source"
        )
    import os

    from painet_cli.cli.prepare.listing import list_sources

    list_sources(session, data_dir or Path(os.environ.get("PAINET_DATA", DATA_DIR)))


def _command(source: DataSource) -> Any:
    """Command with the options of a source's function."""
    command = typer.Typer(add_completion=False)
    from painet_cli.data.sources.prepare import options_of

    known = options_of(source).values()
    example = source.about.example({one.name: one.default for one in known if not one.required})
    about = f"{source.about.title}: {source.about.about}.\n\nExample: `{example}`"
    command.command(name=source.about.name, help=about)(with_session(_typed(source)))
    return get_command(command)


def _typed(source: DataSource) -> Callable[..., None]:
    """Function of a session, the source's options, `--data-dir` and `--force`."""
    from painet_cli.data.sources.prepare import options_of, prepare_at

    options = options_of(source)

    def run(session: Session, *, data_dir: Path, force: bool, **given: Any) -> None:
        from importlib.metadata import version

        from painet_cli.cli.progress import preparing
        from painet_cli.data.dataset.describe import describe
        from painet_cli.data.sources.registry import Destination
        from painet_cli.report.tables.dataset import summary_table
        from painet_cli.storage.provenance import command_line

        command = f"painet {version('painet')}: {command_line()}"
        # an option of several that was not typed at all is None to Typer
        values = {
            name: options[name].default if options[name].several and value is None else value
            for name, value in given.items()
        }
        with preparing(session, f"preparing {source.about.name}") as (progress, downloading):
            to = Destination(data_dir, force, command, progress, downloading)
            dataset = prepare_at(to, source.about.name, **values)
        described = describe(dataset)
        session.emit(described.summary(), summary_table(described))
        if source.about.preset:
            _say_how_to_train(session, dataset, source.about.preset, given.get("horizon"))

    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter("session", inspect.Parameter.POSITIONAL_ONLY),
            *(_parameter(source, one) for one in options.values()),
            _keyword("data_dir", DataDir, DATA_DIR),
            _keyword("force", Force, default=False),
        ]
    )
    return run


def _parameter(source: DataSource, one: SourceOption) -> inspect.Parameter:
    """Option as Typer reads it."""
    kind = list[get_args(one.kind)[0]] | None if one.several else one.kind  # type: ignore[misc]
    if one.positional:
        name = _metavar(one) or one.name.upper()
        place = typer.Argument(help=one.help, metavar=name, show_default=False)
        return _keyword(one.name, Annotated[kind, place], inspect.Parameter.empty)
    how = typer.Option(
        f"--{one.name.replace('_', '-')}",
        help=one.help,
        metavar=_metavar(one),
        min=one.bound("ge"),
        max=one.bound("le"),
        autocompletion=(lambda: choices) if (choices := source.about.choices(one.name)) else None,
    )
    default = None if one.several and not one.required else one.default
    return _keyword(one.name, Annotated[kind, how], default)


def _metavar(one: SourceOption) -> str | None:
    """FILE for a path, TIME for a text called `frame_time`, choices as they are; else Typer's."""
    kinds = {one.kind, *get_args(one.kind)}
    if choices := [
        name for kind in kinds if get_origin(kind) is Literal for name in get_args(kind)
    ]:
        return "|".join(choices)
    if Path in kinds:
        return "FILE"
    return one.name.rpartition("_")[2].upper() if str in kinds else None


def _keyword(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
    )


def _say_how_to_train(session: Session, dataset: Dataset, preset: str, horizon: int | None) -> None:
    """Say how to train on what was prepared."""
    from painet_cli.config.presets import load_preset

    manifest = dataset.manifest
    if not manifest.particles.bonds:
        session.console.print(
            "no bonds: train with a preset that has data.cutoff, or give --bond-length",
            soft_wrap=True,
        )
    own = load_preset(preset).data.horizon
    session.console.print(
        f"painet train --preset {preset} --set data.dataset={manifest.name} "
        f"--set data.delta_frames={manifest.split.delta_frames}"
        + (f" --set data.horizon={horizon}" if horizon not in (None, own) else ""),
        soft_wrap=True,
    )
