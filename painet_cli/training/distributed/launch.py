"""Which process of how many this one is, as torchrun or SLURM's srun says in its environment.

Nothing heavy is imported here: the command line asks before it knows what it is to do.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from painet_cli.errors import RequestError

_FIRST_PORT, _PORTS = 20_000, 10_000  # below the range from which Linux hands out ports by itself


@dataclass(frozen=True)
class Launch:
    """One of the processes that were started together.

    Attributes
    ----------
    rank
        Its number, from 0.
    size
        How many there are.
    local_rank
        Its number among those of its machine.
    address, port
        Where all of them meet: the machine of rank 0.
    own_gpu
        Whether a machine's only visible GPU belongs to this process alone, as srun's
        `--gpus-per-task` arranges it.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    address: str = ""
    port: int = 0
    own_gpu: bool = False


def launched(environment: Mapping[str, str] = os.environ) -> Launch:
    """How this process was started; alone, where nothing says otherwise.

    What torchrun says (`RANK`, `WORLD_SIZE`, `LOCAL_RANK`, `MASTER_ADDR`, `MASTER_PORT`) goes
    before what srun says, which may have started torchrun. Of srun's variables those of the step
    count: sbatch sets `SLURM_NTASKS` for its script too, which is one process.

    Raises
    ------
    RequestError
        A variable is missing or makes no sense.
    """
    if "WORLD_SIZE" in environment and "RANK" in environment:
        return _by_torchrun(environment)
    if "SLURM_STEP_NUM_TASKS" in environment and "SLURM_PROCID" in environment:
        return _by_srun(environment)
    return Launch()


def _by_torchrun(environment: Mapping[str, str]) -> Launch:
    size = _number(environment, "WORLD_SIZE")
    if size == 1:
        return Launch()
    return _checked(
        Launch(
            rank=_number(environment, "RANK"),
            size=size,
            local_rank=_number(environment, "LOCAL_RANK", 0),
            address=_text(environment, "MASTER_ADDR"),
            port=_number(environment, "MASTER_PORT"),
        )
    )


def _by_srun(environment: Mapping[str, str]) -> Launch:
    size = _number(environment, "SLURM_STEP_NUM_TASKS")
    if size == 1:
        return Launch()
    # a port of the step's own: two steps of one job may share a machine
    step = _number(environment, "SLURM_JOB_ID", 0) * 31 + _number(environment, "SLURM_STEP_ID", 0)
    return _checked(
        Launch(
            rank=_number(environment, "SLURM_PROCID"),
            size=size,
            local_rank=_number(environment, "SLURM_LOCALID", 0),
            address=environment.get("MASTER_ADDR")
            or first_host(_text(environment, "SLURM_STEP_NODELIST")),
            port=_number(environment, "MASTER_PORT", _FIRST_PORT + step % _PORTS),
            own_gpu=True,
        )
    )


def first_host(nodes: str) -> str:
    """First of SLURM's hosts, `gpu007` of `gpu[007-009,012],login1`, as `scontrol` would say.

    A machine inside a container may lack `scontrol`.
    """
    first = re.match(r"(?:[^,\[]|\[[^\]]*\])*", nodes)
    return re.sub(r"\[(\d+)[^\]]*\]", r"\1", first.group() if first else nodes)


def _checked(launch: Launch) -> Launch:
    if not 0 <= launch.rank < launch.size:
        raise RequestError(
            f"process {launch.rank} of {launch.size}: ranks go from 0 to {launch.size - 1}",
            "RANK and WORLD_SIZE are what torchrun sets; unset them to train in one process",
        )
    return launch


def _text(environment: Mapping[str, str], name: str) -> str:
    try:
        return environment[name]
    except KeyError:
        raise RequestError(
            f"{name} is not set, though other variables say that several processes were started",
            "start them with torchrun or srun, or unset WORLD_SIZE to train in one process",
        ) from None


def _number(environment: Mapping[str, str], name: str, default: int | None = None) -> int:
    if name not in environment and default is not None:
        return default
    text = _text(environment, name)
    if not text.isdecimal():
        raise RequestError(f"{name}={text}: not a whole number", "torchrun and srun set it")
    return int(text)
