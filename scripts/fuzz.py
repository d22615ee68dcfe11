"""Fuzz the readers: `make fuzz`, or `python scripts/fuzz.py TARGET --cases 200000`.

Each target of `tests/fuzz_targets.py` runs in a process of its own, beginning with its corpus. With
atheris (`pip install --group fuzz`) cases follow what the code does with them; `--engine mutations`
damages the corpus at random instead, which is quicker by the case. A case that ends in anything but
an answer or a refusal, takes longer than a minute or more than 2 GB is written to --findings, and
the status is 1.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import importlib.util
import math
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
TIMEOUT_S, MOST_MB, LONGEST = 60, 2048, 16_384


def with_atheris(target: str, cases: int, seed: int, findings: Path) -> None:
    """Fuzz one target until libFuzzer ends the process."""
    import atheris

    with atheris.instrument_imports(include=["painet_cli", "yaml", "numpy.lib._format_impl"]):
        from fuzz_targets import CORPUS, fuzz
    with tempfile.TemporaryDirectory() as scratch, tempfile.TemporaryDirectory() as grown:
        options = [
            f"-runs={cases}", f"-seed={seed}", f"-max_len={LONGEST}", f"-timeout={TIMEOUT_S}",
            f"-rss_limit_mb={MOST_MB}", f"-artifact_prefix={findings}/{target}-",
            "-print_final_stats=1", "-verbosity=0", grown, str(CORPUS / target),
        ]  # fmt: skip
        atheris.Setup([sys.argv[0], *options], lambda raw: fuzz(target, raw, Path(scratch)))
        atheris.Fuzz()


def with_mutations(
    target: str, cases: int, seed: int, findings: Path, most_s: float = math.inf
) -> None:
    """Fuzz one target with damaged files of its corpus; stops at the first finding.

    Or after so many seconds of a processor, children's not counted.
    """
    from fuzz_targets import corpus, damaged, fuzz

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    memory = pages * resource.getpagesize() + MOST_MB * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    random, seeds, done = Random(seed), [path.read_bytes() for path in corpus(target)], 0
    raw = b""
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as scratch:
        try:
            for raw in seeds:
                fuzz(target, raw, Path(scratch))
            # readers that fail clear up behind them, and what is imported is much to look through
            gc.collect()
            gc.freeze()
            while done < cases and time.process_time() < most_s:
                done += 1
                raw = damaged(target, random, seeds)
                signal.alarm(TIMEOUT_S)
                fuzz(target, raw, Path(scratch))
        except BaseException:
            name = f"{target}-crash-{hashlib.sha1(raw, usedforsecurity=False).hexdigest()}"
            (findings / name).write_bytes(raw)
            raise
        finally:
            sys.stderr.write(f"number_of_executed_units: {done}\n")


def run_apart(
    engine: str, target: str, cases: int, seed: int, findings: Path, most_s: float
) -> tuple[int, int]:
    """Fuzz one target in a process of its own; gives the cases run and the status."""
    findings.mkdir(parents=True, exist_ok=True)
    more = f", {most_s}" if engine == "mutations" and math.isfinite(most_s) else ""
    call = f"with_{engine}({target!r}, {cases}, {seed}, Path({str(findings.resolve())!r}){more})"
    code = f"import sys; sys.path[:0] = {sys.path[:2]!r}; from scripts.fuzz import *; {call}"
    done = subprocess.run([sys.executable, "-c", code], stderr=subprocess.PIPE, check=False)
    said = done.stderr.decode(errors="replace")
    found = re.search(r"number_of_executed_units: (\d+)", said)
    if done.returncode:
        lines = [line for line in said.splitlines() if not line.startswith("INFO:")]
        print("\n".join(lines)[-4000:])
    return int(found[1]) if found else 0, done.returncode


def main() -> int:
    """Fuzz the targets one after the other, and say how many cases each saw."""
    from fuzz_targets import TARGETS

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}")
    parser.add_argument("--target", action="append", default=[], help="the same, by name")
    parser.add_argument("--engine", choices=["atheris", "mutations"], default="atheris")
    parser.add_argument("--cases", type=int, default=20_000, help="a target")
    parser.add_argument("--most-s", type=float, default=math.inf, help="of a processor, a target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--findings", type=Path, default=ROOT / "findings")
    chosen = parser.parse_args()
    if chosen.engine == "atheris" and importlib.util.find_spec("atheris") is None:
        parser.error("atheris is not installed: pip install --group fuzz, or --engine mutations")
    total = worst = 0
    for target in [*chosen.targets, *chosen.target] or TARGETS:
        began = time.monotonic()
        cases, status = run_apart(
            chosen.engine, target, chosen.cases, chosen.seed, chosen.findings, chosen.most_s
        )
        total, worst = total + cases, max(worst, abs(status))
        said = "ok" if not status else f"FOUND (status {status})"
        seconds = time.monotonic() - began
        print(f"{target:<12}{cases:>10,} cases {seconds:>8.0f} s  {said}", flush=True)
    print(f"{'all':<12}{total:>10,} cases, by {chosen.engine}, seed {chosen.seed}")
    return 1 if worst else 0


if __name__ == "__main__":
    sys.exit(main())
