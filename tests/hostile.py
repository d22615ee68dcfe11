"""Files as someone writes them who means harm, each with the command that would read it.

Every maker is given an empty folder and what is good (`World`), and gives the words of a command.
"""

from __future__ import annotations

import io
import os
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class World:
    """What is good: a data directory with `sample`, and a run trained on it."""

    data_dir: Path
    run: Path


class Trap:
    """Object that, unpickled, would leave a file behind."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, ("unpickled",)


Words = list[object]
Maker = Callable[[Path, World], Words]
HOSTILE: dict[str, tuple[Maker, str]] = {}
"""Maker of each file by its name, and what the refusal says."""


def hostile(said: str) -> Callable[[Maker], Maker]:
    """Add a maker, under its name in words."""

    def added(maker: Maker) -> Maker:
        HOSTILE[maker.__name__.strip("_").replace("_", " ")] = (maker, said)
        return maker

    return added


def given(name: str, said: str, content: bytes | str, *words: object) -> None:
    """Add a file by its content; `FILE` in the words stands for its path."""
    file_name, _, title = name.partition(" ")

    def maker(folder: Path, world: World) -> Words:
        path = folder / file_name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        known = {"FILE": path, "DATA": world.data_dir, "RUN": world.run}
        return [known.get(str(word), word) for word in words]

    HOSTILE[f"{file_name}: {title}"] = (maker, said)


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def npy(
    shape: tuple[int, ...], dtype: str = "<f8", content: bytes = b"", length: int = -1
) -> bytes:
    """An .npy file that claims a shape, and a length of its header."""
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return (
        b"\x93NUMPY\x02\x00"
        + struct.pack("<I", len(text) if length < 0 else length)
        + text
        + content
    )


def array(values: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, np.asarray(values), allow_pickle=True)
    return file.getvalue()
