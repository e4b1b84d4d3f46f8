"""The playground's controls: recorded examples fill them, Tab leads through them, two answers."""

import pytest
from playwright.sync_api import Locator, expect

from helpers.widgets.playground import PARAMETERS
from tests.browser.conftest import Open, live_client
from tests.browser.driver import Notebook
from tests.browser.test_panels import examples, state
from tests.standin import StandIn

RECORDED, LIVE = "Playground(client, initial=streamed)", "Playground(live, initial=streamed)"


@pytest.fixture(scope="module")
def lesson(open_notebook: Open, server: StandIn) -> Notebook:
    notebook = open_notebook("03-parameters", (live_client(server), LIVE))
    notebook.run_all()
    return notebook


def fresh(lesson: Notebook, source: str) -> Locator:
    lesson.run(source)
    return lesson.cell(source).locator(".cc-playground")


def values(panel: Locator) -> dict[str, str]:
    names = ("prompt", *PARAMETERS)
    return {name: panel.get_by_label(name, exact=True).input_value() for name in names}


def test_an_example_fills_all_boxes_and_the_keyboard_is_enough(lesson: Notebook) -> None:
    panel = fresh(lesson, RECORDED)
    keys, choice, offered = lesson.page.keyboard, panel.get_by_label("Examples"), examples(panel)
    expect(panel.locator(".cc-offline")).to_contain_text("choose an example and press Run")
    cafe = "Invent a name for a café where people practise languages. Only the name."
    hot, cold = f"{cafe} (temperature=1)", f"{cafe} (temperature=0)"
    choice.focus()
    for key in ("b", "d", "d"):  # JupyterLab would add a cell, or delete one
        keys.press(key)
    choice.select_option(offered[hot])
    expect(panel.get_by_label("temperature")).to_have_value("1")
    others = dict.fromkeys(PARAMETERS, "")
    assert values(panel) == {**others, "prompt": cafe, "temperature": "1"}
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
    expect(answers).to_contain_text("Paris")
    expect(answers).to_contain_text("Café Polyglot")

    panel.get_by_label("top_p").fill("0.123")
    panel.get_by_role("button", name="Run").click()
    expect(state(panel, "failed")).to_contain_text("This question was not recorded.")


def test_live_what_a_parameter_can_not_be_is_said_and_nothing_is_sent(
    lesson: Notebook, server: StandIn
) -> None:
    panel, asked = fresh(lesson, LIVE), len(server.requests)
    expect(panel.get_by_label("Examples")).to_have_count(0)
    expect(panel).to_contain_text("A box that is empty leaves its parameter out.")
    panel.get_by_label("prompt").fill("Why do so many alphabets begin with A?")
    for name, text, told in (("top_p", "7", "from 0 to 1"), ("seed", "x", "not a whole number")):
        panel.get_by_label(name).fill(text)
        panel.get_by_role("button", name="Run").click()
        expect(state(panel, "failed")).to_contain_text(told)
        panel.get_by_label(name).fill("")
    assert len(server.requests) == asked
    panel.get_by_label("temperature").fill("")
    panel.get_by_role("button", name="Run").click()
    expect(state(panel, "finished")).to_be_visible()
    assert "temperature" not in server.requests[-1].body
