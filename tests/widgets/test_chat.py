"""The chat: a conversation that goes on, can be stopped, begun anew, and sent again."""

import json
import threading
from typing import Any

import httpx
import pytest

from helpers import AssistantMessage, AuthenticationError, SystemMessage, UserMessage
from helpers.widgets import panel as widgets
from helpers.widgets.ask import Answer
from helpers.widgets.chat import Chat, chat, conversation
from helpers.widgets.job import Progress
from tests.fakes import ASK, answer, client, leaked, piece, service_of, streamed
from tests.views.test_views import HOSTILE, Page
from tests.widgets.test_job import LONG, press
from tests.widgets.test_live_stream import HELLO, Held, state

START = [SystemMessage("Be brief."), UserMessage("Hello"), AssistantMessage("Hi!")]
DICTS = [message.as_dict() for message in START]
MORE = {"role": "user", "content": "More?"}
SAID = {"role": "assistant", "content": "Hello"}
REFUSED = answer(401, {"error": {"message": "Who are you?"}})


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(widgets, "SETTLED", 0.0)


def typed(panel: Chat, text: str) -> None:
    """Write a message and press Enter: the page tells of the key first."""
    panel._box._handle_custom_msg({"event": "submit"}, [])
    panel._box.value = text


def test_what_was_said_is_shown_without_a_call() -> None:
    asked = client(HELLO)
    panel = chat(asked, START)
    assert panel.root
    assert panel.messages == DICTS
    assert panel.static_view().plain == "Instructions: Be brief.\n\nYou: Hello\n\nModel: Hi!"
    assert panel._history.value == panel.static_view().html
    assert state(panel) == ("ready", "Ready.")
    assert service_of(asked).requests == []


def test_a_message_is_sent_with_all_that_was_said_before() -> None:
    asked = client(HELLO)
    panel = chat(asked, START, temperature=0.5)
    assert panel.root
    typed(panel, "More?")
    assert panel._box.value == ""
    panel.job.wait(LONG)
    assert service_of(asked).body["messages"] == [*DICTS, MORE]
    assert service_of(asked).body["temperature"] == 0.5
    assert panel.messages == [*DICTS, MORE, SAID]
    assert (panel._history.value, panel._coming.value) == (panel.static_view().html, "")
    assert panel.static_view().plain.endswith("You: More?\n\nModel: Hello")

    panel._box.value = "And then?"
    press(panel._row.run)
    panel.job.wait(LONG)
    assert len(panel.messages) == 7
    assert service_of(asked).body["messages"] == panel.messages[:-1]
    assert panel._box.options == ("More?", "And then?")


def test_a_press_may_overtake_the_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(widgets, "SETTLED", 0.2)
    panel = chat(client(HELLO), START)
    assert panel.root
    panel._row.run.click()
    panel._box.value = "More?"
    assert panel.messages == DICTS
    press(panel._row.run)  # impatiently
    panel.job.wait(LONG)
    assert panel.messages == [*DICTS, MORE, SAID]
    assert panel._box.value == ""


