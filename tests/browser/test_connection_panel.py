"""The connection panel as a person uses it: test, go live with a key, forget; the key is gone."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from helpers.widgets.panel import WIDGET_VIEW
from tests.browser.accessibility import axe
from tests.browser.conftest import Open
from tests.browser.driver import Notebook, Theme
from tests.fakes import leaked
from tests.record import MODEL
from tests.standin import StandIn

LESSON = "00-start-here"
SETUP = 'connect("00-start-here")'
SPLASH = "#jupyterlab-splash"
"""What JupyterLab covers the page with while it changes its theme."""
THEMES: tuple[Theme, ...] = ("light", "dark")
RECORDED = "The recording answers “It is the next message"
WORKS = "It works: the stand-in endpoint (scripted: no model) answers “It is the next message"
SAVE_STATE = """async () => {
  const name = '@jupyter-widgets/jupyterlab-manager:saveWidgetState';
  await window.jupyterapp.commands.execute(name);
  return window.jupyterapp.commands.isToggled(name);
}"""
"""Press "Save Widget State Automatically" in the menu Settings."""


def shown(notebook: Notebook) -> Locator:
    """The panel, once all cells were run."""
    notebook.run_all()
    panel = notebook.find("cc-connection")
    expect(state(panel, "ready")).to_be_visible()
    return panel


def state(panel: Locator, name: str) -> Locator:
    return panel.locator(f".cc-state[data-state={name}]")


def fill_in(panel: Locator, **texts: str) -> None:
    """Type into the boxes, whose names these are."""
    for name, text in texts.items():
        panel.locator(f".cc-{name} input").fill(text)


def press(panel: Locator, name: str) -> None:
    panel.get_by_role("button", name=name).click()


@contextmanager
def saving_state(notebook: Notebook) -> Iterator[None]:
    """Have JupyterLab save the state of widgets, which it does not do by itself."""
    assert notebook.page.evaluate(SAVE_STATE) is True
    try:
        yield
    finally:
        assert notebook.page.evaluate(SAVE_STATE) is False


def test_the_recording_answers_and_says_that_it_is_one(replayed: Open) -> None:
    panel = shown(replayed(LESSON))
    expect(panel.locator(".cc-facts")).to_contain_text("replay: recorded answers")
    press(panel, "Test the connection")
    expect(state(panel, "finished")).to_contain_text(RECORDED)


def test_going_live_and_back(replayed: Open) -> None:
    notebook = replayed(LESSON)
    panel = shown(notebook)
    with StandIn() as server:
        fill_in(panel, endpoint=server.v1, model=MODEL, key=server.key)
        press(panel, "Test the connection")
        expect(state(panel, "finished")).to_contain_text(WORKS)
        assert len(server.requests) == 1
        expect(panel.locator(".cc-facts")).to_contain_text("live from a server on this machine")
        expect(panel.locator(".cc-key input")).to_have_value("")

        notebook.run("panel.client")
        expect(notebook.outputs("panel.client")).to_contain_text("route='v1'")
        notebook.run(SETUP)
        expect(notebook.outputs(SETUP)).to_contain_text("Answers: live from a server on this")

        press(panel, "Forget")
        expect(state(panel, "ready")).to_contain_text("All that was entered is forgotten.")
        expect(panel.locator(".cc-facts")).to_contain_text("replay: recorded answers")
        expect(panel.locator(".cc-endpoint input")).to_have_value("")
        notebook.run(SETUP)
        expect(notebook.outputs(SETUP)).to_contain_text("Answers: recorded")


def test_a_keyboard_will_do_and_the_key_leaves_its_box(replayed: Open) -> None:
    panel = shown(replayed(LESSON))
    boxes = [panel.locator(f".cc-{name} input") for name in ("endpoint", "model", "key")]
    run = panel.locator(".cc-run")
    with StandIn() as server:
        boxes[0].focus()
        for box, text in zip(boxes, (server.models, MODEL, server.key), strict=True):
            expect(box).to_be_focused()
            panel.page.keyboard.type(text)
            panel.page.keyboard.press("Tab")
        expect(run).to_be_focused()
        expect(boxes[2]).to_have_value("")
        expect(state(panel, "ready")).to_contain_text("The key is kept in the memory of this")
        run.press("Enter")
        expect(state(panel, "finished")).to_contain_text(WORKS)
        expect(run).to_be_focused()


WRONG = {
    "form": ({"endpoint": "https://my-resource.services.ai.azure.com"}, "Its path is '/'."),
    "key": ({"key": "wrong-key-wrong-key"}, "The service refused the credential. (HTTP 401)"),
    "model": ({"model": "another-model"}, "The service knows no such model. (HTTP 400)"),
    "nobody there": ({"endpoint": "http://127.0.0.1:9/models"}, "could not be reached"),
}


def test_what_is_wrong_is_said_in_words_and_can_be_mended(replayed: Open) -> None:
    panel = shown(replayed(LESSON))
    with StandIn() as server:
        right = {"endpoint": server.models, "model": MODEL, "key": server.key}
        for wrong, told in WRONG.values():
            fill_in(panel, **{**right, **wrong})
            press(panel, "Test the connection")
            expect(state(panel, "failed")).to_contain_text(told)
            expect(state(panel, "failed")).to_contain_text("What to do: ")
            expect(panel.locator(".cc-facts")).to_contain_text("replay: recorded answers")
        fill_in(panel, **right)
        press(panel, "Test the connection")
        expect(state(panel, "finished")).to_contain_text(WORKS)


@pytest.mark.parametrize("left", [False, True], ids=["while it is typed", "when it is there"])
def test_no_part_of_the_key_is_saved_even_with_the_state_of_widgets(
    left: bool, replayed: Open
) -> None:
    notebook = replayed(LESSON)
    panel = shown(notebook)
    with StandIn() as server, saving_state(notebook):
        fill_in(panel, endpoint=server.models, model=MODEL)
        panel.locator(".cc-key input").press_sequentially(server.key)
        if left:
            press(panel, "Test the connection")
            expect(state(panel, "finished")).to_contain_text(WORKS)
        notebook.saved()
        text = Path(notebook.path).read_text(encoding="utf-8")
        assert '"PasswordModel"' in text and server.models in text, "no state was saved"
        assert f'"{WIDGET_VIEW}"' in text, "nothing shows the state"
        assert leaked(text, secret=server.key) == []
        panel.locator(".cc-model input").focus()
        expect(panel.locator(".cc-key input")).to_have_value("")


def test_everyone_can_read_and_operate_it(replayed: Open) -> None:
    notebook = replayed(LESSON)
    panel = shown(notebook)
    for told in ("finished", "failed"):
        press(panel, "Test the connection")
        expect(state(panel, told)).to_be_visible()
        for theme in THEMES:
            notebook.theme(theme)
            expect(notebook.page.locator(SPLASH)).to_have_count(0)
            with notebook.whole():
                assert axe(notebook.page, ".cc-connection") == []
        fill_in(panel, endpoint="https://my-resource.services.ai.azure.com")
