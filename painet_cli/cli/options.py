"""Options that several commands share, as types for their parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from painet_cli.errors import RequestError

DATA_DIR = Path("data")
RUN_DIR = Path("runs")


def _preset_names() -> list[str]:
    from painet_cli.config.presets import preset_names

    return list(preset_names())


def as_bytes(size: str | None) -> int | None:
    """Bytes of a size such as `8GB`; None stays None."""
    from pydantic import ByteSize, TypeAdapter, ValidationError

    if size is None:
        return None
    try:
        return int(TypeAdapter(ByteSize).validate_python(size))
    except ValidationError:
        raise typer.BadParameter(f"{size} is no size of memory such as 8GB or 500MiB") from None


def refuse_contradictions(
    settings: Sequence[str] | None, options: Mapping[str, tuple[str, object]]
) -> None:
    """Refuse a setting that contradicts an option, of which one would be lost.

    Parameters
    ----------
    settings
        What `--set` says.
    options
        Of each option the key that it sets, and what to; None where it is not given.

    Raises
    ------
    RequestError
        Both are given, with different values.
    """
    from painet_cli.config.differences import flat_given

    given = flat_given(settings or ())
    for option, (key, value) in options.items():
        if value is not None and given.get(key, value) != value:
            raise RequestError(
                f"{option} {value}: --set {key}={given[key]} says otherwise", "give one of the two"
            )


DataDir = Annotated[
    Path,
    typer.Option("--data-dir", envvar="PAINET_DATA", help="Folder of the prepared datasets."),
]
RunDir = Annotated[
    Path, typer.Option("--run-dir", envvar="PAINET_RUNS", help="Folder of the runs.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a preset, such as train.lr=1e-3."),
]
MemoryBudget = Annotated[
    str | None,
    typer.Option(
        "--memory-budget",
        metavar="SIZE",
        help="Such as 8GB: compute so that it suffices; what is free by default.",
    ),
]
PresetArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="A preset or its file.", autocompletion=_preset_names)
]
PresetOption = Annotated[
    str,
    typer.Option(
        "--preset", metavar="NAME", help="A preset or its file.", autocompletion=_preset_names
    ),
]
