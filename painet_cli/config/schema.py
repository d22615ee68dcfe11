"""The sections of an experiment but its model: the data it reads, the training, the evaluation.

Every field has its unit and meaning beside it; `painet presets schema` prints the same as JSON
Schema.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, NonNegativeFloat, PositiveFloat, PositiveInt

from painet_cli.config.model_table import Strict

ParticleLabel = Literal["listed", "name", "element", "residue"]
NodeFeature = Literal["speed", "height", "type", "time", "position", "velocity", "past"]
EdgeFeature = Literal["hop", "distance", "types"]
Settings = Sequence[str] | Mapping[str, object]
"""Changes of a preset: `["train.lr=1e-3"]` or `{"train.lr": 1e-3}`."""
Activations = Literal["keep", "recompute", "stepwise"]
Report = Literal["all", "last"]
Loss = Literal["raw", "superposed", "relative"]
Fraction = Annotated[float, Field(gt=0.0, lt=1.0)]
# Far above any published model: a file from a stranger asks for none that takes days to build.
Steps = Annotated[int, Field(gt=0, le=10_000)]
DATASET_NAME = r"^\w[\w.-]{0,99}$"
"""No separator and no `..`: a name of a folder, never a way out of the data directory."""


def _time(text: str) -> str:
    if not re.fullmatch(r"\s*[0-9.]+(?:[eE][-+]?\d+)?\s*(?:[afpnum]?s)\s*", text):
        raise ValueError("expected a number and its unit, such as 2fs")
    return text


Time = Annotated[str, AfterValidator(_time)]
"""A number and its unit: `0.5fs`, `240 ps`."""


class DataConfig(Strict):
    """Which dataset, and how a window is cut from it."""

    dataset: Annotated[str, Field(pattern=DATASET_NAME)]
    """Name of a prepared dataset, a folder below the data directory."""
    horizon: Steps = 1
    """T, the number of target frames of a window; 1 is state-to-state (S2S), more is S2T."""
    delta_frames: PositiveInt
    """Frames from a window's start to its last target (the paper's delta T)."""
    delta_time: tuple[Time, Time] | None = None
    """Shortest and longest time between the frames of a window, `[2fs, 50fs]`: each window takes
    every so many frames of the dataset, and the model is told the time. A new draw every epoch,
    the same one always for validation and tests. null: windows take every frame."""
    sampling: Literal["tail", "uniform"] = "uniform"
    """Where the T targets lie: `uniform` at delta_frames * k / T, `tail` the last T frames."""
    velocity: Literal["next", "before"] | None = None
    """Which difference a window's velocity is: to the `next` frame from its start, as the published
    benchmarks have it, or from the frame `before`, which is what a prediction can know. null: as
    the dataset says, `next` of the benchmarks, `before` of one's own recordings."""
    history: Annotated[int, Field(ge=0, le=1000)] = 0
    """H, frames before a window's start that a model is given besides; windows with fewer frames
    before their start are left out."""
    history_known: Annotated[int, Field(ge=0, le=1000)] | None = None
    """Fewest frames before a start that a window must have: of those that are missing each counts
    as the first that is there, as when a file is predicted from. 0 also takes starts at rest,
    with nothing before them. null: all that are read must be there."""
    report: Report = "all"
    """Whose error chooses the best epoch and is reported: of `all` targets, or of the `last` alone.
    EGNO's published S2S figures are the last of five targets of a model trained on all five."""
    hops: Annotated[int, Field(ge=1, le=4)] = 2
    """Particles up to this many bonds apart are joined by an edge."""
    cutoff: PositiveFloat | None = None
    """Particles closer than this at a window's start are joined too, in the dataset's unit of
    length; such an edge counts as one hop more than `hops`. null: bonds alone make edges."""
    types: Annotated[tuple[ParticleLabel, ...], Field(min_length=1)] = ("listed",)
    """What makes a particle's type: `listed` as the dataset has it, or its `name`, `element` and
    `residue`, joined: [residue, name] tells the CA of GLY from the CA of ALA."""

    @property
    def edge_hops(self) -> int:
        """Largest `edge_hop` of a graph: `hops`, and one more for edges by distance."""
        return self.hops + (self.cutoff is not None)


class FeatureConfig(Strict):
    """The invariants a model may read, by name."""

    node: Annotated[tuple[NodeFeature, ...], Field(min_length=1)] = ("speed",)
    """Per particle: `speed` |v|, `height` above ground along the dataset's up axis (leaves only
    turns about the vertical as symmetry), `type` one-hot; `time` between the frames
    of the window, as `data.delta_time` draws it; `past` the lengths of the displacements
    to the frames of `data.history`. With `frame: body` also `position` and `velocity`, and these
    and `past` are components in that frame."""
    frame: Literal["none", "body"] = "none"
    """Whether features may be components in the `body`'s own frame: along its heading where the
    dataset has an up axis, else as it superposes on the mean training start, or along its principal
    axes where systems differ. What then remains as symmetry is turns (about the vertical where
    there is one) and shifts (along the ground), and no mirror."""
    edge: tuple[EdgeFeature, ...] = ("hop", "distance")
    """Per edge: `hop` one-hot number of bonds, `distance` |x_i - x_j| at the start, `types` one-hot
    types of both ends."""


