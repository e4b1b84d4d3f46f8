"""The contract of the six panels that ask: what a person can rely on in each of them."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest
from bs4 import BeautifulSoup

from helpers import AuthenticationError, NoRecordingError, SystemMessage
from helpers.connect import connect
from helpers.images import prepare
from helpers.lessons import ROOT
from helpers.recordings.replay import ReplayTransport
from helpers.widgets import (
    Chat,
    ConnectionPanel,
    ContentFilterBox,
    ImagePicker,
    LiveStream,
    LogprobExplorer,
    Playground,
    TraceStepper,
    connection_panel,
)
from helpers.widgets import ask_panel as asking
from helpers.widgets.panel import WIDGET_VIEW
from tests.fakes import (
    ASK,
    DONE,
    KEY,
    answer,
    client,
    leaked,
    piece,
    service_of,
    streamed,
)
from tests.views.test_logprobs import token
from tests.views.test_views import HARMFUL, HOSTILE
from tests.widgets.panels import (
    LONG,
    Held,
    control,
    end_of,
    enter,
    everything,
    html_of,
    join_tasks,
    press,
    primary,
    state,
)

CHART = {"A chart": prepare(ROOT / "images" / "languages.png")}
SYSTEM = [SystemMessage("You are an AI assistant that helps people find information.")]
TAGS = {
    *("b", "br", "wbr", "code", "div", "i", "img", "p"),
    *("table", "tbody", "td", "th", "thead", "tr"),
}
REFUSED = answer(401, {"error": {"message": f"Who are you, {KEY}?"}})


@dataclass
class Kind:
    """A kind of panel: how it is made, the box to type into, and the lesson that shows it."""

    make: Callable[[Any], Any]
    box: str = ""
    lesson: str = ""
    streams: bool = True

    def reply(self, text: str | None, finish: str = "stop", **fields: str | None) -> Any:
        """An answer with this text; in ASCII, as not every text can be encoded."""
        message = {"content": text, **fields}
        if self.streams:
            delta = json.dumps({"choices": [{"delta": message}]})
            return streamed(f"data: {delta}\n\n", piece(None, finish), DONE)
        choice = {"message": {"role": "assistant", **message}, "finish_reason": finish}
        return answer(body=json.dumps({"model": text, "choices": [choice]}))

    def ready(self, panel: Any, text: str = "Well?") -> Any:
        """A panel with its controls, and a text in its box."""
        assert panel.root
        if self.box:
            control(panel, self.box).value = text
        return panel


PANELS = {
    "Chat": Kind(Chat, "message", "01-basic-call"),
    "Playground": Kind(lambda c: Playground(c, initial=[]), "prompt", "03-parameters"),
    "LiveStream": Kind(lambda c: LiveStream(c, ASK)),
    "ContentFilterBox": Kind(
        lambda c: ContentFilterBox(c, SYSTEM, initial={}),
        "sentence",
        "07-content-safety",
        streams=False,
    ),
    "ImagePicker": Kind(lambda c: ImagePicker(c, CHART), "question", "08-images"),
    "ConnectionPanel": Kind(lambda c: ConnectionPanel("00-start-here", ASK), streams=False),
}
TYPED = {name: kind for name, kind in PANELS.items() if kind.box}
ALL = PANELS | {
    "LogprobExplorer": Kind(lambda _: LogprobExplorer([token("a")])),
    "TraceStepper": Kind(lambda _: TraceStepper(ASK)),
}


def lesson_conversation() -> list[Any]:
    """The messages before the question that lesson 01 asks its chat."""
    transport = connect("01-basic-call").transport
    assert isinstance(transport, ReplayTransport)
    bodies = [request["body"] for request in transport.requests]
    return list(next(body for body in bodies if body.get("stream"))["messages"][:-1])


def each(kinds: dict[str, Kind]) -> Any:
    return pytest.mark.parametrize("kind", kinds.values(), ids=kinds)


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Callable[[Kind, Any], Any]:
    """Makes a panel of a kind that asks this client."""

    def made(kind: Kind, asked: Any) -> Any:
        built = (asked, "Answers: live.")
        monkeypatch.setattr(connection_panel, "build_client", lambda *_: built)
        return kind.make(asked)

    return made


def sent(asked: Any) -> str:
    """The text that was sent last."""
    content = service_of(asked).body["messages"][-1]["content"]
    return content if isinstance(content, str) else str(content[0]["text"])


@each(ALL)
def test_showing_it_sends_nothing_and_headless_no_control_is_made(
    kind: Kind, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = client(kind.reply("Hi!"))
    panel = make(kind, asked)
    view, note = panel.static_view(), f"Run this cell in JupyterLab, and {panel.note}"
    shown = {
        "text/html": f"{view.html}\n<p><i>{note}</i></p>",
        "text/plain": f"{view.plain}\n\n{note}",
    }
    assert panel._repr_mimebundle_() == shown and repr(panel) == shown["text/plain"]
    assert not panel.is_built
    monkeypatch.setenv("JPY_SESSION_NAME", "lesson.ipynb")
    live = panel._repr_mimebundle_()
    assert panel.is_built and live.pop(WIDGET_VIEW)["model_id"] == panel.root.model_id
    assert live == shown
    assert service_of(asked).requests == []


def test_ipywidgets_is_not_imported_before_controls_are_shown() -> None:
    code = (
        "import sys\n"
        "from tests.widgets.test_ask_panel import ALL, client\n"
        "for kind in ALL.values():\n"
        "    print(kind.make(client())._repr_mimebundle_())\n"
        "raise SystemExit(bool({'ipywidgets', 'anywidget'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True)
    assert done.returncode == 0, done.stderr


@each(PANELS)
def test_run_asks_what_stands_in_the_form_and_shows_the_answer(kind: Kind, make: Any) -> None:
    asked = client(kind.reply("Hi there"))
    panel = kind.ready(make(kind, asked), "What is <this>?")
    assert "Hi there" not in repr(panel)
    assert press(panel).state == "finished"
    assert state(panel)[0] == "finished"
    assert 'role="status"' in control(panel, "status").value
    assert sent(asked) == ("What is <this>?" if kind.box else ASK[-1]["content"])
    assert "Hi there" in repr(panel)
    assert "<this>" not in html_of(panel)
    press(panel)
    assert len(service_of(asked).requests) == (1 if kind.box == "message" else 2)


@each(PANELS)
def test_stop_counts_at_once_and_keeps_what_has_arrived(kind: Kind, make: Any) -> None:
    held, waits = Held(), threading.Event()
    blocked = lambda: (waits.set(), held.go.wait(LONG), kind.reply("Too late")())[2]  # noqa: E731
    panel = kind.ready(make(kind, client(held.answer if kind.streams else blocked)))
    drawn = threading.Event()
    control(panel, "status").observe(lambda _: drawn.set(), "value")
    if kind.streams:
        control(panel, "answer").observe(lambda c: "Once" in c.new and waits.set(), "value")
    assert primary(panel) == ["run"]
    panel.run_button.click()
    assert waits.wait(LONG) and drawn.wait(LONG)
    assert primary(panel) == ["stop"] and state(panel)[0] == "running"
    assert not panel.run(), "a second answer is asked for"
    panel.stop_button.click()
    assert end_of(panel.job).state == "stopped"
    assert primary(panel) == ["run"]
    shown = html_of(panel)
    kept = "What had arrived is kept; it is not the whole answer." if kind.streams else ""
    same = "The connection is the same as before." if not (kind.streams or kind.box) else ""
    assert state(panel) == ("stopped", f"Stopped. {kept}{same}".rstrip())
    assert ("Once" in shown) == kind.streams
    held.go.set()
    join_tasks()
    assert html_of(panel) == shown and "upon" not in shown and "late" not in shown


@each(PANELS)
def test_what_goes_wrong_is_said_in_words_and_the_next_run_is_a_new_one(
    kind: Kind, make: Any
) -> None:
    asked = client(httpx.ConnectError("refused"), kind.reply("Better"), max_retries=0)
    panel = kind.ready(make(kind, asked))
    press(panel)
    name, words = state(panel)
    assert name == "failed" and "could not be reached" in words and "What to do: " in words
    assert 'role="alert"' in control(panel, "status").value
    assert press(panel).state == "finished"
    assert "Better" in html_of(panel) + repr(panel)


@each(PANELS)
@pytest.mark.parametrize(
    ("finish", "fields", "words"),
    [
        ("stop", {"refusal": "No, never."}, "The model refused: No, never."),
        (
            "length",
            {"reasoning_content": "Let me think"},
            "(the model reasoned and gave no text; finish_reason: length)",
        ),
        ("stop", {}, "(no text; finish_reason: stop)"),
    ],
    ids=["refused", "reasoned", "nothing"],
)
def test_an_answer_without_text_is_said_in_words(
    finish: str, fields: dict[str, str], words: str, kind: Kind, make: Any
) -> None:
    panel = kind.ready(make(kind, client(kind.reply(None, finish, **fields))))
    assert press(panel).state == "finished"
    for shown in (html_of(panel), panel._repr_mimebundle_()["text/html"]):
        assert words in shown and "no text yet" not in shown and "“(" not in shown


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (AuthenticationError(status=401), "What to do: check that the key belongs"),
        (ValueError(KEY), "This failed in a way that was not foreseen (ValueError)."),
    ],
)
def test_a_callback_that_fails_says_so_in_words(error: Exception, words: str) -> None:
    def fail() -> None:
        raise error

    panel = LiveStream(client(), ASK)
    assert panel.root
    panel.button("Fail", "fail", fail, "Try it").click()
    assert state(panel)[0] == "failed" and words in state(panel)[1]
    assert leaked(panel.status.value) == []


@each(TYPED)
def test_an_empty_box_is_an_error_in_words_and_nothing_is_sent(kind: Kind, make: Any) -> None:
    asked = client(kind.reply("Hi"))
    panel = kind.ready(make(kind, asked), "  ")
    assert press(panel).state == "failed"
    assert f"There is no {kind.box} to send. What to do: write one." in state(panel)[1]
    assert service_of(asked).requests == []


@each(PANELS)
def test_no_key_is_in_any_state(kind: Kind, make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", "lesson.ipynb")
    asked = client(kind.reply("Hi"), REFUSED)
    panel = kind.ready(make(kind, asked))
    for _ in range(2):
        press(kind.ready(panel))
        assert len(everything(panel)) > 8
        assert leaked(*everything(panel)) == []
    assert state(panel)[0] == "failed" and "Who are you" in state(panel)[1]


@each(PANELS)
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_escaped_and_bounded(text: str, kind: Kind, make: Any) -> None:
    panel = kind.ready(make(kind, client(kind.reply(text))), text)
    press(panel)
    finished = html_of(panel)
    panel.update(replace(panel.job.snapshot, state="stopped"), True)  # as it is while it grows
    for html in (finished, html_of(panel), panel._repr_mimebundle_()["text/html"]):
        page = BeautifulSoup(html, "html.parser")
        assert {tag.name for tag in page(True)} <= TAGS
        assert not [name for tag in page(True) for name in tag.attrs if name.startswith("on")]
        html.encode()
        assert not HARMFUL.search(html)
        assert len(html) < 500_000
    assert not HARMFUL.search(repr(panel))


@each(PANELS)
def test_a_wait_for_a_retry_is_said_not_printed_and_ended_by_stop(
    kind: Kind, make: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    busy = answer(429, {}, retry_after="50")
    asked = client(busy, kind.reply("Hi"), max_sleep=3600.0, on_wait=lambda *_: print("printed"))
    panel, waits = kind.ready(make(kind, asked)), threading.Event()
    control(panel, "status").observe(
        lambda c: "Waiting 50 s, as it asks, then trying again." in c.new and waits.set(), "value"
    )
    panel.run_button.click()
    assert waits.wait(LONG)
    panel.stop_button.click()
    assert end_of(panel.job).state == "stopped"
    join_tasks()
    assert len(service_of(asked).requests) == 1
    assert capsys.readouterr().out == ""


@each(TYPED)
@pytest.mark.parametrize("by", ["Run", "Enter"])
def test_the_text_may_arrive_after_the_click(
    by: str, kind: Kind, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "TEXT_SYNC_SECONDS", 0.2)
    asked = client(kind.reply("Hi"))
    panel = kind.ready(make(kind, asked), "Wel")
    box = control(panel, kind.box)
    for _ in range(2):  # impatiently
        panel.run_button.click() if by == "Run" else enter(box)
    box.value = "Well, who?"
    end_of(panel.job)
    assert (sent(asked), len(service_of(asked).requests)) == ("Well, who?", 1)


@each(TYPED)
def test_stop_is_heard_while_the_text_is_waited_for(
    kind: Kind, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "TEXT_SYNC_SECONDS", LONG * 10.0)
    asked = client(kind.reply("Hi"))
    panel = kind.ready(make(kind, asked))
    panel.run_button.click()
    panel.stop_button.click()
    assert end_of(panel.job).state == "stopped"
    assert state(panel)[1] == "Stopped. Nothing had arrived." or not kind.streams
    join_tasks()
    assert service_of(asked).requests == []
    assert control(panel, kind.box).value == "Well?"


@each(PANELS)
def test_closing_it_ends_the_answer_and_it_can_be_shown_again(kind: Kind, make: Any) -> None:
    held = Held()
    panel = kind.ready(make(kind, client(lambda: (held.go.wait(LONG), kind.reply("Late")())[1])))
    panel.run_button.click()
    first = panel.root
    panel.close()
    assert panel.job.snapshot.state == "stopped" and not panel.is_built
    assert first.comm is None and panel.status.comm is None
    assert state(panel)[0] == "stopped" and panel.status.comm is not None
    held.go.set()


def test_results_are_drawn_at_the_start_and_the_end_and_the_answer_as_it_grows() -> None:
    held, drawn, arrived = Held(DONE), threading.Event(), threading.Event()
    panel: Any = LiveStream(client(lambda: (drawn.wait(LONG), held.answer())[1]), ASK)
    results = list[str]()
    panel.show_results = lambda snapshot: results.append(snapshot.state)
    control(panel, "status").observe(lambda _: drawn.set(), "value")
    control(panel, "answer").observe(lambda c: "Once" in c.new and arrived.set(), "value")
    panel.run_button.click()
    assert arrived.wait(LONG)
    assert results == ["ready", "running"]
    held.go.set()
    end_of(panel.job)
    assert results == ["ready", "running", "finished"]


@each(PANELS)
def test_an_own_question_offline_gets_one_sentence(kind: Kind, make: Any) -> None:
    offline = connect(kind.lesson or "02-streaming")
    panel = kind.ready(make(kind, offline), "What is a spoon?")
    assert press(panel).state == "failed"
    ways = [
        *(["choose one of the examples"] if kind.box and kind.make is not Chat else []),
        *([] if panel.small_model_limit else ["use the small model (its button is in this panel)"]),
        "use a model of your own (lesson 00 shows how).",
    ]
    said = f"It failed. This question was not recorded. What to do: {', or '.join(ways)}"
    assert state(panel)[1].removesuffix(" The connection is the same as before.") == said
    assert isinstance(panel.job.snapshot.error, NoRecordingError)


@each(TYPED)
def test_offline_each_example_can_be_run(kind: Kind, make: Any) -> None:
    panel = make(kind, connect(kind.lesson))
    if kind.make is Chat:
        panel = Chat(connect(kind.lesson), lesson_conversation())
    assert panel.root
    assert "The answers are recorded: choose an example" in control(panel, "offline").value
    listed = control(panel, "examples")
    assert (listed.description, listed.label) == ("Examples", "Choose an example")
    labels = [label for label, _ in listed.options]
    assert labels[0] == "Choose an example" and len(labels) > 1
    for label in labels[1:]:
        listed.label = label
        assert control(panel, kind.box).value in label
        assert press(panel).state == "finished", state(panel)
    before = control(panel, kind.box).value
    listed.label = listed.options[0][0]
    assert (control(panel, kind.box).value, state(panel)[0]) == (before, "finished")


@each(TYPED)
def test_a_recorded_request_without_messages_is_no_example(
    kind: Kind, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = make(kind, connect(kind.lesson))
    before, requests = panel.examples(), panel.client.transport.requests
    others = [{"method": "GET"}, {"body": None}, {"body": {"model": "m", "input": "Hello"}}]
    monkeypatch.setattr(ReplayTransport, "requests", [*requests, *others])
    assert panel.examples() == before


@each(PANELS)
def test_there_is_no_list_live_nor_where_the_question_is_fixed(kind: Kind, make: Any) -> None:
    panel = make(kind, client() if kind.box else connect("02-streaming"))
    assert panel.root and panel._offline.layout.display == "none"
