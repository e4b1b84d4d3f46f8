"""The chat as a person uses it: write, send, read, stop, begin anew, export; and live."""

import json

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.accessibility import axe
from tests.browser.conftest import Open
from tests.browser.driver import Notebook
from tests.browser.test_live_stream import THEMES, state
from tests.standin import StandIn
from tests.standin.scripts import Script

LESSON = "01-basic-call"
QUESTION = "And which has the fewest?"
TURNS = 7
"""Messages in the conversation of the lesson, with the one that it asks the chat for."""


def shown(notebook: Notebook) -> Locator:
    """The chat, once all cells were run."""
    notebook.run_all()
    panel = notebook.find("cc-chat")
    expect(panel.locator(".cc-history p")).to_have_count(TURNS)
    return panel


def said(panel: Locator) -> list[str]:
    return panel.locator(".cc-history p").all_inner_texts()


def test_offline_the_recorded_question_is_answered_again(replayed: Open) -> None:
    panel = shown(replayed(LESSON))
    before = said(panel)
    panel.get_by_role("button", name="Clear").click()
    expect(panel.locator(".cc-history p")).to_have_count(TURNS - 2)
    box = panel.get_by_role("combobox", name="Message")
    offered = panel.locator("datalist option").evaluate_all("all => all.map(one => one.value)")
    assert offered == [QUESTION]
    box.fill(QUESTION)
    box.press("Enter")
    expect(state(panel, "finished")).to_be_visible()
    expect(panel.locator(".cc-history p")).to_have_count(TURNS)
    assert said(panel) == before
    expect(box).to_have_value("")
    expect(box).to_be_focused()


def test_offline_any_other_question_is_told_to_be_unknown_and_kept(replayed: Open) -> None:
    panel = shown(replayed(LESSON))
    box = panel.locator(".cc-message input")
    box.fill("What is the weather?")
    panel.get_by_role("button", name="Send").click()
    expect(state(panel, "failed")).to_contain_text("No recording of lesson 01-basic-call")
    expect(box).to_have_value("What is the weather?")
    expect(panel.locator(".cc-history p")).to_have_count(TURNS)


@pytest.mark.parametrize(("cut_after", "end"), [(None, "finished"), (0, "failed")])
def test_what_is_typed_while_an_answer_comes_is_kept(
    cut_after: int | None, end: str, live: Open
) -> None:
    with StandIn() as server:
        panel = shown(live(LESSON, server))
        slow = Script(ask="Who?", answer=("Nobody.",), first_ms=3000, cut_after=cut_after)
        server.scripts = [slow]
        box = panel.locator(".cc-message input")
        box.fill("Who?")
        box.press("Enter")
        expect(state(panel, "running")).to_be_visible()
        expect(box).to_have_value("")
        box.press_sequentially("And then?")
        expect(state(panel, end)).to_be_visible()
        expect(panel.locator("datalist option").last).to_have_attribute("value", "Who?")
        expect(box).to_have_value("And then?")


def test_the_keys_of_the_log_are_its_own(replayed: Open) -> None:
    notebook = replayed(LESSON)
    panel = shown(notebook)
    log = panel.locator(".cc-log")
    cells = len(notebook.cells())
    log.evaluate("log => { log.style.maxHeight = '60px'; }")
    panel.locator(".cc-message input").press("Shift+Tab")
    expect(log).to_be_focused()
    before = log.evaluate("log => log.scrollTop")
    for key in ("ArrowUp", "b", "d", "d"):  # JupyterLab would leave it, add a cell, delete one
        notebook.page.keyboard.press(key)
    expect(log).to_be_focused()
    scrolled = "before => document.querySelector('.cc-log').scrollTop < before"
    notebook.page.wait_for_function(scrolled, arg=before)
    assert len(notebook.cells()) == cells


def test_live_it_goes_on_and_an_answer_can_be_stopped(live: Open) -> None:
    with StandIn() as server:
        panel = shown(live(LESSON, server))
        words = " ".join(f"w{number}" for number in range(3000))
        server.scripts = [
            Script(ask="<b>Who?</b>", answer=("Nobody & <i>all</i>.",)),
            Script(ask="Go on", answer=(words,), first_ms=100, pace_ms=10),
        ]
        box = panel.locator(".cc-message input")
        box.press_sequentially("<b>Who?</b>")
        box.press("Enter")
        expect(panel.locator(".cc-history p")).to_have_count(TURNS + 2)
        assert said(panel)[-2:] == ["You: <b>Who?</b>", "Model: Nobody & <i>all</i>."]

        box.fill("Go on")
        panel.get_by_role("button", name="Send").click()
        expect(panel.locator(".cc-answer")).to_contain_text("w0 w1 w2 w3")
        panel.get_by_role("button", name="Stop").click()
        expect(state(panel, "stopped")).to_contain_text("it is not the whole answer")
        assert said(panel)[-1].startswith("Model: w0 w1 w2 w3")
        assert "w2999" not in said(panel)[-1]

        panel.get_by_role("button", name="Export").click()
        box = panel.get_by_role("textbox", name="Messages as JSON")
        expect(box).to_be_visible()
        messages = json.loads(box.input_value())
        assert [message["role"] for message in messages[-4:]] == ["user", "assistant"] * 2
        assert messages[-4]["content"] == "<b>Who?</b>"
        assert messages == [*server.requests[-1].body["messages"], messages[-1]]


def test_everyone_can_read_and_operate_it(replayed: Open) -> None:
    notebook = replayed(LESSON)
    panel = shown(notebook)
    panel.get_by_role("button", name="Export").click()
    panel.get_by_role("button", name="Send").click()
    expect(state(panel, "ready")).to_contain_text("Write a message first.")
    for theme in THEMES:
        notebook.theme(theme)
        with notebook.whole():
            assert axe(notebook.page, ".cc-chat") == []
