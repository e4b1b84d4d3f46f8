"""Panels that replay: an example of the list is answered, any other question gets one sentence."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.driver import Notebook
from tests.browser.test_panels import examples, state
from tests.browser.widths import check_widths

SETUP = """\
from helpers import SystemMessage
from helpers.connect import connect
from helpers.images import prepare
from helpers.lessons import ROOT
from helpers.widgets import ContentFilterBox, ImagePicker, Playground

system = [SystemMessage("You are an AI assistant that helps people find information.")]
pictures = {
    "A chart of languages": prepare(ROOT / "images" / "languages.png"),
    "A lighthouse": prepare(ROOT / "images" / "lighthouse.jpg"),
}"""
STORY = "Write the first sentence of a story about a lighthouse."
BREAD = "Which knife is best for bread?"
PANELS = {
    'Playground(connect("03-parameters"), initial=())': (
        *("prompt", f"{STORY} (temperature=0, max_tokens=30)", STORY, "Gibraltar"),
    ),
    'ContentFilterBox(connect("07-content-safety"), system, initial={})': (
        *("Sentence", BREAD, BREAD, "the answer was cut: violence (medium)."),
    ),
    'ImagePicker(connect("08-images"), pictures)': (
        "Question",
        "A lighthouse: Is anybody in this picture?",
        "Is anybody in this picture?",
        "Nobody is to be seen",
    ),
}
"""For the source of a panel: its box, an example, what the example puts there, and its answer."""


@pytest.fixture(scope="module")
def notebook(open_notebook: Open) -> Notebook:
    notebook = open_notebook(cells=(SETUP, *PANELS))
    notebook.run_all()
    return notebook


@pytest.mark.parametrize("source", PANELS, ids=lambda source: source.partition("(")[0])
def test_an_example_is_answered_and_a_question_of_ones_own_gets_a_sentence(
    source: str, notebook: Notebook
) -> None:
    panel, (name, label, question, answer) = notebook.panel(source), PANELS[source]
    box = panel.get_by_role("textbox", name=name, exact=True)
    expect(panel.locator(".cc-offline")).to_contain_text("choose an example and press Run")
    panel.get_by_label("Examples").select_option(examples(panel)[label])
    expect(box).to_have_value(question)
    panel.get_by_role("button", name="Run").click()
    expect(state(panel, "finished")).to_be_visible()
    expect(panel).to_contain_text(answer)
    check_widths(notebook)

    box.fill("What is a spoon?")
    panel.get_by_role("button", name="Run").click()
    expect(state(panel, "failed")).to_contain_text("This question was not recorded.")
    expect(state(panel, "failed")).to_contain_text("choose one of the examples")
    expect(panel).not_to_contain_text("SHA")
    expect(box).to_have_value("What is a spoon?")
