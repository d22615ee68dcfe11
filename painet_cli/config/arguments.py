"""Arguments of Python functions, held against the types and bounds that their signatures say."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache, wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from painet_cli.errors import RequestError, option

P = ParamSpec("P")
R = TypeVar("R")
_LONGEST_VALUE = 60
"""Characters of a value that a message repeats."""


def checked_argument(name: str, kind: Any, value: Any) -> Any:
    """Value of an argument, of its type: text for a path becomes a path.

    Of a sequence, a word may stand for itself alone.

    Parameters
    ----------
    kind
        Its annotation, with the bounds that `Annotated` adds to it.

    Raises
    ------
    RequestError
        It is not of that type, or out of bounds.

    Examples
    --------
    >>> from collections.abc import Sequence
    >>> checked_argument("topology", Path, "a.pdb").name
    'a.pdb'
    >>> checked_argument("tags", Sequence[str], "mine")
    ['mine']
    """
    adapter: TypeAdapter[Any] = TypeAdapter(kind, config=ConfigDict(arbitrary_types_allowed=True))
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        if isinstance(value, str | Path):
            try:
                return adapter.validate_python([value])
            except ValidationError:
                pass
        why = error.errors(include_url=False)[0]["msg"]
        short = len(repr(value)) <= _LONGEST_VALUE
        said = option(name, value) if short else f"{option(name)}, a {type(value).__name__}"
        raise RequestError(f"{said}: not allowed", f"it{why.removeprefix('Input')}") from error


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """A function whose arguments are held against its signature; defaults are not looked at."""
    signature = inspect.signature(function)
    hints = cache(lambda: get_type_hints(function, include_extras=True))

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        bound = signature.bind(*args, **kwargs)
        for name, value in bound.arguments.items():
            parameter = signature.parameters[name]
            named = parameter.kind is not parameter.VAR_KEYWORD
            if named and name in hints() and value is not parameter.default:
                bound.arguments[name] = checked_argument(name, hints()[name], value)
        return function(*bound.args, **bound.kwargs)

    return call
