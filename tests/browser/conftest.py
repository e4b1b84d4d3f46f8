"""Fixtures of the browser tests: one browser, one JupyterLab and one page for all of them."""

import re
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, suppress
from os import environ
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Browser, Error, Page, expect

from helpers.lessons import ROOT
from tests.browser.chromium import NoBrowserError, chromium
from tests.browser.driver import STEP, LabPage, Notebook
from tests.browser.lab import jupyterlab
from tests.notebooks import files
from tests.standin import StandIn
from tests.standin.__main__ import MODEL

ARTEFACTS = ROOT / "tests" / "artefacts"
"""Pictures to look at: of every lesson, and of the page when a test failed. Git ignores them."""
Open = Callable[..., Notebook]
PAGE = pytest.StashKey[Page]()
expect.set_options(timeout=STEP)


# Package scope, not session scope: no other event loop can run in this thread while Playwright
# does, and tests elsewhere have loops of their own.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    for old in ARTEFACTS.glob("failed-*.png"):
        old.unlink()
    with ExitStack() as stack:
        try:
            found = stack.enter_context(chromium())
        except NoBrowserError as missing:
            if environ.get("CI"):
                raise
            pytest.skip(str(missing))
        yield found


@pytest.fixture(scope="package")
def lab_page(browser: Browser) -> Iterator[LabPage]:
    with jupyterlab() as lab, closing(LabPage(browser, lab)) as page:
        yield page


@pytest.fixture(scope="module")
def open_notebook(lab_page: LabPage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Open]:
    """Opens a notebook in place of the one opened before: that of a path, or one of these cells.

    Further arguments are environment variables of the kernel.
    """
    with ExitStack() as stack:

        def open_it(source: Path | tuple[str, ...], **settings: str) -> Notebook:
            stack.close()
            if not isinstance(source, Path):
                nb = new_notebook(cells=[new_code_cell(cell) for cell in source])
                files.normalise(nb)  # it names the kernel
                source = tmp_path_factory.mktemp("made") / "made.ipynb"
                files.write(source, nb)
            return stack.enter_context(lab_page.notebook(source, settings))

        yield open_it


@pytest.fixture(scope="module")
def server() -> Iterator[StandIn]:
    """A stand-in endpoint whose scripts and pace a test may set."""
    with StandIn() as server:
        yield server


def live(server: StandIn) -> dict[str, str]:
    """Environment variables by which a kernel asks the stand-in endpoint."""
    return {
        "TUTORIAL_MODE": "live",
        "AZURE_INFERENCE_ENDPOINT": server.v1,
        "AZURE_INFERENCE_CREDENTIAL": server.key,
        "AZURE_INFERENCE_MODEL": MODEL,
    }


@pytest.fixture(autouse=True)
def page_is_clean(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails a test after which the JupyterLab page has faults; starts each with the usual size."""
    if "lab_page" not in request.fixturenames:
        yield
        return
    page: LabPage = request.getfixturevalue("lab_page")
    request.node.stash[PAGE] = page.page
    page.reset()
    yield
    page.check()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Take a picture of the page when a test has failed."""
    report = yield
    page = item.stash.get(PAGE, None)
    if report.when == "call" and report.failed and page is not None:
        name = re.sub(r"[^\w-]+", "-", item.name)
        with suppress(Error):  # the page may be gone
            page.screenshot(path=ARTEFACTS / f"failed-{name}.png")
    return report
