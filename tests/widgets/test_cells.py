"""A cell that runs again closes the panels that it showed before: in a real kernel."""

from collections.abc import Callable, Iterator

import pytest
from jupyter_client.manager import start_new_kernel

from helpers.lessons import ROOT
from tests.offline import OFFLINE

SECONDS = 60
LIVE = "import ipywidgets.widgets.widget as w; print(len(w._instances))"
SHOWN = """
from helpers.views.view import View
from helpers.widgets.panel import Panel, area
class Note(Panel):
    name = note = "note"
    def static_view(self): return View("<p>Note</p>", "Note")
    def build(self): return [area("note")]
"""

Run = Callable[..., str]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Runs code in a kernel as JupyterLab does, as the cell of this id; returns what it prints."""
    monkeypatch.setenv("JPY_SESSION_NAME", "lesson.ipynb")
    for name, value in OFFLINE.items():
        monkeypatch.setenv(name, value)
    manager, client = start_new_kernel(cwd=str(ROOT / "notebooks"))

    def run(code: str, cell: str = "") -> str:
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}}
        content |= {"allow_stdin": False, "stop_on_error": False}
        metadata = {"cellId": cell} if cell else {}
        request = client.session.msg("execute_request", content, metadata=metadata)
        client.shell_channel.send(request)
        printed = error = ""
        while True:
            message = client.get_iopub_msg(timeout=SECONDS)
            if message["parent_header"].get("msg_id") != request["header"]["msg_id"]:
                continue
            kind, told = message["msg_type"], message["content"]
            if kind == "stream":
                printed += told["text"]
            elif kind == "error":
                error = "\n".join(told["traceback"])
            elif kind == "status" and told["execution_state"] == "idle":
                assert not error, error
                return printed

    yield run
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def count(run: Run) -> int:
    return int(run(LIVE, "count"))


def test_each_cell_closes_what_it_showed_itself(run: Run) -> None:
    run(SHOWN, "a")
    run("one = Note(); display(one); Note()", "b")
    two = count(run)
    run("Note()", "c")
    one = count(run) - two
    assert two == 2 * one > 0
    run("1 + 1", "b")
    assert count(run) == one, "the cell shows nothing any more"
    run("display(one)", "b")
    run("display(one)", "d")
    assert count(run) == 2 * one, "a closed panel can be shown again, and in two places"
    run("pass", "b")
    assert count(run) == 2 * one, "the other cell shows it still"
    run("pass", "d")
    assert count(run) == one
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        run("1 / 0", "c")
    assert count(run) == 0


def test_without_an_id_a_cell_is_known_by_its_code(run: Run) -> None:
    run(SHOWN)
    run("Note()")
    one = int(run(LIVE))
    run("Note()")
    assert int(run(LIVE)) == one
    run("Note() ")
    assert int(run(LIVE)) == 2 * one
