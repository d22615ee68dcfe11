"""How many processes were started, as torchrun and srun say it."""

from __future__ import annotations

import pytest

from painet_cli.errors import RequestError
from painet_cli.training.distributed.launch import Launch, first_host, launched

TORCHRUN = {
    "RANK": "5",
    "WORLD_SIZE": "8",
    "LOCAL_RANK": "1",
    "MASTER_ADDR": "node0",
    "MASTER_PORT": "29400",
}
SRUN = {
    "SLURM_JOB_ID": "4711",
    "SLURM_STEP_ID": "0",
    "SLURM_NTASKS": "16",
    "SLURM_STEP_NUM_TASKS": "16",
    "SLURM_PROCID": "9",
    "SLURM_LOCALID": "1",
    "SLURM_STEP_NODELIST": "gpu[007-009,012]",
}


def test_a_process_that_nobody_started_with_others_is_alone() -> None:
    assert launched({}) == Launch()
    assert launched({}).size == 1


def test_torchrun_says_which_process_this_is() -> None:
    assert launched(TORCHRUN) == Launch(5, 8, 1, "node0", 29400)


def test_srun_says_which_process_this_is_and_the_first_host_is_where_all_meet() -> None:
    launch = launched(SRUN)
    assert (launch.rank, launch.size, launch.local_rank) == (9, 16, 1)
    assert launch.address == "gpu007"
    assert launch.own_gpu


def test_all_tasks_of_a_step_choose_the_same_port_and_another_step_another() -> None:
    ports = {launched(SRUN | {"SLURM_PROCID": str(rank)}).port for rank in range(16)}
    assert len(ports) == 1
    assert launched(SRUN | {"SLURM_STEP_ID": "1"}).port not in ports
    assert all(1024 < port < 32768 for port in ports)


def test_the_meeting_place_can_be_chosen_under_srun() -> None:
    launch = launched(SRUN | {"MASTER_ADDR": "gpu012-ib", "MASTER_PORT": "12345"})
    assert (launch.address, launch.port) == ("gpu012-ib", 12345)


def test_the_script_of_sbatch_is_one_process_however_many_tasks_the_job_has() -> None:
    script = {"SLURM_JOB_ID": "4711", "SLURM_NTASKS": "16", "SLURM_PROCID": "0"}
    assert launched(script) == Launch()


def test_torchrun_inside_srun_goes_before_it() -> None:
    assert launched(SRUN | TORCHRUN).size == 8


@pytest.mark.parametrize("one", [{"WORLD_SIZE": "1"}, {"SLURM_STEP_NUM_TASKS": "1"}])
def test_one_process_is_alone_whoever_started_it(one: dict[str, str]) -> None:
    rest = TORCHRUN if "WORLD_SIZE" in one else SRUN
    assert launched(rest | one) == Launch()


@pytest.mark.parametrize(
    ("nodes", "first"),
    [
        ("localhost", "localhost"),
        ("a1,a2", "a1"),
        ("gpu[007-009,012],login1", "gpu007"),
        ("gpu[3,5]", "gpu3"),
        ("rack[1-2]node[04-07]", "rack1node04"),
        ("node-12.cluster.org,node-13.cluster.org", "node-12.cluster.org"),
        ("n[01-03]-ib", "n01-ib"),
    ],
)
def test_the_first_of_slurms_hosts(nodes: str, first: str) -> None:
    assert first_host(nodes) == first


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"RANK": "8"}, "process 8 of 8"),
        ({"RANK": "one"}, "RANK=one"),
        ({"WORLD_SIZE": "-2"}, "WORLD_SIZE=-2"),
        ({"MASTER_PORT": ""}, "MASTER_PORT="),
    ],
)
def test_a_number_that_makes_no_sense_is_named(changed: dict[str, str], said: str) -> None:
    with pytest.raises(RequestError, match=said):
        launched(TORCHRUN | changed)


def test_a_missing_meeting_place_is_named() -> None:
    without = {key: value for key, value in TORCHRUN.items() if key != "MASTER_ADDR"}
    with pytest.raises(RequestError, match="MASTER_ADDR is not set"):
        launched(without)
