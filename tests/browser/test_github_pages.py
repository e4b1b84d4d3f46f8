"""The lessons as GitHub shows them, in a browser: everybody can read them.

In the light theme only: no lesson has colours of its own left there, so that the dark one differs
in nothing that is ours.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from helpers.lessons import LESSONS, Lesson
from tests.browser.accessibility import axe
from tests.notebooks.github.viewer import CONTENT, lessons

LONG = 20_000
"""Pixels: more than the longest lesson. What is outside of the window is not looked at in full."""
OURS = CONTENT.split(", ")
SPOIL = """([selector, html]) => {
  document.querySelector(selector).insertAdjacentHTML('beforeend', html);
}"""


@pytest.fixture
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


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        ('<img src="data:,">', "image-alt"),
        ('<p style="color: gray; background: silver">pale</p>', "color-contrast"),
    ],
)
def test_a_planted_fault_is_found(fault: str, name: str, window: Page) -> None:
    window.set_content(lessons()[LESSONS[0]].standalone())
    window.evaluate(SPOIL, [OURS[0], fault])
    assert [found for found in axe(window, *OURS) if name in found]
