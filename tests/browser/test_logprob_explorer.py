"""The logprob explorer: pointing, arrow keys, two of them, and a long answer."""

import pytest
from playwright.sync_api import Locator, expect

from helpers.views.logprobs import MAX_TOKENS
from tests.browser.conftest import Open
from tests.browser.driver import Notebook

SETUP = f"""\
from helpers.widgets import LogprobExplorer

sent = [
    {{"token": f" w{{n}}", "logprob": -2 if n == 23 else -0.1, "bytes": None, "top_logprobs": []}}
    for n in range(1, {MAX_TOKENS + 100})
]"""
FIRST, SECOND, LONG = (f"LogprobExplorer(sent[:{size}])" for size in (28, 25, MAX_TOKENS + 9))
LEAST_SURE = "Token 23 of 28: ' w23'"


@pytest.fixture(scope="module")
def lesson(open_notebook: Open) -> Notebook:
    notebook = open_notebook((SETUP, FIRST, SECOND, LONG))
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
    expect(details(panel)).to_contain_text("14% ' w23' (written)")
    token(panel, "' w3'").locator(".cc-token").hover()
    assert on_top(panel) == "Token 3 of 28: ' w3'"
    panel.page.mouse.move(1, 1)
    assert on_top(panel) == LEAST_SURE
    token(panel, "' w19'").locator(".cc-token").click()
    panel.page.mouse.move(1, 1)
    assert on_top(panel) == "Token 19 of 28: ' w19'"


def test_arrow_keys_lead_from_token_to_token_and_one_tab_leads_out(lesson: Notebook) -> None:
    panel, cells = lesson.panel(FIRST), lesson.count()
    keyboard = panel.page.keyboard
    control = panel.get_by_role("radio", checked=True)
    control.focus()
    expect(control).to_have_accessible_name("' w23', 14%. Instead: none sent.")
    keyboard.press("ArrowRight")
    expect(control).to_be_focused()
    expect(details(panel)).to_contain_text("Token 24 of 28")
    for key in ("ArrowUp", "ArrowLeft", "ArrowLeft", "ArrowDown"):
        keyboard.press(key)
    for key in ("Enter", "d", "d", "x"):  # in a cell that has the focus, these would change it
        keyboard.press(key)
    expect(details(panel)).to_contain_text("Token 22 of 28")
    expect(control).to_be_focused()
    assert lesson.count() == cells

    token(panel, "' w19'").locator(".cc-token").hover()  # a pointer at rest hides no choice
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
    token(second, "' w1'").locator(".cc-token").click()
    lesson.page.mouse.move(1, 1)  # the page scrolls: a pointer at rest would point at a token
    expect(details(second)).to_contain_text("Token 1 of 25")
    expect(details(first)).to_contain_text(LEAST_SURE)

    controls = long.get_by_role("radio")
    expect(controls).to_have_count(MAX_TOKENS)
    controls.last.focus()
    controls.last.press("Space")
    expect(details(long)).to_contain_text(f"Token {MAX_TOKENS} of")
    controls.last.press("ArrowRight")
    expect(details(long)).to_contain_text("Token 1 of")
    expect(controls.first).to_be_in_viewport()
