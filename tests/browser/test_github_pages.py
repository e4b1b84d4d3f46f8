"""The lessons as GitHub shows them, in a browser: axe-core finds nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from helpers.lessons import LESSONS, Lesson
from tests.browser.accessibility import axe
from tests.notebooks.github.viewer import CONTENT, lessons

LONG = 24_000
"""Pixels: more than the longest lesson, since axe-core skips part of what is out of the window."""
OURS = CONTENT.split(", ")


@pytest.fixture(scope="module")
def window(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1012, "height": LONG})
    yield page
    page.close()


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.id)
def test_axe_finds_nothing_grave(lesson: Lesson, window: Page, tmp_path: Path) -> None:
    asked: list[str] = []
    window.on("request", lambda request: asked.append(request.url))
    file = tmp_path / "page.html"
    file.write_text(lessons()[lesson].standalone(), encoding="utf-8")
    window.goto(file.as_uri())
    assert window.evaluate("document.documentElement.scrollHeight") <= LONG
    assert axe(window, *OURS) == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
