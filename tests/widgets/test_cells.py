"""A cell that runs again closes the panels that it showed before: in a real kernel."""

from collections.abc import Callable, Iterator

import pytest
from jupyter_client.manager import run_kernel

from helpers.lessons import ROOT
from tests.offline import OFFLINE

SECONDS = 60
COUNT = "import ipywidgets.widgets.widget as w; print(len(w._instances))"
SHOWN = """
from helpers.views.view import View
from helpers.widgets.panel import Panel, area
class Note(Panel):
    name = note = "note"
    def static_view(self): return View("<p>Note</p>", "Note")
    def build(self): return [area("note")]
"""

Run = Callable[..., int]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Runs code in a kernel as JupyterLab does, as the cell of this id; returns how many widgets
    there are then."""
    monkeypatch.setenv("JPY_SESSION_NAME", "lesson.ipynb")
    for name, value in OFFLINE.items():
        monkeypatch.setenv(name, value)
    with run_kernel(cwd=str(ROOT / "notebooks")) as client:

        def run(code: str, cell: str = "", status: str = "ok") -> int:
            client.session.metadata = {"cellId": cell} if cell else {}
            reply = client.execute_interactive(code, timeout=SECONDS, output_hook=lambda _: None)
            assert reply["content"]["status"] == status, reply
            printed: list[str] = []
            client.session.metadata = {}
            client.execute_interactive(
                COUNT,
                timeout=SECONDS,
                output_hook=lambda message: printed.append(message["content"].get("text", "")),
            )
            return int("".join(printed))

        yield run


def test_each_cell_closes_what_it_showed_itself(run: Run) -> None:
    assert run(SHOWN, "a") == 0
    two = run("one = Note(); display(one); Note()", "b")
    one = run("Note()", "c") - two
    assert two == 2 * one > 0
    assert run("1 + 1", "b") == one, "the cell shows nothing any more"
    run("display(one)", "b")
    assert run("display(one)", "d") == 2 * one, "a closed panel is shown again, in two places"
    assert run("pass", "b") == 2 * one, "the other cell shows it still"
    assert run("pass", "d") == one
    assert run("1 / 0", "c", status="error") == 0
    run("Note()")
    assert run("Note()") == one, "without an id a cell is known by its code"
    assert run("Note() ") == 2 * one
