"""Validation error of each optimiser against steps and processor time, over presets and seeds.

    OMP_NUM_THREADS=1 python benchmarks/optimizers.py --data-dir data --out optimizers.jsonl
    python benchmarks/optimizers.py --out optimizers.jsonl --table

Every optimiser trains the first seed at each rate for a third of the steps, then in full at the
best of these and the next lower one, since what a short training bears may break a long one. All
seeds are trained at the best rate of either length. All follow one cosine, over their own steps. A
training is a line of the file when it is done; a stopped script goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

import painet
from painet_cli.training.trainer import EpochRecord, Trainer

SMALL = {"model.hidden": 64, "model.layers": 4, "model.heads": 2}
PRESETS: dict[str, tuple[dict[str, Any], int]] = {  # changes, and epochs in full
    "demo": ({}, 12),
    "mocap-walk-s2s": ({**SMALL, "data.report": "all"}, 24),
    "md17-aspirin-s2s": ({**SMALL}, 30),
    "trajectory": ({"data.dataset": "dhfr", "data.cutoff": 7.0, "model.hidden": 32}, 3),
}
OPTIMIZERS = ("adam", "adamw", "muon", "soap")
DECAY = {"adam": 0.0, "adamw": 0.01, "muon": 0.01, "soap": 0.01}  # the last as torch's AdamW has it
FACTORS = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0)  # times the preset's rate
SEEDS = (1, 2, 3)
_EVALUATIONS = 4
Row = dict[str, Any]


@dataclass
class Curve(painet.Callback):
    """Validation error of a training as it goes on."""

    points: list[tuple[int, float, float]] = field(default_factory=list)
    """Steps, processor seconds, validation MSE."""
    _began: float = 0.0

    def started(self, run: Path, trainer: Trainer) -> None:
        """Start the clock."""
        self._began = time.process_time()

    def epoch(self, record: EpochRecord, trainer: Trainer) -> None:
        """Keep an evaluation."""
        if record.val_mse is not None:
            batch = trainer.config.batch_size
            steps = record.epoch * -(-len(trainer.train_windows) // batch)
            self.points.append((steps, time.process_time() - self._began, record.val_mse))


def trained(row: Row, data_dir: Path) -> Row:
    """A training, as `row` describes it, with its curve."""
    changes, full = PRESETS[row["preset"]]
    epochs = full if row["share"] == "full" else full // 3
    rate = painet.Preset.load(row["preset"]).train.lr * row["factor"]
    settings = {
        **changes,
        "train.optimizer": row["optimizer"],
        "train.weight_decay": DECAY[row["optimizer"]],
        "train.lr": rate,
        "train.seed": row["seed"],
        "train.epochs": epochs,
        "train.eval_every": max(epochs // _EVALUATIONS, 1),
        "train.patience": epochs,
        "train.schedule": {"kind": "cosine", "warmup_epochs": epochs / 20},
        "train.ema": None,
    }
    curve = Curve()
    with tempfile.TemporaryDirectory() as folder:
        try:
            painet.train(
                row["preset"],
                settings=settings,
                data_dir=data_dir,
                run_dir=folder,
                device="cpu",
                callbacks=[curve],
            )
        except painet.PainetError as error:  # it diverged
            print(row, error, flush=True)
    return {**row, "lr": rate, "curve": curve.points}


def final(row: Row) -> float:
    """Validation MSE at the end; infinite for a training that diverged."""
    return row["curve"][-1][2] if row["curve"] else float("inf")


def plan(done: list[Row]) -> Iterable[Row]:
    """What is left to train, the rates first."""
    for preset in PRESETS:
        for optimizer in OPTIMIZERS:
            here: Row = {"preset": preset, "optimizer": optimizer}
            for factor in FACTORS:
                yield {**here, "factor": factor, "seed": SEEDS[0], "share": "third"}
            for factor in _bearable(best(done, **here, share="third")):
                yield {**here, "factor": factor, "seed": SEEDS[0], "share": "full"}
        for share in ("full", "third"):
            for seed in SEEDS[1:]:
                for optimizer in OPTIMIZERS:
                    here = {"preset": preset, "optimizer": optimizer, "share": share}
                    yield {**here, "factor": best(done, **here), "seed": seed}


def best(done: list[Row], preset: str, optimizer: str, share: str) -> float:
    """Rate, as a multiple of the preset's, with the smallest validation error of the first seed."""
    tried = [r for r in chosen(done, preset, optimizer, share) if r["seed"] == SEEDS[0]]
    return float(min(tried, key=final, default={"factor": FACTORS[0]})["factor"])


def _bearable(factor: float) -> tuple[float, ...]:
    """A rate and the next lower one."""
    at = FACTORS.index(factor)
    return FACTORS[max(at - 1, 0) : at + 1]


def chosen(
    done: list[Row], preset: str, optimizer: str, share: str, factor: float | None = None
) -> list[Row]:
    """Trainings of an optimiser."""
    named: Row = {"preset": preset, "optimizer": optimizer, "share": share}
    named |= {} if factor is None else {"factor": factor}
    return [row for row in done if named.items() <= row.items()]


def table(done: list[Row]) -> Iterable[str]:
    """Markdown: a row an optimiser and preset."""
    yield f"| preset | optimiser |{' steps | rate | validation MSE | s |' * 2}"
    yield f"|{' --- |' * 10}"
    for preset in dict.fromkeys(row["preset"] for row in done):
        for optimizer in OPTIMIZERS:
            cells = [f"`{preset}`", f"`{optimizer}`"]
            for share in ("full", "third"):
                factor = best(done, preset, optimizer, share)
                rows = chosen(done, preset, optimizer, share, factor)
                if not rows:
                    break
                cells += [f"{rows[0]['curve'][-1][0]}", f"{rows[0]['lr']:.2g}"]
                cells += [_spread([final(r) for r in rows]), _seconds(rows)]
            else:
                yield f"| {' | '.join(cells)} |"


def _spread(values: list[float]) -> str:
    """Mean over the seeds, and their standard deviation."""
    if not values:
        return ""
    return f"{statistics.mean(values):.3g}" + (
        f" ± {statistics.stdev(values):.1g}" if len(values) > 1 else " (one seed)"
    )


def _seconds(rows: list[Row]) -> str:
    return f"{statistics.median(r['curve'][-1][1] for r in rows):.3g}" if rows else ""


def main() -> None:
    """Train what is left, or show the table."""
    parser = argparse.ArgumentParser(description="Optimisers by presets by seeds.")
    parser.add_argument("--data-dir", type=Path, default=Path("data"))
    parser.add_argument("--out", type=Path, default=Path("optimizers.jsonl"))
    parser.add_argument("--table", action="store_true", help="show what is there")
    given = parser.parse_args()
    lines = given.out.read_text(encoding="utf-8").splitlines() if given.out.exists() else []
    done: list[Row] = [json.loads(line) for line in lines]
    if given.table:
        print("\n".join(table(done)))
        return
    torch.set_num_threads(1)
    for row in plan(done):
        if any(row.items() <= known.items() for known in done):
            continue
        done.append(trained(row, given.data_dir))
        with given.out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(done[-1]) + "\n")
        print(row, done[-1]["curve"][-1:], flush=True)


if __name__ == "__main__":
    main()
