"""The heat map as a person explores it: with the mouse, and with nothing but the keyboard."""

from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell
from playwright.sync_api import Locator, expect

from helpers.lessons import ROOT
from helpers.views.logprobs import MAX_TOKENS
from tests.browser.accessibility import axe
from tests.browser.conftest import ARTEFACTS, Open
from tests.browser.driver import Notebook, Theme
from tests.notebooks import files

LESSON = "05-extra-parameters"
CELL = "live_heatmap(longer)"
THEMES: tuple[Theme, ...] = ("light", "dark")
LEAST_SURE = "Token 20 of 25: ' fall'"


def shown(notebook: Notebook) -> Locator:
    """The view, once all cells were run; the pointer is elsewhere."""
    notebook.page.mouse.move(1, 1)
    notebook.run_all()
    return notebook.cell(CELL).locator(".cc-live-heatmap")


def token(panel: Locator, text: str) -> Locator:
    """The place of a token in the text, by the start of its name."""
    return panel.locator("label").filter(has=panel.page.get_by_label(f"{text},"))


def told(panel: Locator) -> Locator:
    """What is to be seen of a token below the text, if it is on top there."""
    return panel.locator(".cc-rivals").filter(visible=True).last


def on_top(panel: Locator) -> str:
    """The first line of what lies on top, in the place below the text."""
    box = told(panel).bounding_box()
    assert box is not None
    line = panel.page.evaluate(
        "([x, y]) => document.elementFromPoint(x, y).closest('.cc-rivals').innerText",
        [box["x"] + 30, box["y"] + 30],
    )
    return str(line).split("\n")[0]


def test_at_first_it_tells_of_the_least_sure_token(replayed: Open) -> None:
    panel = shown(replayed(LESSON))
    expect(panel.locator(".cc-rivals").filter(visible=True)).to_have_count(1)
    expect(told(panel)).to_contain_text(LEAST_SURE)
    expect(told(panel)).to_contain_text("14% ' fall' (written)")
    expect(told(panel)).to_contain_text("38% ' be'")


def test_pointing_at_a_token_is_enough_and_a_click_keeps_it(replayed: Open) -> None:
    panel = shown(replayed(LESSON))
    token(panel, "' thousand'").locator(".cc-token").hover()
    assert on_top(panel) == "Token 3 of 25: ' thousand'"
    token(panel, "' alive'").locator(".cc-token").hover()
    assert on_top(panel) == "Token 7 of 25: ' alive'"
    panel.page.mouse.move(1, 1)
    assert on_top(panel) == LEAST_SURE
    token(panel, "' alive'").locator(".cc-token").click()
    panel.page.mouse.move(1, 1)
    assert on_top(panel) == "Token 7 of 25: ' alive'"
    expect(told(panel)).to_contain_text("55% ' spoken'")


def test_arrow_keys_lead_from_token_to_token_and_one_tab_leads_out(replayed: Open) -> None:
    notebook = replayed(LESSON)
    panel = shown(notebook)
    keyboard = panel.page.keyboard
    cells = len(notebook.cells())
    control = panel.get_by_role("radio", checked=True)
    control.focus()
    expect(control).to_have_accessible_name("' fall', 14%. Instead: ' be' 38%, ' vanish' 21%.")
    keyboard.press("ArrowRight")
    expect(control).to_be_focused()
    expect(told(panel)).to_contain_text("Token 21 of 25: ' silent'")
    for key in ("ArrowUp", "ArrowLeft", "ArrowLeft"):
        keyboard.press(key)
    expect(told(panel)).to_contain_text("Token 18 of 25: ' them'")
    keyboard.press("ArrowDown")
    for key in ("Enter", "d", "d", "x"):  # in a cell that has the focus, these would change it
        keyboard.press(key)
    expect(told(panel)).to_contain_text("Token 19 of 25: ' may'")
    expect(control).to_be_focused()
    assert len(notebook.cells()) == cells
    for key in ("Tab", "Shift+Tab"):
        keyboard.press(key)
        expect(panel.locator("input:focus")).to_have_count(0)
        control.focus()
    expect(told(panel)).to_contain_text("Token 19 of 25: ' may'")


def test_a_pointer_that_rests_does_not_hide_what_the_keyboard_chooses(replayed: Open) -> None:
    panel = shown(replayed(LESSON))
    token(panel, "' alive'").locator(".cc-token").hover()
    panel.get_by_role("radio", checked=True).focus()
    panel.page.keyboard.press("ArrowRight")
    assert on_top(panel) == "Token 21 of 25: ' silent'"
    token(panel, "' seven'").locator(".cc-token").click()
    token(panel, "' alive'").locator(".cc-token").hover()
    assert on_top(panel) == "Token 7 of 25: ' alive'"


@pytest.fixture
def longer(tmp_path: Path) -> Path:
    """The lesson with two more cells: the heat map once more, and one of a long answer."""
    nb = files.read(ROOT / "notebooks" / f"{LESSON}.ipynb")
    tokens = 'longer.choices[0].raw["logprobs"]["content"] * 20'
    nb.cells += [new_code_cell(f"{CELL}  # again"), new_code_cell(f"live_heatmap({tokens})")]
    files.normalise(nb)
    path = tmp_path / "longer.ipynb"
    files.write(path, nb)
    return path


def test_two_of_them_do_not_disturb_each_other(replayed: Open, longer: Path) -> None:
    notebook = replayed(longer)
    notebook.page.mouse.move(1, 1)
    notebook.run_all()
    first, second = (notebook.find("cc-live-heatmap").nth(place) for place in (0, 1))
    token(second, "'About'").locator(".cc-token").click()
    expect(told(second)).to_contain_text("Token 1 of 25")
    expect(told(first)).to_contain_text(LEAST_SURE)


def test_in_a_long_answer_every_token_can_be_chosen(replayed: Open, longer: Path) -> None:
    notebook = replayed(longer)
    notebook.page.mouse.move(1, 1)
    notebook.run_all()
    panel = notebook.find("cc-live-heatmap").nth(2)
    controls = panel.get_by_role("radio")
    expect(controls).to_have_count(MAX_TOKENS)
    controls.last.focus()
    controls.last.press("Space")
    expect(told(panel)).to_contain_text("Token 500 of 500")
    controls.last.press("ArrowRight")
    expect(told(panel)).to_contain_text("Token 1 of 500")
    expect(controls.first).to_be_in_viewport()


def test_everyone_can_read_it(replayed: Open) -> None:
    notebook = replayed(LESSON)
    panel = shown(notebook)
    for theme in THEMES:
        notebook.theme(theme)
        with notebook.whole():
            token(panel, "' alive'").locator(".cc-token").hover()
            panel.screenshot(path=ARTEFACTS / f"live-heatmap-{theme}.png")
            assert axe(notebook.page, ".cc-live-heatmap") == []
