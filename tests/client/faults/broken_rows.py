"""Streams that end too soon, bring an error, or are none."""

from collections.abc import Iterator
from typing import Any

from helpers import ServiceError, StreamInterruptedError
from tests.client.faults.row import Answer, Failure, Row
from tests.client.faults.said import (
    BEGUN,
    CALL,
    COMPLETION,
    DONE,
    GOOD,
    LAST,
    PIECES,
    STANDIN_BEGUN,
    STREAM,
    TEXT,
    plain,
    standin,
    stream,
)
from tests.client.faults.stream_rows import KEEP_ALIVE
from tests.client.faults.wire import JSON_TYPE, Reply, chunked, event, update, whole, zipped

SAID = "The model stopped."
CODE = "InternalServerError"
NESTED = {"error": {"code": CODE, "message": SAID}}


def rows() -> Iterator[Row]:
    """All of this kind."""
    yield from ends()
    yield from cut()
    yield from errors()
    yield from no_updates()
    yield from no_streams()


def ends() -> Iterator[Row]:
    """The answer is whole, and the stream ends in another way than with [DONE]."""
    unmarked = STREAM[:-1]
    yield stream("no [DONE]", "The finish reason has come, [DONE] does not.", *unmarked)
    yield standin("no-done", "The same", stream=True)
    yield stream("[DONE] without line end", "Nothing after [DONE]", *unmarked, b"data: [DONE]")
    yield stream("[DONE] and space", "A space after [DONE]", *unmarked, b"data: [DONE] \n\n")
    more = (event(update({"content": "More."})), b"what is this?\n\n")
    yield stream("text after [DONE]", "More text after [DONE]", *STREAM, *more)
    does = "No empty line ends the last event: by the standard it is none."
    last = event(LAST)[:-2]
    without = Answer((TEXT,), (None,))
    yield stream("last event open", does, *unmarked[:-1], last, also=without)
    yield stream("only [DONE]", "Nothing but [DONE]", DONE, expect=Answer())


def cut() -> Iterator[Row]:
    """The stream ends before the answer does, as if all were well."""

    def row(name: str, does: str, *pieces: bytes, kept: Answer = BEGUN, **more: Any) -> Row:
        expect = Failure(StreamInterruptedError, says="ended the stream", kept=kept)
        return stream(name, does, *pieces, expect=expect, **more)

    yield row("no finish, no [DONE]", "Neither finish reason nor [DONE]", *PIECES)
    yield row("nothing", "A stream without events", kept=Answer())
    yield row("comments only", "A stream of comments", KEEP_ALIVE, kept=Answer())
    two = [update({"content": "a"}), update({"content": "b"}, index=1), LAST]
    kept = Answer(("a", "b"), ("stop", None))
    does = "Of two choices one has its finish reason."
    yield row("one choice unfinished", does, *map(event, two), kept=kept)
    call = {**CALL, "index": 0, "function": {"name": "weather", "arguments": '{"city"'}}
    kept = Answer(("",), (None,), (("weather", '{"city"'),))
    calls = event(update({"tool_calls": [call]}))
    yield row("tool call cut", "The stream ends within a tool call.", calls, kept=kept)
    packed = b"".join(zipped(*PIECES, event(LAST))[:3])
    does = "The compressed stream is not whole."
    yield row("gzip cut", does, packed, Content_Encoding="gzip")
    expect = Failure(StreamInterruptedError, kept=STANDIN_BEGUN)
    yield standin("stream-cut", "The connection is closed after 5 pieces.", expect, stream=True)


def errors() -> Iterator[Row]:
    """Errors that come within a stream."""

    def row(name: str, does: str, *pieces: bytes, **told: Any) -> Row:
        told = {"words": SAID, "says": "within the stream", "kept": BEGUN, **told}
        return stream(name, does, *pieces, expect=Failure(StreamInterruptedError, **told))

    error = event(NESTED)
    yield row("error", '`{"error": {…}}` instead of an update', *PIECES, error, code=CODE)
    does = "The same, in one chunk with the text"
    yield row("error in the same chunk", does, b"".join([*PIECES, error]), code=CODE)
    yield row("error, then [DONE]", "The same, then [DONE]", *PIECES, error, DONE, code=CODE)
    yield row("error first", "The same, before any text", error, kept=Answer(), code=CODE)
    both = event({**NESTED, "choices": []})
    yield row("error with choices", "The same, with empty `choices`", *PIECES, both, code=CODE)
    flat = event({"statusCode": 500, "message": SAID})
    yield row("flat error", '`{"statusCode": …, "message": …}`', *PIECES, flat, code="500")
    yield row("error is a text", '`{"error": "…"}`', *PIECES, event({"error": SAID}))
    inner = {"error": {"message": '{"detail":[{"loc":["body"],"msg":"too long"}]}'}}
    words = "body: too long"
    yield row("JSON in a string", "The message is JSON.", *PIECES, event(inner), words=words)
    named = (event(SAID.encode(), name="error"), DONE)
    yield row("error event", "`event: error` with plain text, then [DONE]", *PIECES, *named)
    named = (event(NESTED, name="error"),)
    yield row("error event with JSON", "`event: error` with JSON", *PIECES, *named, code=CODE)
    for fault, does, words, code in (
        ("stream-error-chunk", "An error instead of piece 6", "in mid-sentence", CODE),
        ("stream-error-event", "`event: error` with plain text", "unexpected end", None),
    ):
        told = {"code": code, "words": words, "kept": STANDIN_BEGUN}
        yield standin(fault, does, Failure(StreamInterruptedError, **told), stream=True)


def no_updates() -> Iterator[Row]:
    """Events that are neither an update nor an error."""

    def row(name: str, does: str, data: bytes, words: str, says: str) -> Row:
        expect = Failure(StreamInterruptedError, words=words, says=says, kept=BEGUN)
        return stream(name, does, *PIECES, event(data), expect=expect)

    yield row("no JSON", "An event that is no JSON", b"Hello", "Hello", "held no JSON")
    half = b'{"choices":['
    does = "An event whose JSON is not whole"
    yield row("half a JSON", does, half, half.decode(), "held no JSON")
    yield row("a list", "An event that is a list", b"[]", "", "reported an error")
    lines = b"".join(one.removesuffix(b"\n") for one in STREAM)
    told = {"words": '{"id":', "says": "held no JSON", "kept": Answer()}
    expect = Failure(StreamInterruptedError, **told)
    does = "No empty lines: by the standard, all is one event."
    yield stream("no empty lines", does, lines, expect=expect, also=GOOD)
    told = {"says": "DecodingError", "kept": Answer()}
    expect = Failure(StreamInterruptedError, **told)
    does = "It claims to be compressed, and is not."
    yield stream("not gzip", does, *STREAM, expect=expect, Content_Encoding="gzip")


def no_streams() -> Iterator[Row]:
    """A stream was asked for, HTTP 200 came, and no stream."""

    def row(name: str, does: str, reply: Reply, words: str = "", **more: Any) -> Row:
        expect = Failure(ServiceError, 200, words=words, says="something else came")
        return plain(f"stream: {name}", does, reply, expect, stream=True, **more)

    yield row("JSON instead", "The whole answer as JSON", whole(COMPLETION))
    page = whole(b"<html><title>Sign in</title></html>", 200, "text/html")
    yield row("a page instead", "A proxy's page", page, "an HTML page: Sign in")
    yield row("nothing instead", "An empty body without a type", whole(b"", 200, None))
    typed = chunked(*STREAM, kind=JSON_TYPE)
    does = "A good stream that is declared to be JSON"
    yield row("wrong type", does, typed, "data: {", also=GOOD)
