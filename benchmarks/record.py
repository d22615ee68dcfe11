"""The performance record: how long what users wait for takes, kept as JSON a commit, and compared.

    python benchmarks/record.py                    # measure, compare with the last record, keep
    python benchmarks/record.py --against REV      # this tree and another version take turns

Absolute times mean little on another machine, so a record holds ratios: each case takes turns with
a reference in the same run (the literal decoder layer, dense attention, a product of matrices), and
the ratio is the median over the turns. Processor time on one thread. A ratio is better or worse
where it differs by more than three standard errors of both medians and by more than 3 %, else the
same. Against another version the two versions themselves take turns, which is the sharper test.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from cases import CASES, PRODUCT_GFLOP, REFERENCES, prepared, product, set_up, timed

ROOT = Path(__file__).parents[1]
RECORDS = Path(__file__).parent / "records"
TURNS = 15
_SMALLEST = 0.03  # a difference below this is the same, however sure
_ERRORS = 3.0  # standard errors


@dataclass(frozen=True)
class Ratio:
    """A median over turns, and how sure it is.

    Attributes
    ----------
    ratio
        Time of a case by that of what it is held against.
    error
        Standard error of the median, by the spread of the turns.
    ms
        Median time of the case.
    """

    ratio: float
    error: float
    ms: float


def ratio_of(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """Median of the ratios turn by turn."""
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    low, _, high = statistics.quantiles(ratios, n=4)
    error = 1.2533 * (high - low) / 1.349 / len(ratios) ** 0.5  # of the median, of normal spread
    return Ratio(statistics.median(ratios), error, 1e3 * statistics.median(ours))


def verdict(now: Ratio, before: Ratio) -> str:
    """`better`, `same` or `worse`, and by how much."""
    change = now.ratio / before.ratio - 1
    noise = _ERRORS * ((now.error / now.ratio) ** 2 + (before.error / before.ratio) ** 2) ** 0.5
    if abs(change) <= max(noise, _SMALLEST):
        return f"same ({change:+.1%}, noise {noise:.1%})"
    return f"{'worse' if change > 0 else 'better'} ({change:+.1%}, noise {noise:.1%})"


def measure() -> dict[str, Ratio]:
    """Every case against its reference, turn by turn."""
    found = {}
    for name, make in CASES.items():
        turns = prepared(make), prepared(REFERENCES[name])
        seconds = [[timed(turn) for turn in turns] for _ in range(TURNS)]
        found[name] = ratio_of(*zip(*seconds, strict=True))
    return found


def best_gflops() -> float:
    """GFLOP/s of the fastest product of matrices."""
    turn = prepared(product)
    return PRODUCT_GFLOP / min(timed(turn) for _ in range(TURNS))


def commit() -> str:
    """The commit that is checked out, with a plus where the tree differs from it."""
    name = _git("rev-parse", "--short=12", "HEAD")
    return name + ("+" if _git("status", "--porcelain", "--", "painet_cli", "presets") else "")


def last_record(but: str) -> dict[str, object] | None:
    """The newest record of another commit."""
    records = [json.loads(path.read_bytes()) for path in RECORDS.glob("*.json")]
    others = [record for record in records if record["commit"] != but]
    return max(others, key=lambda record: record["at"], default=None)


def keep() -> None:
    """Measure, show beside the last record, and keep as `records/COMMIT.json`."""
    here = commit()
    found, peak = measure(), best_gflops()
    before = last_record(here)
    table = Table("case", "ms", "to reference", "last record", title=f"{here}, {peak:.0f} GFLOP/s")
    for name, ratio in found.items():
        old = (before or {}).get("ratios", {}).get(name)  # type: ignore[attr-defined]
        said = verdict(ratio, Ratio(**old)) if old else "new"
        table.add_row(name, f"{ratio.ms:.1f}", f"{ratio.ratio:.4f} ± {ratio.error:.4f}", said)
    Console().print(table)
    if before:
        Console().print(f"last record: {before['commit']}, {before['at']}, {before['machine']}")
    RECORDS.mkdir(exist_ok=True)
    record = {
        "commit": here,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, {torch.backends.cpu.get_cpu_capability()}",
        "torch": torch.__version__,
        "best_gflops": round(peak, 1),
        "ratios": {name: asdict(ratio) for name, ratio in found.items()},
    }
    path = RECORDS / f"{here}.json"
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def against(revision: str) -> None:
    """Let this tree and another version take turns at every case."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as workers:
        archive = subprocess.run(  # noqa: S603
            ["git", "-C", str(ROOT), "archive", revision, "painet_cli", "presets"],  # noqa: S607
            check=True,
            capture_output=True,
        ).stdout
        with tarfile.open(fileobj=BytesIO(archive)) as tree:
            tree.extractall(folder, filter="data")
        ours, theirs = (workers.enter_context(_worker(at)) for at in (ROOT, Path(folder)))
        table = Table("case", f"{commit()}, ms", f"ratio to {revision}", "")
        for name in CASES:
            pairs = [(_ask(ours, name), _ask(theirs, name)) for _ in range(TURNS)]
            known = [(a, b) for a, b in pairs if a is not None and b is not None]
            if len(known) < TURNS:
                table.add_row(name, "", "", "not in both")
                continue
            ratio = ratio_of(*zip(*known, strict=True))
            said = verdict(ratio, Ratio(1.0, 0.0, 0.0))
            table.add_row(name, f"{ratio.ms:.1f}", f"{ratio.ratio:.3f} ± {ratio.error:.3f}", said)
        Console().print(table)


def _worker(tree: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603
        [sys.executable, str(Path(__file__).parent / "cases.py")],
        env={**os.environ, "PYTHONPATH": str(tree)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _ask(worker: subprocess.Popen[str], name: str) -> float | None:
    assert worker.stdin  # noqa: S101
    assert worker.stdout  # noqa: S101
    worker.stdin.write(f"{name}\n")
    worker.stdin.flush()
    seconds: float | None = json.loads(worker.stdout.readline())
    return seconds


def _git(*words: str) -> str:
    command = ["git", "-C", str(ROOT), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603


def main() -> None:
    """Measure, or compare."""
    parser = argparse.ArgumentParser(description="The performance record.")
    parser.add_argument("--against", metavar="REV", help="a version to take turns with")
    revision = parser.parse_args().against
    if revision:
        against(revision)
        return
    set_up()
    keep()


if __name__ == "__main__":
    main()
