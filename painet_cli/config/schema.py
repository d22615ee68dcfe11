"""The sections of an experiment: the data it reads, the model, the training, the evaluation.

Every field has its unit and meaning beside it; `painet presets schema` prints the same as JSON
Schema.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, NonNegativeFloat, PositiveFloat, PositiveInt

from painet_cli.config.model_table import ModelConfig, ModelTable, Strict
from painet_cli.config.stack import StackConfig

ParticleLabel = Literal["listed", "name", "element", "residue"]
NodeFeature = Literal["speed", "height", "type", "time", "position", "velocity", "past"]
EdgeFeature = Literal["hop", "distance", "types"]
Settings = Sequence[str] | Mapping[str, object]
"""Changes of a preset: `["train.lr=1e-3"]` or `{"train.lr": 1e-3}`."""
Activations = Literal["keep", "recompute", "stepwise"]
Report = Literal["all", "last"]
Loss = Literal["raw", "superposed", "relative"]
Fraction = Annotated[float, Field(gt=0.0, lt=1.0)]
# Far above any published model: a file from a stranger names no model that takes days to build.
Layers = Annotated[int, Field(gt=0, le=256)]
Width = Annotated[int, Field(gt=0, le=16_384)]
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


class PainetConfig(ModelConfig):
    """PAINET, the model of the paper (sections 3.1 to 3.3, Algorithm 1)."""

    name: Literal["painet"] = "painet"
    layers: Layers = 7
    """L, EGNN layers of the decoder."""
    hidden: Width = 128
    """d, width of the embeddings; every attention head has this full width."""
    heads: Layers = 4
    """Attention heads; their outputs are averaged."""
    eta: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5
    """Step size of the energy descent (equation 8)."""
    pairwise: Literal["guaranteed", "paper", "fixed", "none"] = "guaranteed"
    """Pair weights: `guaranteed` keeps phi > psi > 0 and both symmetric, `paper` is equation 9 to
    the letter, `fixed` sets both to one, `none` lets no particle read another."""
    attention: Literal["auto", "dense", "factorised"] = "auto"
    """How the same attention is computed: `dense` N x N, `factorised` in O(N); `auto` picks the
    cheaper."""
    reach: Literal["all", "neighbours"] = "all"
    """Whom a particle's attention reads: `all` others, or its `neighbours` in the graph and itself,
    edge by edge (`attention` then says nothing)."""
    attention_layers: Layers = 1
    """Attention layers a time step; the paper finds that one is enough (Figure 6)."""
    decoder: Literal["parallel", "recurrent", "mlp-add", "mlp-concat"] = "parallel"
    """What turns embeddings into positions (Figure 4): EGNN for all steps at once (`parallel`) or
    each step from the one before (`recurrent`); or, without edges and not equivariant, an MLP on
    the sum (`mlp-add`) or the concatenation (`mlp-concat`) of embedding and start."""
    share_time: bool = False
    """One attention layer for all time steps, so that any T can be predicted; else one a step."""
    layer_norm: bool = False
    """LayerNorm after every attention update."""


class LinearConfig(ModelConfig):
    """Straight on: x(0) + s_k v(0) with one learned scalar a step."""

    name: Literal["linear"] = "linear"


class RadialFieldConfig(ModelConfig):
    """Radial field: forces along edges, by their length alone (Köhler et al. 2019); one step."""

    one_step: ClassVar[bool] = True

    name: Literal["rf"] = "rf"
    layers: Layers = 4
    """Message-passing layers."""
    hidden: Width = 128
    """Width of the embeddings."""


class MpnnConfig(ModelConfig):
    """Plain message passing on [x, v] (Gilmer et al. 2017); not equivariant; one step."""

    one_step: ClassVar[bool] = True

    name: Literal["mpnn"] = "mpnn"
    layers: Layers = 4
    """Message-passing layers."""
    hidden: Width = 128
    """Width of the embeddings."""


class EgnnConfig(ModelConfig):
    """EGNN with velocities (Satorras et al. 2021)."""

    name: Literal["egnn"] = "egnn"
    layers: Layers = 6
    """Message-passing layers."""
    hidden: Width = 128
    """Width of the embeddings."""


class EgnoConfig(ModelConfig):
    """EGNO: EGNN layers and spectral convolutions over time in turn (Xu et al. 2024)."""

    name: Literal["egno"] = "egno"
    layers: Layers = 6
    """Pairs of a temporal convolution and a message-passing layer."""
    hidden: Width = 128
    """Width of the embeddings."""
    modes: Steps = 2
    """Fourier modes kept by a temporal convolution; no more than T / 2 + 1 are there."""
    time_width: Annotated[int, Field(ge=4, le=16_384, multiple_of=2)] = 32
    """Width of the embedding of a time step."""


class HegnnConfig(ModelConfig):
    """HEGNN: EGNN whose particles also carry spherical harmonics (Cen et al. 2024)."""

    name: Literal["hegnn"] = "hegnn"
    layers: Layers = 6
    """Message-passing layers."""
    hidden: Width = 128
    """Width of the embeddings."""
    max_ell: Annotated[int, Field(ge=1, le=6)] = 3
    """Highest degree l of the harmonics."""
    steady: bool = False
    """Begin near the positions given, and divide the products of harmonics p by 1 + |p|."""


class GfNodeConfig(ModelConfig):
    """GF-NODE: an ODE over the modes of the graph, between EGNN layers (Sun et al. 2025)."""

    name: Literal["gf-node"] = "gf-node"
    layers: Layers = 3
    """Message-passing layers of the encoder, and as many of the decoder."""
    hidden: Width = 128
    """Width of the embeddings."""
    modes: Steps = 2
    """Lowest modes of the graph Laplacian that the ODE moves."""
    time_width: Annotated[int, Field(ge=4, le=16_384, multiple_of=2)] = 32
    """Width of the embedding of a time."""
    rtol: PositiveFloat = 1e-5
    """Relative tolerance of the solver."""
    atol: PositiveFloat = 1e-6
    """Absolute tolerance of the solver."""


KernelForm = Literal["linear", "rbf", "rq", "sum"]


class KernelMember(Strict):
    """One of the kernels whose mean a `kernel` model predicts."""

    groups: Literal["whole", "limbs", "segments", "types"] = "whole"
    """Which inputs have a weight of their own, for each kind: the `whole` body, its trunk and
    `limbs`, their `segments`, or the particle `types`."""
    bones: bool = False
    """Read every particle's vector from the one it hangs on, too."""
    pull: NonNegativeFloat = 0.02
    """How strongly the weights of a descent are held together."""


