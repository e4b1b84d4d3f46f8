"""The sentence box as a person uses it: choose a sentence, or type one, and read the chart."""

from playwright.sync_api import Locator, expect

from tests.browser.accessibility import axe
from tests.browser.conftest import Open
from tests.browser.driver import Notebook, Theme
from tests.standin import StandIn
from tests.standin.scripts import Script

LESSON = "07-content-safety"
SPLASH = "#jupyterlab-splash"
"""What JupyterLab covers the page with while it changes its theme."""
THEMES: tuple[Theme, ...] = ("light", "dark")
BREAD = "Which knife is best for bread?"


def shown(notebook: Notebook) -> Locator:
    """The box, once all cells were run."""
    notebook.run_all()
    panel = notebook.find("cc-sentence-box")
    expect(state(panel, "ready")).to_be_visible()
    return panel


def state(panel: Locator, name: str) -> Locator:
    return panel.locator(f".cc-state[data-state={name}]")


def chart(panel: Locator) -> str:
    """The chart in words, which is what someone hears who does not see it."""
    return panel.get_by_role("img").get_attribute("alt") or ""


def test_a_recorded_sentence_is_chosen_and_its_chart_appears(replayed: Open) -> None:
    panel = shown(replayed(LESSON))
    expect(panel).to_contain_text("Answers are recorded here")
    assert "prompt, violence: medium, filtered" in chart(panel)
    expect(panel.locator(f'datalist option[value="{BREAD}"]')).to_have_count(1)
    panel.get_by_label("Sentence").fill(BREAD)
    panel.get_by_role("button", name="Run").click()
    expect(state(panel, "finished")).to_contain_text("the answer was cut: violence (medium).")
    assert "answer, violence: medium, filtered" in chart(panel)
    assert "prompt, violence: safe;" in chart(panel)
    expect(panel.get_by_role("row").last).to_contain_text(BREAD)


def test_a_keyboard_will_do(replayed: Open) -> None:
    panel = shown(replayed(LESSON))
    box, run = panel.get_by_label("Sentence"), panel.locator(".cc-run")
    box.focus()
    panel.page.keyboard.type("Fold the egg whites into the batter.")
    box.press("Tab")
    expect(run).to_be_focused()
    run.press("Enter")
    expect(box).to_have_value("")
    expect(state(panel, "finished")).to_contain_text("Refused, the model never saw it: the filter")
    expect(panel).to_contain_text("No results of a content filter came with this.")
    expect(run).to_be_focused()


def test_another_sentence_is_an_error_in_words_as_long_as_answers_are_recorded(
    replayed: Open,
) -> None:
    panel = shown(replayed(LESSON))
    box = panel.get_by_label("Sentence")
    box.fill("What is a spoon?")
    box.press("Enter")
    expect(state(panel, "failed")).to_contain_text("No recording of lesson 07-content-safety")
    expect(state(panel, "failed")).to_contain_text("or go live")
    expect(box).to_have_value("What is a spoon?")


def test_live_any_sentence_can_be_typed(live: Open) -> None:
    with StandIn() as server:
        panel = shown(live(LESSON, server, "v1"))
        server.scripts = [
            Script(ask="My own soup.", answer=("Enjoy it.",)),
            Script(ask="My own salad.", faults=("content-filter",)),
        ]
        box = panel.get_by_label("Sentence")
        for sentence, told in {
            "My own soup.": "Finished. Not refused.",
            "My own salad.": "Refused, the model never saw it: violence (medium).",
        }.items():
            box.fill(sentence)
            box.press("Enter")
            expect(state(panel, "finished")).to_contain_text(told)
            expect(panel.get_by_role("row").last).to_contain_text(sentence)
        box.fill("My own soup.")
        server.scripts = [Script(ask="My own soup.", faults=("wrong-key",))]
        panel.get_by_role("button", name="Run").click()
        expect(state(panel, "failed")).to_contain_text("The service refused the credential.")
        expect(panel.get_by_role("row").last).to_contain_text("My own salad.")


def test_everyone_can_read_and_operate_it(replayed: Open) -> None:
    notebook = replayed(LESSON)
    panel = shown(notebook)
    panel.get_by_label("Sentence").fill(BREAD)
    panel.locator(".cc-run").click()
    expect(state(panel, "finished")).to_be_visible()
    for theme in THEMES:
        notebook.theme(theme)
        expect(notebook.page.locator(SPLASH)).to_have_count(0)
        with notebook.whole():
            assert axe(notebook.page, ".cc-sentence-box") == []
