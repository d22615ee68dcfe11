"""What decodes a stranger's file may crash, hang or take all there is: the file is refused."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from hostile_files import hdf5_elsewhere
from painet_cli.data.trajectories.mda_reader import _reader_of
from painet_cli.data.trajectories.readable import BY_NAME, format_of
from painet_cli.data.trajectories.reader import Trajectory, open_topology
from painet_cli.errors import RequestError
from painet_cli.storage.decoder import Decoder


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.bin"
    path.write_bytes(b"0" * 100)
    return path


def test_frames_come_from_a_process_that_serves_one_file_after_the_other(file: Path) -> None:
    seen = []
    for _ in range(2):
        with closing(Decoder("openers:good", file)) as opened:
            said, (rows, empty) = opened(7)
            assert said == {"number": 7}
            np.testing.assert_array_equal(rows, np.full((2, 3), 7))
            assert empty.shape == (0,)
            seen.append((opened.told["server"], opened.told["child"]))
    assert seen[0][0] == seen[1][0], "the server is the same"
    assert seen[0][1] != seen[1][1], "each file has a process of its own"


def test_two_files_are_open_at_once(file: Path) -> None:
    with closing(Decoder("openers:good", file)) as one, closing(Decoder("openers:good", file)) as b:
        assert [one(1)[0], b(2)[0], one(3)[0]] == [{"number": k} for k in (1, 2, 3)]


@pytest.mark.parametrize("opener", ["crashes", "is_killed", "goes_round"])
def test_a_decoder_that_dies_is_an_error_and_the_next_file_is_read(file: Path, opener: str) -> None:
    for _ in range(2):
        with pytest.raises(OSError, match="died of it"):
            Decoder(f"openers:{opener}", file)
        with closing(Decoder("openers:good", file)) as opened:
            assert opened(1)[0] == {"number": 1}


@pytest.mark.parametrize("name", ["XTC", "TRR", "TNG", "H5MD"])
def test_what_is_decoded_by_code_in_c_is_so_in_a_process_of_its_own(file: Path, name: str) -> None:
    """What MDAnalysis raises here itself is a ValueError or an ImportError; the child's is told."""
    with pytest.raises(OSError, match=r"\S"):
        _reader_of(BY_NAME[name])(str(file))


def test_a_decoder_that_dies_of_a_frame(file: Path) -> None:
    opened = Decoder("openers:crashes_later", file)
    with pytest.raises(OSError, match="died of it"):
        opened(0)
    opened.close()
    with closing(Decoder("openers:good", file)) as again:
        assert again(1)[0] == {"number": 1}


def test_memory_is_limited(file: Path) -> None:
    with closing(Decoder("openers:takes_all", file)) as opened:  # noqa: SIM117 - too long a line
        with pytest.raises(OSError, match="allocate"):
            opened(2**32)


def test_a_refusal_keeps_its_words(file: Path) -> None:
    with pytest.raises(RequestError) as refused:
        Decoder("openers:refuses", file)
    assert (refused.value.what, refused.value.hint) == (f"{file}: no", "get it again")


@pytest.mark.parametrize("how", ["link", "raw", "virtual", "huge"])
def test_hdf5_is_read_from_its_own_bytes_alone(tmp_path: Path, how: str) -> None:
    pytest.importorskip("h5py")
    path = hdf5_elsewhere(tmp_path / "a.h5", how)
    with pytest.raises(RequestError):
        open_topology(path, "MDTRAJ")
    for name in ("MDTRAJ", "H5MD"):
        with pytest.raises(RequestError):
            Trajectory(path, path, 3, drop_extra=False, format_name=name)
    assert format_of(path).name != "MDTRAJ"
