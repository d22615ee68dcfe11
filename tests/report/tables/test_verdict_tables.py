"""What stands above a prediction."""

from painet_cli.report.tables.verdict import opening_sentences


def test_where_nothing_was_measured_that_is_said_with_what_it_takes() -> None:
    none, bars = opening_sentences(None, None, "angstrom")
    assert none.startswith("No yardstick was measured: that takes enough frames before the start")
    assert "adapt" in none
    assert bars.startswith("No error bars")
