"""The logprob explorer: pointing, arrow keys, two of them, and a long answer."""

import pytest
from playwright.sync_api import Locator, expect

from helpers.views.logprobs import MAX_TOKENS
from tests.browser.conftest import Open
from tests.browser.driver import Notebook

FIRST, SECOND = "LogprobExplorer(longer)", "LogprobExplorer(long[:25])"
LONG = 'long = (longer.choices[0].raw["logprobs"]["content"] * 20)[:500]\nLogprobExplorer(long)'
LEAST_SURE = "Token 23 of 28: ' in'"


@pytest.fixture(scope="module")
def lesson(open_notebook: Open) -> Notebook:
    """The lesson with a long answer, and a second view of the same answer."""
    notebook = open_notebook("05-extra-parameters", (LONG, SECOND))
    notebook.run_all()
    return notebook


def token(panel: Locator, text: str) -> Locator:
    """A token in the text, by the start of its accessible name."""
    return panel.locator("label").filter(has=panel.page.get_by_label(f"{text},"))


def details(panel: Locator) -> Locator:
    """What is seen of a token below the text: the last of those that are visible."""
    return panel.locator(".cc-rivals").filter(visible=True).last


def on_top(panel: Locator) -> str:
    """The first line of what lies on top, in the place below the text."""
    box = details(panel).bounding_box()
    assert box is not None
    line = panel.page.evaluate(
        "([x, y]) => document.elementFromPoint(x, y).closest('.cc-rivals').innerText",
        [box["x"] + 30, box["y"] + 30],
    )
    return str(line).split("\n")[0]


def test_pointing_at_a_token_is_enough_and_a_click_keeps_it(lesson: Notebook) -> None:
    panel = lesson.panel(FIRST)
    expect(panel.locator(".cc-rivals").filter(visible=True)).to_have_count(1)
    expect(details(panel)).to_contain_text(LEAST_SURE)
    expect(details(panel)).to_contain_text("17% ' in' (written)")
    expect(details(panel)).to_contain_text("11% ' off'")
    token(panel, "' sank'").locator(".cc-token").hover()
    assert on_top(panel) == "Token 3 of 28: ' sank'"
    panel.page.mouse.move(1, 1)
    assert on_top(panel) == LEAST_SURE
    token(panel, "' Newfoundland'").locator(".cc-token").click()
    panel.page.mouse.move(1, 1)
    assert on_top(panel) == "Token 19 of 28: ' Newfoundland'"
    expect(details(panel)).to_contain_text("11% ' New'")


def test_arrow_keys_lead_from_token_to_token_and_one_tab_leads_out(lesson: Notebook) -> None:
    panel, cells = lesson.panel(FIRST), lesson.count()
    keyboard = panel.page.keyboard
    control = panel.get_by_role("radio", checked=True)
    control.focus()
    expect(control).to_have_accessible_name("' in', 17%. Instead: ' off' 11%, ' during' 8%.")
    keyboard.press("ArrowRight")
    expect(control).to_be_focused()
    expect(details(panel)).to_contain_text("Token 24 of 28: ' the'")
    for key in ("ArrowUp", "ArrowLeft", "ArrowLeft", "ArrowDown"):
        keyboard.press(key)
    for key in ("Enter", "d", "d", "x"):  # in a cell that has the focus, these would change it
        keyboard.press(key)
    expect(details(panel)).to_contain_text("Token 22 of 28: ','")
    expect(control).to_be_focused()
    assert lesson.count() == cells

    token(panel, "' Newfoundland'").locator(
        ".cc-token"
    ).hover()  # a pointer at rest hides no choice
    control.focus()
    keyboard.press("ArrowRight")
    assert on_top(panel) == LEAST_SURE
    for key in ("Tab", "Shift+Tab"):
        keyboard.press(key)
        expect(panel.locator("input:focus")).to_have_count(0)
        control.focus()
    expect(details(panel)).to_contain_text(LEAST_SURE)


def test_two_of_them_are_apart_and_in_a_long_one_every_token_can_be_chosen(
    lesson: Notebook,
) -> None:
    first, long, second = map(lesson.panel, (FIRST, LONG, SECOND))
    token(second, "'The'").locator(".cc-token").click()
    expect(details(second)).to_contain_text("Token 1 of 25")
    expect(details(first)).to_contain_text(LEAST_SURE)

    controls = long.get_by_role("radio")
    expect(controls).to_have_count(MAX_TOKENS)
    controls.last.focus()
    controls.last.press("Space")
    expect(details(long)).to_contain_text("Token 500 of 500")
    controls.last.press("ArrowRight")
    expect(details(long)).to_contain_text("Token 1 of 500")
    expect(controls.first).to_be_in_viewport()
