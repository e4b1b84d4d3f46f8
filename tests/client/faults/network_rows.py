"""What goes wrong on the network: no connection, no whole answer, slow answers."""

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
from tests.client.faults.row import BEGUN, GOOD, Answer, Failure, Row, plain
from tests.client.faults.wire import (
    FINAL,
    PIECES,
    End,
    Step,
    chunk,
    chunked,
    event,
    head,
    update,
    whole,
)

TIMEOUT = 2.0
SOON = 0.05
"""Seconds between the last bytes and a reset, which may overtake them."""
NO_ANSWER = Failure(ServiceConnectionError)
TOO_SLOW = Failure(ServiceTimeoutError, says="TUTORIAL_TIMEOUT")
WAITS: dict[str, Any] = {"timeout": TIMEOUT, "slow": True}


def rows() -> Iterator[Row]:
    """Yield all rows of this module."""
    for row in chain(unreachable(), unanswered()):
        yield row
        yield replace(row, name=f"{row.name}, streaming", stream=True)
    yield from chain(broken(), broken_streams(), slow())


def unreachable() -> Iterator[Row]:
    """No connection, or none that requests can be sent on."""
    for name, where, says, more in (
        ("refused", ("http", "refused"), "could not be reached", {"slow": True}),
        ("no such host", ("https", "none"), "could not be reached", {"slow": True}),
        ("tls to plain", ("https", "plain"), "", {}),
        ("plain to tls", ("http", "tls"), "", {}),
        ("untrusted", ("https", "tls"), "certificate", {}),
        ("silent", ("https", "silent"), "No answer within the time allowed", WAITS),
    ):
        yield Row(name=name, where=where, expect=replace(NO_ANSWER, says=says), **more)


def unanswered() -> Iterator[Row]:
    """The request is sent, and no answer comes, or none that is HTTP."""
    half = b"HTTP/1.1 200 OK\r\nContent-Ty"
    slow = replace(TOO_SLOW, says="No answer within the time allowed: 2 s (ReadTimeout).")
    yield plain("no answer", (End.HOLD,), slow, **WAITS)
    # Retried once only, because the service may bill each attempt.
    yield Row(
        name="503, then no answer", replies=(whole(b"", 503), (End.HOLD,)), expect=TOO_SLOW,
        retries=5, waits=((0.5, 1.0), (1.0, 1.5)), **WAITS,
    )  # fmt: skip
    for name, steps in (
        ("closed before", (End.CLOSE,)),
        ("reset before", (End.RESET,)),
        ("reset in the head", (half, SOON, End.RESET)),
        ("not HTTP", (b"SSH-2.0-OpenSSH_9.6\r\n", End.CLOSE)),
        ("long head", (head(200, X_Padding="x" * 300_000), b"{}", End.CLOSE)),
    ):
        yield plain(name, steps, NO_ANSWER)


def broken() -> Iterator[Row]:
    """The head arrives, and the body does not arrive whole."""
    body = b'{"choices":[{"index":0,'
    half = (head(Content_Length="900"), body)
    yield plain("half a body", (*half, End.HOLD), TOO_SLOW, **WAITS)
    yield plain("closed in the body", (*half, End.CLOSE), NO_ANSWER)
    yield plain("reset in the body", (*half, SOON, End.RESET), NO_ANSWER)
    # In one piece, because the async client reports it at its time-out if it comes later.
    at_once = head(Transfer_Encoding="chunked") + chunk(body) + b"zz\r\nmore\r\n"
    yield plain("odd chunk size", (at_once, End.CLOSE), NO_ANSWER)
    # Only the end of the connection marks the end of the body.
    expect = Failure(ServiceError, 200, words='{"choices":[{"index":0,')
    yield plain("cut without a length", (head(Connection="close"), body, End.CLOSE), expect)


def broken_streams() -> Iterator[Row]:
    """A stream begins and does not arrive whole. The partial answer is kept."""

    def row(name: str, *end: Step, says: str = "", words: str = "", **more: Any) -> Row:
        expect = Failure(StreamInterruptedError, words=words, says=says, kept=BEGUN)
        return plain(f"stream: {name}", chunked(*PIECES, end=end), expect, stream=True, **more)

    yield row("silence", End.HOLD, **WAITS)
    yield row("closed", End.CLOSE, says="The connection ended: ")
    yield row("reset", SOON, End.RESET, says="The connection ended: ")
    yield row("odd chunk size", SOON, b"zz\r\n", End.CLOSE, **WAITS)
    cut = chunk(event(update({"content": " the sea"}))[:-30])
    yield row("ends in an event", cut, wire.LAST, says="held no JSON", words='{"id":"000')
    cut = chunk(event(update({"content": "é"})).partition(b"\xa9")[0])
    yield row("reset in a character", cut, SOON, End.RESET)
    # Only the end of the connection marks the end of the stream.
    reply = (head(200, wire.EVENT_STREAM, Connection="close"), *PIECES, End.CLOSE)
    yield replace(row("cut without chunks"), replies=(reply,))
    expect = replace(BEGUN, finish=("stop",))
    for name, end in (("closed", (End.CLOSE,)), ("reset", (SOON, End.RESET))):
        reply = chunked(*PIECES, event(FINAL), end=end)
        yield plain(f"stream: {name} after its end", reply, expect, stream=True)
    reply = chunked(*wire.STREAM, end=(End.HOLD,))
    yield plain("stream: held after [DONE]", reply, GOOD, stream=True)


def slow() -> Iterator[Row]:
    """A slow service. A time-out is for the next bytes, not for the whole answer."""
    longer, pause = 1.25 * TIMEOUT, 0.6 * TIMEOUT
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