@pytest.mark.parametrize("place", [1, 2], ids=["Stop", "Clear"])
def test_a_press_that_waits_for_the_message_can_be_taken_back(
    place: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(widgets, "SETTLED", 0.1)
    asked = client(HELLO)
    panel = chat(asked, START)
    assert panel.root
    panel._box.value = "More?"
    panel._row.run.click()
    press(panel._row.box.children[place])
    assert (service_of(asked).requests, panel.messages) == ([], DICTS)
    assert panel._box.value == "More?"


def test_a_drawing_that_is_late_shows_nothing_twice() -> None:
    panel = chat(client(HELLO), START)
    assert panel.root
    panel.ask("More?")
    panel.draw(Progress("running", Answer([(0.1, "Hello")], 1)))
    assert (panel._history.value + panel._coming.value).count("More?") == 1


def test_it_does_not_change_what_it_was_given() -> None:
    given = list(DICTS)
    panel = chat(client(HELLO), given)
    panel.ask("More?")
    assert given == DICTS


def test_from_a_cell_the_answer_is_waited_for_or_the_error_raised() -> None:
    panel = chat(client(HELLO, REFUSED), START)
    assert panel.ask("More?") == "Hello"
    with pytest.raises(AuthenticationError):
        panel.ask("And now?")
    assert panel.messages == [*DICTS, MORE, SAID]
    with pytest.raises(ValueError):
        panel.ask(" ")
    assert not panel.is_built


def test_while_an_answer_comes_it_is_shown_and_no_other_is_asked_for() -> None:
    held, arrived = Held(), threading.Event()
    asked = client(answer(body=held, content_type="text/event-stream"))
    panel = chat(asked, START)
    assert panel.root
    panel._coming.observe(lambda change: arrived.set() if "Once" in change.new else None, "value")
    typed(panel, "More?")
    assert arrived.wait(LONG)
    assert "More?" in panel._coming.value and "More?" not in panel._history.value
    typed(panel, "Too soon")
    assert panel._box.value == "Too soon"
    assert len(service_of(asked).requests) == 1

    panel._row.stop.click()
    assert panel.messages == [*DICTS, MORE, {"role": "assistant", "content": "Once"}]
    panel.job.wait(LONG)
    assert state(panel)[0] == "stopped"
    assert (panel._history.value, panel._coming.value) == (panel.static_view().html, "")
    assert panel._box.value == "Too soon"
    held.go.set()


def test_a_question_without_an_answer_can_be_sent_again() -> None:
    panel = chat(client(REFUSED, HELLO), START)
    assert panel.root
    typed(panel, "More?")
    panel.job.wait(LONG)
    assert state(panel)[0] == "failed"
    assert "Who are you?" in state(panel)[1]
    assert (panel.messages, panel._box.value) == (DICTS, "More?")
    assert panel._history.value == panel.static_view().html
    press(panel._row.run)
    panel.job.wait(LONG)
    assert panel.messages == [*DICTS, MORE, SAID]


def test_a_question_comes_back_however_quickly_it_fails() -> None:
    panel = chat(client(REFUSED), START)
    assert panel.root
    send = panel.send
    panel.send = lambda text: send(text) and bool(panel.job.wait(LONG))  # type: ignore[method-assign]
    typed(panel, "More?")
    assert panel._box.value == "More?"


def test_of_an_answer_that_breaks_the_beginning_is_kept() -> None:
    panel = chat(client(streamed(piece("Hel"), httpx.ReadError("gone"))))
    panel.send("More?")
    panel.job.wait(LONG)
    assert panel.messages == [MORE, {"role": "assistant", "content": "Hel"}]


def test_nothing_is_sent_without_a_message() -> None:
    asked = client(HELLO)
    panel = chat(asked)
    assert panel.root
    typed(panel, "  ")
    assert state(panel) == ("ready", "Ready. Write a message first.")
    assert service_of(asked).requests == []


def test_clear_goes_back_to_the_beginning_also_during_an_answer() -> None:
    held = Held()
    asked = client(HELLO, answer(body=held, content_type="text/event-stream"))
    panel = chat(asked, START)
    assert panel.root
    panel.ask("More?")
    panel.send("A long story, please.")
    clear = panel._row.box.children[2]
    assert clear.description == "Clear"
    clear.click()
    assert panel.messages == DICTS
    assert (panel._history.value, panel._coming.value) == (panel.static_view().html, "")
    assert state(panel) == ("ready", "Ready.")
    assert panel._box.options == ("More?", "A long story, please.")
    held.go.set()


def test_export_shows_what_can_be_sent_again() -> None:
    panel = chat(client(HELLO), [*START, UserMessage('"Quotes" & <b>é</b>')])
    assert panel.root
    export = panel._row.box.children[3]
    assert (export.description, panel._exported.layout.display) == ("Export", "none")
    export.click()
    assert panel._exported.layout.display is None
    assert json.loads(panel._exported.value) == json.loads(panel.export()) == panel.messages
    assert "é" in panel._exported.value
    panel.ask("More?")
    assert json.loads(panel._exported.value) == panel.messages != []
    assert client().complete(json.loads(panel.export())).content == "Hi!"
    export.click()
    assert panel._exported.layout.display == "none"


def test_no_key_is_anywhere() -> None:
    panel = chat(client(HELLO), START)
    assert panel.root
    panel.ask("More?")
    states = [made.get_state() for made in _every_widget(panel.root)]
    assert len(states) > 10
    assert leaked(panel, panel.export(), panel.static_view().html, states) == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "(no text)"),
        ([{"type": "text", "text": "See:"}, {"type": "image_url"}], "See:\n(image_url)"),
        (7, "(no text)"),
    ],
)
def test_what_is_no_text_is_named(content: Any, words: str) -> None:
    assert conversation([{"role": "tool", "content": content}]).plain == f"Tool: {words}"


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_conversation_harms_nobody(text: str) -> None:
    html = conversation([{"role": text, "content": text}]).html
    plain = html.replace(' class="cc-text"', "")
    start, _, rest = plain.partition(">")
    assert start.startswith('<p data-role="') and start.count('"') == 2
    Page("<p>" + rest)


def test_an_empty_chat_says_so() -> None:
    assert repr(chat(client())).startswith("No message yet.\n\nRun this cell in JupyterLab")
    assert chat(client(), ASK).messages == ASK


def _every_widget(made: Any) -> list[Any]:
    return [
        made,
        *(inner for child in getattr(made, "children", ()) for inner in _every_widget(child)),
    ]
