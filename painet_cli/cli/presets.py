"""`painet presets`: list, show, check and describe presets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from painet_cli.cli.options import PresetArgument, Settings
from painet_cli.cli.session import Session, with_session
from painet_cli.errors import RequestError

if TYPE_CHECKING:
    from rich.table import Table

    from painet_cli.config.presets import Preset

WIDTH_WITH_DESCRIPTION = 120

app = typer.Typer()


@app.callback(invoke_without_command=True)
@with_session
def list_presets(session: Session) -> None:
    """List the shipped presets, show one, check a file.

    Example: `painet presets`
    """
    if session.subcommand is not None:
        return
    from painet_cli.config.presets import load_preset, preset_names

    rows = [_row(name, load_preset(name)) for name in preset_names()]
    wide = session.out.width >= WIDTH_WITH_DESCRIPTION
    session.answer({"presets": rows}, _table(rows, described=wide))


@app.command()
@with_session
def show(session: Session, name: PresetArgument, settings: Settings = None) -> None:
    """Print a preset as YAML, with what it extends and every default.

    Example: `painet presets show demo`
    """
    from painet_cli.config.presets import load_preset, preset_name

    preset = load_preset(name, settings or ())
    row = {"name": preset_name(name), **preset.model_dump(mode="json")}
    session.answer({"presets": [row]}, preset.to_yaml().rstrip())


@app.command()
@with_session
def validate(
    session: Session,
    files: Annotated[list[str], typer.Argument(metavar="FILE", help="Preset files.")],
) -> None:
    """Check preset files; exit status 2 when one is not valid.

    Example: `painet presets validate mine.yaml`
    """
    from painet_cli.config.presets import load_preset

    rows: list[dict[str, Any]] = []
    for file in files:
        try:
            load_preset(file)
        except RequestError as error:
            rows.append({"file": file, "valid": False, "error": str(error)})
        else:
            rows.append({"file": file, "valid": True, "error": None})
    session.emit({"presets": rows}, *(f"{row['file']}: valid" for row in rows if row["valid"]))
    if wrong := [row for row in rows if not row["valid"]]:
        raise RequestError("\n".join(row["error"] for row in wrong))


@app.command()
@with_session
def schema(session: Session) -> None:
    """Print the JSON Schema of a preset file, for editors.

    Example: `painet presets schema`
    """
    from painet_cli.config.presets import preset_schema

    described = preset_schema()
    session.answer(described, json.dumps(described, indent=2))


def _row(name: str, preset: Preset) -> dict[str, Any]:
    model = preset.model.model_dump()
    return {
        "name": name,
        "dataset": preset.data.dataset,
        "horizon": preset.data.horizon,
        "model": model["name"],
        **{key: model.get(key) for key in ("layers", "hidden", "heads")},
        "batch_size": preset.train.batch_size,
        "lr": preset.train.lr,
        "description": preset.description,
    }


def _table(rows: list[dict[str, Any]], *, described: bool) -> Table:
    """Lay out the presets; without dataset and description they fit 80 columns."""
    from painet_cli.report.tables.layout import plain_table

    columns = {
        "name": "name",
        **({"dataset": "dataset"} if described else {}),
        "horizon": "T",
        "layers": "layers",
        "hidden": "hidden",
        "heads": "heads",
        "batch_size": "batch",
        "lr": "lr",
    } | ({"description": "description"} if described else {})
    table = plain_table()
    for key, heading in columns.items():
        text = isinstance(rows[0][key], str)
        table.add_column(heading, justify="left" if text else "right", no_wrap=key != "description")
    for row in rows:
        table.add_row(*("-" if row[key] is None else str(row[key]) for key in columns))
    return table
