"""
Compare two models
==================

PAINET and EGNN, trained for the same few epochs on the same windows of the sample, beside a
straight line. `painet train --model` and `painet evaluate` do the same.
"""

# %%
# Three trainings of seconds, with everything from the preset `demo` but the model and the number of
# epochs. A real comparison lets each train to its end, and takes several seeds.

import tempfile

import matplotlib.pyplot as plt
import numpy as np

import painet

folder = tempfile.mkdtemp()
painet.prepare("sample", data_dir=folder)
evaluations = {}
for model in ("painet", "egnn", "linear"):
    settings = {"model.name": model} | ({"train.lr": 0.1} if model == "linear" else {})
    run = painet.train(
        "demo", settings=settings, epochs=4, data_dir=folder, run_dir=folder, device="cpu"
    )
    evaluations[model] = painet.evaluate(run.run, data_dir=folder, device="cpu")

# %%
# The evaluations
# ---------------
# An evaluation has the figures of a table, and the squared error of every test window and step.

for name, done in evaluations.items():
    print(f"{name:7} A-MSE {done.a_mse:.5f} {done.unit}, {done.parameters:,} parameters")
errors = {name: done.squared for name, done in evaluations.items()}

# %%
# A mean hides whether one model is better everywhere or only on some windows, so the picture has
# both: the error a step, and the errors of single windows against each other.

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for (name, squared), colour in zip(errors.items(), ("#0072B2", "#009E73", "#7F7F7F"), strict=True):
    left.plot(4 * np.arange(1, 6), squared.mean(axis=0), "o-", label=name, color=colour)
left.set(xlabel="time, fs", ylabel="MSE, Å²", ylim=(0, None))
left.legend(frameon=False)

first, second = (errors[name].mean(axis=1) for name in ("egnn", "painet"))
end = max(first.max(), second.max())
right.plot(first, second, ".", ms=4, color="#0072B2", alpha=0.6)
right.plot([0, end], [0, end], color="#333333", lw=0.8)
right.set(xlabel="EGNN, MSE of a window, Å²", ylabel="PAINET, MSE of a window, Å²", aspect="equal")
right.set_title(f"PAINET better on {np.mean(second < first):.0%} of windows", fontsize=10)
plt.show()

# %%
# Four epochs say who starts faster, not who is better. For that let each train until its validation
# error stops falling, with several seeds.
