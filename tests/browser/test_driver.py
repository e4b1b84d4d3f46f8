"""The driver, on widgets that are made here: each step that a test may take, and each fault.

The first test is also the example of how a widget is tested.
"""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import expect

from tests.browser.accessibility import LESSON, axe
from tests.browser.conftest import Open
from tests.browser.driver import CellError, Desk, Room
from tests.notebooks import files

WIDGETS = """\
import threading

import ipywidgets as widgets

name = widgets.Text(description="Name")
level = widgets.IntSlider(description="Level", max=3)
send, stop = widgets.Button(description="Send"), widgets.Button(description="Stop", disabled=True)
told = widgets.HTML()
for known_as in ("name", "level", "send", "stop", "told"):
    globals()[known_as].add_class(f"made-{known_as}")
stopped = threading.Event()


def count():
    for number in range(100_000):
        told.value = f"{name.value} {level.value}: {number}"
        if stopped.wait(0.02):
            told.value += ", stopped"
            return


def start(button):
    stop.disabled = False
    threading.Thread(target=count).start()


send.on_click(start)
stop.on_click(lambda button: stopped.set())
widgets.VBox([name, level, send, stop, told])"""
Made = Callable[..., Path]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Writes a notebook of these cells."""

    def write(*sources: str) -> Path:
        path = tmp_path / "made.ipynb"
        cells = [new_code_cell(source, id=f"c{n}") for n, source in enumerate(sources)]
        files.write(path, new_notebook(cells=cells))
        return path

    return write


def test_widgets_are_used_as_a_person_would(replayed: Open, made: Made) -> None:
    notebook = replayed(made("x = 1", WIDGETS))
    notebook.run("VBox")
    assert [cell.execution_count for cell in notebook.cells()] == [None, 1]
    notebook.find("made-name").get_by_role("textbox").fill("Ada")
    handle = notebook.find("made-level").get_by_role("slider")
    handle.press("ArrowRight")
    handle.press("ArrowRight")
    notebook.find("made-send").click()
    told = notebook.find("made-told")
    expect(told).to_contain_text("Ada 2: ")
    notebook.find("made-stop").click()
    expect(told).to_contain_text("stopped")


def test_a_cell_that_fails_is_named(replayed: Open, made: Made) -> None:
    notebook = replayed(made("x = 1", "1 / 0", "x = 2"))
    with pytest.raises(CellError, match="ZeroDivisionError: division by zero, in the cell\n1 / 0"):
        notebook.run_all()
    assert [cell.execution_count for cell in notebook.cells()] == [1, 2, None]


def test_a_cell_can_be_started_and_left(replayed: Open, made: Made) -> None:
    notebook = replayed(made("import time\nprint('on')\ntime.sleep(600)"))
    notebook.start(0)
    expect(notebook.outputs(0)).to_have_text("on")


def test_each_opening_has_a_kernel_settings_and_a_file_of_its_own(desk: Desk, made: Made) -> None:
    source = "import os\n\nx = globals().get('x', 0) + 1\n(x, os.environ['TUTORIAL_ROUTE'])"
    path = made(source)
    for route in ("models", "v1"):
        with desk.notebook(path, {"TUTORIAL_ROUTE": route}) as notebook:
            assert notebook.cells()[0].outputs == []
            notebook.run_all()
            shown = notebook.saved().cells[0].outputs[0].data["text/plain"]
            assert shown == f"(1, {route!r})"


FAULTS = {
    "console.error('oh no')": "console: oh no",
    "setTimeout(() => { throw new Error('oh no') })": "uncaught: oh no",
    "fetch('https://example.com').catch(() => 0)": "to another machine: https://example.com/",
    "new WebSocket('wss://example.com')": "to another machine: wss://example.com/",
}
"""JavaScript, and a piece of what is said of it."""


def test_faults_of_a_page_are_found_and_it_is_not_used_again(room: Room) -> None:
    with room.desk() as first:
        first.page.evaluate(f"() => {{ {'; '.join(FAULTS)}; }}")
        end = time.monotonic() + 30
        missing = set(FAULTS.values())
        while missing and time.monotonic() < end:
            first.page.wait_for_timeout(10)  # lets what the page tells come in
            missing = {fault for fault in missing if fault not in " ".join(first.faults)}
        assert missing == set()
    with room.desk() as second:
        assert second is not first
        assert "reset" not in second.page.url  # JupyterLab has come to rest
        assert second.faults == []


SHUTS_OUT = {
    "<button></button>": "critical button-name",
    '<p style="color: #888; background: #999">pale</p>': "serious color-contrast",
    '<p style="margin-top: 5000px; color: #888; background: #999">pale</p>': (
        "serious color-contrast"
    ),
}
"""HTML, and what is found in it."""


def test_what_shuts_people_out_is_found(replayed: Open, made: Made) -> None:
    show = "from IPython.display import HTML\n\nHTML({!r})"
    notebook = replayed(made(*map(show.format, SHUTS_OUT)))
    notebook.run_all()
    with notebook.whole():
        found = axe(notebook.page, *LESSON)
    assert sorted(line.partition(":")[0] for line in found) == sorted(SHUTS_OUT.values())


def test_nothing_to_read_is_an_error(replayed: Open, made: Made) -> None:
    notebook = replayed(made("from IPython.display import HTML\n\nHTML('<hr>')"))
    notebook.run_all()
    with pytest.raises(ValueError, match="No text was looked at"):
        axe(notebook.page, *LESSON)
