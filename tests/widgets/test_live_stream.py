"""The live stream: the same answer live and still, Run and Stop, and what went wrong in words."""

import re
import threading
from typing import Any

import httpx
import pytest

from helpers import ServiceConnectionError
from helpers.client.responses import StreamingChatCompletionsUpdate
from helpers.widgets.live_stream import LiveStream, live_stream
from tests.fakes import ASK, DONE, answer, client, leaked, piece, service_of, streamed
from tests.views.test_views import HOSTILE
from tests.widgets.test_job import LONG

HELLO = streamed(piece("Hel"), piece("lo"), piece("", "stop"), DONE)


def updates(*texts: str) -> list[StreamingChatCompletionsUpdate]:
    return [
        StreamingChatCompletionsUpdate({"choices": [{"delta": {"content": text}}]}, 0.1 * number)
        for number, text in enumerate(texts, start=3)
    ]


def state(panel: LiveStream) -> tuple[str, str]:
    """What the status line says: the state, and all its words."""
    found = re.search(r'data-state="(\w+)"[^>]*>(.*)</div>', panel.status.value, re.DOTALL)
    assert found
    return found[1], found[2].strip()


def test_what_the_lesson_has_is_shown_without_a_call() -> None:
    asked = client(HELLO)
    panel = live_stream(asked, ASK, shown=updates("", "One ", "<two>"))
    assert panel.root
    assert "One &lt;two&gt;" in panel.static_view().html
    assert "2 chunks: first after 400 ms, last after 500 ms." in panel.static_view().plain
    assert panel._answer.value == panel.static_view().html
    assert state(panel) == ("ready", "Ready. This answer came earlier; Run asks for it again.")
    assert service_of(asked).requests == []


def test_run_shows_the_answer_in_place_of_the_earlier_one() -> None:
    asked = client(HELLO)
    panel = live_stream(asked, ASK, shown=updates("Old"), max_tokens=7)
    assert panel.root
    panel._row.run.click()
    assert panel.job.wait(LONG).state == "finished"
    assert (panel.answer.text, state(panel)) == ("Hello", ("finished", "Finished."))
    assert "Hello" in panel._answer.value and "Old" not in panel._answer.value
    assert panel._answer.value == panel.static_view().html
    assert "cc-primary" in panel._row.run._dom_classes
    assert service_of(asked).body["max_tokens"] == 7
    panel._row.run.click()
    assert panel.job.wait(LONG).value.text == "Hello"
    assert len(service_of(asked).requests) == 2


def test_it_works_without_any_control() -> None:
    panel = live_stream(client(HELLO), ASK)
    assert "(no text yet)" in repr(panel)
    panel.run()
    panel.job.wait(LONG)
    assert "Hello" in repr(panel)
    assert not panel.is_built


def test_messages_may_come_from_an_iterator() -> None:
    asked = client(HELLO)
    panel = live_stream(asked, iter(ASK))
    for _ in range(2):
        panel.run()
        panel.job.wait(LONG)
        assert service_of(asked).body["messages"] == ASK


class Held(httpx.SyncByteStream):
    """A stream that brings one piece and then waits until it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()

    def __iter__(self) -> Any:
        yield piece("Once").encode()
        assert self.go.wait(LONG)
        yield piece(" upon a time").encode()


def test_stop_keeps_what_has_arrived_and_says_that_it_is_not_all() -> None:
    held, arrived = Held(), threading.Event()
    asked = client(answer(body=held, content_type="text/event-stream"))
    panel = live_stream(asked, ASK)
    assert panel.root
    panel._answer.observe(lambda change: arrived.set() if "Once" in change.new else None, "value")
    panel._row.run.click()
    assert arrived.wait(LONG)
    assert state(panel)[0] == "running"
    assert "cc-primary" in panel._row.stop._dom_classes
    panel._row.stop.click()
    panel.job.wait(LONG)
    said = ("stopped", "Stopped. What had arrived is kept; it is not the whole answer.")
    assert (panel.answer.text, state(panel)) == ("Once", said)
    held.go.set()
    for thread in threading.enumerate():
        if thread.name.endswith("(_work)"):
            thread.join(LONG)
    assert (panel.answer.text, state(panel)) == ("Once", said)
    assert "upon" not in panel._answer.value


def test_an_answer_that_was_cut_off_is_told_from_a_whole_one() -> None:
    panel = live_stream(client(streamed(piece("Hel"), piece("", "length"), DONE)), ASK)
    assert panel.root
    panel.run()
    panel.job.wait(LONG)
    assert state(panel) == (
        "finished",
        "Finished. The answer ended early (finish_reason: length).",
    )


@pytest.mark.parametrize(
    ("fault", "words", "text"),
    [
        (answer(401, {"error": {"message": "Who are you?"}}), "Who are you?", ""),
        (streamed(piece("Hel"), httpx.ReadError("gone")), "The connection ended", "Hel"),
        (httpx.ConnectError("refused"), ServiceConnectionError.summary, ""),
    ],
)
def test_what_goes_wrong_is_said_and_what_had_arrived_stays(
    fault: Any, words: str, text: str
) -> None:
    panel = live_stream(client(fault), ASK)
    assert panel.root
    panel._row.run.click()
    panel.job.wait(LONG)
    assert state(panel)[0] == "failed"
    assert words in state(panel)[1] and "What to do:" in state(panel)[1]
    assert panel.answer.text == text
    assert leaked(panel, panel.status.value, panel._answer.value) == []


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_answer_harms_nobody(text: str) -> None:
    html = live_stream(client(), ASK, shown=updates(text)).static_view().html
    assert re.findall(r"<(?!/?(?:div|code|br)\b)", html) == []
    assert "onerror=" not in re.sub(r">[^<]*<", "><", html)
