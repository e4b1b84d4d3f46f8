"""The content filter's box: a recorded sentence, Enter, the chart in words."""

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Open
from tests.browser.driver import Notebook
from tests.browser.test_panels import examples, state

PANEL = "ContentFilterBox("
BREAD, EGGS = "Which knife is best for bread?", "Fold the egg whites into the batter."


@pytest.fixture(scope="module")
def lesson(open_notebook: Open) -> Notebook:
    notebook = open_notebook("07-content-safety")
    notebook.run_all()
    return notebook


def chart(panel: Locator) -> str:
    """The chart in words, which a screen reader says."""
    return panel.get_by_role("img").get_attribute("alt") or ""


def test_a_recorded_sentence_is_chosen_and_its_chart_appears(lesson: Notebook) -> None:
    panel = lesson.panel(PANEL)
    box = panel.get_by_role("textbox", name="Sentence")
    assert "prompt, violence: medium, filtered" in chart(panel)
    panel.get_by_label("Examples").select_option(examples(panel)[BREAD])
    expect(box).to_have_value(BREAD)
    panel.get_by_role("button", name="Run").click()
    expect(state(panel, "finished")).to_contain_text("the answer was cut: violence (medium).")
    assert "answer, violence: medium, filtered" in chart(panel)
    expect(panel).to_contain_text("Safe or not detected in the prompt: hate, jailbreak")
    expect(panel.get_by_role("row").last).to_contain_text(BREAD)

    panel.get_by_label("Examples").select_option(examples(panel)[EGGS])
    expect(box).to_have_value(EGGS)
    box.press("Enter")
    expect(state(panel, "finished")).to_contain_text("Refused, the model never saw it: the filter")
    expect(panel).to_contain_text("No results of a content filter came with this.")
    box.fill("What is a spoon?")
    box.press("Enter")
    expect(state(panel, "failed")).to_contain_text("This question was not recorded.")
    expect(box).to_have_value("What is a spoon?")
