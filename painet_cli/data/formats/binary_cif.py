"""BinaryCIF as the text of mmCIF, which is read from there on.

Format: https://github.com/molstar/BinaryCIF/blob/master/encoding.md
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from painet_cli.errors import RequestError
from painet_cli.storage.archives import DAMAGED, read_bytes

_CATEGORIES = ("_entry", "_cell", "_symmetry", "_atom_site")
_TYPES = {1: "<i1", 2: "<i2", 3: "<i4", 4: "<u1", 5: "<u2", 6: "<u4", 32: "<f4", 33: "<f8"}
_LONGEST_COLUMN = 50_000_000
"""Values; the largest entry of the PDB has five million atoms."""
_UNKNOWN = {1: ".", 2: "?"}


def mmcif_of(path: Path) -> str:
    """Text of the atoms and the cell of a BinaryCIF file, as mmCIF.

    Raises
    ------
    RequestError
        It is no BinaryCIF file, is damaged, or holds no atoms.
    """
    import gemmi
    import msgpack

    raw = read_bytes(path)
    try:
        if raw[:2] == b"\x1f\x8b":
            raw = gzip.decompress(raw)
        content = msgpack.unpackb(raw, strict_map_key=False)
        document = gemmi.cif.Document()
        block = document.add_new_block("painet")
        found = set()
        for category in content["dataBlocks"][0]["categories"]:
            if category["name"] in _CATEGORIES:
                found.add(category["name"])
                columns = {one["name"]: _column(one) for one in category["columns"]}
                loop = block.init_loop(f"{category['name']}.", list(columns))
                loop.set_all_values(list(columns.values()))
    except (*DAMAGED, LookupError, AttributeError) as error:
        raise RequestError(
            f"{path}: damaged, or no BinaryCIF", "get it again, or take the .cif of the same entry"
        ) from error
    if "_atom_site" not in found:
        raise RequestError(f"{path}: holds no atoms", "is it the entry of a structure?")
    return str(document.as_string())


def _column(column: Mapping[str, Any]) -> list[str]:
    """Values of a column as words of mmCIF."""
    import gemmi

    values = _decoded(column["data"])
    if values.dtype.kind == "U":
        words = [gemmi.cif.quote(word) if word else "." for word in values.tolist()]
    elif values.dtype.kind == "f":
        words = [f"{value:.9g}" for value in values.tolist()]
    else:
        words = [str(value) for value in values.tolist()]
    if column.get("mask") is not None:
        for k, mark in enumerate(_decoded(column["mask"]).tolist()):
            words[k] = _UNKNOWN.get(mark, words[k])
    return words


def _decoded(data: Mapping[str, Any]) -> NDArray[Any]:
    return _undone(data["data"], data["encoding"])


def _undone(values: Any, encodings: Sequence[Mapping[str, Any]]) -> NDArray[Any]:
    """Undo the encodings of some data, the last first."""
    for encoding in reversed(encodings):
        values = _DECODERS[encoding["kind"]](values, encoding)
        if len(values) > _LONGEST_COLUMN:
            raise ValueError("longer than any entry")
    return np.asarray(values)


def _byte_array(values: Any, how: Mapping[str, Any]) -> NDArray[Any]:
    return np.frombuffer(values, _TYPES[how["type"]])


def _fixed_point(values: Any, how: Mapping[str, Any]) -> NDArray[Any]:
    return np.asarray(values / how["factor"])


def _interval(values: Any, how: Mapping[str, Any]) -> NDArray[Any]:
    step = (how["max"] - how["min"]) / (how["numSteps"] - 1)
    return np.asarray(how["min"] + values * step)


def _run_length(values: Any, how: Mapping[str, Any]) -> NDArray[Any]:
    counts = values[1::2]
    if not 0 <= how["srcSize"] <= _LONGEST_COLUMN or counts.sum(dtype=np.int64) != how["srcSize"]:
        raise ValueError("runs of another length")
    return np.repeat(values[::2], counts)


def _delta(values: Any, how: Mapping[str, Any]) -> NDArray[Any]:
    return np.asarray(how["origin"] + np.cumsum(values, dtype=np.int64))


def _integer_packing(values: Any, how: Mapping[str, Any]) -> NDArray[Any]:
    """Sums of runs: a value at the limit of its type goes on in the next."""
    limits = np.iinfo(values.dtype)
    goes_on = values == limits.max
    if not how["isUnsigned"]:
        goes_on |= values == limits.min
    starts = np.flatnonzero(np.concatenate([[True], ~goes_on[:-1]]))
    return np.asarray(np.add.reduceat(values.astype(np.int64), starts))


def _string_array(values: Any, how: Mapping[str, Any]) -> NDArray[Any]:
    offsets = _undone(how["offsets"], how["offsetEncoding"]).tolist()
    text = how["stringData"]
    words = np.array([text[a:b] for a, b in pairwise(offsets)], dtype=str)
    indices = _undone(values, how["dataEncoding"])
    if not len(words):
        return np.full(len(indices), "", dtype="<U1")
    return np.asarray(np.where(indices < 0, "", words[indices]))


_DECODERS = {
    "ByteArray": _byte_array,
    "FixedPoint": _fixed_point,
    "IntervalQuantization": _interval,
    "RunLength": _run_length,
    "Delta": _delta,
    "IntegerPacking": _integer_packing,
    "StringArray": _string_array,
}
