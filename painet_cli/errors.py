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


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory is used up: Python's, NumPy's, or one of torch's ways."""
    if isinstance(error, MemoryError):
        return True
    said = str(error)
    return isinstance(error, RuntimeError) and any(
        sign in said
        for sign in (
            "out of memory",  # CUDA and MPS
            "can't allocate memory",  # torch's CPU allocator
            "bad_alloc",
            "could not create a memory object",  # oneDNN; a primitive, too, fails for memory alone
            "could not create a primitive",
            "can't start new thread",
        )
    )


class RequestError(PainetError):
    """The request cannot be carried out: a bad option, file or preset (exit status 2)."""

    exit_code = 2


class PluginWarning(UserWarning):
    """Something that another package adds to painet cannot be used, and was left out."""
