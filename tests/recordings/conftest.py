"""What the tests of recordings share."""

from pathlib import Path

import pytest


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the recording of a test is written."""
    return tmp_path / "cassettes" / "models" / "01-basic-call.json"
