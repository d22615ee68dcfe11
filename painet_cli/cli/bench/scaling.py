"""`painet bench scaling`: time and memory against particles and steps."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from painet_cli.cli.bench.cells import locked, refuse_model, save_bench
from painet_cli.cli.options import Settings
from painet_cli.cli.session import Session, with_session
from painet_cli.errors import RequestError

if TYPE_CHECKING:
    from painet_cli.benchmark.measurement import Mode

SIZES = "1e2,1e3,1e4,1e5,1e6"
HORIZONS = "1,2,4,8,16,32,64"


@with_session
def scaling(
    session: Session,
    models: Annotated[
        str | None,
        typer.Option("--models", metavar="A,B", help="Models, or painet-dense (N x N). All."),
    ] = None,
    sizes: Annotated[
        str, typer.Option("--sizes", metavar="N,N", help="Particles, at --horizon.")
    ] = SIZES,
    horizons: Annotated[
        str, typer.Option("--horizons", metavar="T,T", help="Steps, at --particles.")
    ] = HORIZONS,
    particles: Annotated[int, typer.Option("--particles", min=2, help="N of the steps.")] = 1000,
    horizon: Annotated[int, typer.Option("--horizon", min=1, help="T of the particles.")] = 1,
    modes: Annotated[
        str, typer.Option("--modes", metavar="A,B", help="inference, training.")
    ] = "inference,training",
    settings: Settings = None,
    time_limit: Annotated[
        float,
        typer.Option("--time-limit", metavar="SECONDS", min=0.0, help="Longer runs are left out."),
    ] = 300.0,
    threads: Annotated[int, typer.Option("--threads", min=1, help="Of a CPU.")] = 1,
    force: Annotated[bool, typer.Option("--force", help="Measure what is done again.")] = False,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="Tables and plots go here.")
    ] = Path("bench/scaling"),
) -> None:
    """Measure time and peak memory against particles N and steps T (Figure 7).

    Untrained models of preset adk on synthetic protein backbones, 20 neighbours
    an atom; each point in a process of its own. What is measured is kept:
    stopped, the command goes on where it was. A point that would not fit in
    memory or time is left out, with the reason. Up to 1e6 particles this takes
    an hour or more; --sizes 1e2,1e3,1e4 --horizons 1,4,16 takes some minutes.

    Example: `painet bench scaling --models egnn,painet --sizes 1e2,1e3`
    """
    from painet_cli.benchmark.scaling import (
        Bench,
        Sweep,
        choose_forms,
        run_points,
        scaling_points,
    )
    from painet_cli.benchmark.scaling_plots import write_scaling_plots
    from painet_cli.benchmark.scaling_rows import (
        exponents,
        scaling_markdown,
        scaling_rows,
        scaling_tables,
    )
    from painet_cli.cli.progress import PointLines
    from painet_cli.config.differences import flat_given
    from painet_cli.training.device import resolve_device

    refuse_model(settings, "--models")
    for key, value in flat_given(settings or ()).items():
        if key in ("data.horizon", "data.delta_frames"):
            raise RequestError(f"--set {key}={value}: --horizon and --horizons say how many steps")
    sweep = Sweep(_numbers("--sizes", sizes), _numbers("--horizons", horizons), particles, horizon)
    points = scaling_points(choose_forms(models), sweep, _modes(modes))
    device = resolve_device(session.device)
    bench = Bench(out / "points", device, threads, tuple(settings or ()), time_limit, force)
    with locked(out):
        rows = scaling_rows(run_points(points, bench, PointLines(session, len(points))))
        pictures = write_scaling_plots(rows, out)
        markdown = scaling_markdown(rows, [path.name for path in pictures])
        fitted = [asdict(exponent) for exponent in exponents(rows)]
        content = save_bench(out, rows, markdown, pictures, exponents=fitted)
    session.emit(content, *scaling_tables(rows))


def _numbers(option: str, text: str) -> tuple[int, ...]:
    """Ascending whole numbers of a list such as `1e2,1e3`."""
    from painet_cli.config.dotted import comma_list

    try:
        numbers = sorted({float(part) for part in comma_list(text)})
    except ValueError:
        numbers = [0.5]
    if any(number < 1 or number != int(number) for number in numbers):
        raise RequestError(f"{option} {text}: not whole numbers", "such as 1e2,1e3,1e4")
    return tuple(int(number) for number in numbers)


def _modes(text: str) -> tuple[Mode, ...]:
    from painet_cli.config.dotted import comma_list

    names: dict[str, Mode] = {"inference": "inference", "training": "training step"}
    chosen = comma_list(text)
    for name in chosen:
        if name not in names:
            raise RequestError(f"--modes: no mode {name}", f"choose of {', '.join(names)}")
    return tuple(names[name] for name in names if name in chosen)
