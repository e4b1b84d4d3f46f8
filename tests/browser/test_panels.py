"""What holds for every panel: mouse, keyboard, screen reader, errors, hostile text, narrow pages.

All panels stand in one notebook, whose kernel asks a stand-in endpoint. A test runs the cell of its
panel again, and so has a new one. What is special to a panel is tested in its own file.
"""

from dataclasses import dataclass

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.accessibility import axe
from tests.browser.conftest import ARTEFACTS, Open, live
from tests.browser.driver import THEMES, Notebook, wait_for
from tests.browser.widths import check_widths
from tests.standin import StandIn
from tests.standin.scripts import Script

NARROW = 700
"""Pixels: a window in which a notebook shares the screen."""
PACE_MS = 10
SOON = 500 // PACE_MS
"""Chunks that come in half a second: no more of them may come after Stop was pressed."""
HOSTILE = "<u>x</u><img src=x onerror=hacked=1>"
WIDE = f"{HOSTILE} &amp; {'wide' * 60}"
"""A word that fits into no panel, and can't be broken at a blank."""
QUESTION = "Who is <u>there</u> &amp; why?"
SETUP = f"""\
from helpers import UserMessage
from helpers.connect import connect
from helpers.images import prepare
from helpers.lessons import ROOT
from helpers.widgets import (
    Chat, ConnectionPanel, ContentFilterBox, ImagePicker,
    LiveStream, LogprobExplorer, Playground, TraceStepper,
)

client = connect("02-streaming")
question, hostile, wide = {QUESTION!r}, {HOSTILE!r}, {WIDE!r}
picture = prepare(ROOT / "images" / "languages.png", 1024)
token = {{"token": hostile, "logprob": -0.5, "bytes": None, "top_logprobs": []}}
function = {{"name": hostile, "arguments": hostile}}
call = {{"id": hostile, "type": "function", "function": function}}
conversation = [
    {{"role": "user", "content": hostile}},
    {{"role": "assistant", "content": None, "tool_calls": [call]}},
    {{"role": "tool", "tool_call_id": hostile, "content": hostile}},
    {{"role": "assistant", "content": wide}},
]"""


@dataclass(frozen=True)
class Case:
    """A panel: the source of its cell, and the accessible names of its controls."""

    source: str
    run: str = ""
    """The button that asks; empty for a panel that asks nothing."""
    question: str = ""
    """The box for the question; empty if the question is fixed."""
    typed: str = ""
    """A box to type into during an answer; empty if there is none."""
    streams: bool = True
    buttons: tuple[str, ...] = ()
    """Further buttons, in an order in which each changes what the panel shows."""
    others: tuple[str, ...] = ()
    """Buttons that are tested in the panel's own file."""


PANELS = {
    "live-stream": Case("LiveStream(client, [UserMessage(question)])", "Run"),
    "chat": Case("Chat(client)", "Send", "Message", "Message", buttons=("Export", "Clear")),
    "playground": Case("Playground(client, initial=())", "Run", "prompt", "temperature"),
    "content-filter": Case(
        "ContentFilterBox(client, initial={})", "Run", "Sentence", "Sentence", streams=False
    ),
    "image-picker": Case(
        "ImagePicker(client, {wide: picture})",
        *("Run", "Question", "Question"),
        others=("Choose a picture",),
    ),
    "connection": Case(
        'ConnectionPanel("00-start-here", [UserMessage(question)])',
        *("Test the connection", "", "Model"),
        streams=False,
        buttons=("Forget",),
        others=("Use the small model on this machine",),
    ),
    "live-heatmap": Case("LogprobExplorer([token, token])"),
    "live-trace": Case("TraceStepper(conversation)", buttons=("Next", "Back", "All", "Start")),
}
ASKING = {name: case for name, case in PANELS.items() if case.run}
each_panel = pytest.mark.parametrize("name", PANELS)
each_asking = pytest.mark.parametrize("name", ASKING)

