"""Arguments of Python functions are of the types and within the bounds of their signatures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pytest
from pydantic import Field

from painet_cli.config.arguments import checked, checked_argument
from painet_cli.errors import RequestError

Changes = Sequence[str] | Mapping[str, object]


@checked
def called(
    file: str | Path,
    steps: Annotated[int, Field(ge=1)] = 1,
    *,
    part: Literal["train", "test"] | None = None,
    changes: Changes = (),
    **others: object,
) -> tuple[Any, ...]:
    return file, steps, part, changes, others


def test_what_fits_is_handed_on() -> None:
    assert called(Path("a"), np.int64(3), part="test") == (Path("a"), 3, "test", (), {})
    assert called("a", changes={"x": 1}, other=2) == ("a", 1, None, {"x": 1}, {"other": 2})


def test_a_word_is_a_sequence_of_one() -> None:
    assert called("a", changes="x=1")[3] == ["x=1"]
    assert checked_argument("files", Sequence[Path], "a.pdb") == [Path("a.pdb")]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"file": None}, "file=None: not allowed\nit should be a valid string"),
        (
            {"file": "a", "steps": 0},
            "steps=0: not allowed\nit should be greater than or equal to 1",
        ),
        ({"file": "a", "part": "tset"}, "part='tset': not allowed\nit should be 'train' or 'test'"),
        ({"file": list(range(99))}, "file, a list: not allowed\nit should be a valid string"),
    ],
)
def test_what_does_not_fit_is_named(given: dict[str, Any], said: str) -> None:
    with pytest.raises(RequestError) as caught:
        called(**given)
    assert str(caught.value) == said


def test_what_is_missing_or_unknown_is_python_s_own_error() -> None:
    with pytest.raises(TypeError, match="file"):
        called()  # type: ignore[call-arg]
