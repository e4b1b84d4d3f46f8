"""The button of the small model, pressed in JupyterLab: the real model answers a question."""

import sys

import psutil
import pytest
from playwright.sync_api import expect

from helpers.widgets.local_model_button import IN_USE
from tests.browser.accessibility import axe
from tests.browser.conftest import Open
from tests.browser.driver import THEMES, wait_for
from tests.browser.test_panels import state
from tests.local_model.conftest import installed

__all__ = ["installed"]  # a fixture

QUESTION = "What is the capital of Australia?"
SETUP = """\
from helpers import UserMessage
from helpers.connect import connect
from helpers.widgets import Chat, ConnectionPanel, LiveStream, Playground

client = connect("03-parameters")"""
PANELS = (
    "Chat(client)",
    "Playground(client, initial=())",
    "LiveStream(client, [UserMessage('Write a short poem about rain.')], max_tokens=60)",
    "ConnectionPanel('00-start-here', [UserMessage('Hello')])",
)
BUTTON = "Use the small model on this machine"


def servers() -> list[str]:
    """The servers of the model that kernels of this environment have started."""
    lines = [" ".join(one.info["cmdline"] or ()) for one in psutil.process_iter(["cmdline"])]
    ends = ("-m helpers.local_model", "-m tests.standin.child")
    return [line for line in lines if line.startswith(sys.executable) and line.endswith(ends)]


@pytest.mark.model
@pytest.mark.usefixtures("installed")
def test_the_real_model_answers_in_all_panels_until_it_is_forgotten(open_notebook: Open) -> None:
    notebook = open_notebook((SETUP, *PANELS))
    notebook.run_all()
    chat, playground, stream, connection = (
        notebook.cell(source).locator(".cc-panel") for source in PANELS
    )
    assert not servers()
    chat.get_by_role("button", name=BUTTON).click()
    for panel in (chat, playground, stream, connection):
        expect(panel.locator(".cc-model-status")).to_have_text(IN_USE)
        expect(panel.get_by_label("Examples")).to_be_hidden()
    chat.get_by_role("textbox", name="Message", exact=True).fill(QUESTION)
    chat.get_by_role("button", name="Send").click()
    expect(state(chat, "finished")).to_be_visible()
    expect(chat.locator("[data-role=assistant]")).to_contain_text("Model: ")
    assert len(chat.locator("[data-role=assistant]").inner_text()) > len("Model: ")
    assert len(servers()) == 2
    notebook.run(SETUP)
    expect(notebook.cell(SETUP)).to_contain_text("live from a server on this machine")
    for theme in THEMES:
        notebook.theme(theme)
        assert axe(notebook.page, ".cc-panel") == []
    chat.get_by_role("button", name="Forget the small model").click()
    for panel in (chat, playground, stream, connection):
        expect(panel.get_by_role("button", name=BUTTON)).to_be_visible()
    expect(connection).to_contain_text("replay: recorded answers")
    wait_for(lambda: not servers(), notebook.page)
