"""Skeletons whose files do not say their unit of length, or say another than is usual."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from painet_cli.data.motion.bvh_writer import parents_of, write_bvh
from painet_cli.data.motion.files import read_motion_file
from painet_cli.data.motion.plausible import with_likely_unit
from painet_cli.errors import RequestError
from painet_cli.prediction.checkpoints import find_checkpoint
from painet_cli.prediction.inputs.open import open_input
from painet_cli.prediction.predict import predict
from recordings import forecast_recording


def walker(
    scale: float, *, longer: float = 1.0
) -> tuple[list[str], list[int], NDArray[np.float64]]:
    """A skeleton with the bones of `mocap-walk`, in directions of its own."""
    structure = find_checkpoint("mocap-walk").header.structure
    assert structure is not None
    bones = []
    for kind, length in structure.lengths.items():
        first, _, second = kind.partition(")-")
        bones.append((first.partition("(")[0], second.partition("(")[0], length.mean * scale))
    names, parents, x = ["root"], [-1], [np.zeros(3)]
    random = np.random.default_rng(0)
    while len(names) <= len(bones):
        for one, other, length in bones:
            for parent, child in ((one, other), (other, one)):
                if parent in names and child not in names:
                    step = random.normal(size=3)
                    at = names.index(parent)
                    x.append(x[at] + length * longer ** len(names) * step / np.linalg.norm(step))
                    names.append(child)
                    parents.append(at)
    return names, parents, np.array(x)


def bvh(path: Path, scale: float, *, longer: float = 1.0) -> Path:
    names, parents, x = walker(scale, longer=longer)
    of = parents_of([(parent, k) for k, parent in enumerate(parents) if k], len(names))
    assert of is not None
    write_bvh(path, names, of, x.astype(np.float32), np.stack([x, x]).astype(np.float32), 0.05)
    return path


@pytest.mark.parametrize("scale", [1.0, 5.644, 0.05644])
def test_a_bvh_of_a_known_skeleton_takes_the_unit_of_its_checkpoint(
    tmp_path: Path, scale: float
) -> None:
    with open_input(bvh(tmp_path / "t.bvh", scale)) as recording:
        done = forecast_recording(recording, 1, [find_checkpoint("mocap-walk")])
    assert done.forecast.system.length_unit == "ASF unit"
    said = " ".join(done.forecast.warnings)
    assert f"with lengths times {1 / scale:.4g} its bones are those of mocap-walk" in said


def test_a_bvh_of_another_skeleton_is_refused_with_the_reason(tmp_path: Path) -> None:
    path = bvh(tmp_path / "t.bvh", 1.0, longer=1.02)
    with (
        open_input(path) as recording,
        pytest.raises(RequestError, match="no one factor makes its bones the checkpoint's"),
    ):
        forecast_recording(recording, 1, [find_checkpoint("mocap-walk")])


def test_an_array_of_a_known_skeleton_in_another_unit_is_refused() -> None:
    """In metres it ran away at once, and was told to train longer."""
    names, parents, x = walker(0.05644)
    bonds = [(parent, k) for k, parent in enumerate(parents) if k]
    said = r"bones are 0\.05644 times as long .* mocap-walk .*\n?.*"
    with pytest.raises(RequestError, match=said) as refused:
        predict("mocap-walk", np.stack([x, x]), names=names, bonds=bonds)
    assert "give positions in ASF unit: those times 17.72" in str(refused.value)


# ---- ASF ----------------------------------------------------------------------------------------


def amc(folder: Path, scale: float, said: str = "length 0.45") -> Path:
    """Two frames of the skeleton at rest, beside its ASF."""
    names, parents, x = walker(scale)
    lines = [":version 1.10", ":units", "mass 1.0", said, "angle deg", ":root"]
    lines += ["order TX TY TZ RX RY RZ", "axis XYZ", "position 0 0 0", "orientation 0 0 0"]
    lines.append(":bonedata")
    for name, parent, end in zip(names[1:], parents[1:], x[1:], strict=True):
        bone = end - x[parent]
        length = float(np.linalg.norm(bone))
        direction = " ".join(f"{value:.8f}" for value in bone / length)
        lines += ["begin", f"name {name}", f"direction {direction}", f"length {length:.8f}"]
        lines += ["axis 0 0 0 XYZ", "end"]
    lines += [":hierarchy", "begin"]
    lines += [
        f"{names[parent]} {name}" for name, parent in zip(names[1:], parents[1:], strict=True)
    ]
    (folder / "7.asf").write_text("\n".join([*lines, "end"]) + "\n")
    path = folder / "7_01.amc"
    path.write_text(":DEGREES\n1\nroot 0 0 0 0 0 0\n2\nroot 0 0 0 0 0 0\n")
    return path


def test_an_asf_of_a_known_skeleton_takes_the_size_of_its_checkpoint(tmp_path: Path) -> None:
    """CMU's skeleton in inches; its unit has the name of the checkpoint's."""
    path = amc(tmp_path, 1 / 0.45, "length 1.0")
    with open_input(path) as recording:
        done = forecast_recording(recording, 1, [find_checkpoint("mocap-walk")])
    assert "with lengths times 0.45 its bones are those" in " ".join(done.forecast.warnings)


@pytest.mark.parametrize(
    ("metres", "said", "unit"),
    [
        (0.05644, "length 0.45", "ASF unit"),
        (0.0254, "length 1.0", "inch"),
        (0.01, "length 2.54", "centimetre"),
        (0.05644, "length 1.0", "ASF unit"),  # CMU's, whatever it says
        (0.05644, "mass 1.0", "ASF unit"),
    ],
)
def test_the_scale_of_an_asf_tells_its_unit(
    tmp_path: Path, metres: float, said: str, unit: str
) -> None:
    """Of a skeleton that is 1.7 m across in it."""
    across = np.ptp(walker(1.0)[2], axis=0).max()
    motion = read_motion_file(amc(tmp_path, 1.7 / across / metres, said), "AMC")
    found = with_likely_unit(motion, "7_01.amc")
    assert found.length_unit == unit
    if unit == "inch":
        assert "says 'length 1', and CMU's 0.45: its unit is taken for the inch" in found.notes[0]
