import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.image import imread
from numpy.typing import NDArray

from painet_cli.data.particles.bonds import bonds_within
from painet_cli.errors import PainetError, RequestError
from painet_cli.report.pictures.canvas import COLOURS, DPI, GHOST
from painet_cli.report.pictures.loss import loss_plot, read_metrics
from painet_cli.report.pictures.motion import motion_picture
from painet_cli.report.pictures.projection import principal_view, upright_view

Frames = NDArray[np.float64]


def records(epochs: int, eval_every: int = 2) -> list[dict[str, Any]]:
    return [
        {
            "epoch": epoch,
            "train_mse": 1 / epoch,
            "val_mse": 1.2 / epoch if epoch % eval_every == 0 else None,
            "best": epoch % eval_every == 0,
        }
        for epoch in range(1, epochs + 1)
    ]


@pytest.fixture(scope="module")
def ethanol() -> Frames:
    """(20000, 9, 3), angstrom."""
    path = files("painet_cli.data.sources") / "sample_files" / "ethanol_xtb.npz"
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        return np.array(archive["R"], dtype=np.float64)


def pixels(path: Path) -> NDArray[np.float64]:
    assert path.read_bytes().startswith(b"\x89PNG")
    assert not list(path.parent.glob(".*.partial"))
    return np.asarray(imread(path))[..., :3]


def count(image: NDArray[np.float64], colour: str) -> int:
    wanted = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return int((np.abs(image - wanted).max(axis=-1) < 0.01).sum())


def has_colour(image: NDArray[np.float64], colour: str) -> bool:
    return count(image, colour) > 0


def has_ink(image: NDArray[np.float64]) -> bool:
    return bool((image < 0.9).any())


class TestMetrics:
    def test_are_read_a_line_an_epoch(self, tmp_path: Path) -> None:
        lines = [json.dumps(record) for record in records(3)]
        (tmp_path / "metrics.jsonl").write_text("\n".join(lines) + "\n")
        assert read_metrics(tmp_path) == records(3)

    def test_leave_out_a_line_being_written(self, tmp_path: Path) -> None:
        (tmp_path / "metrics.jsonl").write_text(json.dumps(records(1)[0]) + '\n{"epo')
        assert read_metrics(tmp_path) == records(1)

    def test_a_folder_without_them_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(RequestError, match="no metrics here"):
            read_metrics(tmp_path)

    def test_a_bad_line_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "metrics.jsonl").write_text(json.dumps(records(1)[0]) + "\nepoch 2\n")
        with pytest.raises(RequestError, match=r"metrics\.jsonl:2: no epoch"):
            read_metrics(tmp_path)


