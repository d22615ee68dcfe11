"""A kernel fitted to windows, without a run."""

from __future__ import annotations

from collections.abc import Iterable

from painet_cli.config.models import KernelConfig
from painet_cli.data.batches.batch import Batch
from painet_cli.models.base import SystemSpec
from painet_cli.models.kernel.model import Kernel


def fit_kernel(
    train: Iterable[Batch],
    val: Iterable[Batch],
    system: SystemSpec,
    config: KernelConfig,
) -> Kernel:
    """Fit a kernel to windows, in seconds and without a run.

    Parameters
    ----------
    train, val
        Windows with targets, of systems with the same particles; lists of batches, or anything
        that can be gone through again. Weights and ridge are chosen on `val`.
    system
        Up axis, frames before the start, and names of the particles for `parts: limbs`.
    config
        Form of the kernel.

    Returns
    -------
    Kernel
        In evaluation mode; `deviations` gives standard deviations.

    Raises
    ------
    RequestError
        The systems are of several kinds.
    """
    horizon = len(next(iter(train)).known_targets())
    model = Kernel(config, system, horizon)
    model.fit(train, val)
    model.eval()
    return model
