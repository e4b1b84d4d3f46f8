"""What the table of faults can't say of streams: the order of things, and how they are closed."""

from contextlib import suppress
from typing import Any

import httpx
import pytest

from helpers import ConfigurationError, StreamInterruptedError
from tests.fakes import ASK, DONE, Chunks, answer, client, piece, service_of, streamed  # fmt: skip
from tests.sync_and_async import both

pytestmark = both

CUT = httpx.ReadError("cut")
HI = (piece("H"), piece("i"))


def test_each_update_is_in_the_completion_before_the_next_chunk_is_read() -> None:
    chunks = Chunks(*(part.encode() for part in (*HI, DONE)))
    with client(answer(body=chunks, content_type="text/event-stream")).stream(ASK) as stream:
        seen = [(update.content, stream.completion.content, chunks.read) for update in stream]
    assert seen == [("H", "H", 1), ("i", "Hi", 2)]


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


def test_a_broken_stream_names_the_request_id_and_keeps_its_exchange() -> None:
    chunks = Chunks(HI[0].encode(), CUT)
    broken = answer(body=chunks, content_type="text/event-stream", apim_request_id="7f9c1e52")
    with client(broken).stream(ASK) as stream, pytest.raises(StreamInterruptedError) as failure:
        list(stream)
    assert "Request id: 7f9c1e52\n" in str(failure.value)
    assert "Received so far: 1 characters" in str(failure.value)
    assert failure.value.partial.content == stream.completion.content == "H"
    assert failure.value.exchange == stream.exchange


@pytest.mark.parametrize("end", [DONE.encode(), CUT, b"data: 5\n\n", KeyboardInterrupt()], ids=repr)
def test_the_end_closes_the_connection_and_what_came_is_kept(end: Any) -> None:
    chunks = Chunks(HI[0].encode(), end)
    stream = client(answer(body=chunks, content_type="text/event-stream")).stream(ASK).__enter__()
    with suppress(StreamInterruptedError, KeyboardInterrupt):
        list(stream)
    assert (chunks.closed, stream.completion.content) == (True, "H")
    assert (stream.exchange.status, stream.exchange.response_body) == (200, None)


def test_leaving_early_closes_the_connection_and_keeps_what_came() -> None:
    chunks = Chunks(*(part.encode() for part in (*HI, DONE)))
    with client(answer(body=chunks, content_type="text/event-stream")).stream(ASK) as stream:
        next(iter(stream))
    assert (chunks.closed, chunks.read, stream.completion.content) == (True, 1, "H")


@pytest.mark.parametrize("read", [list, lambda stream: stream.exchange])
def test_a_stream_that_is_not_open_says_so(read: Any) -> None:
    asked = client(streamed(DONE))
    with pytest.raises(ConfigurationError, match=r"with client\.stream"):
        read(asked.stream(ASK))
    assert service_of(asked).requests == []


def test_a_stream_that_was_closed_before_its_end_is_broken() -> None:
    with client(streamed(*HI, DONE)).stream(ASK) as stream:
        stream.close()
        with pytest.raises(StreamInterruptedError):
            list(stream)


def test_a_stream_that_is_entered_again_begins_anew() -> None:
    stream = client(streamed(piece("Hi", "stop"), DONE)).stream(ASK)
    for _ in range(2):
        with stream:
            assert [update.content for update in stream] == ["Hi"]
        assert stream.completion.content == "Hi"


@pytest.mark.parametrize("depth", [300, 900, 50_000])
def test_json_of_any_depth_is_read_or_a_broken_stream(depth: int) -> None:
    nested = f'"x":{"[" * depth}{"]" * depth}'
    wire = f'data: {{"choices":[{{"delta":{{{nested}}},"finish_reason":"stop"}}]}}\n\n'
    with suppress(StreamInterruptedError), client(streamed(wire)).stream(ASK) as stream:
        list(stream)
        assert stream.completion.finish_reason == "stop"