class TestLossPlot:
    @pytest.mark.parametrize("epochs", [1, 3, 200])
    def test_draws_each_run_in_its_colour(self, tmp_path: Path, epochs: int) -> None:
        path = tmp_path / "loss.png"
        curves = {"painet": records(epochs, 1), "linear": records(epochs, 1)}
        loss_plot(curves, path, unit="angstrom²")
        image = pixels(path)
        assert image.shape[:2] == (round(3.8 * DPI), 6 * DPI)
        assert has_colour(image, COLOURS[0])
        assert has_colour(image, COLOURS[1])

    def test_needs_no_evaluation(self, tmp_path: Path) -> None:
        loss_plot({"painet": records(1)}, tmp_path / "loss.png", unit="angstrom²")
        assert has_ink(pixels(tmp_path / "loss.png"))

    @pytest.mark.parametrize("curves", [{}, {"painet": []}])
    def test_refuses_to_plot_nothing(self, tmp_path: Path, curves: dict[str, Any]) -> None:
        with pytest.raises(RequestError, match="no epoch to plot"):
            loss_plot(curves, tmp_path / "loss.png", unit="angstrom²")

    @pytest.mark.parametrize("name", ["missing/loss.png", "loss.xyz", "loss"])
    def test_a_file_that_cannot_be_written_leaves_nothing(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(RequestError, match="cannot be written"):
            loss_plot({"painet": records(2)}, tmp_path / name, unit="angstrom²")
        assert not list(tmp_path.iterdir())

    def test_a_failed_plot_leaves_the_old_one(self, tmp_path: Path) -> None:
        path = tmp_path / "loss.png"
        loss_plot({"painet": records(2)}, path, unit="angstrom²")
        before = path.read_bytes()
        with pytest.raises(RequestError):
            loss_plot({"painet": []}, path, unit="angstrom²")
        assert path.read_bytes() == before


class TestMotionPicture:
    def test_has_truth_above_and_prediction_below(self, ethanol: Frames, tmp_path: Path) -> None:
        path = tmp_path / "motion.png"
        truth = ethanol[100:400:100]
        motion_picture(
            truth,
            truth + 0.2,
            ethanol[0],
            bonds_within(ethanol[0], 1.6),
            path,
            unit="angstrom",
            type_names=("H", "C", "O"),
            types=(1, 1, 2, 0, 0, 0, 0, 0, 0),
        )
        image = pixels(path)
        assert image.shape[1] == round((3 * 1.6 + 0.3) * DPI)
        for half in np.array_split(image, 2):
            for panel in np.array_split(half[:, int(0.3 * DPI) :], 3, axis=1):
                assert has_colour(panel, "#D55E00")  # the oxygen
        above, below = np.array_split(image, 2)
        assert count(below, GHOST) > 10 * count(above, GHOST)  # some, where black meets white

    def test_many_types_look_the_same(self, ethanol: Frames, tmp_path: Path) -> None:
        path = tmp_path / "motion.png"
        names = [str(number) for number in range(9)]
        motion_picture(
            ethanol[1:2],
            ethanol[2:3],
            ethanol[0],
            [],
            path,
            unit="angstrom",
            type_names=names,
            types=range(9),
            up_axis="z",
        )
        assert has_colour(pixels(path), COLOURS[0])

    def test_draws_eight_of_many_times(self, ethanol: Frames, tmp_path: Path) -> None:
        path = tmp_path / "motion.png"
        truth = ethanol[:30]
        motion_picture(truth, truth, ethanol[0], [(0, 1)], path, unit="angstrom")
        assert pixels(path).shape[1] == round((8 * 1.6 + 0.3) * DPI)

    def test_a_prediction_gone_astray_does_not_shrink_the_truth(
        self, ethanol: Frames, tmp_path: Path
    ) -> None:
        sizes = []
        for error in (10.0, 1000.0):
            path = tmp_path / f"{error}.png"
            truth = ethanol[:1]
            motion_picture(truth, truth + error, ethanol[0], [(0, 1)], path, unit="angstrom")
            sizes.append(pixels(path).shape)
        assert sizes[0] == sizes[1]

    def test_one_particle_can_be_drawn(self, tmp_path: Path) -> None:
        point = np.zeros((1, 1, 3))
        motion_picture(point, point, point[0], [], tmp_path / "motion.png", unit="m")
        assert has_ink(pixels(tmp_path / "motion.png"))

    def test_shapes_must_belong_together(self, ethanol: Frames, tmp_path: Path) -> None:
        path = tmp_path / "motion.png"
        with pytest.raises(ValueError, match=r"truth \(2, 9, 3\), prediction \(3, 9, 3\)"):
            motion_picture(ethanol[:2], ethanol[:3], ethanol[0], [], path, unit="angstrom")

    def test_positions_must_be_finite(self, ethanol: Frames, tmp_path: Path) -> None:
        path = tmp_path / "motion.png"
        with pytest.raises(PainetError, match="NaN or infinite"):
            motion_picture(ethanol[:1], ethanol[:1] * np.nan, ethanol[0], [], path, unit="angstrom")
        assert not path.exists()


class TestViews:
    def test_show_the_widest_plane(self) -> None:
        points = np.random.default_rng(1).normal(size=(500, 3)) * [0.1, 3, 1]
        right, up, _ = principal_view(points)
        np.testing.assert_allclose(right, [0, 1, 0], atol=0.05)
        np.testing.assert_allclose(up, [0, 0, 1], atol=0.05)

    def test_upright_keeps_height_vertical(self) -> None:
        points = np.random.default_rng(1).normal(size=(500, 3)) * [1, 9, 3]
        right, up, _ = upright_view(points, "y")
        np.testing.assert_array_equal(up, [0, 1, 0])
        np.testing.assert_allclose(right, [0, 0, 1], atol=0.05)

    @pytest.mark.parametrize("view", [principal_view, lambda points: upright_view(points, "y")])
    def test_are_rotations_not_mirrors(self, ethanol: Frames, view: Any) -> None:
        axes = view(ethanol[0])
        np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(axes) == pytest.approx(1)
