"""The live stream: an earlier answer, and one that Run puts in its place."""

from helpers.client.responses import StreamingChatCompletionsUpdate
from helpers.widgets.ask import Answer, Chunk, outcome_text
from helpers.widgets.job import Progress
from helpers.widgets.live_stream import LiveStream
from tests.fakes import ASK, DONE, client, piece, service_of, streamed
from tests.widgets.panels import HELLO, LONG, control, press, state


def updates(*texts: str) -> list[StreamingChatCompletionsUpdate]:
    return [
        StreamingChatCompletionsUpdate({"choices": [{"delta": {"content": text}}]}, 0.1 * number)
        for number, text in enumerate(texts, start=3)
    ]


def test_run_shows_an_answer_in_place_of_the_earlier_one() -> None:
    asked = client(HELLO)
    panel = LiveStream(asked, iter(ASK), initial=updates("", "One ", "<two>"), max_tokens=7)
    assert "One &lt;two&gt;" in panel.static_view().html
    assert "2 chunks: first after 400 ms, last after 500 ms." in panel.static_view().plain
    assert control(panel, "answer").value == panel.static_view().html
    assert state(panel) == ("ready", "Ready. This answer came earlier; Run asks for it again.")
    for _ in range(2):
        assert press(panel).value.text == "Hello"
        assert state(panel) == ("finished", "Finished.")
        assert control(panel, "answer").value == panel.static_view().html
        assert "two" not in panel.static_view().html
        assert (service_of(asked).body["messages"], service_of(asked).body["max_tokens"]) == (
            ASK,
            7,
        )


def test_it_works_without_any_control() -> None:
    panel = LiveStream(client(HELLO), ASK)
    assert "(no text yet)" in repr(panel)
    panel.run()
    panel.job.wait(LONG)
    assert "Hello" in repr(panel) and not panel.is_built


def test_an_answer_that_was_cut_off_is_told_from_a_whole_one() -> None:
    panel = LiveStream(client(streamed(piece("Hel"), piece("", "length"), DONE)), ASK)
    press(panel)
    words = "Finished. The answer ended early (finish_reason: length)."
    assert state(panel) == ("finished", words)


def test_of_a_stopped_answer_it_is_said_whether_something_had_come() -> None:
    stopped = [Progress("stopped", value) for value in (Answer(), Answer([Chunk(0.1, "a")], 1))]
    assert outcome_text(stopped[0]) == "Nothing had arrived."
    assert outcome_text(stopped[1]) == "What had arrived is kept; it is not the whole answer."
