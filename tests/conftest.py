from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).parents[1]

# A busy machine is no failure.
settings.register_profile("painet", deadline=None)
settings.load_profile("painet")


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of the paper's figures and of real data, which a clone alone does not have."""
    folder = Path(os.environ.get("PAINET_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip("needs the shared folder; set PAINET_SHARED")
    return folder


def pytest_configure(config: pytest.Config) -> None:
    # PyTorch Geometric scripts a class as it is imported, which PyTorch 2.13 deprecates.
    ignore = "ignore:.torch.jit.script. is deprecated:DeprecationWarning"
    config.addinivalue_line("filterwarnings", ignore)
