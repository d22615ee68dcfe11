from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.image import imread
from numpy.typing import NDArray

from forecasts import WATER, chain, forecast, unknown
from painet_cli.errors import RequestError
from painet_cli.prediction.adapting.verdict import Verdict
from painet_cli.prediction.forecast import Forecast
from painet_cli.prediction.sanity import sanity_of
from painet_cli.report.page.data import ErrorBars
from painet_cli.report.page.write import write_page

CHROMIUM = next(
    (
        path
        for name in ("chromium", "chromium-browser", "google-chrome")
        if (path := shutil.which(name))
    ),
    None,
)


class Page(HTMLParser):
    """A page's tags, the text of each script, and the rows of its tables."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.rows: list[list[str]] = []
        self._inside: list[str] = []
        self.html = html
        self.feed(self.html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside.append(tag)
        if tag in ("script", "style", "h1", "li"):
            self.texts.setdefault(tag, []).append("")
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        while self._inside and self._inside.pop() != tag:
            pass  # tags without an end, such as <meta>

    def handle_data(self, data: str) -> None:
        inside = self._inside[-1] if self._inside else ""
        if inside in self.texts:
            self.texts[inside][-1] += data
        if inside in ("td", "th"):
            self.rows[-1][-1] += data

    @property
    def data(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads(self.texts["script"][0])
        return loaded


def page_of(made: Forecast, folder: Path, **choices: Any) -> Page:
    write_page(made, folder / "report.html", **{"title": "A prediction", **choices})
    assert not list(folder.glob(".*"))
    return Page((folder / "report.html").read_text(encoding="utf-8"))


def positions(text: str, count: int) -> NDArray[np.float32]:
    return np.frombuffer(base64.b64decode(text), dtype="<f4").reshape(-1, count, 3)


def bars(made: Forecast) -> ErrorBars:
    """Larger from step to step, and from particle to particle."""
    _, steps, count, _ = made.positions.shape
    own = 0.1 * np.outer(np.arange(1, steps + 1), np.arange(1, count + 1))
    return ErrorBars(own.mean(axis=1), own)


def measured() -> Verdict:
    """Straight on is the better one of two yardsticks, and what was chosen lies between them."""
    mse = {"mine": [0.2, 0.4], "straight on": [0.1, 0.3], "nothing moves": [1.0, 2.0]}
    return Verdict(
        "mine", 12, 80, mse, mse, ("straight on", "nothing moves"), np.array([0.5, 0.75])
    )


class TestNumbers:
    def test_of_frames_held_out_stand_beside_the_yardsticks(self, tmp_path: Path) -> None:
        page = page_of(forecast(), tmp_path, held_out=measured())
        assert ["straight on", "yardstick", "0.2", "0.2", "0.1", "0.3"] in page.rows
        assert ["mine", "loses", "0.3", "0.3", "0.2", "0.4"] in page.rows
        assert "MSE in Å² on 12 windows held out" in page.html
        assert "held-out" not in page_of(forecast(), tmp_path).html

    def test_of_error_bars_are_by_step_and_particle(self, tmp_path: Path) -> None:
        made = forecast()
        known = bars(made)
        data = page_of(made, tmp_path, bars=known).data["radius"]
        assert data["all"] == pytest.approx(known.all.tolist())
        particles = np.frombuffer(base64.b64decode(data["particles"]), dtype="<f4")
        np.testing.assert_allclose(particles.reshape(known.particles.shape), known.particles)

    def test_without_error_bars_there_are_none(self, tmp_path: Path) -> None:
        assert page_of(forecast(), tmp_path).data["radius"] is None

    def test_are_the_arrays(self, tmp_path: Path) -> None:
        made = forecast(starts=3)
        assert made.truth is not None
        data = page_of(made, tmp_path).data
        for index, start in enumerate(data["starts"]):
            assert start["frame"] == made.starts[index]
            np.testing.assert_array_equal(
                positions(start["begin"], 3)[0], made.start_positions[index]
            )
            np.testing.assert_array_equal(positions(start["predicted"], 3), made.positions[index])
            np.testing.assert_array_equal(positions(start["truth"], 3), made.truth[index])

    def test_of_errors_agree_with_the_forecast(self, tmp_path: Path) -> None:
        made = forecast()
        expected = made.step_mse()
        assert expected is not None
        page = page_of(made, tmp_path)
        errors = page.data["starts"][0]["errors"]
        assert errors.keys() == expected.keys()
        for name, values in errors.items():
            np.testing.assert_allclose(values, expected[name], rtol=1e-5)
        head = ["step", "time", *expected]
        table = page.rows[page.rows.index(head) + 1 :]
        for step, row in enumerate(table):
            assert row[:2] == [str(step + 1), f"{10 * (step + 1)} fs"]
            np.testing.assert_allclose(
                [float(cell) for cell in row[2:]],
                [values[step] for values in expected.values()],
                rtol=1e-3,
            )

    def test_without_truth_say_how_far_it_moves(self, tmp_path: Path) -> None:
        made = unknown(forecast())
        page = page_of(made, tmp_path)
        start = page.data["starts"][0]
        moved = np.square(made.positions[0] - made.start_positions[0]).sum(axis=2).mean(axis=1)
        np.testing.assert_allclose(start["errors"]["prediction"], np.sqrt(moved), rtol=1e-4)
        assert start["truth"] is None
        assert "nothing moves" not in start["errors"]
        assert ["Truth", "not known: what came next is not in the input"] in page.rows

    def test_that_are_not_finite_are_valid_json_and_leave_the_axes_alone(
        self, tmp_path: Path
    ) -> None:
        made = forecast()
        wild = made.positions.copy()
        wild[0, 3, 1], wild[0, 4, 0] = np.nan, 1e6
        start = page_of(replace(made, positions=wild), tmp_path).data["starts"][0]
        assert start["errors"]["prediction"][3] is None
        assert np.abs(start["ranges"]).max() < 20

    def test_of_axes_hold_every_step(self, tmp_path: Path) -> None:
        made = forecast()
        assert made.truth is not None
        low, high = np.array(page_of(made, tmp_path).data["starts"][0]["ranges"]).T
        everything = np.concatenate([made.positions[0], made.truth[0], made.start_positions])
        assert (everything > low).all()
        assert (everything < high).all()

    def test_of_the_start_count_from_the_beginning_of_the_recording(self, tmp_path: Path) -> None:
        made = forecast()
        made = replace(made, system=replace(made.system, first_frame=399), starts=np.array([1]))
        page = page_of(made, tmp_path)
        assert page.data["starts"][0]["frame"] == 400
        assert ["Predicted from", "frame 400"] in page.rows

    def test_alpha_carbons_that_follow_each_other_are_a_tube(self, tmp_path: Path) -> None:
        particles = chain(6).model_copy(
            update={
                "names": ("CA", "N", "CA", "CA", "CA", "CA"),
                "residue_ids": (1, 2, 2, 3, 5, 6),
                "chains": ("A", "A", "A", "A", "A", "B"),
            }
        )
        trace = page_of(forecast(particles), tmp_path).data["trace"]
        assert trace == [0, 2, 2, 3]

    def test_that_failed_stand_above_everything(self, tmp_path: Path) -> None:
        fine = page_of(forecast(), tmp_path).html
        assert 'class="failure"' not in fine
        made = forecast()
        worse = replace(made, positions=made.positions + np.float32(3))
        torn = replace(worse, sanity=sanity_of(3 * made.positions, made.start_positions, WATER, ""))
        html = page_of(torn, tmp_path).html
        head = html[: html.index("<main>")]
        assert 'role="alert">Distorted: ' in head
        assert "Worse than the guess that nothing moves: MSE " in head


class TestSize:
    def test_twenty_thousand_particles_fit(self, tmp_path: Path) -> None:
        made = forecast(chain(20_000), starts=20)
        page = page_of(made, tmp_path)
        assert len(page.html) < 20_000_000
        data = page.data
        assert len(data["labels"]) == 20_000
        assert data["starts"][0]["frame"] == made.starts[0]
        assert any("of 20 start frames" in note for note in page.texts["li"])

    def test_ten_thousand_steps_fit(self, tmp_path: Path) -> None:
        page = page_of(unknown(forecast(steps=10_000)), tmp_path)
        assert page.data["steps"][-1] == 10_000
        assert len(page.html) < 1_500_000
        assert any("500 of 10,000 steps" in note for note in page.texts["li"])

    def test_bonds_of_particles_left_out_are_left_out(self, tmp_path: Path) -> None:
        data = page_of(unknown(forecast(chain(50_000), steps=1)), tmp_path).data
        bonds = np.array(data["bonds"]).reshape(-1, 2)
        assert len(data["labels"]) == 40_000
        assert bonds.max() < 40_000
        assert len(bonds) > 0
        # neighbours on the string stay neighbours
        names = [int(label[1:]) for label in data["labels"]]
        assert all(names[j] - names[i] == 1 for i, j in bonds[:100].tolist())


class TestSafety:
    def test_names_cannot_become_markup(self, tmp_path: Path) -> None:
        evil = "</script><script>alert(1)</script>"
        particles = WATER.model_copy(
            update={"names": (evil, "H1", "H2"), "type_names": (evil, "H")}
        )
        made = forecast(particles)
        made = replace(made, system=replace(made.system, name="<b>&", length_unit="<u>"))
        page = page_of(made, tmp_path, title="<script>alert(2)</script>", notes=[evil])
        assert [tag for tag, _ in page.tags].count("script") == 3
        assert "b" not in {tag for tag, _ in page.tags}
        assert page.data["labels"][0] == evil
        assert page.texts["h1"] == ["<script>alert(2)</script>"]
        assert page.texts["li"] == [evil]
        assert ["System", "<b>&"] in page.rows

    def test_nothing_is_fetched(self, tmp_path: Path) -> None:
        page = page_of(forecast(), tmp_path)
        for tag, attributes in page.tags:
            assert tag not in ("link", "iframe", "img", "base")
            assert not {"src", "href"} & attributes.keys()
        (css,) = page.texts["style"]
        assert "url(" not in css
        assert "@import" not in css
        policy = next(a["content"] for _, a in page.tags if "http-equiv" in a)
        assert policy is not None
        assert policy.startswith("default-src 'none';")

    def test_controls_have_names(self, tmp_path: Path) -> None:
        page = page_of(forecast(), tmp_path)
        labelled = [a for tag, a in page.tags if tag == "input" and a["type"] == "range"]
        labelled += [a for _, a in page.tags if a.get("role") in ("img", "region")]
        assert len(labelled) == 5
        assert all("aria-label" in a or "aria-labelledby" in a for a in labelled)

    def test_dark_is_there(self, tmp_path: Path) -> None:
        (css,) = page_of(forecast(), tmp_path).texts["style"]
        assert "prefers-color-scheme: dark" in css
        assert '[data-theme="dark"]' in css

    def test_a_folder_that_is_missing_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(RequestError, match="cannot be written"):
            write_page(forecast(), tmp_path / "missing" / "report.html", title="")


def browse(page: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Open a page as a reader would, with WebGL drawn by the processor."""
    assert CHROMIUM is not None
    return subprocess.run(
        [
            CHROMIUM,
            "--headless=new",
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--use-angle=swiftshader",
            "--enable-unsafe-swiftshader",
            "--hide-scrollbars",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            "--window-size=800,700",
            "--virtual-time-budget=3000",
            "--enable-logging=stderr",
            f"--user-data-dir={page.parent / 'browser'}",
            *options,
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=180,
        check=True,
    )


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
class TestBrowser:
    @pytest.mark.parametrize(
        ("scheme", "ground", "prediction"),
        [("light", "#ffffff", "#D55E00"), ("dark", "#181c22", "#FF7A2F")],
    )
    def test_draws_the_prediction(
        self, scheme: str, ground: str, prediction: str, tmp_path: Path
    ) -> None:
        page, picture = tmp_path / "report.html", tmp_path / "report.png"
        evil = ("<script>document.title = 'taken'</script>", "<img src=x>", "H2")
        particles = WATER.model_copy(update={"names": evil})
        write_page(forecast(particles, starts=2), page, title="Water")
        seen = browse(
            page,
            f"--blink-settings=preferredColorScheme={int(scheme == 'light')}",
            "--dump-dom",
            f"--screenshot={picture}",
        )
        tags = Page(seen.stdout).tags
        assert tags[0] == ("html", {"lang": "en", "data-theme": scheme, "data-state": "drawn"})
        assert "<title>Water</title>" in seen.stdout
        assert ("img", {"src": "x"}) not in tags
        assert any(tag == "canvas" for tag, _ in tags)
        assert sum(tag == "svg" for tag, _ in tags) >= 2  # the two plots
        messages = re.findall(r"CONSOLE[^\n]*", seen.stderr)
        assert not [text for text in messages if re.search("error|refused|violates", text, re.I)]
        image = np.asarray(imread(picture))[..., :3]
        view = image[100:380, 20:650]  # without the legend, which has the colours too
        assert len(np.unique((255 * view).round().astype(int).reshape(-1, 3), axis=0)) > 50
        assert share(view, ground) > 0.5
        assert share(view, prediction) > 1e-4


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
@pytest.mark.parametrize("made", [forecast(), unknown(forecast())], ids=["truth", "no truth"])
def test_error_bars_are_drawn_as_a_ribbon_and_a_mark_a_particle(
    made: Forecast, tmp_path: Path
) -> None:
    write_page(made, tmp_path / "report.html", title="Water", bars=bars(made))
    drawn = browse(tmp_path / "report.html", "--dump-dom").stdout
    assert drawn.count('opacity="0.18"') == 2  # the ribbon, and its place in the legend
    assert ">90 %</text>" in drawn
    number = r"[\d.]+"
    marks = re.findall(f'd="M{number} {number}V{number}M{number} {number}H{number}"', drawn)
    assert len(marks) == len(made.system.particles.names)


def share(image: NDArray[np.float64], colour: str) -> float:
    wanted = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return float((np.abs(image - wanted).max(axis=-1) < 0.03).mean())


def test_a_name_ends_neither_the_script_nor_a_line_of_it(tmp_path: Path) -> None:
    names = ("<!--<script>", "\u2028\u2029", "]]>&lt;")
    page = page_of(forecast(WATER.model_copy(update={"names": names})), tmp_path)
    assert page.data["labels"] == list(names)
    assert "<" not in page.texts["script"][0]
    assert "\u2028" not in page.texts["script"][0]
