"""The chat: a conversation that goes on, can be stopped, begun anew, and sent again."""

import json
import threading
from typing import Any

import httpx
import pytest

from helpers import AssistantMessage, AuthenticationError, SystemMessage, UserMessage
from helpers.connect import connect
from helpers.widgets.ask_panel import StreamedAnswer
from helpers.widgets.chat import Chat
from helpers.widgets.job import Snapshot
from tests.fakes import DONE, answer, client, event, piece, service_of, streamed
from tests.widgets.panels import HELLO, LONG, Held, control, end_of, enter, join_tasks, press, state
from tests.widgets.test_ask_panel import lesson_conversation

START = [SystemMessage("Be brief."), UserMessage("Hello"), AssistantMessage("Hi!")]
DICTS = [message.as_dict() for message in START]
MORE = {"role": "user", "content": "More?"}
SAID = {"role": "assistant", "content": "Hello"}
REFUSED = answer(401, {"error": {"message": "Who are you?"}})


def sending(panel: Chat, text: str = "More?") -> Any:
    """Write a message, press Enter and wait for the end: what a person then reads."""
    control(panel, "message").value = text
    enter(control(panel, "message"))
    end_of(panel.job)
    return state(panel)


def shown(panel: Chat, name: str) -> str:
    return str(control(panel, name).value)


def test_a_message_is_sent_with_all_that_was_said_before() -> None:
    asked, given = client(HELLO), list(DICTS)
    panel = Chat(asked, given)
    assert panel.messages == DICTS
    assert panel.static_view().plain == "Instructions: Be brief.\n\nYou: Hello\n\nModel: Hi!"
    assert shown(panel, "history") == panel.static_view().html
    assert sending(panel) == ("finished", "Finished.")
    assert service_of(asked).body["messages"] == [*DICTS, MORE]
    assert panel.messages == [*DICTS, MORE, SAID]
    assert [shown(panel, name) for name in ("message", "answer")] == ["", ""]
    assert shown(panel, "history") == panel.static_view().html
    assert panel.static_view().plain.endswith("You: More?\n\nModel: Hello")
    sending(panel, "And then?")
    assert service_of(asked).body["messages"] == panel.messages[:-1] != panel.messages[:4]
    assert given == DICTS


def test_a_drawing_that_is_late_shows_nothing_twice() -> None:
    panel = Chat(client(HELLO), START)
    assert panel.root
    panel.ask("More?")
    panel.update(Snapshot("running", StreamedAnswer("Hello", arrivals=(0.1,))), False)
    assert (shown(panel, "history") + shown(panel, "answer")).count("More?") == 1


def test_from_a_cell_the_answer_is_waited_for_or_the_error_raised() -> None:
    held = Held()
    panel = Chat(client(HELLO, REFUSED, held.answer), START)
    assert panel.ask("More?") == "Hello"
    with pytest.raises(AuthenticationError):
        panel.ask("And now?")
    assert panel.messages == [*DICTS, MORE, SAID]
    panel.run("A long story, please.")
    with pytest.raises(ValueError, match="still on its way"):
        panel.ask("More?")
    panel.job.stop()
    held.go.set()
    assert not panel.is_built


def test_while_an_answer_comes_it_is_shown_and_the_next_message_can_be_written() -> None:
    held, arrived = Held(), threading.Event()
    asked = client(held.answer, HELLO)
    panel = Chat(asked, START)
    control(panel, "answer").observe(lambda c: "Once" in c.new and arrived.set(), "value")
    box = control(panel, "message")
    box.value = "More?"
    enter(box)
    assert arrived.wait(LONG)
    assert "More?" in shown(panel, "answer") and "More?" not in shown(panel, "history")
    box.value = "Too soon"
    enter(box)
    panel.stop_button.click()
    kept = [*DICTS, MORE, {"role": "assistant", "content": "Once"}]
    assert panel.messages == kept and box.value == "Too soon"
    panel.run("At once")  # before the end of the other was drawn
    end_of(panel.job)
    assert panel.messages[:-2] == kept
    assert (shown(panel, "history"), shown(panel, "answer")) == (panel.static_view().html, "")
    held.go.set()


@pytest.mark.parametrize("typed", ["", "And then?"])
def test_a_question_without_an_answer_comes_back_unless_another_was_typed(typed: str) -> None:
    panel = Chat(client(REFUSED, HELLO), START)
    box = control(panel, "message")
    box.value = "More?"
    # At the latest while the answer is on its way.
    box.observe(lambda c: c.new == "" and typed and box.set_trait("value", typed), "value")
    press(panel)
    assert "Who are you?" in state(panel)[1]
    assert (panel.messages, box.value) == (DICTS, typed or "More?")
    assert shown(panel, "history") == panel.static_view().html
    if not typed:
        press(panel)
        assert panel.messages == [*DICTS, MORE, SAID]


def test_of_an_answer_that_breaks_the_beginning_is_kept() -> None:
    panel = Chat(client(streamed(piece("Hel"), httpx.ReadError("gone"))))
    assert sending(panel)[0] == "failed"
    assert panel.messages == [MORE, {"role": "assistant", "content": "Hel"}]
    assert shown(panel, "message") == ""


def test_clear_goes_back_to_the_beginning_also_during_an_answer() -> None:
    held = Held()
    panel = Chat(client(HELLO, held.answer), START)
    clear = control(panel, "clear")
    panel.ask("More?")
    panel.run("A long story, please.")
    clear.click()
    assert (clear.description, panel.messages) == ("Clear", DICTS)
    assert (shown(panel, "history"), shown(panel, "answer")) == (panel.static_view().html, "")
    assert state(panel) == ("ready", "Ready.")
    held.go.set()
    join_tasks()
    assert panel.messages == DICTS


def test_offline_the_list_holds_what_can_follow_here() -> None:
    panel = Chat(connect("01-basic-call"), lesson_conversation())
    listed = control(panel, "examples")
    assert [label for label, _ in listed.options] == [
        "Choose an example",
        "And which has the fewest?",
    ]
    panel.ask("And which has the fewest?")
    assert [label for label, _ in listed.options] == ["No more: press Clear"]
    control(panel, "clear").click()
    listed.label = "And which has the fewest?"
    assert press(panel).state == "finished"
    odd = Chat(connect("01-basic-call"), [{"role": "user", "content": 7}])
    assert len(control(odd, "examples").options) == 1, "nobody could send its messages"


def test_export_shows_what_can_be_sent_again() -> None:
    panel = Chat(client(HELLO), [*START, UserMessage('"Quotes" & <b>é</b>')])
    export, exported = control(panel, "export"), control(panel, "exported")
    assert (export.description, exported.layout.display) == ("Export", "none")
    export.click()
    assert exported.layout.display is None and "é" in exported.value
    assert json.loads(exported.value) == json.loads(panel.export()) == panel.messages
    panel.ask("More?")
    assert json.loads(exported.value) == panel.messages != []
    assert client().complete(json.loads(panel.export())).content == "Hi!"
    export.click()
    assert exported.layout.display == "none"


def test_an_answer_without_text_is_a_turn_and_its_words_are_returned() -> None:
    refused = streamed(event(choices=[{"delta": {"refusal": "No."}}]), piece(None, "stop"), DONE)
    panel = Chat(client(refused), START)
    assert panel.ask("More?") == "The model refused: No."
    assert panel.messages[-1]["refusal"] == "No."
    panel.ended(Snapshot("stopped", StreamedAnswer(refusal="I c", arrivals=(0.1,))))
    assert panel.messages[-1]["refusal"] == "I c"
    panel.clear()
    assert panel.static_view().plain.endswith("Model: Hi!")
