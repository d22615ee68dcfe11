"""What was done to the frames of training, done to those that a prediction starts from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from painet_cli.data.particles.names import Treatment
from painet_cli.data.particles.superpose import fit, spins, stretches, superposed
from painet_cli.errors import RequestError, option
from painet_cli.prediction.inputs.recording import Input
from painet_cli.training.checkpoint import Header

_SAME_PLACE = 1e-3
"""Unit of length up to which a start lies where training had it."""


@dataclass(frozen=True, eq=False)
class Placement:
    """A rotation and a shift that put a system where training had it, and take predictions back.

    Attributes
    ----------
    rotation
        (3, 3), applied from the right.
    centre, place
        (3,) points of the system and of training that are to coincide.
    """

    rotation: NDArray[np.float64]
    centre: NDArray[np.float64]
    place: NDArray[np.float64]

    def there(self, positions: NDArray[np.floating]) -> NDArray[np.floating]:
        """Positions, (..., 3), where training had them."""
        moved: NDArray[np.floating] = (positions - self.centre) @ self.rotation + self.place
        return moved.astype(np.float32)

    def turned(self, vectors: NDArray[np.floating]) -> NDArray[np.floating]:
        """Differences of positions, (..., 3), as training had them."""
        turned: NDArray[np.floating] = vectors @ self.rotation
        return turned.astype(np.float32)

    def back(self, positions: NDArray[np.floating]) -> NDArray[np.floating]:
        """Positions, (..., 3), where the system is."""
        moved: NDArray[np.floating] = (positions - self.place) @ self.rotation.T + self.centre
        return moved


def reference_of(header: Header, system: Input) -> NDArray[np.float64] | None:
    """(N, 3) frame that training was superposed on; None where it is not known, or of others."""
    reference = np.array(header.reference, dtype=np.float64)
    return reference if reference.shape == system.frames.shape[1:] else None


def placed(header: Header, system: Input, start: int) -> Placement | None:
    """How a start, an index of a frame, is put where training had it; None where it is there."""
    reference = reference_of(header, system)
    if reference is None or "superposed" not in header.treatment:
        return None
    x = system.frames[start].astype(np.float64)
    placement = Placement(fit(x, reference), x.mean(axis=0), reference.mean(axis=0))
    return None if np.abs(placement.there(x) - x).max() < _SAME_PLACE else placement


def treated(
    header: Header, system: Input, starts: NDArray[np.int64]
) -> tuple[Input, tuple[str, ...]]:
    """Do to the frames what was done to those of training, and say so.

    Each frame is superposed on the one that training was superposed on, or, where the checkpoint
    does not keep it, on the first start. Then all of them are moved as one, so that the first
    start, and what is predicted, lies where the input does.

    Raises
    ------
    RequestError
        A start is so near the mirror image of the frame that it is superposed on that it spins.
    """
    missing: list[Treatment] = [one for one in header.treatment if one not in system.treatment]
    x = system.frames.astype(np.float64)
    said = []
    if "centred" in missing:
        x = x - x.mean(axis=1, keepdims=True)
        said.append("centred")
    if "superposed" in missing:
        start = x[starts[0]].copy()
        reference = reference_of(header, system)
        onto = start if reference is None else reference
        for some in stretches(len(x), x.shape[1]):
            x[some] = superposed(x[some], onto)
        _check_still(system, x, starts)
        if reference is None:
            said.append("superposed on the first start")
        else:
            back = fit(start, reference).T
            x = (x - reference.mean(axis=0)) @ back + start.mean(axis=0)
            said.append("superposed on the frame that training was superposed on")
    if not said:
        return system, ()
    changed = replace(
        system,
        frames=x.astype(system.frames.dtype),
        velocities=None,  # those of the file have the motion of the whole in them
        treatment=(*system.treatment, *missing),
    )
    return changed, (f"frames are {' and '.join(said)}, as those that it was trained on were",)


def _check_still(system: Input, superposed: NDArray[np.float64], starts: NDArray[np.int64]) -> None:
    """Refuse starts that superposition turned away from the frame before."""
    followed = starts[system.follows(starts)]
    spun = followed[spins(superposed[followed], superposed[followed - 1])]
    if len(spun):
        raise RequestError(
            f"{system.name}: frame {system.first_frame + spun[0]} nearly is a mirror image of the "
            "frame that training was superposed on and fits it two ways: superposed, it spins",
            f"choose another {option('start')}, or a checkpoint of frames that are not superposed",
        )
