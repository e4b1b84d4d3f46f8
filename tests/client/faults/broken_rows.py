"""Streams that end too soon, bring an error, or are none."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

from helpers import ServiceError, StreamInterruptedError
from tests.client.faults.row import (
    BEGUN,
    STANDIN_BEGUN,
    Answer,
    Failure,
    Row,
    plain,
    standin,
    stream,
)
from tests.client.faults.stream_rows import KEEP_ALIVE
from tests.client.faults.wire import (
    CALL,
    COMPLETION,
    DONE,
    FINAL,
    JSON_TYPE,
    PIECES,
    STREAM,
    chunked,
    event,
    update,
    whole,
    zipped,
)

SAID, CODE = "The model stopped.", "InternalServerError"
NESTED = {"error": {"code": CODE, "message": SAID}}


def rows() -> Iterator[Row]:
    """All of this kind."""
    return chain(ends(), cut(), errors(), no_updates(), no_streams())


def ends() -> Iterator[Row]:
    """The answer is whole, and the stream ends in another way than with [DONE]."""
    unmarked = STREAM[:-1]
    yield stream("no [DONE]", *unmarked)
    yield standin("no-done", stream=True)
    yield stream("[DONE] without line end", *unmarked, b"data: [DONE]")
    yield stream("[DONE] and space", *unmarked, b"data: [DONE] \n\n")
    yield stream(
        "text after [DONE]", *STREAM, event(update({"content": "More."})), b"what is this?\n\n"
    )
    yield stream("last event open", *unmarked[:-1], event(FINAL)[:-2])  # no empty line ends it
    yield stream("only [DONE]", DONE, expect=Answer())


def cut() -> Iterator[Row]:
    """The stream ends before the answer does, as if all were well."""

    def row(name: str, *pieces: bytes, kept: Answer = BEGUN, **more: Any) -> Row:
        expect = Failure(StreamInterruptedError, says="ended the stream", kept=kept)
        return stream(name, *pieces, expect=expect, **more)

    yield row("no finish, no [DONE]", *PIECES)
    yield row("nothing", kept=Answer())
    yield row("comments only", KEEP_ALIVE, kept=Answer())
    two = [update({"content": "a"}), update({"content": "b"}, index=1), FINAL]
    kept = Answer(("a", "b"), ("stop", None))
    yield row("one choice unfinished", *map(event, two), kept=kept)
    call = {**CALL, "index": 0, "function": {"name": "weather", "arguments": '{"city"'}}
    kept = Answer(("",), (None,), (("weather", '{"city"'),))
    yield row("tool call cut", event(update({"tool_calls": [call]})), kept=kept)
    packed = b"".join(zipped(*PIECES, event(FINAL))[:3])
    yield row("gzip cut", packed, Content_Encoding="gzip")
    yield standin("stream-cut", Failure(StreamInterruptedError, kept=STANDIN_BEGUN), stream=True)


def errors() -> Iterator[Row]:
    """Errors that come within a stream."""

    def row(name: str, *pieces: bytes, **told: Any) -> Row:
        told = {"words": SAID, "says": "within the stream", "kept": BEGUN, **told}
        return stream(name, *pieces, expect=Failure(StreamInterruptedError, **told))

    error = event(NESTED)
    yield row("error", *PIECES, error, code=CODE)
    yield row("error in the same chunk", b"".join([*PIECES, error]), code=CODE)
    yield row("error, then [DONE]", *PIECES, error, DONE, code=CODE)
    yield row("error first", error, kept=Answer(), code=CODE)
    yield row("error with choices", *PIECES, event({**NESTED, "choices": []}), code=CODE)
    yield row("flat error", *PIECES, event({"statusCode": 500, "message": SAID}), code="500")
    yield row("error is a text", *PIECES, event({"error": SAID}))
    inner = {"error": {"message": '{"detail":[{"loc":["body"],"msg":"too long"}]}'}}
    yield row("JSON in a string", *PIECES, event(inner), words="body: too long")
    yield row("error event", *PIECES, event(SAID.encode(), name="error"), DONE)
    yield row("error event with JSON", *PIECES, event(NESTED, name="error"), code=CODE)
    for fault, words, code in (
        ("stream-error-chunk", "in mid-sentence", CODE),
        ("stream-error-event", "unexpected end", None),
    ):
        expect = Failure(StreamInterruptedError, code=code, words=words, kept=STANDIN_BEGUN)
        yield standin(fault, expect, stream=True)


def no_updates() -> Iterator[Row]:
    """Events that are neither an update nor an error."""

    def row(name: str, data: bytes, words: str, says: str = "held no JSON") -> Row:
        expect = Failure(StreamInterruptedError, words=words, says=says, kept=BEGUN)
        return stream(name, *PIECES, event(data), expect=expect)

    yield row("no JSON", b"Hello", "Hello")
    yield row("half a JSON", b'{"choices":[', '{"choices":[')
    yield row("a list", b"[]", "", "reported an error")
    lines = b"".join(one.removesuffix(b"\n") for one in STREAM)  # by the standard one event
    expect = Failure(StreamInterruptedError, words='{"id":', says="held no JSON", kept=Answer())
    yield stream("no empty lines", lines, expect=expect)
    expect = Failure(StreamInterruptedError, kept=Answer())
    yield stream("not gzip", *STREAM, expect=expect, Content_Encoding="gzip")


def no_streams() -> Iterator[Row]:
    """A stream was asked for, HTTP 200 came, and no stream."""
    page = b"<html><title>Sign in</title></html>"
    for name, reply, words in (
        ("JSON instead", whole(COMPLETION), ""),
        ("a page instead", whole(page, 200, "text/html"), "an HTML page: Sign in"),
        ("nothing instead", whole(b"", 200, None), ""),
        ("wrong type", chunked(*STREAM, kind=JSON_TYPE), "data: {"),
    ):
        expect = Failure(ServiceError, 200, words=words, says="something else came")
        yield plain(f"stream: {name}", reply, expect, stream=True)
