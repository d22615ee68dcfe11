"""The kernel (models/kernel) on a recording's own frames, in seconds and without a run."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from painet_cli.config.models import KernelConfig
from painet_cli.models.kernel.fit import fit_kernel
from painet_cli.prediction.adapting.blocks import Blocks, thinned
from painet_cli.prediction.adapting.cutter import Cutter
from painet_cli.prediction.adapting.guesses import Candidate

_WINDOWS = 300


def kernel(
    cutter: Cutter, known: NDArray[np.floating], blocks: Blocks, offsets: NDArray[np.int64]
) -> Candidate:
    """The kernel with the velocity from the frame before, fitted to some blocks."""
    learn, choose = (
        cutter(known, thinned(part, _WINDOWS), offsets) for part in (blocks.learn, blocks.choose)
    )
    model = fit_kernel(learn, choose, cutter.spec, KernelConfig(form="rbf", about="start"))
    return Candidate(
        cutter.guess(model),
        spread=cutter.spread(model.deviations),
        again=lambda other: kernel(cutter, known, other, offsets),
    )
