"""What tests in a browser share: one browser and one JupyterLab, and for each test a kernel."""

import os
import re
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, expect

from helpers.client.routes import RouteName
from helpers.lessons import ROOT
from tests.browser.chromium import NoBrowserError, chromium
from tests.browser.driver import STEP, Desk, Notebook, Room
from tests.browser.lab import jupyterlab
from tests.standin import StandIn
from tests.standin.__main__ import MODEL

ARTEFACTS = ROOT / "tests" / "artefacts"
"""Pictures to look at: of every lesson, and of the page when a test failed. Git ignores them."""
Open = Callable[..., Notebook]
expect.set_options(timeout=STEP)


# The first two end with the last test in this folder, not later: as long as Playwright is there, no
# other event loop can run in this thread, and other tests have loops of their own.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    for old in ARTEFACTS.glob("failed-*.png"):
        old.unlink()
    with ExitStack() as stack:
        try:
            found = stack.enter_context(chromium())
        except NoBrowserError as missing:
            if os.environ.get("CI"):
                raise
            pytest.skip(str(missing))
        yield found


@pytest.fixture(scope="package")
def room(browser: Browser) -> Iterator[Room]:
    with jupyterlab() as lab:
        yield Room(browser, lab)


@pytest.fixture
def desk(room: Room) -> Iterator[Desk]:
    """JupyterLab in a page. The test fails if the page is at fault when it ends."""
    with room.desk() as desk:
        yield desk
    assert desk.faults == [], "\n".join(desk.faults)


@pytest.fixture
def replayed(desk: Desk) -> Iterator[Open]:
    """Opens a lesson, by its id, that replays its recording; or a notebook, by its path.

    Further arguments are environment variables of its kernel.
    """
    with ExitStack() as stack:

        def open_it(lesson: str | Path, **settings: str) -> Notebook:
            source = ROOT / "notebooks" / f"{lesson}.ipynb" if isinstance(lesson, str) else lesson
            return stack.enter_context(desk.notebook(source, settings))

        yield open_it


@pytest.fixture
def live(replayed: Open) -> Open:
    """Opens a lesson that talks to a stand-in endpoint: one that is running, by either route."""

    def open_it(lesson: str | Path, server: StandIn, route: RouteName = "models") -> Notebook:
        return replayed(
            lesson,
            TUTORIAL_MODE="live",
            AZURE_INFERENCE_ENDPOINT={"models": server.models, "v1": server.v1}[route],
            AZURE_INFERENCE_CREDENTIAL=server.key,
            AZURE_INFERENCE_MODEL=MODEL,
        )

    return open_it


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Take a picture of the page when a test has failed."""
    report = yield
    desk = item.funcargs.get("desk")
    if report.when == "call" and report.failed and isinstance(desk, Desk):
        name = re.sub(r"[^\w-]+", "-", item.name)
        with suppress(Error):  # the page may be gone
            desk.page.screenshot(path=ARTEFACTS / f"failed-{name}.png")
    return report
