"""A cell that failed stands in the place of its record, with what it said, until it ends well."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from painet_cli.benchmark.campaign.failure import Failure, read_failures, save_failure
from painet_cli.benchmark.campaign.page import make_blocks
from painet_cli.benchmark.campaign.plan import parts
from painet_cli.benchmark.campaign.record import read_records, save_record
from painet_cli.benchmark.cells import Result
from painet_cli.errors import RequestError
from painet_cli.training.run_folder import RECORD
from pretend_results import SHA256, planned, result

SAID = "epoch 11: the training loss is inf"


def begun(folder: Path, *, status: str = "failed", seed: int = 2) -> Result:
    """A result whose run folder says how far its training came."""
    one = result(0.4, seed=seed)
    run = folder / f"run{seed}"
    run.mkdir()
    record = {"dataset_sha256": SHA256, "status": status, "epochs": 10}
    (run / RECORD).write_text(json.dumps(record))
    return replace(one, cell=replace(one.cell, folder=run))


def test_what_a_cell_failed_with_is_kept_beside_the_records(tmp_path: Path) -> None:
    kept = tmp_path / "results"
    save_record(result(0.4), kept, here=True)
    assert save_failure(Failure(begun(tmp_path).cell, SAID), kept)
    (failure,) = read_failures(kept)
    assert (str(failure.cell), failure.said) == ("mocap-run-s2s egnn seed 2", SAID)
    assert [one.cell.seed for one in read_records(kept)] == [1]


def test_the_page_names_what_failed_and_how_its_settings_are_not_the_plans() -> None:
    one = planned(0.4).cell
    faster = result(0.4, settings=[*parts()[0].settings_of("egnn"), "train.lr=0.01"]).cell
    ends = make_blocks([planned(0.4)], [Failure(one, SAID), Failure(faster, SAID)])["ends"]
    assert f"- {one}: {SAID}\n" in ends
    assert f"- {one} (the table's, train.lr=0.01): {SAID}" in " ".join(ends.split())


def test_the_record_of_a_cell_that_ends_well_takes_the_place_of_its_failure(tmp_path: Path) -> None:
    one = begun(tmp_path)
    failed = save_failure(Failure(one.cell, SAID), tmp_path / "results")
    assert save_record(one, tmp_path / "results", here=True) == failed
    assert read_failures(tmp_path / "results") == []
    assert save_failure(Failure(one.cell, SAID), tmp_path / "results") is None
    assert len(read_records(tmp_path / "results")) == 1


@pytest.mark.parametrize("status", ["interrupted", "running"])
def test_what_was_stopped_from_outside_is_no_failure(tmp_path: Path, status: str) -> None:
    assert save_failure(Failure(begun(tmp_path, status=status).cell, "stopped"), tmp_path) is None


def test_what_failed_before_it_began_is_no_failure_of_the_model(tmp_path: Path) -> None:
    assert save_failure(Failure(result(0.4).cell, "no dataset"), tmp_path) is None


def test_a_failure_of_no_cell_is_refused(tmp_path: Path) -> None:
    path = save_failure(Failure(begun(tmp_path).cell, SAID), tmp_path / "results")
    assert path is not None
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "preset": "../elsewhere"}))
    with pytest.raises(RequestError, match="not the record of a cell"):
        read_failures(tmp_path / "results")
