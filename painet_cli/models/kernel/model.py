r"""Kernel ridge regression in the body's own frame: a closed form, with a standard deviation.

A window is written in the frame that moves with the body (`layers/body_frame.py`): positions,
velocities and, where they are told, the displacements to the frames before. Its targets are
displacements in the same frame. They are predicted as

.. math::
    \hat y_p(z) = \bar y_p + \sum_n k_p(z, z_n)\, w_{n, p}

with a kernel (`ridge.py`) for each part p of the body: the whole of it, or its trunk and limbs. Far
from all that it has seen a kernel predicts the mean, and a molecule long after its start is more
likely near its mean structure than where it began: so the targets may be places (`about: mean`).
Weights of the kernel and the ridge are chosen on the validation windows (`tuning.py`); the mean of
several members that read different columns (`layout.py`) may be taken, and bones be held to their
lengths (`bones.py`). Of more training windows than `largest`, so many are kept and all are learned
from (Nyström).

None of this is in the paper; what it means for its claims is in docs/explanation/body-frame.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from painet_cli.config.models import KernelConfig
from painet_cli.config.presets import Preset
from painet_cli.data.batches.batch import Batch
from painet_cli.errors import RequestError
from painet_cli.models.base import DynamicsModel, SystemSpec
from painet_cli.models.kernel.bones import paths, with_bones_of
from painet_cli.models.kernel.fitting import Task, fit_member, make_task
from painet_cli.models.kernel.member import Member, inside
from painet_cli.models.kernel.parts import parents
from painet_cli.models.kernel.written import write_inputs
from painet_cli.models.layers.body_frame import BodyFrame, Frames
from painet_cli.models.layers.fitted_buffers import FittedBuffers

_SMALL = torch.finfo(torch.float64).tiny
_DIMENSIONS = {"part": 1, "offset": 3, "spread": 2, "parent": 1, "path": 2}


class _Tried(NamedTuple):
    """Members fitted to a task, and (S, T, N) their mean squared errors on validation windows."""

    task: Task
    members: list[dict[str, Tensor]]
    squared: Tensor

    @property
    def errors(self) -> Tensor:
        """(T,) means over windows and particles, above nought."""
        return self.squared.mean(dim=(0, 2)).clamp_min(_SMALL)


class Kernel(FittedBuffers, DynamicsModel):
    """Kernel ridge regression in the body's frame; fitted, not trained.

    Parameters
    ----------
    config
        Form of the kernels, and what they read.
    system
        Up axis, frames before the start, names of the particles.
    horizon
        T, steps to predict.

    Attributes
    ----------
    part
        (N,) part of the body that every particle is predicted with.
    offset
        (T, N, 3) mean displacement, or place.
    of_places
        (T,) the steps at which kernels predict places; None where they predict displacements at
        all, of which checkpoints say nothing, as those before there were places.
    spread
        (T, N) what standard deviations are multiplied by, so that they are right on the validation
        windows.
    parent, path
        (N,) and (N, N) bones, where their lengths are kept.
    """

    Config = KernelConfig
    keeps = "shift, rotation"  # along and about the ground where there is one
    closed_form = True
    reads_past = "always"

    part: Tensor
    offset: Tensor
    of_places: Tensor | None
    spread: Tensor
    parent: Tensor
    path: Tensor

    def __init__(self, config: KernelConfig, system: SystemSpec, horizon: int) -> None:
        super().__init__()
        self.config = config
        self.system = system
        self.horizon = horizon
        self.frame = BodyFrame(system.up, system.names)
        self.members = nn.ModuleList(Member(config.form) for _ in config.members)
        for name, dimensions in _DIMENSIONS.items():
            dtype = torch.int64 if name in ("part", "parent") else torch.float64
            self.register_buffer(name, torch.zeros((0,) * dimensions, dtype=dtype))
        self.register_buffer("of_places", None)

    @classmethod
    def build(cls, config: KernelConfig, preset: Preset, system: SystemSpec) -> Kernel:
        """Model of a preset, to be fitted."""
        return cls(config, system, preset.data.horizon)

    @property
    def parameter_count(self) -> int:
        """Numbers that were fitted: those that kernels are multiplied by."""
        return sum(member.dual.numel() for member in self._members())

    @torch.no_grad()
    def fit(self, train: Iterable[Batch], val: Iterable[Batch]) -> None:
        """Fit to training windows, with choices by validation windows.

        Cost is linear in particles; it grows with the cube of the kept windows, and linearly with
        those beyond.

        Parameters
        ----------
        train, val
            Gone through more than once.

        Raises
        ------
        RequestError
            The systems are of several kinds, or have not the parts that are asked for.
        """
        self.frame.fit(train)
        if not len(self.frame.reference):
            raise RequestError(
                "model kernel: the training systems have different particles",
                "it reads windows of one system; choose another model",
            )
        task = make_task(self.frame, self.system, self.config, train, val)
        if self.config.keep_bones:
            parent, depth = parents(task.skeleton)
            self._set("parent", torch.from_numpy(parent))
            self._set("path", paths(parent, depth))
        never = torch.zeros(self.horizon, dtype=torch.bool).to(task.offset.device)
        ways = {"start": [never], "mean": [~never], "auto": [never, ~never]}[self.config.about]
        tried = [self._tried(task, of_places) for of_places in ways]
        if len(tried) == 2:  # and each step in the way that foretells it better
            of_places = tried[1].errors < tried[0].errors
            if of_places.any() and not of_places.all():
                tried.append(self._tried(task, of_places))
        best = min(tried, key=lambda one: float(one.errors.log().mean()))
        self._take(best.task, best.members)
        variance = self._deviations(task.held.inputs).square()
        self._set("spread", (best.squared / variance).mean(dim=0).sqrt())

    @torch.no_grad()
    def refitted(self, train: Iterable[Batch]) -> Kernel:
        """A kernel of the same weights and ridges, fitted to other windows of the same system.

        Its standard deviations are those of these windows and not to be used.
        """
        other = Kernel(self.config, self.system, self.horizon).to(self.offset.device)
        other.frame.fit(train)
        other._set("parent", self.parent)
        other._set("path", self.path)
        # validation windows are not looked at: what they choose is known
        task = make_task(other.frame, self.system, self.config, train, train)
        own = task if self.of_places is None else task.of_places(self.of_places)
        other._take(own, other._fitted(own, like=self))
        other.eval()
        return other

    def _tried(self, task: Task, of_places: Tensor) -> _Tried:
        """Members that predict places at some steps, (T,), and what they are worth."""
        own = task.of_places(of_places)
        members = self._fitted(own)
        self._take(own, members)
        wrong = self._moved(task.held.inputs) - task.held.targets
        return _Tried(own, members, wrong.square().mean(dim=-1))

    def _fitted(self, task: Task, like: Kernel | None = None) -> list[dict[str, Tensor]]:
        """Buffers of the members, with the weights and ridges of a kernel that is `like` it."""
        members = self.config.members
        known = [None] * len(members) if like is None else [m.choices() for m in like._members()]
        return [
            fit_member(task, self.config, member, chosen)
            for member, chosen in zip(members, known, strict=True)
        ]

    def _take(self, task: Task, members: Iterable[dict[str, Tensor]]) -> None:
        """Take what was fitted."""
        self._set("part", task.part)
        self._set("offset", task.offset)
        self.of_places = task.places
        self._set("spread", torch.ones_like(task.offset[..., 0]))
        for member, buffers in zip(self._members(), members, strict=True):
            member.take(**buffers)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        marked = f"{prefix}of_places" in state_dict
        steps = torch.ones(self.horizon, dtype=torch.bool, device=self.part.device)
        self.of_places = steps if marked else None
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def unlike(self) -> str | None:
        """What does not go together, as the base class has it."""
        particles = len(self.part)
        outputs = (self.horizon, particles, 3)
        columns = (2 + self.system.history) * particles * 3
        if not particles:
            return None
        bones = (particles if self.config.keep_bones else 0,)
        shapes = {"offset": outputs, "spread": outputs[:2], "parent": bones, "path": bones * 2}
        for name, shape in shapes.items():
            found = tuple(getattr(self, name).shape)
            if found != shape:
                return f"{name} is of shape {found}, expected {shape}"
        for member, config in zip(self._members(), self.config.members, strict=True):
            if tuple(member.dual.shape[1:]) != outputs:
                return "a member predicts other steps or particles"
            if member.inputs.shape[1] != columns * (1 + config.bones):
                return "a member reads other columns"
            if not inside(self.part, len(member.ridge)):
                return "a part is not there"
        if not inside(self.parent, particles) or len(self.frame.reference) != particles:
            return "its reference or bones are of other particles"
        return None

    def forward(
        self,
        batch: Batch,  # M particles
    ) -> Tensor:  # (T, M, 3)
        """Predicted positions, (T, M, 3).

        Raises
        ------
        RequestError
            The model is not fitted, or the systems have other particles.
        """
        frames, inputs = self._read(batch)
        moved = self._moved(inputs).transpose(0, 1).flatten(1, 2)  # (T, M, 3)
        return batch.positions + frames.back(moved.to(batch.positions.dtype))

    def deviations(
        self,
        batch: Batch,  # M particles
    ) -> Tensor:  # (T, M)
        """Standard deviation of each predicted coordinate, in the unit of length.

        That of a Gaussian process with the same kernel, the mean of the members', times what makes
        it right on the validation windows.
        """
        _, inputs = self._read(batch)
        made = self._deviations(inputs).transpose(0, 1).flatten(1)
        return made.to(batch.positions.dtype)

    def _read(self, batch: Batch) -> tuple[Frames, Tensor]:
        """Frames of the systems, and what the kernels read of them, (B, K, N, 3) float64."""
        if not len(self.part):
            raise RequestError("model kernel: it is not fitted", "`painet train` fits it")
        frames = self.frame(batch)
        return frames, write_inputs(batch, frames, self.system.history)

    def _moved(self, inputs: Tensor) -> Tensor:  # (B, T, N, 3)
        """Displacements in the frame."""
        made = torch.stack([member.predict(inputs, self.part) for member in self._members()])
        moved = made.mean(dim=0) + self.offset.double()
        if self.of_places is not None:
            moved = moved - self.of_places[:, None, None] * inputs[:, :1]
        share = self.config.keep_bones
        if share:
            start = inputs[:, 0]
            predicted = start[:, None] + moved
            kept = with_bones_of(start, predicted, self.parent, self.path)
            moved = moved + share * (kept - predicted)
        return moved

    def _deviations(self, inputs: Tensor) -> Tensor:  # (B, T, N)
        made = torch.stack([member.deviations(inputs, self.part) for member in self._members()])
        return made.mean(dim=0)[:, None] * self.spread.double()

    def _members(self) -> Iterator[Member]:
        yield from (member for member in self.members if isinstance(member, Member))
