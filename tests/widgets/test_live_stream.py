"""The live stream: an earlier answer, and one that Run puts in its place."""

from typing import Any

from helpers.client.responses import StreamingChatCompletionsUpdate
from helpers.widgets.ask_panel import StreamedAnswer, snapshot_text, stream_answer
from helpers.widgets.job import Snapshot
from helpers.widgets.live_stream import LiveStream
from tests.fakes import ASK, DONE, client, event, piece, service_of, streamed
from tests.widgets.panels import HELLO, control, press, run, state


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


def test_an_answer_that_was_cut_off_is_told_from_a_whole_one() -> None:
    panel = LiveStream(client(streamed(piece("Hel"), piece("", "length"), DONE)), ASK)
    press(panel)
    words = "Finished. The answer ended early (finish_reason: length)."
    assert state(panel) == ("finished", words)


def test_what_comes_before_any_text_is_said() -> None:
    thinks = [event(choices=[{"delta": {"reasoning": text}}]) for text in ("Hm", ", well")]
    asked = client(streamed(*thinks, piece("Hi"), piece("", "stop"), DONE))
    values = list(stream_answer(asked, run(), ASK))
    said = [snapshot_text(Snapshot("running", value)) for value in values]
    assert said == [*["(the model is reasoning, no text yet)"] * 2, "Hi", "Hi", "Hi"]
    assert [len(value.arrivals) for value in values] == [0, 0, 1, 1, 1]
    assert snapshot_text(Snapshot("stopped", values[0])) == "(no text)"
    assert snapshot_text(Snapshot("ready", StreamedAnswer())) == "(no text yet)"


def test_thoughts_stand_before_the_answer_and_are_named() -> None:
    thinks = [event(choices=[{"delta": {"reasoning_content": text}}]) for text in ("<Hm", ", well")]
    panel = LiveStream(client(streamed(*thinks, piece("Hi"), piece("", "stop"), DONE)), ASK)
    assert "Thoughts:" not in repr(panel)
    press(panel)
    assert repr(panel).startswith("Thoughts: <Hm, well\n\nAnswer: Hi\n\n0 s ")
    assert "<b>Thoughts:</b> &lt;Hm, well</div>" in control(panel, "answer").value


def test_of_earlier_updates_the_end_is_known_too() -> None:
    assert repr(LiveStream(client(), ASK)).startswith("(no text yet)")
    pieces: list[Any] = [{"delta": {"refusal": "No."}}, {"delta": {}, "finish_reason": "stop"}]
    updates = [StreamingChatCompletionsUpdate({"choices": [one]}, 0.1) for one in pieces]
    panel = LiveStream(client(), ASK, initial=updates)
    assert repr(panel).startswith("The model refused: No.\n\n0 s ·█ 100 ms\n1 chunk: ")
    pieces[0]["delta"] = {"reasoning_content": "Hm"}
    assert repr(LiveStream(client(), ASK, initial=updates)).startswith(
        "Thoughts: Hm\n\nAnswer: (the model reasoned and gave no text; finish_reason: stop)"
    )
