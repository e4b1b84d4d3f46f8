"""The connection panel's own: going live and back, what is wrong in words, a key never saved."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Locator, expect

from helpers.widgets.panel import WIDGET_VIEW
from tests.browser.conftest import Open
from tests.browser.driver import Notebook
from tests.browser.test_panels import state
from tests.fakes import leaked
from tests.standin import StandIn
from tests.standin.__main__ import MODEL

SETUP = """\
from helpers import UserMessage
from helpers.connect import connect
from helpers.widgets import ConnectionPanel

client = connect("00-start-here")"""
PANEL = 'ConnectionPanel("00-start-here", [UserMessage("What is a chat completion?")])'
RECORDED = "The recording answers “It is the next message"
WORKS = "It works: the stand-in endpoint (scripted: no model) answers “It is the next message"
SAVE_STATE = """async () => {
  const name = '@jupyter-widgets/jupyterlab-manager:saveWidgetState';
  await window.jupyterapp.commands.execute(name);
  return window.jupyterapp.commands.isToggled(name);
}"""
"""Toggles "Save Widget State Automatically" in the menu Settings; returns whether it is on."""


@pytest.fixture(scope="module")
def lesson(open_notebook: Open) -> Notebook:
    notebook = open_notebook((SETUP, PANEL))
    notebook.run_all()
    return notebook


@pytest.fixture
def panel(lesson: Notebook) -> Iterator[Locator]:
    """A new panel. What it was given is forgotten at the end: the kernel would stay live."""
    panel = lesson.panel(PANEL)
    yield panel
    press(panel, "Forget")
    expect(panel.locator(".cc-answer")).to_contain_text("replay: recorded answers")


def press(panel: Locator, name: str) -> None:
    panel.get_by_role("button", name=name).click()


@contextmanager
def saving_state(notebook: Notebook) -> Iterator[None]:
    """Have JupyterLab save the state of widgets, which it does not do by default."""
    assert notebook.page.evaluate(SAVE_STATE) is True
    try:
        yield
    finally:
        assert notebook.page.evaluate(SAVE_STATE) is False


def test_going_live_by_keyboard_and_back(lesson: Notebook, panel: Locator, server: StandIn) -> None:
    expect(panel.locator(".cc-answer")).to_contain_text("replay: recorded answers")
    press(panel, "Test the connection")
    expect(state(panel, "finished")).to_contain_text(RECORDED)

    boxes = [panel.locator(f".cc-{name} input") for name in ("endpoint", "model", "key")]
    boxes[0].focus()
    for box, text in zip(boxes, (server.v1, MODEL, server.key), strict=True):
        expect(box).to_be_focused()
        panel.page.keyboard.type(text)
        panel.page.keyboard.press("Tab")
    expect(panel.locator(".cc-run")).to_be_focused()
    expect(boxes[2]).to_have_value("")
    expect(panel.locator(".cc-status")).to_contain_text("The key is kept in the memory of this")
    asked = len(server.requests)
    panel.page.keyboard.press("Enter")
    expect(state(panel, "finished")).to_contain_text(WORKS)
    assert len(server.requests) == asked + 1
    expect(panel.locator(".cc-answer")).to_contain_text("live from a server on this machine")

    lesson.run(SETUP)
    expect(lesson.outputs(SETUP)).to_contain_text("Answers: live from a server on this")
    press(panel, "Forget")
    expect(state(panel, "ready")).to_contain_text("All that was entered is forgotten.")
    expect(boxes[0]).to_have_value("")
    lesson.run(SETUP)
    expect(lesson.outputs(SETUP)).to_contain_text("Answers: recorded")


def test_no_part_of_the_key_is_saved_even_with_the_state_of_widgets(
    lesson: Notebook, panel: Locator, server: StandIn
) -> None:
    with saving_state(lesson):
        panel.locator(".cc-endpoint input").fill(server.models)
        panel.locator(".cc-model input").fill(MODEL)
        panel.locator(".cc-key input").press_sequentially(server.key)
        for tested in (False, True):  # while it is being typed, and when the kernel has it
            if tested:
                press(panel, "Test the connection")
                expect(state(panel, "finished")).to_contain_text(WORKS)
            lesson.saved()
            text = lesson.path.read_text(encoding="utf-8")
            assert '"PasswordModel"' in text and server.models in text, "no state was saved"
            assert f'"{WIDGET_VIEW}"' in text, "nothing shows the state"
            assert leaked(text, secret=server.key) == []
        expect(panel.locator(".cc-key input")).to_have_value("")
