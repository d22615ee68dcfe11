"""The interactive page: a forecast to watch, turn and measure in a browser, offline."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

import numpy as np

from painet_cli.data.units import time_text
from painet_cli.prediction.adapting.verdict import Verdict
from painet_cli.prediction.forecast import Forecast
from painet_cli.prediction.yardsticks import STILL, STRAIGHT
from painet_cli.report.page.data import ErrorBars, Shown, page_data, shown, step_errors
from painet_cli.report.pictures.canvas import short_unit
from painet_cli.report.tables.layout import digits, shown_steps
from painet_cli.report.tables.verdict import held_out_figures, held_out_title
from painet_cli.storage.atomic import write_text

MOST_ROWS = 200
"""Steps in the table; of more, evenly spaced ones."""


def write_page(
    forecast: Forecast,
    path: Path,
    *,
    title: str,
    verdict: Sequence[str] = (),
    held_out: Verdict | None = None,
    notes: Sequence[str] = (),
    bars: ErrorBars | None = None,
) -> None:
    """Write one HTML file that shows a forecast and asks nothing of any server.

    Up to 20 starts are on it, and of very large or long forecasts evenly spaced particles and
    steps, so that it stays under 20 MB; the page says what it leaves out.

    Parameters
    ----------
    title
        Heading of the page.
    verdict
        Sentences above everything: what predicted, how good it is, how sure.
    held_out
        What was measured on frames held out, the yardsticks among it.
    notes
        Sentences below the figures, such as which checkpoint predicted and what it knows.
    bars
        How sure the forecast is: spheres around particles and a ribbon over the steps.

    Raises
    ------
    RequestError
        The file cannot be written.
    """
    chosen = shown(forecast)
    data = json.dumps(page_data(forecast, chosen, bars), allow_nan=False, separators=(",", ":"))
    page = Template(_asset("page.html")).substitute(
        title=escape(title),
        summary=escape(_summary(forecast)),
        failures="".join(
            f'<p class="failure" role="alert">{escape(one)}</p>' for one in _failures(forecast)
        ),
        verdict="".join(f'<p class="verdict">{escape(one)}</p>' for one in verdict),
        held_out="" if held_out is None else _held_out(held_out, forecast),
        figures=_figures(forecast),
        steps_caption=escape(_steps_caption(forecast)),
        steps=_steps(forecast),
        notes="".join(
            f"<li>{escape(note)}</li>" for note in (*notes, *_omissions(forecast, chosen))
        ),
        css=_asset("page.css"),
        three=_asset("three.js"),
        # a script ends at the first `</script`, wherever it stands: names come from files
        data=data.replace("<", "\\u003c"),
        js=_asset("page.js"),
    )
    write_text(path, page)


def _asset(name: str) -> str:
    return files("painet_cli.report").joinpath("page", name).read_text(encoding="utf-8")


def _summary(forecast: Forecast) -> str:
    horizon, count = forecast.positions.shape[1:3]
    steps = _count(horizon, "step")
    particles = _count(count, "particle")
    return f"{forecast.system.name}: {particles}, {steps} of {_step_time(forecast)}"


def _failures(forecast: Forecast) -> list[str]:
    """What makes the prediction one not to be trusted, a sentence each."""
    sanity, errors = forecast.sanity, forecast.step_mse()
    said = []
    if sanity is not None and sanity.verdict != "plausible":
        said.append(f"{sanity.verdict.capitalize()}: {sanity.sentence}".rstrip(": "))
    if errors is not None:
        ours, still = (float(np.mean(errors[name])) for name in ("prediction", STILL))
        if ours > still:
            said.append(
                f"Worse than the guess that {STILL}: MSE {digits(ours)} against "
                f"{digits(still)} {_unit(forecast)}²"
            )
    return said


def _held_out(verdict: Verdict, forecast: Forecast) -> str:
    """A card with the candidates and yardsticks on frames held out, the best first."""
    names, figures = held_out_figures(verdict)
    columns = names | figures
    heads = "".join(f'<th scope="col">{escape(one)}</th>' for one in columns)
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th>'
        + "".join(f"<td>{escape(one)}</td>" for one in cells)
        + "</tr>"
        for name, *cells in zip(*columns.values(), strict=True)
    )
    caption = escape(held_out_title(verdict, _unit(forecast)))
    return (
        '<section class="card"><h2>Beside the yardsticks</h2><div class="scroll" tabindex="0" '
        f'role="region" aria-label="{caption}"><table class="held-out"><caption>{caption}'
        f"</caption><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div></section>"
    )


def _figures(forecast: Forecast) -> str:
    """Rows of the table that says what was predicted and how well."""
    system = forecast.system
    starts = forecast.starts.tolist()
    first = system.first_frame + starts[0]
    frames = f"frame {first:,}" if len(starts) == 1 else f"{len(starts):,} frames"
    rows = [
        ("System", system.name),
        ("Particles", f"{len(system.particles.names):,}"),
        ("Predicted from", frames),
        ("Steps", f"{len(forecast.times_s):,}"),
        ("Time a step", _step_time(forecast)),
    ]
    if forecast.sanity is not None:
        said = f": {forecast.sanity.sentence}" if forecast.sanity.sentence else ""
        rows.append(("Beside the start", f"{forecast.sanity.verdict}{said}"))
    errors = forecast.step_mse()
    if errors is None:
        moved = np.square(forecast.positions[:, -1] - forecast.start_positions.astype(np.float64))
        distance = digits(float(np.sqrt(moved.sum(axis=-1).mean())))
        rows.append(("Predicted to move", f"{distance} {_unit(forecast)} by the last step (RMS)"))
        rows.append(("Truth", "not known: what came next is not in the input"))
    else:
        square = f"{_unit(forecast)}²"
        for name, values in errors.items():
            label = "MSE of the prediction" if name == "prediction" else f"MSE if {name}"
            rows.append(
                (
                    label.replace(f"if {STRAIGHT}", f"of {STRAIGHT}"),
                    f"{digits(float(np.mean(values)))} {square}",
                )
            )
    return "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>'
        for name, value in rows
    )


def _steps_caption(forecast: Forecast) -> str:
    if forecast.truth is None:
        return f"RMS distance from the start, in {_unit(forecast)}"
    over = "" if len(forecast.starts) == 1 else f", mean of {len(forecast.starts):,} starts"
    return f"MSE at each step, in {_unit(forecast)}²{over}"


def _steps(forecast: Forecast) -> str:
    """Head and body of the table that the plot of errors draws."""
    columns = step_errors(forecast, slice(None))
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in ("step", "time", *columns))
    body = []
    for row in shown_steps(len(forecast.times_s), MOST_ROWS):
        time = time_text(float(forecast.times_s[row]))
        cells = [time, *(digits(values[row]) for values in columns.values())]
        body.append(
            f'<tr><th scope="row">{row + 1}</th>'
            + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
            + "</tr>"
        )
    return f"<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody>"


def _omissions(forecast: Forecast, chosen: Shown) -> list[str]:
    """Say what is left out so that a browser can hold the page."""
    all_starts, horizon, count = forecast.positions.shape[:3]
    parts = [
        ("start frames", len(chosen.starts), all_starts),
        ("steps", len(chosen.steps), horizon),
        ("particles", len(chosen.particles), count),
    ]
    return [
        f"The 3D view holds {here:,} of {there:,} {what}, evenly spaced; the tables count all."
        for what, here, there in parts
        if here < there
    ]


def _step_time(forecast: Forecast) -> str:
    return time_text(float(forecast.times_s[0]))


def _unit(forecast: Forecast) -> str:
    return short_unit(forecast.system.length_unit)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")
