"""Fuzz the readers with atheris: `make fuzz`, or `python scripts/fuzz.py TARGET --runs 200000`.

Each target of `tests/fuzz_targets.py` runs in a process of its own, beginning with its corpus. A
case that ends in anything but an answer or a refusal, takes longer than 20 seconds or more than
2 GB is written to --findings, and the status is 1.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
TIMEOUT_S, MOST_MB, LONGEST = 20, 2048, 16_384


def run_here(target: str, options: list[str]) -> None:
    """Fuzz one target until libFuzzer ends the process."""
    import atheris

    with atheris.instrument_imports(
        include=["painet_cli", "yaml", "zipfile", "numpy.lib._format_impl"]
    ):
        from fuzz_targets import fuzz
    with tempfile.TemporaryDirectory() as scratch:
        atheris.Setup(
            [sys.argv[0], *options],
            lambda raw: fuzz(target, raw, Path(scratch)),
            internal_libfuzzer=True,
        )
        atheris.Fuzz()


def run_apart(target: str, runs: int, seed: int, findings: Path) -> tuple[int, int]:
    """Fuzz one target in a process of its own; gives the cases run and the status."""
    findings.mkdir(parents=True, exist_ok=True)
    kept = ROOT / "tests" / "fuzz" / "corpus" / target
    with tempfile.TemporaryDirectory() as grown:
        command = [
            sys.executable, __file__, target, "--here",
            f"-runs={runs}", f"-seed={seed}", f"-max_len={LONGEST}", f"-timeout={TIMEOUT_S}",
            f"-rss_limit_mb={MOST_MB}", f"-artifact_prefix={findings}/{target}-",
            "-print_final_stats=1", "-verbosity=0", grown, str(kept),
        ]  # fmt: skip
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    found = re.search(r"number_of_executed_units: (\d+)", done.stderr)
    if done.returncode:
        print(
            "".join(line for line in done.stderr.splitlines(keepends=True) if "INFO:" not in line)[
                -4000:
            ]
        )
    return int(found[1]) if found else 0, done.returncode


def main() -> int:
    """Fuzz the targets one after the other, and say how many cases each saw."""
    from fuzz_targets import TARGETS

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}")
    parser.add_argument("--runs", type=int, default=100_000, help="cases a target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--findings", type=Path, default=ROOT / "findings")
    chosen = parser.parse_args()
    total = worst = 0
    for target in chosen.targets or TARGETS:
        began = time.monotonic()
        cases, status = run_apart(target, chosen.runs, chosen.seed, chosen.findings)
        total, worst = total + cases, max(worst, abs(status))
        said = "ok" if not status else f"FOUND (status {status})"
        print(
            f"{target:<12}{cases:>10,} cases {time.monotonic() - began:>8.0f} s  {said}", flush=True
        )
    print(f"{'all':<12}{total:>10,} cases")
    return 1 if worst else 0


if __name__ == "__main__":
    if "--here" in sys.argv:
        sys.argv.remove("--here")
        with contextlib.suppress(KeyboardInterrupt):
            run_here(sys.argv[1], sys.argv[2:])
    else:
        sys.exit(main())
