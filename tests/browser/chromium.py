"""The browser: one that the system has. None is ever downloaded."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Error, Playwright, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "microsoft-edge")
CHANNELS = ("chrome", "msedge")
"""Browsers that Playwright knows where to look for, on every system."""
FLAGS = (
    "--no-sandbox",  # in a container there is no other way; all pages are our own
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
MISSING = (
    "The browser tests need Chromium, Google Chrome or Microsoft Edge. Install one "
    "(Debian and Ubuntu: apt install chromium), or name its program in the variable CHROMIUM."
)


class NoBrowserError(RuntimeError):
    """This machine has no browser that could be used."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window. Raises ``NoBrowserError`` if there is none."""
    with sync_playwright() as playwright:
        browser = _launched(playwright)
        try:
            yield browser
        finally:
            browser.close()


def _launched(playwright: Playwright) -> Browser:
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if program:
        return playwright.chromium.launch(executable_path=program, args=FLAGS)
    for channel in CHANNELS:
        try:
            return playwright.chromium.launch(channel=channel, args=FLAGS)
        except Error as reason:
            if "is not found" not in reason.message:
                raise
    raise NoBrowserError(MISSING)
