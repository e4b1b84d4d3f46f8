"""The playground's controls: recorded examples fill them, Tab leads through them, two answers."""

import pytest
from playwright.sync_api import Locator, expect

from helpers.widgets.playground import PARAMETERS
from tests.browser.conftest import Open
from tests.browser.driver import Notebook
from tests.browser.test_panels import examples, state

PANEL = "Playground(client, initial=streamed)"


@pytest.fixture(scope="module")
def lesson(open_notebook: Open) -> Notebook:
    notebook = open_notebook("03-parameters")
    notebook.run_all()
    return notebook


def values(panel: Locator) -> dict[str, str]:
    names = ("prompt", *PARAMETERS)
    return {name: panel.get_by_label(name, exact=True).input_value() for name in names}


def test_an_example_fills_all_boxes_and_the_keyboard_is_enough(lesson: Notebook) -> None:
    panel = lesson.panel(PANEL)
    keys, choice, offered = lesson.page.keyboard, panel.get_by_label("Examples"), examples(panel)
    expect(panel.locator(".cc-offline")).to_contain_text("choose an example and press Run")
    story = "Write the first sentence of a story about a lighthouse."
    hot, cold = (f"{story} (temperature={value}, max_tokens=30)" for value in (1, 0))
    choice.focus()
    for key in ("b", "d", "d"):  # JupyterLab would add a cell, or delete one
        keys.press(key)
    choice.select_option(offered[hot])
    expect(panel.get_by_label("temperature")).to_have_value("1")
    others = dict.fromkeys(PARAMETERS, "")
    settings = {"prompt": story, "temperature": "1", "max_tokens": "30"}
    assert values(panel) == {**others, **settings}
    choice.select_option(offered[cold])
    expect(panel.get_by_label("temperature")).to_have_value("0")
    choice.focus()
    for name in ("prompt", *PARAMETERS):
        keys.press("Tab")
        expect(panel.get_by_label(name, exact=True)).to_be_focused()
    keys.press("Tab")
    expect(panel.get_by_role("button", name="Run")).to_be_focused()
    keys.press("Enter")
    expect(state(panel, "finished")).to_be_visible()
    answers = panel.get_by_role("row").filter(has_text="answer").last
    expect(answers.get_by_role("cell").last).to_contain_text("Gibraltar")

    panel.get_by_label("top_p").fill("0.123")
    panel.get_by_role("button", name="Run").click()
    expect(state(panel, "failed")).to_contain_text("This question was not recorded.")
