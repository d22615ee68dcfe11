"""The optimiser step as one CUDA graph: recorded once for each shape of batch, and then replayed.

A small system's step is some thousand kernels that take less time than their launches. A graph
launches them together. What a graph needs, and where it comes from:

- *The same shapes and addresses every time.* Batches of copies of one system share one `Graph`
  object; a batch whose `Graph` has come often enough is recorded with it, its numbers are copied to
  where the recording reads them. The last, smaller batch of an epoch has a recording of its own.
  Batches whose edges are made anew (`data.cutoff`, several systems) never come again, and run as
  they are.
- *Nothing that asks the device*: indices that a `Graph` derives are there before, since the first
  steps of every shape are taken as they are, on a stream beside as the recording will be. They are
  steps of the training like all others.
- *Optimisers that count and read their rate on the device*: Adam and AdamW. Of other optimisers'
  steps only the gradients are recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from painet_cli.config.schema import TrainConfig
from painet_cli.data.batches.batch import Batch
from painet_cli.data.batches.graph import Graph
from painet_cli.errors import PainetError, RequestError
from painet_cli.models.base import DynamicsModel
from painet_cli.training.distributed.world import SINGLE, Share, World
from painet_cli.training.steps.step import Step

_WARM_UP = 3  # steps of a shape before it is recorded, as PyTorch asks for


def captures(
    config: TrainConfig, model: DynamicsModel, device: torch.device, world: World = SINGLE
) -> bool:
    """Whether `train.graph` has steps recorded.

    Raises
    ------
    RequestError
        It is `on`, and they cannot be.
    """
    obstacle = _obstacle(config, model, device, world)
    if obstacle and config.graph == "on":
        raise RequestError(f"train.graph=on: {obstacle}", "set train.graph=auto")
    return config.graph != "off" and obstacle is None


def _obstacle(
    config: TrainConfig, model: DynamicsModel, device: torch.device, world: World
) -> str | None:
    if device.type != "cuda":
        return f"the device is {device.type}, and a CUDA graph needs a GPU"
    if world.size > 1:
        return "the processes of a training meet within a step"
    if model.closed_form:
        return f"{type(model).__name__} is fitted and takes no steps"
    if not model.capturable:
        return f"a step of {type(model).__name__} is another one for other numbers"
    if config.loss == "superposed":
        return "a superposition takes singular values, which ask the device"
    if config.compile:
        return "train.compile has graphs of its own"
    return None


def step_of(step: Step, config: TrainConfig, device: torch.device) -> Callable[[Share], Tensor]:
    """A step as it is, or recorded where `train.graph` says so."""
    if not captures(config, step.model, device, step.world):
        return step
    return CapturedStep(step, device, required=config.graph == "on")


class CapturedStep:
    """A step that is recorded as a CUDA graph for each shape of batch that comes again.

    Parameters
    ----------
    step
        What is recorded.
    device
        A GPU.
    required
        Whether a step that cannot be recorded is an error; else all run as they are from then on.

    Attributes
    ----------
    recordings
        By the batch's graph.
    """

    def __init__(self, step: Step, device: torch.device, *, required: bool = False) -> None:
        self.step = step
        self.recordings: WeakKeyDictionary[Graph, StepGraph] = WeakKeyDictionary()
        self._required = required
        self._device = device
        self._beside = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._seen: WeakKeyDictionary[Graph, int] = WeakKeyDictionary()
        self._given_up = False

    def __call__(self, share: Share) -> Tensor:  # ()
        """Take a step; gives the loss, summed over the windows."""
        batch = share.batch
        if batch is None or self._given_up:
            return self.step(share)
        with torch.cuda.device(self._device):
            recording = self.recordings.get(batch.graph) or self._recorded(batch)
            return self._as_it_is(share) if recording is None else recording.replay(batch)

    def _as_it_is(self, share: Share) -> Tensor:
        """Take the step on the stream beside, and let all else wait for it."""
        here = torch.cuda.current_stream()
        self._beside.wait_stream(here)
        with torch.cuda.stream(self._beside):
            loss = self.step(share)
        here.wait_stream(self._beside)
        return loss

    def _recorded(self, batch: Batch) -> StepGraph | None:
        """A recording for batches of this graph; None where it has not come often enough."""
        seen = self._seen[batch.graph] = self._seen.get(batch.graph, 0) + 1
        if seen <= _WARM_UP:
            return None
        try:
            self.recordings[batch.graph] = StepGraph(self.step, batch)
        except RuntimeError as error:  # an operation asked the device, or its memory is too small
            if self._required:
                raise PainetError(
                    f"train.graph=on: the step cannot be recorded ({str(error).splitlines()[0]})",
                    "set train.graph=auto",
                ) from error
            self._given_up = True
            self.recordings.clear()
            return None
        return self.recordings[batch.graph]


class StepGraph:
    """One step for batches of one shape, as a CUDA graph.

    Parameters
    ----------
    step
        Has run on batches of this shape before.
    batch
        One of them; its numbers are not read.
    """

    def __init__(self, step: Step, batch: Batch) -> None:
        self._step = step
        held = {name: torch.empty_like(value) for name, value in batch.numbers().items()}
        self._held = replace(batch, graph=batch.graph, **held)
        groups = [group for optimizer in step.optimizers for group in optimizer.param_groups]
        self._whole = all(group.get("capturable", False) for group in groups)
        self._graph = torch.cuda.CUDAGraph()
        # other threads read ahead, and may ask the device meanwhile
        with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):
            share = Share(self._held, 1.0)
            self._loss = step(share) if self._whole else step.gradients(share)
        self._gradients = [(p, p.grad) for group in groups for p in group["params"]]

    def replay(self, batch: Batch) -> Tensor:  # ()
        """Take the step with another batch's numbers."""
        given = batch.numbers()
        for name, held in self._held.numbers().items():
            held.copy_(given[name])
        self._graph.replay()
        if not self._whole:
            for parameter, gradient in self._gradients:
                parameter.grad = gradient
            self._step.move()
        return self._loss.clone()  # the next replay writes over it
