"""The conversation as a person goes through it: by mouse and by keyboard, there and back."""

from playwright.sync_api import Locator, expect

from tests.browser.accessibility import axe
from tests.browser.conftest import ARTEFACTS, Open
from tests.browser.driver import Notebook, Theme

LESSON = "06-tools"
FIRST, LOOP = "live_trace([*conversation", "live_trace(conversation)"
"""The cells with the conversation made by hand, and with the one that a loop had."""
THEMES: tuple[Theme, ...] = ("light", "dark")
LAST = "Step 7 of 7: model → user, says"


def shown(notebook: Notebook, cell: str) -> Locator:
    """The view of a cell, once all cells were run."""
    notebook.run_all()
    return notebook.cell(cell).locator(".cc-live-trace")


def now(panel: Locator) -> Locator:
    """The current step: what a screen reader is told."""
    return panel.get_by_role("status")


def press(panel: Locator, name: str) -> None:
    panel.get_by_role("button", name=name).click()


def test_next_unfolds_the_conversation_to_its_end(replayed: Open) -> None:
    panel = shown(replayed(LESSON), FIRST)
    for words, said in (
        ("Step 1 of 5: program → model, instructs", "You help people to travel."),
        ("Step 2 of 5: user → model, says", "When is the next flight from Miami"),
        ("Step 3 of 5: model → tool, calls next_flight", '"origin_city": "Miami"'),
        ("Step 4 of 5: tool → model, answers step 3", '"info": "Nobody flies'),
        ("Step 5 of 5: model → user, says", "it answers, from all that stands above"),
    ):
        expect(now(panel)).to_contain_text(words)
        expect(now(panel)).to_contain_text(said)
        press(panel, "Next")
    expect(now(panel)).to_contain_text("Step 5 of 5")
    expect(panel.locator("details")).to_have_count(4)
    expect(panel).to_contain_text("That is all.")


def test_back_all_and_start(replayed: Open) -> None:
    panel = shown(replayed(LESSON), LOOP)
    folded, unfolded = panel.locator("details:not([open])"), panel.locator("details[open]")
    press(panel, "All")
    expect(now(panel)).to_contain_text(LAST)
    expect(unfolded).to_have_count(6)
    expect(unfolded.nth(4)).to_contain_text("Step 5 of 7: model → tool, calls next_train")
    expect(unfolded.nth(5).locator("pre")).to_be_visible()
    press(panel, "Back")
    expect(now(panel)).to_contain_text("Step 6 of 7: tool → model, answers step 5")
    expect(folded).to_have_count(5)
    press(panel, "Start")
    expect(now(panel)).to_contain_text("Step 1 of 7")
    expect(panel.locator("details")).to_have_count(0)


def test_an_earlier_step_can_be_opened(replayed: Open) -> None:
    panel = shown(replayed(LESSON), LOOP)
    for _ in range(3):
        press(panel, "Next")
    third = panel.locator("details").nth(2)
    expect(third.locator("summary")).to_contain_text('origin_city = "Miami"')
    expect(third.locator("pre")).to_be_hidden()
    third.locator("summary").click()
    expect(third.locator("pre")).to_contain_text('"destination_city": "Seattle"')
    expect(third.locator("pre")).to_be_visible()


def test_a_keyboard_will_do(replayed: Open) -> None:
    panel = shown(replayed(LESSON), LOOP)
    back, forward = (panel.get_by_role("button", name=name) for name in ("Back", "Next"))
    forward.focus()
    for number, key in enumerate(("Enter", "Space", "Enter"), start=2):
        forward.press(key)
        expect(now(panel)).to_contain_text(f"Step {number} of 7")
        expect(forward).to_be_focused()
    forward.press("Shift+Tab")
    expect(back).to_be_focused()
    back.press("Enter")
    expect(now(panel)).to_contain_text("Step 3 of 7")
    forward.press("Tab")  # to All
    panel.page.keyboard.press("Tab")  # to Start
    panel.page.keyboard.press("Tab")
    opened = panel.locator("details").first
    expect(opened.locator("summary")).to_be_focused()
    panel.page.keyboard.press("Enter")
    expect(opened).to_have_attribute("open", "")


def test_what_two_views_show_is_apart(replayed: Open) -> None:
    notebook = replayed(LESSON)
    loop = shown(notebook, LOOP)
    press(loop, "All")
    expect(now(loop)).to_contain_text(LAST)
    expect(now(notebook.cell(FIRST))).to_contain_text("Step 1 of 5")


def test_everyone_can_read_and_operate_it(replayed: Open) -> None:
    notebook = replayed(LESSON)
    panel = shown(notebook, LOOP)
    for theme in THEMES:
        notebook.theme(theme)
        for place, move in enumerate(("Start", "Next", "All")):
            press(panel, move)
            expect(now(panel)).to_contain_text(f"Step {(1, 2, 7)[place]} of 7")
            with notebook.whole():
                assert axe(notebook.page, ".cc-live-trace") == []
                panel.screenshot(path=ARTEFACTS / f"live-trace-{place}-{theme}.png")
