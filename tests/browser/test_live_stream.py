"""The live stream as a person uses it: Run, watch, Stop; by mouse and by keyboard; and live."""

import re

from playwright.sync_api import Locator, expect

from tests.browser.accessibility import axe
from tests.browser.conftest import Open
from tests.browser.driver import Notebook, Theme
from tests.standin import StandIn
from tests.standin.scripts import Script

LESSON = "02-streaming"
THEMES: tuple[Theme, ...] = ("light", "dark")
QUESTION = "How many languages are in the world? Write an essay about it."
PACE_MS = 10
SOON = 500 // PACE_MS
"""Chunks that come in half a second: no more of them may come after the press of Stop."""
NOTE = """panel => panel.querySelector('.cc-stop').addEventListener('click', () => {
  panel.dataset.had = panel.querySelector('.cc-text').textContent.split(' ').length;
})"""


def shown(notebook: Notebook) -> Locator:
    """The view, once all cells were run."""
    notebook.run_all()
    panel = notebook.find("cc-live-stream")
    expect(state(panel, "ready")).to_be_visible()
    return panel


def state(panel: Locator, name: str) -> Locator:
    return panel.locator(f".cc-state[data-state={name}]")


def numbered(words: int, pace_ms: float) -> Script:
    """An answer to the lesson's question of so many words, one every ``pace_ms``."""
    answer = " ".join(f"w{number}" for number in range(words))
    return Script(ask=QUESTION, answer=(answer,), first_ms=100, pace_ms=pace_ms)


def test_the_answer_is_there_and_run_brings_it_again(replayed: Open) -> None:
    panel = shown(replayed(LESSON))
    text = panel.locator(".cc-text")
    whole = text.inner_text()
    assert "So the honest answer is a range" in whole
    panel.get_by_role("button", name="Run").click()
    expect(state(panel, "finished")).to_be_visible()
    expect(text).to_have_text(whole, use_inner_text=True)
    expect(panel.locator(".cc-facts")).to_contain_text(re.compile(r"^\d+ chunks: first after"))


def test_a_keyboard_will_do(live: Open) -> None:
    with StandIn() as server:
        panel = shown(live(LESSON, server))
        server.scripts = [numbered(3000, PACE_MS)]
        run, stop = panel.locator(".cc-run"), panel.locator(".cc-stop")
        run.focus()
        run.press("Enter")
        expect(panel.locator(".cc-text")).to_contain_text("w0 w1 w2 w3")
        expect(run).to_be_focused()
        run.press("Tab")
        expect(stop).to_be_focused()
        stop.press("Space")
        expect(state(panel, "stopped")).to_contain_text("it is not the whole answer")
        expect(stop).to_be_focused()


def test_a_screen_reader_has_a_region_that_stays_while_what_it_says_changes(replayed: Open) -> None:
    panel = shown(replayed(LESSON))
    region = panel.locator("[aria-live=polite]")
    expect(region).to_have_count(0)
    panel.locator(".cc-run").focus()
    expect(region).to_have_count(1)
    heard = region.evaluate_handle("""region => {
        const heard = [];
        new MutationObserver(() => heard.push(region.textContent.trim()))
            .observe(region, {childList: true, subtree: true});
        return heard;
    }""")
    panel.locator(".cc-run").press("Enter")
    expect(state(panel, "finished")).to_be_visible()
    assert list(dict.fromkeys(heard.json_value())) == ["Running …", "Finished."]


def test_stop_is_quick_and_what_had_come_stays(live: Open) -> None:
    with StandIn() as server:
        panel = shown(live(LESSON, server))
        server.scripts = [numbered(3000, PACE_MS)]
        panel.evaluate(NOTE)
        panel.locator(".cc-run").click()
        expect(panel.locator(".cc-text")).to_contain_text("w0 w1 w2 w3")
        panel.locator(".cc-stop").click()
        expect(state(panel, "stopped")).to_be_visible()
        kept = panel.locator(".cc-text").inner_text()
        had = int(panel.get_attribute("data-had") or 0)
        assert 4 <= had <= len(kept.split()) <= had + SOON
        panel.page.wait_for_timeout(1000)  # for what may still have been on its way
        assert panel.locator(".cc-text").inner_text() == kept


def test_a_thousand_chunks_a_second_arrive_to_the_last(live: Open) -> None:
    with StandIn() as server:
        panel = shown(live(LESSON, server))
        server.scripts = [numbered(3000, pace_ms=0)]
        panel.locator(".cc-run").click()
        expect(state(panel, "finished")).to_be_visible()
        assert panel.locator(".cc-text").inner_text().endswith("w2998 w2999")


def test_what_goes_wrong_is_said_and_the_next_run_is_a_new_one(live: Open) -> None:
    with StandIn() as server:
        panel = shown(live(LESSON, server))
        server.scripts = [Script(ask=QUESTION, faults=("wrong-key",))]
        panel.locator(".cc-run").click()
        expect(state(panel, "failed")).to_contain_text("The service refused the credential.")
        expect(state(panel, "failed")).to_contain_text("What to do: check that the key belongs")
        server.scripts = [Script(ask=QUESTION, answer=("Better now.",))]
        panel.locator(".cc-run").click()
        expect(state(panel, "finished")).to_be_visible()
        expect(panel.locator(".cc-text")).to_have_text("Better now.")


def test_everyone_can_read_and_operate_it(replayed: Open) -> None:
    notebook = replayed(LESSON)
    panel = shown(notebook)
    panel.locator(".cc-run").click()
    expect(state(panel, "finished")).to_be_visible()
    for theme in THEMES:
        notebook.theme(theme)
        with notebook.whole():
            assert axe(notebook.page, ".cc-live-stream") == []
