"""All that a training is, by name: to save it, and to take it up again bit for bit."""

from __future__ import annotations

from collections.abc import Mapping, Set

import torch
from torch import Tensor

from painet_cli.training.checkpoint import TrainingState, misfit, under
from painet_cli.training.steps.optimizers import load_optimizer_state, make_slots, optimizer_state
from painet_cli.training.trainer import Trainer

_EPOCH = ("epoch/losses", "epoch/seconds")  # of an epoch that is not whole


def state_of(trainer: Trainer) -> dict[str, Tensor]:
    """Everything a resumed training needs, by name."""
    state = {f"model/{name}": tensor for name, tensor in trainer.model.state_dict().items()}
    if trainer.average is not None:
        state |= {
            f"average/{name}": tensor for name, tensor in trainer.average.state_dict().items()
        }
    slots = optimizer_state(trainer.optimizers)
    state |= {f"optimizer/{name}": tensor for name, tensor in slots.items()}
    drawn = {"rng/cpu": torch.get_rng_state()}
    if trainer.train_windows.device.type == "cuda":  # dropout draws where the model is
        drawn["rng/cuda"] = torch.cuda.get_rng_state(trainer.train_windows.device)
    if len(trainer.losses):
        spent = torch.tensor(trainer.epoch_s, dtype=torch.float64)
        drawn |= dict(zip(_EPOCH, (trainer.losses, spent), strict=True))
    return state | drawn


def _state_after_a_step(trainer: Trainer, saved: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What a saved state must look like; parameters that no gradient reached have no slots.

    The optimiser makes its slots in its first step, so it takes one, without gradients: what
    that does to the weights does not matter, since a state is loaded right after.
    """
    make_slots(trainer.optimizers, under("optimizer", saved))
    return state_of(trainer)


def _load_weights(trainer: Trainer, state: Mapping[str, Tensor]) -> None:
    trainer.model.load_state_dict(under("model", state))
    if trainer.average is not None:
        trainer.average.load_state_dict(under("average", state))


def restore(trainer: Trainer, state: Mapping[str, Tensor], progress: TrainingState) -> None:
    """Go on from a saved state.

    Raises
    ------
    ValueError
        A tensor is not what this training has: name, shape, type, or not finite.
    """
    _load_weights(trainer, state)  # some buffers take the shapes that they are given
    expected = _state_after_a_step(trainer, state)
    # a run may go on without the card it began on, or have begun before its state was kept
    other = {"rng/cuda", *_EPOCH} & (state.keys() ^ expected.keys())
    wrong = misfit(_without(state, other), _without(expected, other))
    if wrong is not None:
        raise ValueError(wrong)
    losses, seconds = (state.get(name, torch.zeros(0).double()) for name in _EPOCH)
    steps = trainer.steps
    if losses.ndim != 1 or len(losses) >= steps or not losses.isfinite().all():
        raise ValueError(f"epoch/losses is not of some of the {steps} batches of an epoch")
    _load_weights(trainer, state)
    load_optimizer_state(trainer.optimizers, under("optimizer", state))
    torch.set_rng_state(state["rng/cpu"])
    if "rng/cuda" in state and trainer.train_windows.device.type == "cuda":
        torch.cuda.set_rng_state(state["rng/cuda"], trainer.train_windows.device)
    trainer.progress = progress
    trainer.losses, trainer.epoch_s = losses.double(), float(seconds.sum())


def _without(state: Mapping[str, Tensor], names: Set[str]) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in state.items() if name not in names}
