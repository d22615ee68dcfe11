"""HDF5 files from strangers: opened in a process of their own, see `decoder`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from painet_cli.storage.archives import LARGEST_FILE_BYTES, MOST_UNFOLDED


def open_hdf5(path: str | Path) -> Any:
    """Open a file that claims no more than its bytes can hold, and holds it itself.

    Raises
    ------
    ValueError
        A dataset of it is larger than data unfold to, or lies in another file.
    OSError
        HDF5 cannot read it.
    """
    import h5py

    most = max(LARGEST_FILE_BYTES, MOST_UNFOLDED * Path(path).stat().st_size)

    def check(name: str, held: Any) -> None:
        if isinstance(held, h5py.Group):
            if any(isinstance(held.get(one, getlink=True), h5py.ExternalLink) for one in held):
                raise ValueError(f"{name} holds a link to another file")
        elif isinstance(held, h5py.Dataset):
            if held.is_virtual or held.external:
                raise ValueError(f"{name} lies in another file")
            if held.nbytes > most:
                raise ValueError(f"{name} says it has {held.nbytes:,} bytes")

    file = h5py.File(path, "r")
    try:
        check("/", file)
        file.visititems(check)
    except BaseException:
        file.close()
        raise
    return file
