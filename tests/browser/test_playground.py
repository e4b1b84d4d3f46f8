"""The playground as a person uses it: turn a control, run, stop, and compare two answers."""

from playwright.sync_api import Locator, expect

from helpers.widgets.playground_settings import PARAMETERS
from tests.browser.accessibility import axe
from tests.browser.conftest import ARTEFACTS, Open
from tests.browser.driver import Notebook, Theme
from tests.standin import StandIn

LESSON = "03-parameters"
THEMES: tuple[Theme, ...] = ("light", "dark")


def shown(notebook: Notebook) -> Locator:
    """The playground, once all cells were run."""
    notebook.run_all()
    panel = notebook.find("cc-playground")
    expect(state(panel, "ready")).to_be_visible()
    return panel


def state(panel: Locator, name: str) -> Locator:
    return panel.locator(f".cc-state[data-state={name}]")


def test_controls_follow_each_other_and_run_puts_two_answers_side_by_side(replayed: Open) -> None:
    panel = shown(replayed(LESSON))
    expect(panel).to_contain_text("the controls offer what was recorded")
    panel.get_by_label("temperature").select_option("1")
    expect(panel.get_by_label("prompt")).to_have_value("Invent a name for a café where people "
        "practise languages. Only the name.")  # fmt: skip
    expect(panel.get_by_label("top_p")).to_have_value("(left out)")
    followed = panel.locator(".cc-followed").get_by_role("status")
    expect(followed).to_contain_text("top_p = (left out)")
    panel.locator(".cc-run").click()
    expect(state(panel, "finished")).to_be_visible()
    answers = panel.get_by_role("row").filter(has_text="answer")
    expect(answers.last).to_contain_text("Paris")
    expect(answers.last).to_contain_text("The Babbling Cup")


def test_the_keyboard_is_enough(replayed: Open) -> None:
    notebook = replayed(LESSON)
    panel = shown(notebook)
    keys = notebook.page.keyboard
    prompt = panel.get_by_label("prompt")
    prompt.focus()
    cells = len(notebook.cells())
    for key in ("b", "d", "d", "ArrowUp"):  # JupyterLab would add a cell, delete one, leave it
        keys.press(key)
    expect(prompt).to_have_value("Invent a name for a café where people practise languages. Only "
        "the name.")  # fmt: skip
    expect(panel.get_by_label("top_p")).to_have_value("(left out)")
    assert len(notebook.cells()) == cells
    for name in PARAMETERS:
        keys.press("Tab")
        expect(panel.get_by_label(name, exact=True)).to_be_focused()
    keys.press("Tab")
    expect(panel.get_by_role("button", name="Run")).to_be_focused()
    keys.press("Enter")
    expect(state(panel, "finished")).to_be_visible()
    answers = panel.get_by_role("row").filter(has_text="answer")
    expect(answers.last).to_contain_text("Café Polyglot")


def test_live_anything_can_be_typed_and_stopped(live: Open) -> None:
    with StandIn() as server:
        panel = shown(live(LESSON, server, "v1"))
        server.pace = 10.0
        expect(panel).to_contain_text("A box that is empty leaves its parameter out.")
        panel.get_by_label("prompt").fill("Why do so many alphabets begin with A?")
        panel.get_by_label("top_p").fill("7")
        panel.get_by_role("button", name="Run").click()
        expect(state(panel, "failed")).to_contain_text("from 0 to 1")
        panel.get_by_label("top_p").fill("")
        panel.get_by_label("temperature").fill("")
        panel.get_by_role("button", name="Run").click()
        expect(panel.locator(".cc-answer")).to_contain_text("Because")
        panel.get_by_role("button", name="Stop").click()
        expect(state(panel, "stopped")).to_contain_text("it is not the whole answer")
        expect(panel.locator(".cc-answer")).to_contain_text("Because")


def test_everyone_can_read_and_operate_it(replayed: Open) -> None:
    notebook = replayed(LESSON)
    panel = shown(notebook)
    for theme in THEMES:
        notebook.theme(theme)
        with notebook.whole():
            assert axe(notebook.page, ".cc-playground") == []
            panel.screenshot(path=ARTEFACTS / f"playground-{theme}.png")
