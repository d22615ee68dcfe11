"""A forecast whose bones are as long as at its starts."""

from __future__ import annotations

from dataclasses import replace

import torch

from painet_cli.data.particles.structure import Structure, structure_of
from painet_cli.errors import RequestError, option
from painet_cli.prediction.forecast import Forecast
from painet_cli.prediction.inputs.skeleton import skeleton_of
from painet_cli.prediction.sanity import sanity_of


def with_kept_bones(forecast: Forecast, known: Structure | None = None) -> Forecast:
    """Move predicted joints, from the root outward, so that bones keep their lengths.

    Parameters
    ----------
    known
        The system as it was measured in motion, which tells bones from other bonds between markers;
        by default by its frames up to the last start.

    Raises
    ------
    RequestError
        It is no skeleton.
    """
    system, flag = forecast.system, option("keep_bones", value=True)
    past = system.frames[: int(forecast.starts.max()) + 1]
    known = known or structure_of(system.particles, past, system.length_unit)
    skeleton = skeleton_of(system, known)
    if skeleton is None:
        raise RequestError(
            f"{flag}: {system.name} is no skeleton of bones that form a tree", f"leave {flag} out"
        )
    start, predicted = (
        torch.from_numpy(values).double()
        for values in (forecast.start_positions, forecast.positions)
    )
    positions = skeleton.held(start, predicted).numpy().astype(forecast.positions.dtype)
    before = forecast.sanity
    lost = before.lost if before else ""
    judged = sanity_of(positions, forecast.start_positions, system.particles, lost)
    said = [one for one in forecast.warnings if before is None or one != before.sentence]
    return replace(
        forecast,
        positions=positions,
        sanity=judged,
        warnings=(*said, *([judged.sentence] if judged.sentence else [])),
    )
