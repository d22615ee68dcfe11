"""A dataset in a table and in a picture."""

from __future__ import annotations

from pathlib import Path

import pytest

from painet_cli.data.dataset.dataset import write_dataset
from painet_cli.data.dataset.describe import describe
from painet_cli.data.particles.names import Axis
from painet_cli.errors import RequestError
from painet_cli.report.pictures.dataset import dataset_picture
from painet_cli.report.tables.dataset import size_text
from systems import frames_of, manifest


@pytest.mark.parametrize("up_axis", [None, "y"])
@pytest.mark.parametrize("test", [(7,), (5, 6, 7, 13, 14, 15)])
def test_a_picture_of_any_number_of_windows(
    tmp_path: Path, up_axis: Axis | None, test: tuple[int, ...]
) -> None:
    described = manifest(up_axis=up_axis, test=test)
    dataset = write_dataset(tmp_path / "small", frames_of(described), described)
    dataset_picture(dataset, tmp_path / "p.svg")
    drawn = (tmp_path / "p.svg").read_text(encoding="utf-8")
    assert drawn.count('id="axes_') == min(len(test), 4)


def test_a_dataset_without_windows_has_no_picture(tmp_path: Path) -> None:
    described = manifest(train=(), val=(), test=())
    dataset = write_dataset(tmp_path / "small", frames_of(described), described)
    with pytest.raises(RequestError, match="no window"):
        dataset_picture(dataset, tmp_path / "p.png")


def test_steps_are_measured_inside_segments_alone(tmp_path: Path) -> None:
    described = manifest((6, 6), train=(0,), val=(), test=())
    frames = 0 * frames_of(described)
    frames[:, :, 0] = [[0], [1], [2], [3], [4], [5], [900], [901], [902], [903], [904], [905]]
    seen = describe(write_dataset(tmp_path / "small", frames, described))
    assert seen.rms_step == pytest.approx(1)
    assert seen.rms_speed_m_s == pytest.approx(1e5)
    assert seen.time_s == pytest.approx(1e-14)
    assert seen.types == {"a": 1, "b": 2, "c": 1}


@pytest.mark.parametrize(
    ("count", "text"),
    [(12, "12 bytes"), (999, "999 bytes"), (999_900, "1 MB"), (2_163_000_000, "2.16 GB")],
)
def test_sizes(count: int, text: str) -> None:
    assert size_text(count) == text
