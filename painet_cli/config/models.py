"""The `model` section of an experiment: the sizes and choices of each model of this package.

Every field has its unit and meaning beside it; `painet presets schema` prints the same as JSON
Schema.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat

from painet_cli.config.model_table import ModelConfig, ModelTable, Strict
from painet_cli.config.schema import Steps
from painet_cli.config.stack import StackConfig

# Far above any published model, as `Steps` is.
Layers = Annotated[int, Field(gt=0, le=256)]
Width = Annotated[int, Field(gt=0, le=16_384)]


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
    about: Literal["auto", "start", "mean"] = "auto"
    """What a prediction falls back to where nothing like its start was seen: the `start`, moved on
    as the mean training window was, or the `mean` of the training targets; `auto` takes, step by
    step, what is better on the validation windows."""
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
    centred: bool = False
    """Positions are told about the mean of their system, so that a shift carries over to the
    prediction; otherwise as they lie, as published."""


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