# Counts the words of an answer in the panel. The page counts when Stop is pressed: a count from
# here would be later than the press.
COUNT = "panel => (panel.textContent.match(/\\bw\\d+\\b/g) ?? []).length"
NOTE = f"""panel => panel.querySelector('button.cc-stop').addEventListener('click', () => {{
  panel.dataset.had = ({COUNT})(panel);
}}, {{capture: true}})"""
HEAR = """region => {
  const heard = [];
  const hear = () => heard.push(region.innerText.trim().split(/\\s*(?:…|\\.)/)[0]);
  new MutationObserver(hear).observe(region, {childList: true, subtree: true});
  return heard;
}"""
SHOWN = """panel => [panel.innerText, ...[...panel.querySelectorAll('input, textarea')]
  .map(box => box.checkVisibility() + box.value)].join()"""
FIRST = """panel => [...panel.querySelectorAll('button, input, select, textarea, [tabindex="0"]')]
  .find(one => one.checkVisibility()).focus()"""
INSIDE = "panel => panel.contains(document.activeElement)"


@pytest.fixture(scope="module")
def notebook(open_notebook: Open, server: StandIn) -> Notebook:
    cells = (SETUP, *(case.source for case in PANELS.values()))
    notebook = open_notebook(cells, **live(server))
    notebook.run_all()
    return notebook


def state(panel: Locator, name: str) -> Locator:
    """The status line, once it tells of this state."""
    return panel.locator(f".cc-status .cc-state[data-state={name}]")


def script(answer: str = "", **settings: object) -> list[Script]:
    return [Script(ask=QUESTION, answer=answer, **settings)]  # type: ignore[arg-type]


def slow(case: Case) -> list[Script]:
    """An answer of many numbered words that is being written for half a minute."""
    return script(" ".join(f"w{n}" for n in range(3000)), first_ms=100, pace_ms=PACE_MS)


def ask(panel: Locator, case: Case) -> None:
    """Put the question into its box, if there is one, and press Run."""
    if case.question:
        panel.get_by_role("textbox", name=case.question, exact=True).fill(QUESTION)
    panel.get_by_role("button", name=case.run).click()


def catch_up(notebook: Notebook) -> None:
    """Run a cell: at its end the page has all that the kernel sent before."""
    notebook.run("hostile, wide =")


def has_begun(panel: Locator, case: Case) -> None:
    """Wait until the panel runs, and shows the first words if it streams."""
    expect(state(panel, "running")).to_be_visible()
    if case.streams:
        expect(panel).to_contain_text("w0 w1 w2 w3")


@each_asking
def test_run_and_stop_by_keyboard_screen_reader_and_mouse(
    name: str, notebook: Notebook, server: StandIn
) -> None:
    """No key loses the focus; an error is said in words, and after it the next run is a new one."""
    case = PANELS[name]
    panel = notebook.panel(case.source)
    keys, cells = notebook.page.keyboard, notebook.count()
    run = panel.get_by_role("button", name=case.run)
    stop = panel.get_by_role("button", name="Stop")
    box = panel.get_by_role("textbox", name=case.question, exact=True)

    server.scripts = slow(case)
    panel.evaluate(NOTE)
    panel.evaluate(FIRST)
    if case.question:
        tab_to(box, panel)
        keys.type(QUESTION)
    tab_to(run, panel)
    heard = panel.locator(".cc-status[aria-live=polite]").evaluate_handle(HEAR)
    keys.press("Enter")
    has_begun(panel, case)
    expect(run).to_be_focused()
    keys.press("Tab")
    expect(stop).to_be_focused()
    keys.press("Space")
    expect(state(panel, "stopped")).to_be_visible()
    expect(stop).to_be_focused()
    had, kept = int(panel.get_attribute("data-had") or -1), panel.evaluate(COUNT)
    assert (4 if case.streams else 0) <= had <= kept <= had + SOON
    if case.streams:
        expect(state(panel, "stopped")).to_contain_text("it is not the whole answer")

    server.scripts = script(fault="wrong-key")
    asked = len(server.requests)
    ask(panel, case)
    expect(state(panel, "failed")).to_have_role("alert")
    expect(state(panel, "failed")).to_contain_text("The service refused the credential.")
    expect(state(panel, "failed")).to_contain_text("What to do: check that the key belongs")
    assert len(server.requests) == asked + 1

    server.scripts = script("Better now.")
    if case.question:
        box.fill(QUESTION)
    pressed, key = (box, "Enter") if case.question else (run, "Space")
    pressed.press(key)
    expect(state(panel, "finished")).to_be_visible()
    expect(panel).to_contain_text("Better now.")
    expect(pressed).to_be_focused()
    said = ["Running", "Stopped", "It failed", "Finished"]
    assert list(dict.fromkeys(heard.json_value())) == said
    assert notebook.count() == cells


