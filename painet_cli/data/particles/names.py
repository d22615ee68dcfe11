"""Names, axes and strict sections: what everything that is written down is made of."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Axis = Literal["x", "y", "z"]
AXES: tuple[Axis, ...] = ("x", "y", "z")
Velocity = Literal["next", "before"]
"""Which difference a velocity is: to the `next` frame, or from the one `before`."""
Treatment = Literal["unwrapped", "centred", "superposed"]
"""What may be done to the frames of a recording before they are learned from."""
BACKBONE = ("N", "CA", "C", "O")
"""Names of the atoms of a protein's backbone in a residue."""
LONGEST_NAME = 200


def _plain(name: str) -> str:
    if not name.isprintable() or len(name) > LONGEST_NAME:
        raise ValueError(f"{name[:40]!r} is no name: it would not print on a line")
    return name


def _file_name(name: str) -> str:
    if "/" in name or "\\" in name or name in ("", ".", ".."):
        raise ValueError(f"{name[:40]!r} is not the name of a file in this folder")
    return _plain(name)


Name = Annotated[str, AfterValidator(_plain)]
"""Text that goes to terminals, tables and files: without control characters, not too long."""
FileName = Annotated[str, AfterValidator(_file_name)]
"""Name of a file in the folder that names it."""


Whole = Annotated[int, Field(ge=-(2**63), lt=2**63)]
"""A number that an array of int64 can hold."""
Index = Annotated[int, Field(ge=0, lt=2**63)]
Count = Annotated[int, Field(ge=1, lt=2**63)]


class Section(BaseModel):
    """A part of a file of ours: no unknown keys, no NaN, never changed."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False
    )
