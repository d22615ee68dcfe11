"""MDAnalysis' many errors made into one."""

from __future__ import annotations

import gc
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from painet_cli.errors import RequestError


@contextmanager
def mdanalysis(
    asked: Path | str, expected: str = "", *, failed: str = "cannot be read"
) -> Iterator[list[warnings.WarningMessage]]:
    """Call MDAnalysis: its warnings are gathered, and any error names the file or option.

    What the library says of the error is its cause, and not part of the message.

    Raises
    ------
    RequestError
        MDAnalysis raised anything at all.
    """
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield caught
    except RequestError:
        raise
    except Exception as error:  # its parsers raise whatever Python does on junk
        let_go(error)
        if "surrogates not allowed" in str(error):  # of libraries in C, some in another process
            raise not_letters(asked) from error
        raise RequestError(
            f"{asked}: {failed}",
            expected or "check that it is whole, and of the format its name says",
        ) from error


def not_letters(path: Path | str) -> RequestError:
    """Why a library in C opens no file of this name."""
    return RequestError(
        f"{path}: its name or a folder's has bytes that are no letters in UTF-8",
        "rename that, or choose another folder",
    )


def let_go(error: BaseException) -> None:
    """Close what a reader left half open, and pass over what it says as it goes."""
    report, sys.unraisablehook = sys.unraisablehook, lambda _: None
    try:
        traceback.clear_frames(error.__traceback__)
        gc.collect()
    finally:
        sys.unraisablehook = report
