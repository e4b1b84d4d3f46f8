"""Recording and replay: the same calls give the same answers, and no key or host is kept."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from helpers import (
    ChatCompletionsClient,
    ChatError,
    NoRecordingError,
    RecordingError,
)
from helpers.recordings.record import RecordingTransport
from helpers.recordings.replay import ReplayTransport
from tests.fakes import (
    ASK,
    COMPLETION,
    DONE,
    Answer,
    Chunks,
    Service,
    answer,
    client,
    event,
    noting,
    piece,
    streamed,
)
from tests.recordings.calls import LESSON, record, recording_in, replay, says
from tests.sync_and_async import both, once

pytestmark = both

CUT = httpx.ReadError("cut")
HI = (piece("H"), piece("i"), piece(finish="stop"))


def outcome(asked: ChatCompletionsClient) -> Any:
    """All that a caller can see of a whole answer."""
    try:
        completion = asked.complete(ASK)
    except ChatError as failure:
        return type(failure), str(failure), failure.code, failure.exchange
    return completion.raw, completion.exchange


def stream_outcome(asked: ChatCompletionsClient) -> Any:
    """All that a caller can see of a stream."""
    seen: list[Any] = []
    with asked.stream(ASK) as stream:
        try:
            for update in stream:
                seen.append((update.raw, update.elapsed))
                if update.content == "leave":
                    break
        except ChatError as failure:
            seen.append((type(failure), failure.code, failure.words))
    return seen, stream.completion.raw, stream.exchange


ANSWERS: dict[str, Answer] = {
    "completion": answer(x_request_id="r1", x_answered_by="script"),
    "error": answer(404, {"error": {"code": "404", "message": "Resource not found"}}),
    "text": answer(404, "NOT FOUND"),
    "empty": answer(500, ""),
    "null": answer(500, None),
    "nested without end": answer(400, b"[" * 100_000),
    "not utf-8": answer(500, b"caf\xe9"),
    "other script": answer(body=b'{"choices": [], "text": "\xe4\xb8\x96 \\u2028 \\ud800 \\u0000"}'),
}


@pytest.mark.parametrize("given", ANSWERS.values(), ids=ANSWERS)
def test_a_replayed_answer_is_the_recorded_one(path: Path, given: Answer) -> None:
    recorded = record(path, outcome, given, max_retries=0)
    assert replay(path, outcome, max_retries=0) == recorded


STREAMS: dict[str, tuple[Answer, str]] = {
    "whole": (streamed(*HI, DONE), "complete"),
    "without an end mark": (streamed(*HI), "complete"),
    "text after the end mark": (streamed(*HI, DONE + piece("!")), "complete"),
    "end mark in two chunks": (streamed(*HI, DONE[:9], DONE[9:]), "complete"),
    "cut": (streamed(HI[0], CUT), "cut"),
    "cut within an event": (streamed(HI[0], HI[1][:20], CUT), "cut"),
    "no reason": (streamed(HI[0]), "complete"),
    "error": (streamed(HI[0], event(error={"message": "Oh", "code": "x"}), DONE), "left"),
    "left": (streamed(HI[0], piece("leave"), *HI, DONE), "left"),
    "byte by byte": (
        streamed(*(bytes([b]) for b in (piece("世 👋\u2028", "stop") + DONE).encode())),
        "complete",
    ),
}


@pytest.mark.parametrize(("given", "ended"), STREAMS.values(), ids=STREAMS)
def test_a_replayed_stream_is_the_recorded_one(path: Path, given: Answer, ended: str) -> None:
    recorded = record(path, stream_outcome, given)
    assert recording_in(path)["exchanges"][0]["response"]["ended"] == ended
    assert replay(path, stream_outcome) == recorded


def test_chunks_are_kept_as_they_came(path: Path) -> None:
    record(path, stream_outcome, streamed(HI[0] + HI[1][:9], HI[1][9:], HI[2], DONE))
    chunks = recording_in(path)["exchanges"][0]["response"]["stream"]
    assert [text for _, text in chunks] == [HI[0] + HI[1][:9], HI[1][9:], HI[2], DONE]
    times = [at for at, _ in chunks]
    assert times == sorted(times)


def test_a_chunk_is_handed_on_before_the_next_one_is_read(path: Path) -> None:
    body = Chunks(*(part.encode() for part in (*HI, DONE)))

    def act(asked: ChatCompletionsClient) -> Any:
        with asked.stream(ASK) as stream:
            return [body.read for _ in stream]

    assert record(path, act, answer(body=body, content_type="text/event-stream")) == [1, 2, 3]
    assert body.closed


@pytest.mark.parametrize("reason", [KeyboardInterrupt(), CUT])
def test_an_answer_that_is_not_read_to_its_end_is_closed_and_not_kept(
    path: Path, reason: BaseException
) -> None:
    body = Chunks(b'{"choices', reason)
    with suppress(KeyboardInterrupt):
        record(path, outcome, answer(body=body), max_retries=0)
    assert body.closed
    assert not path.exists()


def test_closing_the_client_closes_what_the_recorder_sends_by(path: Path, way: str) -> None:
    class Closing(Service):
        closed = ""

        def close(self) -> None:
            self.closed = "sync"

        async def aclose(self) -> None:
            self.closed = "async"

    inner = Closing(answer())
    with client(transport=RecordingTransport(path, inner, LESSON, {}, path)):
        assert not inner.closed
    assert inner.closed == way


def test_a_stream_that_the_lesson_left_cannot_be_read_further(path: Path) -> None:
    record(path, stream_outcome, STREAMS["left"][0])
    with (
        client(transport=ReplayTransport(path)).stream(ASK) as stream,
        pytest.raises(RecordingError),
    ):
        list(stream)


def test_a_failure_that_cannot_be_provoked_live_is_kept_from_the_stand_in(path: Path) -> None:
    marked = {"x_answered_by": "script", "x_provoked": "rate-limited"}
    scripted = answer(429, "", retry_after="0", **marked), answer(x_answered_by="script")
    record(path, lambda asked: asked.complete(ASK), *scripted)
    live = answer(), answer(x_request_id="live")
    again = record(path, lambda asked: asked.complete(ASK, model="my-own"), *live)
    assert [kept["response"]["status"] for kept in recording_in(path)["exchanges"]] == [429, 200]
    assert [kept["request"]["body"]["model"] for kept in recording_in(path)["exchanges"]] == [
        "my-own"
    ] * 2
    assert again.exchange.response_headers["x-request-id"] == "live"
    assert recording_in(path)["provenance"]["answered_by"] == {"script": 1, "live": 1}


def test_recording_again_needs_nothing_of_the_old_file(path: Path) -> None:
    marked = {"x_answered_by": "script", "x_provoked": "wrong-key"}
    for words in "old", "new":
        record(path, outcome, answer(401, words, **marked))
        assert [kept["response"]["text"] for kept in recording_in(path)["exchanges"]] == [words]
    path.write_text("{", encoding="utf-8")  # damaged
    record(path, outcome, answer())
    assert len(recording_in(path)["exchanges"]) == 1


def texts(asked: ChatCompletionsClient) -> list[str]:
    return [asked.complete(ASK).content for _ in range(4)]


def test_the_same_request_again_gets_its_answers_in_order_and_then_again(path: Path) -> None:
    record(path, lambda asked: [asked.complete(ASK), asked.complete(ASK)], says("a"), says("b"))
    assert replay(path, texts) == ["a", "b", "a", "b"]


def test_a_retry_meets_the_failure_and_then_the_success_each_time(path: Path) -> None:
    waits: list[float] = []
    record(path, outcome, answer(429, "", retry_after="3"), says("a"))
    assert replay(path, texts, on_wait=noting(waits)) == ["a"] * 4
    assert waits == [3.0] * 4


@once
def test_threads_get_the_answers_in_order_and_each_as_often(path: Path) -> None:
    record(path, texts, *map(says, "abc"))
    replayed = client(transport=ReplayTransport(path))
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda _: replayed.complete(ASK).content, range(60)))
    assert Counter(got) == {"a": 15, "b": 15, "c": 30}


def test_a_replay_never_goes_to_the_network(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record(path, outcome, answer())
    monkeypatch.setattr("socket.socket", None)
    assert replay(path, lambda asked: asked.complete(ASK).raw) == COMPLETION
    with pytest.raises(NoRecordingError):
        replay(path, lambda asked: asked.complete(ASK, seed=1))
