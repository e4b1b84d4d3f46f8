"""The chat's history: recorded questions, Clear, and a log that the keyboard scrolls."""

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Open
from tests.browser.driver import Notebook
from tests.browser.test_panels import state

QUESTION = "And which has the fewest?"
RECORDED = "talk = Chat(client, [*conversation, second.message])\nprint(talk.ask(question))\ntalk"
TURNS = 7
"""Messages in the conversation: five of the lesson, a question and its answer."""


@pytest.fixture(scope="module")
def lesson(open_notebook: Open) -> Notebook:
    notebook = open_notebook("01-basic-call", (f"question = {QUESTION!r}", RECORDED))
    notebook.run_all()
    return notebook


def examples(panel: Locator) -> dict[str, str]:
    """The recorded questions that are offered, by their text: what to select for each."""
    found = panel.get_by_label("Examples").locator("option").all_text_contents()
    return {text.replace("\u00a0", " "): text for text in found}  # so that blanks do not break


def said(panel: Locator) -> list[str]:
    return panel.locator(".cc-history p").all_inner_texts()


def test_offline_the_recorded_question_is_an_example(lesson: Notebook) -> None:
    panel = lesson.panel(RECORDED)
    box, before = panel.get_by_role("textbox", name="Message"), said(panel)
    assert [*examples(panel)] == ["No more: press Clear"]
    panel.get_by_role("button", name="Clear").click()
    expect(panel.locator(".cc-history p")).to_have_count(TURNS - 2)
    panel.get_by_label("Examples").select_option(examples(panel)[QUESTION])
    expect(box).to_have_value(QUESTION)
    box.press("Enter")
    expect(state(panel, "finished")).to_be_visible()
    expect(panel.locator(".cc-history p")).to_have_count(TURNS)
    assert said(panel) == before
    expect(box).to_have_value("")
    expect(box).to_be_focused()

    box.fill("What is the weather?")
    panel.get_by_role("button", name="Send").click()
    expect(state(panel, "failed")).to_contain_text("This question was not recorded.")
    expect(box).to_have_value("What is the weather?")
    expect(panel.locator(".cc-history p")).to_have_count(TURNS)


def test_arrow_keys_scroll_the_log(lesson: Notebook) -> None:
    panel = lesson.panel(RECORDED)
    log, cells = panel.locator(".cc-log"), lesson.count()
    log.evaluate("log => { log.style.maxHeight = '60px'; }")
    first = panel.get_by_label("Examples")
    first.focus()
    for _ in range(10):
        if log.evaluate("log => log === document.activeElement"):
            break
        lesson.page.keyboard.press("Shift+Tab" if first.is_visible() else "Tab")
    expect(log).to_be_focused()
    before = log.evaluate("log => log.scrollTop")
    for key in ("ArrowUp", "b", "d", "d"):  # JupyterLab would leave it, add a cell, delete one
        lesson.page.keyboard.press(key)
    expect(log).to_be_focused()
    scrolled = "([log, before]) => log.scrollTop < before"
    lesson.page.wait_for_function(scrolled, arg=[log.element_handle(), before])
    assert lesson.count() == cells
