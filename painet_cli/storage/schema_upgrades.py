"""Files of an older painet, brought to today's schema by a chain of small functions.

A schema's number goes up by one with each change that an older painet could not read; the change
comes with the function that makes a file of the number before into one of the next.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from painet_cli.errors import RequestError

Step = Callable[[dict[str, Any]], dict[str, Any]]


def upgraded(
    content: Any, steps: Mapping[int, Step], path: Path, what: str, hint: str = "upgrade painet"
) -> Any:
    """Content of a file as this painet's schema has it.

    Parameters
    ----------
    content
        What the file holds. What is no object, or has no whole `schema_version`, is given back as
        it is: its model says what is wrong.
    steps
        From each older schema to the next; the largest key is one less than today's schema.
    path, what
        The file and its kind, for messages.
    hint
        What to do about a file that is too new.

    Raises
    ------
    RequestError
        A newer painet wrote it, or it is not what its schema says.
    """
    version = content.get("schema_version") if isinstance(content, dict) else None
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        return content
    newest = max(steps, default=0) + 1
    if version > newest:
        raise RequestError(
            f"{path}: {what} schema {str(version)[:20]} is newer than this painet reads ({newest})",
            hint,
        )
    for number in range(version, newest):
        try:
            content = steps[number](content) | {"schema_version": number + 1}
        except (KeyError, TypeError, AttributeError) as error:
            raise RequestError(f"{path}: not a {what} of schema {number} ({error!r})") from error
    return content