class ConstantSchedule(Strict):
    """The learning rate stays as it is."""

    kind: Literal["constant"] = "constant"


class CosineSchedule(Strict):
    """Linear warm-up, then a cosine down to a fraction of the learning rate at the last epoch."""

    kind: Literal["cosine"] = "cosine"
    warmup_epochs: NonNegativeFloat = 0.0
    """Epochs over which the rate rises from zero; at most half of those that are trained."""
    final_fraction: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    """Rate at the last step, as a fraction of `lr`."""


class TrapezoidSchedule(Strict):
    """Linear warm-up, then the learning rate itself, then a straight line down to the last epoch.

    A training that goes on past its last epoch need only make up for the decay.
    """

    kind: Literal["trapezoid"] = "trapezoid"
    warmup_epochs: NonNegativeFloat = 0.0
    """Epochs over which the rate rises from zero; at most half of those that are trained."""
    decay_fraction: Annotated[float, Field(gt=0.0, le=1.0)] = 0.2
    """Share of all epochs over which the rate falls."""
    final_fraction: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    """Rate at the last step, as a fraction of `lr`."""


class TimedSchedule(Strict):
    """Linear warm-up, then a cosine down to nothing, over seconds instead of epochs.

    For a training that a budget ends, `seconds` of it; two of them have the same rates only where
    they are equally fast.
    """

    kind: Literal["timed"] = "timed"
    seconds: PositiveFloat
    """Seconds of training, evaluations included, after which the rate is zero."""
    warmup_fraction: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.05
    """Share of them over which the rate rises from zero."""


Schedule = Annotated[
    ConstantSchedule | CosineSchedule | TrapezoidSchedule | TimedSchedule,
    Field(discriminator="kind"),
]


class TrainConfig(Strict):
    """The training loop."""

    epochs: PositiveInt
    """Most epochs to train."""
    batch_size: PositiveInt
    """Windows in a batch, of all processes together; the last, smaller batch of an epoch is used
    too."""
    windows: Literal["split", "every"] = "split"
    """Which windows are trained on: those that the dataset's `split` lists, or one at `every` frame
    between the first and the last of these in a recording, but for those that have a frame in
    common with a window of validation or test. Yardsticks see the same."""
    loss: Loss = "raw"
    """What is minimised, and what chooses the best epoch: the squared error `raw`, as positions lie
    in space, or after every step's target is `superposed` on its prediction, so that neither drift
    nor tumbling counts. `superposed` is for systems without an up axis. `relative` is the raw
    one as a share of what the better of two guesses (nothing moves, straight on) has after such a
    time in training, so that short times count as much as long ones."""
    optimizer: Literal["adam", "adamw", "muon", "soap"] = "adam"
    """`adam` as the paper has it; `adamw`; `muon` for the hidden maps with AdamW for all else;
    `soap`, Adam in the eigenbasis of Shampoo's preconditioner."""
    lr: PositiveFloat
    """Learning rate."""
    weight_decay: NonNegativeFloat = 0.0
    """Share of the weights, times `lr`, that a step takes away; with `adam` an L2 penalty."""
    patience: PositiveInt = 50
    """Stop after this many evaluations in a row without a better validation MSE."""
    eval_every: PositiveInt = 5
    """Epochs between evaluations on the validation windows."""
    clip_norm: PositiveFloat | None = None
    """Largest gradient norm; null leaves gradients alone."""
    schedule: Schedule = ConstantSchedule()
    """Learning rate over time."""
    ema: Fraction | None = None
    """Decay a step of an exponential moving average of the weights, which is then what is evaluated
    and kept as best; null for none."""
    activations: Activations | Literal["auto"] = "auto"
    """What is kept for the backward pass, by models that have the choice: `keep` what is fastest,
    `recompute` the edges of the decoder (activation checkpointing), `stepwise` decode one time step
    after the other besides; `auto` takes the first of these that fits the memory."""
    compile: bool = False
    """Compile the repeated blocks of the model by torch.compile; takes minutes before the first
    step and needs a C++ compiler on a CPU."""
    graph: Literal["auto", "on", "off"] = "auto"
    """Record the optimiser step as one CUDA graph, which saves a small system's launches: `auto`
    where it can be, a GPU with batches of one shape; `on` or not at all; `off`."""
    start_from: str | None = None
    """Run folder or checkpoint file whose weights are the first ones; the optimiser begins anew,
    and the units of length and speed are the checkpoint's. null: random weights."""
    augment: tuple[Literal["mirror", "symmetry"], ...] = ()
    """What training windows are seen as besides what they are: in a `mirror`, with left and right
    exchanged by the names of particles; or under each `symmetry` of a molecule, with equal atoms
    exchanged as its motion exchanges them, such as a methyl group's hydrogens. A model trained by
    gradients sees each window one way an epoch, at random, a fitted one all ways."""
    noise: NonNegativeFloat = 0.0
    """Spread of normal noise on the positions, velocities and past that training reads, in root
    mean square velocities of a frame; validation and test have none, nor has a model that is
    fitted."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    """Seed of the weights, of the order of windows, and of what augments them."""


class EvaluationConfig(Strict):
    """The evaluation after training."""

    horizon: Steps | None = None
    """Steps to predict; past the trained horizon by rollout. null: the trained horizon."""
