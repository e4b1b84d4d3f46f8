"""Streams through the client: whole, odd, broken, left."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest

from helpers import ConfigurationError, ServiceError, StreamInterruptedError
from tests.fakes import (
    ASK,
    COMPLETION,
    DONE,
    Answer,
    Chunks,
    answer,
    client,
    event,
    noting,
    piece,
    service_of,
    streamed,
)  # fmt: skip
from tests.sync_and_async import both

pytestmark = both

ID = "7f9c1e52-0000-4000-8000-2b3c4d5e6f70"
CUT = httpx.ReadError("cut")
HI = (piece("H"), piece("i"))
EMPTY = event(choices=[], id="", prompt_filter_results=[{"prompt_index": 0}])
USAGE = event(choices=[], usage={"total_tokens": 5})

WHOLE: dict[str, list[Any]] = {
    "with its end mark": [*HI, piece(finish="stop"), DONE],
    "without an end mark": [*HI, piece(finish="stop")],
    "an end mark, no reason": [*HI, DONE],
    "text after the end mark": [*HI, piece(finish="stop"), DONE, "data: {oops\n\n", piece("!")],
    "all in one chunk": ["".join([*HI, piece(finish="stop"), DONE, piece("!")])],
    "no choice first": [EMPTY, *HI, piece(finish="stop"), DONE],
    "usage last": [*HI, piece(finish="stop"), USAGE, DONE],
    "usage alone, without choices": [*HI, piece(finish="stop"), event(usage={}, id="c"), DONE],
    "no delta last": [*HI, piece(finish="stop"), event(choices=[{"index": 0}]), DONE],
    "comments between": [": a\n\n", HI[0], ": b\n\n", HI[1], piece(finish="stop"), DONE],
    "a reason nobody knows": [*HI, piece(finish="model_length"), DONE],
    "error null": [*HI, event(choices=[], error=None), piece(finish="stop"), DONE],
    "no empty line last": [*HI, piece(finish="stop").rstrip()],
    "no line end within the last event": [HI[0], piece("i", "stop")[:9], piece("i", "stop")[9:-2]],
    "cut after its reason": [*HI, piece(finish="stop"), CUT],
}


@pytest.mark.parametrize("pieces", WHOLE.values(), ids=WHOLE)
def test_a_stream_is_whole(pieces: list[Any]) -> None:
    with client(streamed(*pieces)).stream(ASK) as stream:
        text = "".join(update.content for update in stream)
    assert (text, stream.completion.content) == ("Hi", "Hi")


def test_the_finish_reason_is_kept_even_if_nobody_knows_it() -> None:
    with client(streamed(*WHOLE["a reason nobody knows"])).stream(ASK) as stream:
        assert [update.finish_reason for update in stream] == [None, None, "model_length"]
    assert stream.completion.finish_reason == "model_length"


def test_unknown_fields_are_kept() -> None:
    with client(streamed(EMPTY, piece("a", "stop", stop_reason=32007), DONE)).stream(ASK) as stream:
        first, second = list(stream)
    assert first.raw["prompt_filter_results"] == [{"prompt_index": 0}]
    assert second.choices[0].raw["stop_reason"] == 32007
    assert stream.completion.choices[0].raw["stop_reason"] == 32007


def test_a_character_may_be_split_between_chunks() -> None:
    wire = "".join([piece("世界 👋\u2028"), piece(finish="stop"), DONE]).encode()
    with client(streamed(*(bytes([byte]) for byte in wire))).stream(ASK) as stream:
        assert "".join(update.content for update in stream) == "世界 👋\u2028"


def test_what_an_update_brings_is_in_the_completion_when_you_see_it() -> None:
    with client(streamed(*HI, DONE)).stream(ASK) as stream:
        seen = [(update.content, stream.completion.content) for update in stream]
    assert seen == [("H", "H"), ("i", "Hi")]


def test_each_update_comes_before_the_next_chunk_is_read() -> None:
    chunks = Chunks(*(part.encode() for part in (*HI, DONE)))
    with client(answer(body=chunks, content_type="text/event-stream")).stream(ASK) as stream:
        assert [chunks.read for _ in stream] == [1, 2]


def test_elapsed_never_falls_and_stands_still_after_the_end() -> None:
    with client(streamed(*HI, piece(finish="stop"), DONE)).stream(ASK) as stream:
        times = [update.elapsed for update in stream]
    end = stream.exchange.elapsed
    assert times == sorted(times)
    assert 0 < times[0] <= times[-1] <= end == stream.exchange.elapsed


def test_events_are_the_raw_data_and_the_answer_is_put_together_all_the_same() -> None:
    with client(streamed(*HI, piece(finish="stop"), DONE)).stream(ASK) as stream:
        data = list(stream.events())
    assert data == [part.removeprefix("data: ").rstrip() for part in (*HI, piece(finish="stop"))]
    assert (stream.completion.content, stream.completion.finish_reason) == ("Hi", "stop")


BROKEN = {
    # what ends the stream; message, words, code
    "no reason and no end mark": ([], "ended the stream before the answer", "", None),
    "cut": ([CUT], "The connection ended: ReadError", "", None),
    "cut by the protocol": ([httpx.RemoteProtocolError("x")], "RemoteProtocolError", "", None),
    "timed out": ([httpx.ReadTimeout("x")], "ReadTimeout", "", None),
    "can't be decoded": ([httpx.DecodingError("x")], "DecodingError", "", None),
    "cut within an event": (['data: {"choices": [{"del', CUT], "ReadError", "", None),
    "error": ([event(error={"code": "500", "message": "Oh"}), DONE],
              "error within the stream", "Oh", "500"),
    "error text": ([event(error="Oh"), DONE], "error within the stream", "Oh", None),
    "flat error": ([event(object="error", message="Oh", code=400), DONE],
                   "error within the stream", "Oh", "400"),
    "named error": (["event: error\n" + event(message="Oh"), DONE],
                    "error within the stream", "Oh", None),
    "named error, no JSON": (["event: error\ndata: Error parsing: x\n\n", DONE],
                             "error within the stream", "Error parsing: x", None),
    "no JSON": (["data: {oops\n\n", DONE], "held no JSON", "{oops", None),
    "HTML": (["data: <html><title>502</title>\n\n"], "held no JSON", "an HTML page: 502", None),
    "a list": (['data: [{"message": "Oh"}]\n\n'], "error within the stream", "Oh", None),
    "a number": (["data: 5\n\n"], "error within the stream", "", None),
    "null": (["data: null\n\n"], "error within the stream", "", None),
}  # fmt: skip


@pytest.mark.parametrize(("end", "message", "words", "code"), BROKEN.values(), ids=BROKEN)
def test_a_broken_stream_tells_why_and_keeps_what_came(
    end: list[Any], message: str, words: str, code: str | None
) -> None:
    seen = []
    with client(streamed(*HI, *end)).stream(ASK) as stream:
        with pytest.raises(StreamInterruptedError, match=message) as failure:
            seen += [update.content for update in stream]
        assert (failure.value.words, failure.value.code) == (words, code)
    assert failure.value.partial.content == stream.completion.content == "Hi"
    assert "Received so far: 2 characters" in str(failure.value)
    assert failure.value.exchange == stream.exchange


def test_a_broken_stream_names_the_request_id() -> None:
    chunks = Chunks(HI[0].encode())
    broken = answer(body=chunks, content_type="text/event-stream", apim_request_id=ID)
    with client(broken).stream(ASK) as stream, pytest.raises(StreamInterruptedError) as failure:
        list(stream)
    assert f"Request id: {ID}" in str(failure.value)


def test_one_of_two_answers_that_did_not_end_is_a_broken_stream() -> None:
    two = event(choices=[{"index": i, "delta": {"content": "a"}} for i in (0, 1)])
    with (
        client(streamed(two, piece(finish="stop"), CUT)).stream(ASK) as stream,
        pytest.raises(StreamInterruptedError),
    ):
        list(stream)


@pytest.mark.parametrize("cut", [CUT, httpx.ReadTimeout("x")], ids=["cut", "timed out"])
def test_a_stream_is_never_asked_for_again_once_it_began(cut: Exception) -> None:
    waits: list[float] = []
    asked = client(streamed(HI[0], cut), streamed(DONE), on_wait=noting(waits))
    with asked.stream(ASK) as stream, pytest.raises(StreamInterruptedError):
        list(stream)
    assert len(service_of(asked).requests) == 1
    assert waits == []


def test_a_stream_that_is_refused_at_first_is_asked_for_again() -> None:
    asked = client(answer(429, ""), streamed(*HI, DONE))
    with asked.stream(ASK) as stream:
        assert "".join(update.content for update in stream) == "Hi"
    assert len(service_of(asked).requests) == 2


def test_leaving_early_closes_the_connection_and_keeps_what_came() -> None:
    chunks = Chunks(*(part.encode() for part in (*HI, DONE)))
    with client(answer(body=chunks, content_type="text/event-stream")).stream(ASK) as stream:
        for _ in stream:
            break
    assert (chunks.closed, chunks.read, stream.completion.content) == (True, 1, "H")


@pytest.mark.parametrize("pieces", [[*HI, DONE], [*HI, CUT], ["data: 5\n\n"]])
def test_the_end_closes_the_connection(pieces: list[Any]) -> None:
    body = Chunks(*(part.encode() if isinstance(part, str) else part for part in pieces))
    stream = client(answer(body=body, content_type="text/event-stream")).stream(ASK).__enter__()
    with suppress(StreamInterruptedError):
        list(stream)
    assert body.closed


@pytest.mark.parametrize("read", [list, lambda s: list(s.events()), lambda s: s.exchange],
                         ids=["iterate", "events", "exchange"])  # fmt: skip
def test_a_stream_that_is_not_open_says_so(read: Any) -> None:
    asked = client(streamed(DONE))
    stream = asked.stream(ASK)
    with pytest.raises(ConfigurationError, match=r"with client\.stream"):
        read(stream)
    assert stream.completion.content == ""
    assert service_of(asked).requests == []


def test_a_stream_that_was_closed_before_its_end_is_broken() -> None:
    with client(streamed(*HI, DONE)).stream(ASK) as stream:
        stream.close()
        with pytest.raises(StreamInterruptedError):
            list(stream)


NO_STREAM: dict[str, tuple[Answer, str]] = {
    "JSON": (answer(), ""),
    "JSON error": (answer(body={"error": {"message": "Oh"}}), "Oh"),
    "HTML": (answer(body="<html><title>Sign in</title>", content_type="text/html"),
             "an HTML page: Sign in"),
    "text": (answer(body="fine", content_type="text/plain"), "fine"),
    "nothing": (answer(204, ""), ""),
}  # fmt: skip


@pytest.mark.parametrize(("given", "words"), NO_STREAM.values(), ids=NO_STREAM)
def test_something_else_than_a_stream_is_a_service_error(given: Answer, words: str) -> None:
    with (
        pytest.raises(ServiceError, match="something else came") as failure,
        client(given).stream(ASK),
    ):
        pass
    assert failure.value.words == words
    assert failure.value.status in (200, 204)


def test_the_exchange_of_a_stream_holds_the_request_and_no_body() -> None:
    with client(streamed(*HI, DONE)).stream(ASK) as stream:
        list(stream)
    exchange = stream.exchange
    assert exchange == stream.completion.exchange
    assert (exchange.status, exchange.response_body) == (200, None)
    assert exchange.request_body == {"messages": ASK, "model": "my-deployment", "stream": True}
    assert exchange.request_headers["accept"] == "text/event-stream"
    assert json.dumps(COMPLETION) not in repr(exchange)


def test_a_stream_that_is_entered_again_begins_anew() -> None:
    stream = client(streamed(piece("Hi", "stop"), DONE)).stream(ASK)
    for _ in range(2):
        with stream:
            assert [update.content for update in stream] == ["Hi"]
        assert stream.completion.content == "Hi"


@pytest.mark.parametrize("depth", [300, 480, 700, 900, 3000, 50_000])
def test_json_of_any_depth_is_read_or_a_broken_stream(depth: int) -> None:
    nested = f'"x":{"[" * depth}{"]" * depth}'
    wire = f'data: {{"choices":[{{"delta":{{{nested}}},"finish_reason":"stop"}}]}}\n\n'
    with suppress(StreamInterruptedError), client(streamed(wire)).stream(ASK) as stream:
        list(stream)
        assert stream.completion.finish_reason == "stop"


def test_ctrl_c_closes_the_connection_and_what_came_is_kept() -> None:
    class Interrupted(Chunks):
        def __iter__(self) -> Iterator[bytes]:
            yield piece("Hi").encode()
            raise KeyboardInterrupt

    body = Interrupted()
    asked = client(answer(body=body, content_type="text/event-stream"))
    stream = asked.stream(ASK)
    with pytest.raises(KeyboardInterrupt), stream:
        list(stream)
    assert body.closed
    assert stream.completion.content == "Hi"