class KernelConfig(ModelConfig):
    """Kernel ridge regression in the body's own frame: fitted in closed form, not trained."""

    closed_form: ClassVar[bool] = True

    name: Literal["kernel"] = "kernel"
    form: KernelForm = "sum"
    """The kernel: `linear`, Gaussian (`rbf`), rational quadratic (`rq`), or the `sum` of linear and
    Gaussian."""
    parts: Literal["whole", "limbs"] = "whole"
    """What is predicted by a kernel of its own: the `whole` body, or its trunk and each of its
    `limbs`, which are told by left and right in the names of particles."""
    members: Annotated[tuple[KernelMember, ...], Field(min_length=1, max_length=16)] = (
        KernelMember(),
    )
    """Kernels that differ in what they read; predictions are their mean."""
    descend: Annotated[int, Field(ge=0, le=10_000)] = 0
    """Steps down the gradient of the validation error, by which every group of inputs gets its own
    weight; 0 for the best of a grid, where positions, velocities and the past have one each."""
    keep_bones: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    """How far a prediction is moved to one whose bones, from the first particle outward, are as
    long as at the start."""
    largest: Annotated[int, Field(ge=2, le=20_000)] = 3000
    """Most training windows that are kept; more are all learned from by way of so many (Nyström).
    Time grows with its cube."""


class AtomConfig(ModelConfig):
    """ATOM: a transformer over all atoms and times (Thompson et al. 2026); not equivariant."""

    name: Literal["atom"] = "atom"
    layers: Layers = 5
    """Blocks of attention and a network an atom."""
    hidden: Width = 128
    """Width of the embeddings, an even multiple of `heads`."""
    heads: Layers = 8
    """Attention heads."""
    noise: NonNegativeFloat = 0.1
    """Spread of the noise on positions, velocities and their lengths in training, in the dataset's
    unit of length (and of length a frame)."""


MODEL_CONFIGS = ModelTable(
    PainetConfig,
    LinearConfig,
    RadialFieldConfig,
    MpnnConfig,
    EgnnConfig,
    EgnoConfig,
    HegnnConfig,
    GfNodeConfig,
    KernelConfig,
    AtomConfig,
    StackConfig,
)


class ConstantSchedule(Strict):
    """The learning rate stays as it is."""

    kind: Literal["constant"] = "constant"


class CosineSchedule(Strict):
    """Linear warm-up, then a cosine down to a fraction of the learning rate at the last epoch."""

    kind: Literal["cosine"] = "cosine"
    warmup_epochs: NonNegativeFloat = 0.0
    """Epochs over which the rate rises from zero."""
    final_fraction: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    """Rate at the last step, as a fraction of `lr`."""


class TrapezoidSchedule(Strict):
    """Linear warm-up, then the learning rate itself, then a straight line down to the last epoch.

    A training that goes on past its last epoch need only make up for the decay.
    """

    kind: Literal["trapezoid"] = "trapezoid"
    warmup_epochs: NonNegativeFloat = 0.0
    """Epochs over which the rate rises from zero."""
    decay_fraction: Annotated[float, Field(gt=0.0, le=1.0)] = 0.2
    """Share of all epochs over which the rate falls."""
    final_fraction: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    """Rate at the last step, as a fraction of `lr`."""


Schedule = Annotated[
    ConstantSchedule | CosineSchedule | TrapezoidSchedule, Field(discriminator="kind")
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
