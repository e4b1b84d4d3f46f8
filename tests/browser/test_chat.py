"""The chat's own: an example is sent with Enter, and arrow keys scroll the conversation."""

from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.test_panels import state

SETUP = """\
from helpers.connect import connect
from helpers.widgets import Chat

client = connect("01-basic-call")
bodies = [recorded["body"] for recorded in client.transport.requests]
*before, question = next(body for body in bodies if body.get("stream"))["messages"]"""
CHAT = "Chat(client, before)"


def test_by_keyboard_an_example_is_sent_and_the_log_is_scrolled(open_notebook: Open) -> None:
    notebook = open_notebook((SETUP, CHAT))
    notebook.run_all()
    panel, cells = notebook.cell(CHAT).locator(".cc-panel"), notebook.count()
    turns, box = panel.locator(".cc-history p"), panel.get_by_role("textbox", name="Message")
    before = turns.count()
    panel.get_by_label("Examples").select_option(index=1)
    expect(box).to_have_value("And which has the fewest?")
    box.press("Enter")
    expect(state(panel, "finished")).to_be_visible()
    expect(turns).to_have_count(before + 2)
    expect(box).to_have_value("")
    expect(box).to_be_focused()

    log = panel.locator(".cc-log")
    log.evaluate("log => { log.style.maxHeight = '60px'; }")
    for _ in range(10):
        if log.evaluate("log => log === document.activeElement"):
            break
        notebook.page.keyboard.press("Shift+Tab")
    expect(log).to_be_focused()
    place = log.evaluate("log => log.scrollTop")
    for key in ("ArrowUp", "b", "d", "d"):  # JupyterLab would leave it, add a cell, delete one
        notebook.page.keyboard.press(key)
    expect(log).to_be_focused()
    scrolled = "([log, place]) => log.scrollTop < place"
    notebook.page.wait_for_function(scrolled, arg=[log.element_handle(), place])
    assert notebook.count() == cells
