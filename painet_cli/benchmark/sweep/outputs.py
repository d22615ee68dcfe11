"""What a sweep hands over: a table, JSON, CSV, and a batch file for SLURM."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import RenderableType
from rich.text import Text

from painet_cli.benchmark.sweep.spec import Sweep
from painet_cli.benchmark.sweep.trials import TrialRow
from painet_cli.config.differences import as_words
from painet_cli.report.tables.comma_separated import as_csv
from painet_cli.report.tables.layout import lay_out, spread
from painet_cli.storage.atomic import write_text
from painet_cli.storage.provenance import finite

SHOWN = 20


def sweep_table(
    rows: Sequence[TrialRow], sweep: Sweep, options: Sequence[str]
) -> list[RenderableType]:
    """The best trials, and the one that is best in full.

    Parameters
    ----------
    options
        What a training takes from the command line besides its preset, settings and seeds.
    """
    shown = rows[:SHOWN]
    seeds = len(rows[0].runs)
    table = lay_out(
        f"Sweep of {sweep.preset}, by validation",
        {"Trial": [str(row.trial) for row in shown]},
        {
            "Setting": [as_words(row.settings) for row in shown],
            "Val MSE": [
                "-" if row.val_mse is None else spread(row.val_mse, row.sd) for row in shown
            ],
            "Epochs": [" ".join(map(str, row.epochs)) for row in shown],
            "State": [row.state for row in shown],
        },
    )
    notes = [
        f"Val MSE: smallest of the training{', mean ± deviation over seeds' * (seeds > 1)}; "
        "no test window was looked at."
    ]
    if len(rows) > len(shown):
        notes.append(f"{len(rows) - len(shown)} more trials are in sweep.csv.")
    parts: list[RenderableType] = [*table, Text("\n".join(notes))]
    if rows[0].val_mse is not None:  # as plain text, which is not wrapped: to be pasted
        command = shlex.join(_training(rows[0], sweep, options))
        parts += ["", f"The best: {command}", f"  painet evaluate {shlex.join(rows[0].runs)}"]
    return parts


def _training(row: TrialRow, sweep: Sweep, options: Sequence[str]) -> list[str]:
    """The command that trains a trial by itself."""
    changes = {**sweep.settings, **row.settings}
    settings = [word for key in changes for word in ("--set", f"{key}={json.dumps(changes[key])}")]
    seeds = ["--seeds", str(sweep.seeds)] if sweep.seeds > 1 else []
    return ["painet", "train", "--preset", sweep.preset, *settings, *seeds, *options]


def write_rows(rows: Sequence[TrialRow], folder: Path) -> None:
    """Write `sweep.json` and `sweep.csv`."""
    plain = [asdict(row) for row in rows]
    write_text(folder / "sweep.json", json.dumps(finite({"trials": plain}), indent=2) + "\n")
    if rows:
        flat = [
            {
                **{key: value for key, value in row.items() if key != "settings"},
                **row["settings"],
            }
            for row in plain
        ]
        write_text(folder / "sweep.csv", as_csv(flat))


def write_array(folder: Path, tasks: int, command: Sequence[str]) -> Path:
    """Write `sweep.sbatch`: a SLURM array whose tasks share the sweep's folder.

    Parameters
    ----------
    command
        What each of them runs, without the program's name.
    """
    path = folder / "sweep.sbatch"
    words = shlex.join([sys.executable, "-m", "painet_cli", *command])
    write_text(
        path,
        "#!/bin/bash\n"
        "#SBATCH --job-name=painet-sweep\n"
        f"#SBATCH --array=0-{tasks - 1}\n"
        "#SBATCH --output=slurm-%A_%a.log\n"
        "# add what your cluster asks for: --partition, --time, --gres=gpu:1, --mem\n"
        "# a task that is stopped keeps its work: submitted again, the sweep goes on\n"
        f"cd {shlex.quote(str(Path.cwd()))}\n"
        f"exec {words}\n",
    )
    return path
