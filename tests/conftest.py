"""What all tests share. Importing ``tests.offline`` comes first: no test may ever go live."""

import tests.offline
import tests.quick_start  # noqa: F401

# isort: split
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from helpers.lessons import ROOT
from tests.standin import StandIn

# No deadlines: machines are noisy. The long profile is chosen with --hypothesis-profile.
settings.register_profile("short", max_examples=200, deadline=None)
settings.register_profile("long", max_examples=100_000, deadline=None)
settings.load_profile("short")


@pytest.fixture(scope="session")
def standin() -> Iterator[StandIn]:
    """The stand-in endpoint, answering without pauses."""
    with StandIn(pace=0) as server:
        yield server


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the project, as far as its notebooks need it, to be broken or written to."""
    unneeded = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints", ".venv")
    for folder in ("helpers", "images", "notebooks", "tests"):
        if (ROOT / folder).exists():
            shutil.copytree(ROOT / folder, tmp_path / folder, ignore=unneeded)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path
