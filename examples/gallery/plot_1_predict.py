"""
Predict, and see how far ahead it holds
=======================================

A checkpoint that comes with the package predicts ethanol, 4 fs a step. Inside the five steps it was
trained on it is far better than two guesses that need no model; past them its predictions are fed
back, and the lead melts.
"""

# %%
# The data are the test stretch of the sample: 20,000 frames of ethanol at 500 K, simulated with
# GFN2-xTB. The last fifth of them trained nothing.

import tempfile

import matplotlib.pyplot as plt
import numpy as np

import painet

sample = painet.prepare("sample", data_dir=tempfile.mkdtemp())
atoms = sample.manifest.particles
print(f"{len(sample.frames):,} frames of {len(atoms.names)} atoms: {' '.join(atoms.elements)}")

# %%
# Predict
# -------
# The last two frames give position and velocity. Twenty starts from the test stretch, twenty steps
# each: the checkpoint was trained on five, the other fifteen are rolled out.

model = painet.load("sample", device="cpu")
trained = model.header.preset.data.horizon
step = model.header.preset.data.delta_frames // trained  # frames a step
steps = 20
starts = sample.starts("test")[::20][:20]

predicted = np.stack(
    [
        painet.predict(
            model,
            sample.frames[start - 1 : start + 1],
            steps,
            types=atoms.elements,
            bonds=atoms.bonds,
        )
        for start in starts
    ]
)
ahead = step * np.arange(1, steps + 1)
truth = sample.frames[starts[:, None] + ahead]
print(predicted.shape, "starts, steps, atoms, coordinates")

# %%
# The error, a step
# -----------------
# The error of a model means something beside what costs nothing: that nothing moves, and that
# everything goes straight on.

begin = sample.frames[starts][:, None]
velocity = begin - sample.frames[starts - 1][:, None]
guesses = {
    "PAINET": predicted,
    "nothing moves": np.broadcast_to(begin, truth.shape),
    "straight on": begin + velocity * ahead[:, None, None],
}
time_fs = ahead * sample.manifest.units.frame_time_s * 1e15

figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
for (name, guess), colour in zip(guesses.items(), ("#0072B2", "#7F7F7F", "#D55E00"), strict=True):
    mse = np.square(guess - truth).mean(axis=(0, 2, 3))
    axes.plot(time_fs, mse, "o-", ms=4, label=name, color=colour)
axes.axvspan(0, time_fs[trained - 1], color="#0072B2", alpha=0.08, lw=0)
axes.text(1, axes.get_ylim()[1] * 0.5, "trained", color="#0072B2")
axes.set(yscale="log", xlabel="time, fs", ylabel="MSE, Å²", xlim=(0, None))
axes.legend(frameon=False, loc="lower right")
plt.show()

# %%
# Inside 20 fs the prediction is several times better than either guess. Past them every five steps
# start from a prediction, and at 80 fs the lead over "nothing moves" is nearly gone: five steps
# were trained, and five steps are what the model knows.
