"""Fixtures of all tests."""

import shutil
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from hypothesis import settings

from helpers.lessons import ROOT
from tests.standin import StandIn
from tests.sync_and_async import WAYS, awaiting

# No deadlines: machines are noisy. The long profile is chosen with --hypothesis-profile.
settings.register_profile("short", max_examples=200, deadline=None)
settings.register_profile("long", max_examples=100_000, deadline=None)
settings.load_profile("short")


@pytest.fixture(scope="session")
def standin() -> Iterator[StandIn]:
    """The stand-in endpoint, answering without pauses."""
    with StandIn(pace=0) as server:
        yield server


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Iterator[str]:
    """Run a test twice: ``fakes.client`` returns the sync client, then the async one."""
    with awaiting() if request.param == "async" else nullcontext():
        yield request.param


@pytest.fixture
def slept(way: str, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Replace the sleep that belongs to ``way``; return the seconds it was called with."""
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr("time.sleep", pauses.append if way == "sync" else None)
    monkeypatch.setattr("asyncio.sleep", pause if way == "async" else None)
    return pauses


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the project, as far as its notebooks need it, to be broken or written to."""
    unneeded = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints", ".venv")
    for name in ("helpers", "images", "notebooks", "tests"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=unneeded)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path
