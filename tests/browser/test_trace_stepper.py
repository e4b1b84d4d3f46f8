"""The trace stepper: the conversation unfolds step by step, there and back, and by keyboard."""

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Open
from tests.browser.driver import Notebook

PANEL = "TraceStepper([*conversation"
STEPS = (
    ("Step 1 of 5: your program → model, instructs", "You help people to travel."),
    ("Step 2 of 5: user → model, says", "When is the next flight from Miami"),
    ("Step 3 of 5: model → your program, asks for next_flight", '"origin_city": "Miami"'),
    ("Step 4 of 5: your program → model, result of step 3", '"info": "Nobody flies'),
    ("Step 5 of 5: model → user, says", "it answers, from all that stands above"),
)


@pytest.fixture(scope="module")
def lesson(open_notebook: Open) -> Notebook:
    notebook = open_notebook("06-tools")
    notebook.run_all()
    return notebook


def current(panel: Locator) -> Locator:
    """The current step, which a screen reader announces."""
    return panel.get_by_role("status")


def test_next_unfolds_all_of_it_by_keyboard_alone(lesson: Notebook) -> None:
    panel = lesson.cell(PANEL).locator(".cc-panel")
    back, forward = (panel.get_by_role("button", name=name) for name in ("Back", "Next"))
    forward.focus()
    for place, (head, body) in enumerate(STEPS):
        expect(current(panel)).to_contain_text(head)
        expect(current(panel)).to_contain_text(body)
        expect(forward).to_be_focused()
        forward.press(("Enter", "Space")[place % 2])
    expect(current(panel)).to_contain_text(STEPS[-1][0])
    expect(panel.locator("details")).to_have_count(4)
    expect(panel).to_contain_text("That is all.")
    forward.press("Shift+Tab")
    expect(back).to_be_focused()
    back.press("Enter")
    expect(current(panel)).to_contain_text("Step 4 of 5")
    for _ in ("Next", "All", "Start", "the first step"):
        panel.page.keyboard.press("Tab")
    opened = panel.locator("details").first
    expect(opened.locator("summary")).to_be_focused()
    panel.page.keyboard.press("Enter")
    expect(opened).to_have_attribute("open", "")
