"""The errors a user sees, and the exit status each one ends the program with."""

from __future__ import annotations

from typing import ClassVar


class PainetError(Exception):
    """It ran and failed (exit status 1).

    Parameters
    ----------
    what
        What is wrong and where: a file, a line, a dotted key.
    hint
        What was expected, or the command or option that mends it.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.what}\n{self.hint}" if self.hint else self.what


class RequestError(PainetError):
    """The request cannot be carried out: a bad option, file or preset (exit status 2)."""

    exit_code = 2


class PluginWarning(UserWarning):
    """Something that another package adds to painet cannot be used, and was left out."""
