"""The chat's history: recorded questions, Clear, the log, export; live, what is sent again."""

import json

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Open, live_client
from tests.browser.driver import Notebook
from tests.browser.test_panels import examples, state
from tests.standin import StandIn
from tests.standin.scripts import Script

QUESTION = "And which has the fewest?"
RECORDED = "talk = Chat(client, [*conversation, second.message])\nprint(talk.ask(question))\ntalk"
LIVE = "talk = Chat(live, [*conversation, second.message])\ntalk.ask('And?')\ntalk"
TURNS = 7
"""Messages in the conversation: five of the lesson, a question and its answer."""


@pytest.fixture(scope="module")
def lesson(open_notebook: Open, server: StandIn) -> Notebook:
    cells = (f"question = {QUESTION!r}\n{live_client(server)}", RECORDED, LIVE)
    server.scripts = [Script(ask="And?", answer=("And.",))]
    notebook = open_notebook("01-basic-call", cells)
    notebook.run_all()
    return notebook


def said(panel: Locator) -> list[str]:
    return panel.locator(".cc-history p").all_inner_texts()


def test_offline_the_recorded_question_is_an_example(lesson: Notebook) -> None:
    panel = lesson.panel(RECORDED)
    box, before = panel.get_by_role("textbox", name="Message"), said(panel)
    assert [*examples(panel)] == ["None from here: press Clear"]
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


def test_live_it_goes_on_from_a_stopped_answer_and_exports(
    lesson: Notebook, server: StandIn
) -> None:
    words = " ".join(f"w{number}" for number in range(3000))
    server.scripts = [
        Script(ask="And?", answer=("And.",)),
        Script(ask="Go on", answer=(words,), first_ms=100, pace_ms=10),
        Script(ask="Well?", answer=("Well.",)),
    ]
    panel = lesson.panel(LIVE)
    expect(panel.get_by_label("Examples")).to_have_count(0)
    box = panel.get_by_role("textbox", name="Message")
    box.fill("Go on")
    box.press("Enter")
    expect(panel.locator(".cc-answer")).to_contain_text("w0 w1 w2 w3")
    panel.get_by_role("button", name="Stop").click()
    expect(state(panel, "stopped")).to_be_visible()
    assert said(panel)[-1].startswith("Model: w0 w1 w2 w3")
    box.fill("Well?")
    box.press("Enter")
    expect(panel.locator(".cc-history p")).to_have_count(TURNS + 4)
    assert said(panel)[-2:] == ["You: Well?", "Model: Well."]

    panel.get_by_role("button", name="Export").click()
    exported = panel.get_by_role("textbox", name="Messages as JSON")
    expect(exported).to_be_visible()
    messages = json.loads(exported.input_value())
    assert messages == [*server.requests[-1].body["messages"], messages[-1]]
    assert messages[-3]["content"].startswith("w0 w1 w2 w3")
    assert "w2999" not in messages[-3]["content"]
