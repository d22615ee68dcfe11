"""What tests of the scripts in `benchmarks/` share."""

from __future__ import annotations

import pytest

from scripts_of_benchmarks import Script, imported


@pytest.fixture(scope="session")
def script() -> Script:
    """A script by name, as a module."""
    return imported
