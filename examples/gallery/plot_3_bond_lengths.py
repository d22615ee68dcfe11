"""
Check a prediction with MDAnalysis
==================================

`painet predict` writes trajectories that other programs open. Here MDAnalysis reads them back and
asks two questions that an MSE does not answer: are the bonds as long as they should be, and how far
has the molecule moved.
"""

# %%
# Export the end of the sample as somebody's trajectory, and predict from 200 of its frames.

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import MDAnalysis as mda
import numpy as np
from MDAnalysis.analysis.rms import rmsd

from painet_cli.cli.app import main

folder = Path(tempfile.mkdtemp())
mine, out = folder / "ethanol.xtc", folder / "prediction"
where = ["--data-dir", str(folder / "data")]
main(["--quiet", "prepare", "sample", *where])
main(["--quiet", "data", "export", "sample", "-o", str(mine), "--start", "16000", *where])
words = ["predict", str(mine), "--topology", str(mine.with_suffix(".pdb")), "-T", "5"]
main(["--quiet", *words, "--start", "0:3900:20", "--checkpoint", "sample", "-o", str(out)])

# %%
# What is there
# -------------
# The arrays hold all starts at once; a `Universe` made of the topology gives bonds and names.

done = np.load(out / "prediction.npz")
atoms = mda.Universe(str(out / "ethanol_topology.pdb")).atoms
predicted, truth, begin = done["positions"], done["truth"], done["start_positions"]
bonds = atoms.bonds.indices
print(predicted.shape, "starts, steps, atoms, coordinates;", len(bonds), "bonds")

# %%
# Bond lengths
# ------------
# Of the C-H bonds, over all starts and steps. A squared error rewards the mean of what may come,
# and the mean of turning bonds is a shorter bond: the predicted ones are a little short, and vary
# a little less.


def lengths(positions):
    """Length of every bond, with the bonds as last axis."""
    ends = positions[..., bonds, :]
    return np.linalg.norm(ends[..., 0, :] - ends[..., 1, :], axis=-1)


hydrogens = [set(atoms.elements[list(pair)]) == {"C", "H"} for pair in bonds]
figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
bins = np.linspace(0.9, 1.35, 60)
for positions, name, colour in ((truth, "simulation", "#7F7F7F"), (predicted, "PAINET", "#0072B2")):
    values = lengths(positions)[..., hydrogens].ravel()
    axes.hist(
        values, bins, density=True, histtype="stepfilled", alpha=0.5, color=colour, label=name
    )
    print(f"C-H in {name}: {values.mean():.3f} ± {values.std():.3f} Å")
axes.set(xlabel="C-H bond, Å", ylabel="density")
axes.legend(frameon=False)
plt.show()

# %%
# RMSD against the horizon
# ------------------------
# To the start, superposed and weighted by mass as usual, for the truth and for the prediction; and
# from one to the other.

times = done["times_s"] * 1e15
pairs = {
    "simulation to start": (truth, np.broadcast_to(begin[:, None], truth.shape)),
    "PAINET to start": (predicted, np.broadcast_to(begin[:, None], truth.shape)),
    "PAINET to simulation": (predicted, truth),
}
figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
for (name, (one, other)), colour in zip(
    pairs.items(), ("#7F7F7F", "#0072B2", "#D55E00"), strict=True
):
    apart = [
        [rmsd(one[s, t], other[s, t], weights=atoms.masses, superposition=True) for t in range(5)]
        for s in range(len(one))
    ]
    axes.plot(times, np.mean(apart, axis=0), "o-", label=name, color=colour)
axes.set(xlabel="time, fs", ylabel="RMSD, Å", ylim=(0, None))
axes.legend(frameon=False)
plt.show()
