"""Frames that were never written, and boxes that are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from painet_cli.data.sources.prepare import prepare
from painet_cli.errors import RequestError
from painet_cli.prediction.checkpoints import find_checkpoint
from painet_cli.prediction.inputs.open import open_input
from recordings import forecast_recording
from tiny_files import ethanol

Z = [6, 6, 8, 1, 1, 1, 1, 1, 1]


def npz(folder: Path, data_dir: Path, order: list[int] | None = None) -> Path:
    """Frames of ethanol, of which the last five are nought; or in another order of the atoms."""
    frames = np.array(ethanol(data_dir).frames[:60], dtype=np.float64)
    if order is None:
        frames[-5:] = 0
    path = folder / "ethanol.npz"
    np.savez(path, R=frames if order is None else frames[:, order], z=Z)
    return path


def test_a_start_that_was_never_written_is_refused(tmp_path: Path, data_dir: Path) -> None:
    with open_input(npz(tmp_path, data_dir), frame_time_s=5e-16) as recording:
        known = [find_checkpoint("sample")]
        with pytest.raises(RequestError, match="frame 59 has all its particles at one place"):
            forecast_recording(recording, 1, known)
        assert forecast_recording(recording, 1, known, start="50")


def test_such_frames_are_not_learned_from(tmp_path: Path, data_dir: Path) -> None:
    path = npz(tmp_path, data_dir)
    with pytest.raises(RequestError, match="frame 55 has all its atoms at one place"):
        prepare("md17", data_dir=tmp_path, molecule="ethanol", source=path, delta_frames=4)
    frames = np.load(path)["R"]
    blocks = (
        "\n".join(f"{z} {x:.5f} {y:.5f} {w:.5f}" for z, (x, y, w) in zip(Z, one, strict=True))
        for one in frames
    )
    text = tmp_path / "e.xyz"
    text.write_text("".join(f"9\n\n{block}\n" for block in blocks))
    with pytest.raises(RequestError, match=r"frame 55 has all its atoms at one place"):
        prepare(
            "trajectory", data_dir=tmp_path, name="e", topology=text, trajectory=text,
            frame_time="0.5fs", delta_frames=4,
        )  # fmt: skip


def test_elements_in_another_order_than_the_atoms_are_refused(
    tmp_path: Path, data_dir: Path
) -> None:
    path = npz(tmp_path, data_dir, [2, 0, 1, 3, 4, 5, 6, 7, 8])
    with pytest.raises(RequestError, match="1 of 1 O atoms have more than 3 bonds") as caught:
        open_input(path)
    assert caught.value.hint.startswith("z lists the elements in another order")
    with pytest.raises(RequestError, match="1 of 1 O atoms have more than 3 bonds"):
        prepare("md17", data_dir=tmp_path, molecule="ethanol", source=path, delta_frames=4)


def test_a_box_that_holds_no_atom_is_none(tmp_path: Path, data_dir: Path) -> None:
    frame = ethanol(data_dir).frames[0]
    rows = "".join(f"{z} {x:.5f} {y:.5f} {w:.5f}\n" for z, (x, y, w) in zip(Z, frame, strict=True))
    path = tmp_path / "e.extxyz"
    path.write_text(
        f'9\nLattice="1 0 0 0 1 0 0 0 1" Properties=species:S:1:pos:R:3 pbc="T T T"\n{rows}'
    )
    with open_input(path) as recording:
        found = recording.read(recording.select("all"))
    assert found.boxes is None
    np.testing.assert_allclose(found.frames[0], frame, atol=1e-4)
