"""The tables of docs/results.md are those of the records beside it: nothing was typed by hand."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from painet_cli.benchmark.campaign.failure import read_failures
from painet_cli.benchmark.campaign.page import update_page
from painet_cli.benchmark.campaign.record import read_records

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_is_what_the_records_say(tmp_path: Path) -> None:
    page = tmp_path / "results.md"
    shutil.copy(DOCS / "results.md", page)
    records = read_records(DOCS / "results")
    assert records
    update_page(page, records, read_failures(DOCS / "results"))
    made, kept = page.read_text(encoding="utf-8"), (DOCS / "results.md").read_text(encoding="utf-8")
    assert made == kept, "run `painet bench report --results docs/results --page docs/results.md`"


def test_every_page_of_results_is_named_on_the_first() -> None:
    text = (DOCS / "results.md").read_text(encoding="utf-8")
    pages = sorted(path.name for path in DOCS.glob("results-*.md"))
    assert pages == sorted(set(re.findall(r"\]\((results-[\w-]+\.md)\)", text)))


def test_records_name_no_folder_of_a_machine() -> None:
    for path in DOCS.glob("results/*/*.json"):
        assert not re.search(r"[\s\"'=]/\w+/", path.read_text(encoding="utf-8")), path
