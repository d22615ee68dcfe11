"""Where numbers went bad: looked for only once something is known to be NaN or infinite."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from painet_cli.data.batches.windows import Windows
from painet_cli.data.dataset.dataset import FRAMES
from painet_cli.errors import PainetError, option
from painet_cli.training.loss import squared_errors

_DIVERGED = "lower train.lr or set train.clip_norm=1.0; the last whole epoch is in the run folder"
_FEW = 5


class BrokenDataError(PainetError):
    """A coordinate of the dataset is NaN or infinite: no model and no setting is to blame."""

    def __init__(self, what: str) -> None:
        super().__init__(what, "prepare the dataset again: `painet prepare SOURCE --force`")


def training_error(
    epoch: int,
    losses: Tensor,  # (steps,) on the CPU
    order: Tensor,  # (S,)
    windows: Windows,
    batch_size: int,
    model: nn.Module,
) -> PainetError:
    """What to raise for an epoch whose losses, or else weights, are not all finite.

    Names the first batch that is not, and the data where they are to blame.
    """
    steps, finite = len(losses), torch.isfinite(losses)
    if finite.all():
        said = f"epoch {epoch}: a weight is NaN or infinite after the last of {steps} batches"
        return PainetError(said, half_precision(model) or _DIVERGED)
    step = int(finite.int().argmin())
    chosen = order[step * batch_size : (step + 1) * batch_size]
    where = f"epoch {epoch}, batch {step + 1} of {steps}"
    blamed = broken_data(windows, chosen)
    if blamed:
        return BrokenDataError(f"{where}: {blamed}")
    starts = [str(start) for start in windows.starts[chosen.numpy()].tolist()]
    more = ", ..." if len(starts) > _FEW else ""
    return PainetError(
        f"epoch {epoch}: the training loss is {float(losses[step])} from batch {step + 1} of "
        f"{steps} on (windows from frames {', '.join(starts[:_FEW])}{more})",
        half_precision(model) or _DIVERGED,
    )


def prediction_error(
    errors: Tensor,  # (S, T) on the CPU
    windows: Windows,
    predicted: Tensor,  # (T, N, 3) of the first window whose errors are not finite
) -> PainetError:
    """What to raise for windows whose errors are not all finite."""
    index = int(torch.isfinite(errors).all(dim=1).int().argmin())
    blamed = broken_data(windows, torch.tensor([index]))
    if blamed:
        return BrokenDataError(blamed)
    start = int(windows.starts[index])
    bad = (~torch.isfinite(predicted).all(dim=-1)).cpu().nonzero()
    if not len(bad):
        step = int(torch.isfinite(errors[index]).int().argmin())
        return PainetError(
            f"the squared error of the prediction from frame {start} overflows at step {step + 1}",
            "train longer, or lower train.lr",
        )
    step, particle = bad[0].tolist()
    name = windows.dataset_of(index).manifest.particles.names[particle]
    return PainetError(
        f"the prediction from frame {start} of {windows.dataset.folder} is NaN or infinite at step "
        f"{step + 1}, first at particle {particle} ({name})",
        f"steps before it can be measured: {option('horizon', step)}"
        if step
        else "train longer, or anew",
    )


@torch.no_grad()
def validation_error(
    epoch: int, mse: float, model: nn.Module, windows: Windows, batch_size: int
) -> PainetError:
    """What to raise for a validation MSE that is not finite: predicts again to find the window."""
    model.eval()
    for indices in torch.split(torch.arange(len(windows)), batch_size):
        batch = windows.batch(indices)
        predicted = model(batch.question())
        errors = squared_errors(predicted, batch).cpu()
        bad = ~torch.isfinite(errors).all(dim=1)
        if bad.any():
            first = int(bad.int().argmax())
            bounds = batch.graph.ptr.tolist()
            own = predicted[:, bounds[first] : bounds[first + 1]]
            told = torch.zeros(len(windows), errors.shape[1])
            told[indices] = errors
            found = prediction_error(told, windows, own)
            said = f"epoch {epoch}: the validation MSE is {mse}: {found.what}"
            if isinstance(found, BrokenDataError):
                return BrokenDataError(said)
            return PainetError(said, half_precision(model) or _DIVERGED)
    return PainetError(f"epoch {epoch}: the validation MSE is {mse}", _DIVERGED)


def broken_data(
    windows: Windows,
    indices: Tensor,  # (B,)
) -> str:
    """The first coordinate of windows that is NaN or infinite in the dataset; empty if none."""
    for window in indices.tolist():
        dataset, numbers = windows.dataset_of(window), np.unique(windows.frames_of(window))
        frames: NDArray[np.float32] = dataset.frames[numbers]
        bad = np.argwhere(~np.isfinite(frames).all(axis=-1))
        if len(bad):
            row, particle = bad[0].tolist()
            name = dataset.manifest.particles.names[particle]
            whose = f"{dataset.manifest.name}: " if windows.dataset.manifest.systems else ""
            return (
                f"{dataset.folder / FRAMES}: {whose}frame {numbers[row]} holds a coordinate that "
                f"is NaN or infinite, of particle {particle} ({name})"
            )
    return ""


def half_precision(model: nn.Module) -> str:
    """What to do where float16 is to blame: its largest number is 65,504; empty elsewhere."""
    weights = next(model.parameters(), None)
    kind = weights.device.type if weights is not None else "cpu"
    half = any(parameter.dtype == torch.float16 for parameter in model.parameters())
    cast = torch.is_autocast_enabled(kind) and torch.get_autocast_dtype(kind) == torch.float16
    if not (half or cast):
        return ""
    return "float16 overflows at 65,504: compute in float32, or in bfloat16, which has its range"
