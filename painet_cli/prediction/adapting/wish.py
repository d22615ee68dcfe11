"""What a user wants learned from a recording: whether, for how long, and kept where."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from painet_cli.errors import RequestError, option

_SECONDS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


@dataclass(frozen=True)
class Wish:
    """What is to be learned.

    Attributes
    ----------
    learn
        Whether to learn at all.
    budget_s
        Seconds to train a network for; 0 for none.
    save_run
        Where the run folder of what was learned is kept.
    data_dir
        Where its dataset is.
    force
        Replace what is there already.
    """

    learn: bool = True
    budget_s: float = 0.0
    save_run: Path | None = None
    data_dir: Path = Path("data")
    force: bool = False


NEVER = Wish(learn=False)


def read_wish(text: str, save_run: Path | None, data_dir: Path, *, force: bool) -> Wish:
    """Read `auto`, `never` or a time such as `5m`.

    Raises
    ------
    RequestError
        It is none of these, or a run is to be kept of nothing.
    """
    if text == "never":
        if save_run is not None:
            raise RequestError(
                f"{option('save_run')}: nothing is learned with {option('adapt', 'never')}",
                "leave one of them out",
            )
        return Wish(learn=False)
    parts = re.fullmatch(r"\s*([0-9]{1,6}(?:\.[0-9]+)?)\s*(s|m|min|h)\s*", text)
    seconds = float(parts[1]) * _SECONDS[parts[2]] if parts else 0.0
    if text != "auto" and not seconds > 0:
        raise RequestError(
            f"{option('adapt', text[:40])}: expected auto, never or a time to train for",
            "a time is a number with s, m or h: 5m",
        )
    return Wish(budget_s=seconds, save_run=save_run, data_dir=data_dir, force=force)
