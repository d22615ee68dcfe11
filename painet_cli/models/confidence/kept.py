"""How sure a trained model is: measured on validation windows, kept in its checkpoint, read back.

Tensors are named `radii/...` and `seen/...` beside the model's own. Models of several systems have
no particle of the same kind to count by: theirs are by type (`confidence/times.py`), and no start
is kept. Checkpoints from before they were kept have none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from painet_cli.data.batches.batch import Batch
from painet_cli.data.batches.windows import Windows, spread_out
from painet_cli.data.particles.names import AXES, Axis
from painet_cli.models.base import DynamicsModel
from painet_cli.models.confidence.radii import Radii, by_type, fit_radii
from painet_cli.models.confidence.seen import Seen
from painet_cli.models.confidence.times import NAMES, measure_times, radii_at

CONFIDENCE = ("radii/", "seen/")
"""How the names of its tensors begin."""
_MOST, _FEWEST = 400, 20
"""Windows of a part of the split that are read."""
_MOST_PARTICLES, _BATCH_PARTICLES = 500_000, 20_000
"""Particles of all of them, and of those side by side."""


class _Some(Iterable[Batch]):
    """Some windows, spread over all, as batches that can be gone through again."""

    def __init__(self, windows: Windows) -> None:
        largest = int(windows.sizes.max())
        most = min(_MOST, max(_FEWEST, _MOST_PARTICLES // largest))
        places = spread_out(len(windows), most)
        size = max(1, _BATCH_PARTICLES // largest)
        self.windows, self.parts = windows, torch.split(places, size)
        self.count = len(places)

    def __iter__(self) -> Iterator[Batch]:
        return self.windows.batches_of(self.parts)


@torch.no_grad()
def measure(model: DynamicsModel, train: Windows, val: Windows) -> dict[str, Tensor]:
    """Tensors to keep in a checkpoint.

    Parameters
    ----------
    model
        With the weights to be kept, in evaluation mode.
    train, val
        What it was trained on, and was not. That the best epoch was chosen on these, and a kernel's
        weights, makes the radii a little small.
    """
    manifest, some = train.dataset.manifest, _Some(val)
    if manifest.systems:
        return measure_times(model, val, _Some)
    tensors = measure_times(model, val, _Some) if val.drawn else _radii(model, val, some)
    seen = Seen(_up(manifest.up_axis), manifest.particles.names)
    if seen.fit(_Some(train), some):
        tensors |= {f"seen/{name}": value for name, value in seen.state_dict().items()}
    return tensors


def _radii(model: DynamicsModel, val: Windows, some: _Some) -> dict[str, Tensor]:
    """Radii by step and particle, and by type."""
    errors, spreads, types = [], [], np.empty(0, dtype=np.int64)
    for batch in some:
        asked = batch.question()
        errors.append(by_start((model(asked) - batch.known_targets()).norm(dim=-1), batch))
        spread = model.deviations(asked)
        if spread is not None:
            spreads.append(by_start(spread, batch))
        types = batch.graph.types.view(batch.graph.num_systems, -1)[0].cpu().numpy()
    reach = max(1, int(val.offsets[-1]))
    starts = np.sort(val.starts)
    apart = 1 + int((np.diff(starts) >= reach).sum())
    independent = max(apart, (starts[-1] - starts[0] + 1) / reach) if len(starts) else 1.0
    independent = min(float(some.count), float(independent))
    radii = fit_radii(
        np.concatenate(errors), np.concatenate(spreads) if spreads else None, independent
    )
    kept = {
        "pooled": radii.pooled,
        "quantile": radii.quantile,
        "scale": radii.scale,
        "types": radii.scale if radii.by_spread else by_type(radii, types),
    }
    return {f"radii/{name}": torch.from_numpy(values) for name, values in kept.items()}


@torch.no_grad()
def spreads_of(model: DynamicsModel, batches: Iterable[Batch]) -> NDArray[np.floating] | None:
    """(S, T, N) standard deviations at the starts of batches; None where the model knows none."""
    made = []
    for batch in batches:
        spread = model.deviations(batch)
        if spread is None:
            return None
        made.append(by_start(spread, batch))
    return np.concatenate(made)


def by_start(values: Tensor, batch: Batch) -> NDArray[np.floating]:
    """(B, T, N, ...) of (T, M, ...) values of equal systems."""
    several = values.reshape(len(values), batch.graph.num_systems, -1, *values.shape[2:])
    made = several.transpose(0, 1)
    return cast("NDArray[np.floating]", made.cpu().numpy())


def radii_of(
    tensors: Mapping[str, Tensor], types: NDArray[np.int64], frame_time_s: float | None = None
) -> Radii | None:
    """Radii that a checkpoint keeps, for particles of these types; None where it keeps none.

    Of as many particles as it was trained on each has its own scale, of others that of its type.

    Parameters
    ----------
    frame_time_s
        Between the frames, where the checkpoint serves several times.

    Raises
    ------
    ValueError
        They do not go together.
    """
    names = NAMES if "radii/times" in tensors else ("pooled", "quantile", "scale", "types")
    kept = {name: tensors[f"radii/{name}"].numpy() for name in names if f"radii/{name}" in tensors}
    if not kept:
        return None
    whole = kept.keys() == set(names) and all(
        one.dtype == np.float64 and np.isfinite(one).all() and (one >= 0).all()
        for one in kept.values()
    )
    if not whole:
        raise ValueError("its radii are not whole")
    if "times" in kept:
        return radii_at(kept, types, frame_time_s)
    steps = (len(kept["quantile"]),)
    shapes = [kept[name].shape[:1] for name in names] if kept["scale"].size else [steps]
    if kept["pooled"].shape != steps or any(shape != steps for shape in shapes):
        raise ValueError("its radii are of different steps")
    scale = kept["scale"]
    if scale.size and scale.shape[1] != len(types):
        if types.max() >= kept["types"].shape[1]:
            raise ValueError("its radii know fewer types")
        scale = kept["types"][:, types]
    return Radii(kept["pooled"], kept["quantile"], scale)


def seen_of(
    tensors: Mapping[str, Tensor], up_axis: Axis | None, names: tuple[str, ...]
) -> Seen | None:
    """The training starts that a checkpoint keeps; None where it keeps none.

    Raises
    ------
    RuntimeError
        They do not go together.
    """
    state = {
        name.removeprefix("seen/"): value
        for name, value in tensors.items()
        if name.startswith("seen/")
    }
    if not state:
        return None
    seen = Seen(_up(up_axis), names)
    seen.load_state_dict(state)
    return seen


def _up(axis: Axis | None) -> int | None:
    return None if axis is None else AXES.index(axis)
