"""Sources of other packages as commands: `painet prepare NAME`, options from a signature."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin, get_type_hints

import typer
from typer.core import TyperGroup
from typer.main import get_command

from painet_cli.cli.options import DATA_DIR, DataDir
from painet_cli.cli.prepare.common import Force, destination, report
from painet_cli.cli.session import Session, with_session
from painet_cli.errors import RequestError

if TYPE_CHECKING:
    from painet_cli.data.sources.registry import DataSource


class SourceGroup(TyperGroup):
    """Painet's own sources, and those of installed packages, which are imported when asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of all sources; one that cannot be used is left out, with a warning."""
        from painet_cli.config.plugins import warn
        from painet_cli.data.sources.registry import registered_sources

        names = super().list_commands(ctx)
        for name in sorted(registered_sources().keys() - {*names}):
            try:
                self.get_command(ctx, name)
            except RequestError as error:
                warn(error.what)
            else:
                names.append(name)
        return names

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Command of a source."""
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        from painet_cli.data.sources.registry import find_source, registered_sources

        plugin = registered_sources().get(cmd_name)
        if plugin is None:
            return None
        source = find_source(cmd_name)
        try:
            return _command(source)
        except (NameError, RuntimeError, TypeError, ValueError) as error:  # as Typer refuses types
            raise plugin.broken(f"its options: {error}") from error


def _command(source: DataSource) -> Any:
    """Command with the options of a source's function."""
    app = typer.Typer(add_completion=False)
    about = f"{source.about.title}: {source.about.about}."
    app.command(name=source.about.name, help=about)(with_session(_typed(source)))
    return get_command(app)


def _typed(source: DataSource) -> Callable[..., None]:
    """Function of a session, the source's options, `--data-dir` and `--force`."""

    def prepare(session: Session, **options: Any) -> None:
        data_dir, force = options.pop("data_dir"), options.pop("force")
        with destination(session, data_dir, f"preparing {source.about.name}", force=force) as to:
            dataset = source.prepare(to, **options)
        report(session, dataset)

    common = inspect.signature(_common, eval_str=True).parameters
    parameters = [*_options(source), *common.values()]
    session = inspect.Parameter("session", inspect.Parameter.POSITIONAL_ONLY)
    prepare.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [session, *(one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in parameters)]
    )
    return prepare


def _common(*, data_dir: DataDir = DATA_DIR, force: Force = False) -> None:
    """Options that every source has."""


def _options(source: DataSource) -> list[inspect.Parameter]:
    """Parameters of a source's function after its destination, as Typer reads options."""
    _, *own = inspect.signature(source.prepare).parameters.values()
    hints = get_type_hints(source.prepare, include_extras=True)
    options = []
    for parameter in own:
        hint = hints.get(parameter.name, str)
        if parameter.kind is parameter.VAR_KEYWORD:
            raise TypeError(f"**{parameter.name} names none")
        if get_origin(hint) is Annotated:
            kind, *about = get_args(hint)
            words = [one for one in about if isinstance(one, str)]
            if words:  # the package need not know Typer
                hint = Annotated[kind, typer.Option(help=words[0])]
        else:
            hint = Annotated[hint, typer.Option()]
        options.append(parameter.replace(annotation=hint))
    return options
