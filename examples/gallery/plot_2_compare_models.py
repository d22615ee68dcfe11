"""
Compare two models
==================

PAINET and EGNN, trained for the same few epochs on the same windows of the sample, beside a
straight line. `painet train --model` and `painet evaluate` do the same.
"""

# %%
# Three trainings of seconds, with everything from the preset `demo` but the model and the number of
# epochs. A real comparison lets each train to its end, and takes several seeds.

import json
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from painet_cli.cli.app import main

folder = Path(tempfile.mkdtemp())
where = ["--data-dir", str(folder / "data")]
main(["--quiet", "prepare", "sample", *where])
for model in ("painet", "egnn", "linear"):
    changes = ["--set", "train.lr=0.1"] if model == "linear" else []
    runs = ["--run-dir", str(folder / "runs" / model)]
    words = ["--quiet", "train", "--preset", "demo", "--model", model, "--epochs", "4"]
    main([*words, *changes, *where, *runs])

# %%
# The evaluations
# ---------------
# Every run folder holds `evaluation.json`, the figures, and `window_errors.npy`, the squared error
# of every test window and step.

runs = {path.parts[-4]: path.parent for path in sorted(folder.glob("runs/*/*/*/evaluation.json"))}
figures = {name: json.loads((run / "evaluation.json").read_text()) for name, run in runs.items()}
errors = {name: np.load(run / "window_errors.npy") for name, run in runs.items()}
for name, figure in figures.items():
    print(f"{name:7} A-MSE {figure['a_mse']:.5f}  parameters {figure['parameters']:,}")

# %%
# A mean hides whether one model is better everywhere or only on some windows, so the picture has
# both: the error a step, and the errors of single windows against each other.

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for (name, squared), colour in zip(errors.items(), ("#009E73", "#7F7F7F", "#0072B2"), strict=True):
    left.plot(4 * np.arange(1, 6), squared.mean(axis=0), "o-", label=name, color=colour)
left.set(xlabel="time, fs", ylabel="MSE, Å²", ylim=(0, None))
left.legend(frameon=False)

first, second = (errors[name].mean(axis=1) for name in ("egnn", "painet"))
right.loglog(first, second, ".", ms=4, color="#0072B2", alpha=0.6)
ends = [min(first.min(), second.min()), max(first.max(), second.max())]
right.plot(ends, ends, color="#333333", lw=0.8)
right.set(xlabel="EGNN, MSE of a window, Å²", ylabel="PAINET", aspect="equal")
right.set_title(f"PAINET better on {np.mean(second < first):.0%} of windows", fontsize=10)
plt.show()