def tab_to(control: Locator, panel: Locator) -> None:
    """Press Tab until the control has the focus, which must stay within the panel."""
    for _ in range(20):
        if control.evaluate("control => control === document.activeElement"):
            return
        panel.page.keyboard.press("Tab")
        assert panel.evaluate(INSIDE), "Tab leads out of the panel before it comes to the control."
    raise AssertionError("Tab does not lead to the control.")


def test_what_is_typed_during_an_answer_is_kept(notebook: Notebook, server: StandIn) -> None:
    """Also where a panel that is stopped offers the question again."""
    cases = {notebook.panel(case.source): case for case in PANELS.values() if case.typed}
    server.scripts = script("Nobody.", first_ms=600_000)
    server.requests.clear()
    for panel, case in cases.items():
        ask(panel, case)
    wait_for(lambda: len(server.requests) == len(cases), notebook.page)
    catch_up(notebook)
    for panel, case in cases.items():
        panel.get_by_role("textbox", name=case.typed, exact=True).fill("0.5")
        expect(state(panel, "running")).to_be_visible()
        panel.get_by_role("button", name="Stop").click()
    for panel in cases:
        expect(state(panel, "stopped")).to_be_visible()
    catch_up(notebook)
    for panel, case in cases.items():
        expect(panel.get_by_role("textbox", name=case.typed, exact=True)).to_have_value("0.5")


@each_panel
def test_buttons_work_and_hostile_text_is_text(
    name: str, notebook: Notebook, server: StandIn
) -> None:
    case = PANELS[name]
    panel = notebook.panel(case.source)
    if case.run:
        server.scripts = script(HOSTILE)
        ask(panel, case)
        expect(state(panel, "finished")).to_be_visible()
    expect(panel).to_contain_text(HOSTILE)
    found = set(panel.get_by_role("button").all_inner_texts())
    assert found == {*case.buttons, *case.others, *({case.run, "Stop"} if case.run else ())}
    for place, label in enumerate(case.buttons):
        before, button = panel.evaluate(SHOWN), panel.get_by_role("button", name=label)
        button.press(("Enter", "Space")[place % 2])
        changed = f"([panel, before]) => ({SHOWN})(panel) !== before"
        notebook.page.wait_for_function(changed, arg=[panel.element_handle(), before])
        expect(button).to_be_focused()
        assert panel.locator("u, img[src=x]").count() == 0
    assert panel.locator("u, img[src=x]").count() == 0
    assert notebook.page.evaluate("'hacked' in window") is False


@each_panel
def test_keys_of_a_control_do_not_change_the_notebook(name: str, notebook: Notebook) -> None:
    """In JupyterLab's command mode B adds a cell, D pressed twice deletes one, an arrow leaves."""
    panel, cells = notebook.panel(PANELS[name].source), notebook.count()
    controls = panel.locator("input:not([type=file]), textarea, select")
    for control in controls.filter(visible=True).all():
        control.focus()
        for key in ("b", "d", "d", "ArrowUp"):
            notebook.page.keyboard.press(key)
        assert panel.evaluate(INSIDE), f"A key leads out of {control.get_attribute('class')}."
    assert notebook.count() == cells


def test_everyone_can_read_them(notebook: Notebook, server: StandIn) -> None:
    """axe-core finds nothing in any state, and each panel fits into a narrow window."""
    panels = {name: notebook.panel(case.source) for name, case in PANELS.items()}
    for end, fault in (("finished", ""), ("failed", "wrong-key")):
        server.scripts = script(WIDE, fault=fault)
        for name, case in ASKING.items():
            ask(panels[name], case)
            expect(state(panels[name], end)).to_be_visible()
        if end == "finished":
            panels["chat"].get_by_role("button", name="Export").click()
            panels["live-trace"].get_by_role("button", name="All").click()
        with notebook.whole(NARROW) as whole:
            for theme in THEMES:
                notebook.theme(theme)
                whole.screenshot(path=ARTEFACTS / f"panels-{end}-{theme}.png")
                assert axe(notebook.page, ".cc-panel") == []
        check_widths(notebook)
