"""XTC, TRR, TNG and H5MD, read by MDAnalysis in a process of their own; see `storage.decoder`."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from types import MappingProxyType, SimpleNamespace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from painet_cli.storage.decoder import Answer, Decoder, Opened
from painet_cli.storage.hdf5 import open_hdf5

DECODED_WITH = (
    "MDAnalysis.coordinates.TRR",
    "MDAnalysis.coordinates.XTC",
    "MDAnalysis.coordinates.H5MD",
)


class ChildReader:
    """What `Trajectory` asks of an MDAnalysis reader, answered by a child process.

    Parameters
    ----------
    kind
        `XTC`, `TRR`, `TNG` or `H5MD`.
    filename
        The file.

    Raises
    ------
    OSError
        The file cannot be read: what the child says, or that it died.
    """

    def __init__(self, kind: str, filename: str, **_: Any) -> None:
        self._decoder = Decoder(f"{__name__}:{kind.lower()}", filename)
        said = self._decoder.told
        self.n_frames, self.n_atoms = int(said["n_frames"]), int(said["n_atoms"])
        self.dt = float(said["dt"])  # picoseconds, 0 where there is none
        self.last_offset = int(said.get("last_offset", 0))  # bytes before the last frame

    def __getitem__(self, number: int) -> SimpleNamespace:
        """Frame by number: positions, dimensions, time, and velocities where there are any."""
        said, vectors = self._decoder(number)
        moving = len(vectors) > 1
        return SimpleNamespace(
            positions=vectors[0],
            dimensions=said["dimensions"],
            edges=np.array(edges) if (edges := said.get("edges")) else None,  # as they lie
            time=float(said["time"]),
            has_velocities=moving,
            velocities=vectors[1] if moving else None,
        )

    def close(self) -> None:
        """Close the file."""
        self._decoder.close()


def xtc(path: str) -> Opened:
    """Open an XTC file; in the child."""
    from MDAnalysis.coordinates.XTC import XTCReader

    return _xdr(XTCReader, path)


def trr(path: str) -> Opened:
    """Open a TRR file; in the child."""
    from MDAnalysis.coordinates.TRR import TRRReader

    return _xdr(TRRReader, path)


def _xdr(kind: Any, path: str) -> Opened:
    from MDAnalysis.coordinates.XDR import XDRBaseReader

    # MDAnalysis would keep the places of frames in a file beside the trajectory, and believe one
    # that it finds there.
    XDRBaseReader._load_offsets = lambda self: self._read_offsets(store=False)
    reader = kind(path)
    told, answer = _served(reader)
    return told | {"last_offset": int(reader._xdr.offsets[-1])}, answer


def tng(path: str) -> Opened:
    """Open a TNG file; in the child, which pytng takes down where one is damaged."""
    from MDAnalysis.coordinates.TNG import TNGReader

    return _served(TNGReader(path))


def h5md(path: str) -> Opened:
    """Open an H5MD file; in the child."""
    from MDAnalysis.coordinates.H5MD import H5MDReader

    class Reader(H5MDReader):  # type: ignore[misc]
        def open_trajectory(self) -> None:
            super().open_trajectory()
            whole = _Completed(self._file["particles"][next(iter(self._file["particles"]))])
            self._particle_group: Any = whole

    open_hdf5(path).close()
    reader = Reader(path)
    told, answered = _served(reader)

    def answer(number: int) -> Answer:
        said, vectors = answered(number)
        if said["dimensions"]:
            edges = h5md_edges(reader, number, said["dimensions"])
            said = {**said, "edges": edges.tolist()}
        return said, vectors

    return told, answer


def h5md_edges(reader: Any, number: int, dimensions: Any) -> NDArray[np.float64]:
    """Edges (3, 3) of the box in a frame as they lie, angstrom, zero where it is open.

    Parameters
    ----------
    reader
        MDAnalysis' of an H5MD file, which keeps their lengths and angles alone.
    dimensions
        These, of the frame, in angstrom.
    """
    box = reader._particle_group["box"]
    own = np.array(box["edges/value"][number], dtype=np.float64)
    edges: NDArray[np.float64] = np.diag(own) if own.ndim == 1 else own
    # the reader looks whether all are periodic
    periodic = np.broadcast_to(np.ravel(box.attrs["boundary"]).astype(str) != "none", 3)
    unit = sum(dimensions[:3]) / np.linalg.norm(edges, axis=1).sum()
    edges *= unit * periodic[:, None]
    return edges


class _Values(np.ndarray[Any, Any]):
    """Numbers with attributes, as a dataset of HDF5 has them."""

    attrs: Mapping[str, Any] = MappingProxyType({})

    @classmethod
    def of(cls, values: Any, **attrs: Any) -> Self:
        made = np.asarray(values).view(cls)
        made.attrs = attrs
        return made


class _Completed:
    """Particles of an H5MD file, with a value a frame of what may stand once or be missing.

    MDAnalysis knows neither fixed edges nor steps and times as first and interval, nor a file
    without times or their unit, whose frames are all at 0 here.
    """

    def __init__(
        self, group: Any, inside: str = "", made: dict[str, _Values] | None = None
    ) -> None:
        self._group, self._inside = group, inside
        self._made = _missing(group) if made is None else made

    def __getitem__(self, name: str) -> Any:
        path = f"{self._inside}{name}"
        if path in self._made:
            return self._made[path]
        held = self._group[name]
        return _Completed(held, f"{path}/", self._made) if hasattr(held, "keys") else held

    def __contains__(self, name: str) -> bool:
        return f"{self._inside}{name}" in self._made or name in self._group

    @property
    def attrs(self) -> Any:
        """Attributes of the group."""
        return self._group.attrs


def _missing(group: Any) -> dict[str, _Values]:
    """What MDAnalysis wants of a group of particles and does not find, by its path."""
    made, count = {}, 0
    for name in ("position", "velocity", "force"):
        if name not in group:
            continue
        count = len(group[name]["value"])
        for key, unit in (("step", {}), ("time", {"unit": "ps"})):
            path, held = f"{name}/{key}", group[name].get(key)
            if held is None or (unit and "unit" not in held.attrs):
                made[path] = _Values.of(np.zeros(count), **unit)
            elif held.ndim == 0:
                first = held.attrs.get("offset", 0)
                made[path] = _Values.of(first + np.arange(count) * held[()], **held.attrs)
    edges = group["box"].get("edges")
    if edges is not None and not hasattr(edges, "keys"):
        made["box/edges/value"] = _Values.of(np.broadcast_to(edges, (count, *edges.shape)))
    return made


def _served(reader: Any) -> Opened:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        dt = float(reader.dt) if reader.n_frames > 1 else 0.0
    if any("no dt information" in str(one.message) for one in caught):
        dt = 0.0

    def answer(number: int) -> Answer:
        step = reader[number]
        box = None if step.dimensions is None else step.dimensions.tolist()
        vectors = [step.positions, *([step.velocities] if step.has_velocities else [])]
        said = {"dimensions": box, "time": float(step.time)}
        return said, [np.asarray(one, dtype=np.float32) for one in vectors]

    return {"n_frames": int(reader.n_frames), "n_atoms": int(reader.n_atoms), "dt": dt}, answer
