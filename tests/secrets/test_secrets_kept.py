"""No six characters in a row of a key or a token are ever kept, or shown by what is kept.

As in ``test_secrets``, for recordings, executed notebooks, and the panels with their widgets.
"""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import ipywidgets
import pytest
from azure.core.credentials import AzureKeyCredential
from nbformat.v4 import new_code_cell, new_notebook

from helpers import ChatError, UserMessage, lessons
from helpers import __main__ as command
from helpers.client.routes import route_for
from helpers.client.transport import NetworkTransport
from helpers.commands import run as runner
from helpers.lessons import ROOT, Lesson
from helpers.recordings.record import RecordingTransport
from helpers.recordings.replay import ReplayTransport
from helpers.widgets.chat import chat
from helpers.widgets.connection_panel import connection_panel
from helpers.widgets.live_stream import live_stream
from tests.notebooks import files
from tests.secrets import planted
from tests.secrets.echo_server import REPLIES, Parrot
from tests.secrets.leak_scanner import Seen, ask
from tests.secrets.planted import KEY, Setting, client, live, two_settings
from tests.standin import StandIn

seen, setting = planted.seen, planted.setting
FIRST = "01-basic-call"


@two_settings
def test_recordings(seen: Seen, setting: Setting, tmp_path: Path) -> None:
    kind, route = setting
    path, told = tmp_path / "a.json", {"route": "models", "api_version": None, "model": "m"}
    # Without those that spread it over several texts, of which a replay knows nothing.
    questions = [f"parrot: {name}" for name in REPLIES if "pieces" not in name]
    with Parrot() as parrot:
        endpoint = f"{parrot.url}/{route}"
        recorder = RecordingTransport(path, NetworkTransport(route_for(endpoint)), FIRST, told)
        with client(endpoint, kind, transport=recorder, max_retries=0) as asked:
            for question in questions:
                with suppress(ChatError):
                    asked.complete([UserMessage(question)])
                with suppress(ChatError), asked.stream([UserMessage(question)]) as stream:
                    list(stream)
    seen.label = "the file"
    seen.add("text", path.read_text(encoding="utf-8"))
    nobody = AzureKeyCredential("none")
    with client(
        endpoint, transport=ReplayTransport(path), credential=nobody, max_retries=0
    ) as asked:
        for question in questions:
            ask(seen, asked, question)


CELLS = """\
import logging, sys
%xmode Verbose
logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
from helpers.connect import connect
from helpers.views.view import wire
client = connect("01-basic-call")
client, vars(client)

def said(name): return [{"role": "user", "content": f"parrot: {name}"}]

answer = client.complete(said("answer"))
wire(answer)

client.complete(said("header"))

with client.stream(said("stream, error")) as stream:
    for update in stream: print(update)

client.complete(said("error"))
"""


def test_executed_notebooks(
    seen: Seen, standin: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    live(monkeypatch, standin.models)
    assert command.main(["run", FIRST, "--to", str(tmp_path)]) == 0

    (tmp_path / "notebooks").mkdir()
    lesson = Lesson("02-made-up", "", 1, "", "", "")
    monkeypatch.setattr(lessons, "ROOT", tmp_path)
    monkeypatch.setattr(runner, "LESSONS", (lesson,))
    sources = CELLS.strip().split("\n\n")
    tags = [[], [], [], ["raises-exception"], ["raises-exception"], []]
    cells = [new_code_cell(s, metadata={"tags": t}) for s, t in zip(sources, tags, strict=True)]
    files.write(lesson.notebook, new_notebook(cells=cells))

    run_notebook = runner.execute

    def execute(*paths: Path) -> None:
        try:
            run_notebook(*paths)
        except Exception as reason:
            seen.error("papermill", reason)
            raise

    monkeypatch.setattr(runner, "execute", execute)
    with Parrot() as parrot:
        live(monkeypatch, f"{parrot.url}/models")
        assert command.main(["run", lesson.id, "--to", str(tmp_path)]) == 1
    for name in (FIRST, lesson.id):
        seen.label = f"executed {name}"
        text = (tmp_path / f"{name}.ipynb").read_text(encoding="utf-8")
        seen.add("text", text, json.dumps(json.loads(text)))
        assert "***" in text


def test_panels(seen: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    tell = ipywidgets.Widget.notify_change

    def notice(widget: ipywidgets.Widget, change: Any) -> None:
        if not isinstance(widget, ipywidgets.Password):  # there the page knows it first
            seen.add(f"{type(widget).__name__}.{change['name']}, told to the page", f"{change.new}")
        tell(widget, change)

    monkeypatch.setattr(ipywidgets.Widget, "notify_change", notice)
    monkeypatch.setenv("JPY_SESSION_NAME", "somebody watches")
    with Parrot() as parrot, client(f"{parrot.url}/models") as asked:
        live(monkeypatch, f"{parrot.url}/models")
        for name in ("error", "error, nested", "answer", "stream", "stream, error"):
            seen.label, said = f"panels: {name}", [UserMessage(f"parrot: {name}")]
            panels = chat(asked), live_stream(asked, said), connection_panel(FIRST, said)
            assert all(panel.root for panel in panels)
            panels[2]._box.value = KEY
            assert panels[2]._box.value == ""
            panels[0].send(said[0].content)
            panels[1].run()
            panels[2].test(f"{parrot.url}/models", "m")
            for panel in panels:
                seen.value("job", panel.job.wait(10))
                seen.value("panel", panel)
                seen.add("bundle", json.dumps(panel._repr_mimebundle_()))
            seen.add("widgets", json.dumps(ipywidgets.Widget.get_manager_state()))
            panels[2].forget()
