"""The errors a user sees, and the exit status each one ends the program with."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from difflib import get_close_matches
from pathlib import Path
from typing import ClassVar

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
"""What a disk answers that was good when the work began."""


def _keyword(name: str, value: object = ...) -> str:
    return name if value is ... else f"{name}={value!r}"


_spelling: ContextVar[Callable[..., str]] = ContextVar("spelling", default=_keyword)


def option(name: str, value: object = ...) -> str:
    """An argument in the words of a message, spelled as whoever gave it would write it.

    Parameters
    ----------
    name
        Name of the argument of the Python function.
    value
        What it is, where the message says so.

    Examples
    --------
    >>> option("delta_frames"), option("molecule", "bensene")
    ('delta_frames', "molecule='bensene'")
    >>> def dashed(name, value):
    ...     return f"--{name} {value}"
    >>> with spelling(dashed):
    ...     option("molecule", "bensene")
    '--molecule bensene'
    """
    return _spelling.get()(name, value)


@contextmanager
def spelling(spell: Callable[..., str]) -> Iterator[None]:
    """Spell `option` in this way meanwhile, as the command line does with its dashes."""
    before = _spelling.set(spell)
    try:
        yield
    finally:
        _spelling.reset(before)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The known word that a wrong one is nearest to, as the beginning of a hint; or nothing.

    Examples
    --------
    >>> did_you_mean("painett", ["egnn", "painet"])
    'did you mean painet? '
    >>> did_you_mean("painet", ["egnn", "painet"]), did_you_mean("x", ["egnn", "painet"])
    ('', '')
    """
    near = get_close_matches(word.strip().lower(), known, n=1)
    return f"did you mean {near[0]}? " if near and near[0] != word else ""


def some_of(names: Sequence[str], most: int = 6) -> str:
    """The first few names, and how many more there are.

    Examples
    --------
    >>> some_of(["C", "H", "O"]), some_of("CHNOPS", 2)
    ('C, H, O', 'C, H and 4 more')
    """
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


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


def in_a_line(error: BaseException) -> str:
    r"""Kind and first words of an error of someone else's.

    Examples
    --------
    >>> in_a_line(RuntimeError("\n  two weights\n  share memory")), in_a_line(KeyError())
    ('RuntimeError: two weights', 'KeyError')
    """
    said = str(error).strip().splitlines()
    return f"{type(error).__name__}: {said[0]}" if said else type(error).__name__


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


def cannot_write(path: Path, error: OSError, hint: str = "") -> PainetError:
    """What to raise for a file that the operating system did not let be written.

    A full disk is a failure (exit status 1), a place that cannot be written to is a wrong request.
    """
    what = f"{path}: cannot be written ({error.strerror or error})"
    if error.errno in _FULL:
        return PainetError(what, "free some space, and run the same again: what is done is kept")
    return RequestError(what, hint)
