"""What goes wrong between you and the service, before there is a whole answer."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

from helpers import (
    ServiceConnectionError,
    ServiceError,
    ServiceTimeoutError,
    StreamInterruptedError,
)
from tests.client.faults import wire
from tests.client.faults.row import BEGUN, Answer, Failure, Row, plain
from tests.client.faults.wire import FINAL, PIECES, End, Step, chunk, chunked, event, head, update

PATIENCE = 2.0
"""Seconds until a client of the rows that wait must give up."""
SOON = 0.05
"""Seconds between the last bytes and a reset, which may overtake them."""
NO_ANSWER = Failure(ServiceConnectionError)
TIMED_OUT = "No answer within the time allowed"
TOO_SLOW = Failure(ServiceTimeoutError, says="TUTORIAL_TIMEOUT")
WAITS: dict[str, Any] = {"timeout": PATIENCE, "slow": True}


def rows() -> Iterator[Row]:
    """All of this kind."""
    for row in (*unreachable(), *unanswered()):
        yield row
        yield replace(row, name=f"{row.name}, streaming", stream=True)
    yield from chain(broken(), broken_streams(), slow())


def unreachable() -> Iterator[Row]:
    """No connection, or none that can be spoken on."""

    def row(where: str, says: str = "", **more: Any) -> Row:
        return Row(name=where, where=where, expect=replace(NO_ANSWER, says=says), **more)

    yield row("refused", slow=True)
    yield row("no such host", slow=True)
    yield row("tls to plain")
    yield row("plain to tls")
    yield row("untrusted", "certificate")
    yield row("reset")
    yield row("full", **WAITS)
    yield row("silent", TIMED_OUT, **WAITS)


def unanswered() -> Iterator[Row]:
    """The request was sent, and no answer comes, or none that is one."""

    def row(name: str, *steps: Step) -> Row:
        return plain(name, steps, NO_ANSWER)

    half = b"HTTP/1.1 200 OK\r\nContent-Ty"
    yield plain("no answer", (End.HOLD,), TOO_SLOW, **WAITS)
    yield plain("half a head", (half, End.HOLD), TOO_SLOW, **WAITS)
    # The service may bill each attempt.
    once: dict[str, Any] = {**WAITS, "retries": 3, "waits": ((0.5, 1.0),), "requests": 2}
    yield plain("no answer, three tries left", (End.HOLD,), TOO_SLOW, **once)
    yield row("closed before", End.CLOSE)
    yield row("reset before", End.RESET)
    yield row("reset in the head", half, SOON, End.RESET)
    yield row("not HTTP", b"SSH-2.0-OpenSSH_9.6\r\n", End.CLOSE)
    yield row("long head", head(200, X_Padding="x" * 300_000), b"{}", End.CLOSE)


def broken() -> Iterator[Row]:
    """The head has come, and the body does not come whole."""
    body = b'{"choices":[{"index":0,'
    half = (head(Content_Length="900"), body)
    yield plain("half a body", (*half, End.HOLD), TOO_SLOW, **WAITS)
    yield plain("closed in the body", (*half, End.CLOSE), NO_ANSWER)
    yield plain("reset in the body", (*half, SOON, End.RESET), NO_ANSWER)
    pieces = (head(200, wire.JSON_TYPE, Transfer_Encoding="chunked"), chunk(body))
    yield plain("closed between chunks", (*pieces, End.CLOSE), NO_ANSWER)
    yield plain("odd chunk size", (*pieces, b"zz\r\nmore\r\n", End.CLOSE), NO_ANSWER)
    # Only the end of the connection says where the body ends.
    expect = Failure(ServiceError, 200, words='{"choices":[{"index":0,')
    yield plain("cut without a length", (head(Connection="close"), body, End.CLOSE), expect)


def broken_streams() -> Iterator[Row]:
    """A stream has begun, and does not come whole. What came of it is kept."""

    def row(name: str, *end: Step, says: str = "", words: str = "", **more: Any) -> Row:
        expect = Failure(StreamInterruptedError, words=words, says=says, kept=BEGUN)
        reply = chunked(*PIECES, end=end)
        return plain(f"stream: {name}", reply, expect, stream=True, **more)

    yield row("silence", End.HOLD, **WAITS)
    yield row("closed", End.CLOSE)
    yield row("reset", SOON, End.RESET)
    yield row("odd chunk size", SOON, b"zz\r\n", End.CLOSE, **WAITS)
    cut = chunk(event(update({"content": " the sea"}))[:-30])
    yield row("closed in an event", cut, End.CLOSE)
    yield row("ends in an event", cut, wire.LAST, says="held no JSON", words='{"id":"000')
    cut = chunk(event(update({"content": "é"})).partition(b"\xa9")[0])
    yield row("reset in a character", cut, SOON, End.RESET)
    # Only the end of the connection says where the stream ends.
    reply = (head(200, wire.EVENT_STREAM, Connection="close"), *PIECES, End.CLOSE)
    yield replace(row("cut without chunks"), replies=(reply,))
    expect = Answer(BEGUN.texts, ("stop",))
    for name, end in (("closed", (End.CLOSE,)), ("reset", (SOON, End.RESET))):
        reply = chunked(*PIECES, event(FINAL), end=end)
        yield plain(f"stream: {name} after its end", reply, expect, stream=True)


def slow() -> Iterator[Row]:
    """A service that takes its time. A time-out is for the next bytes, not for the whole."""
    longer, pause = 1.25 * PATIENCE, PATIENCE * 0.6
    short = {"choices": [{"finish_reason": "stop", "message": {"content": wire.TEXT}}]}
    yield plain("trickle", wire.slowly(wire.whole(short), longer), **WAITS)
    pieces = {"choices": [{"delta": {"content": wire.TEXT}, "finish_reason": "stop"}]}
    reply = (head(200, "text/event-stream", Connection="close"), event(pieces), wire.DONE)
    trickle = (*wire.slowly(reply, longer), End.CLOSE)
    yield plain("stream: trickle", trickle, stream=True, **WAITS)
    late = chunked(PIECES[0], pause, *PIECES[1:], pause, event(FINAL), wire.DONE)
    expect = Answer(BEGUN.texts, ("stop",))
    yield plain("stream: pauses", late, expect, stream=True, **WAITS)
    old = b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n"
    yield plain("HTTP/1.0", (old, wire.as_json(wire.COMPLETION), End.CLOSE))
