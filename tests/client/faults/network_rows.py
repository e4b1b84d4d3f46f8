"""What goes wrong between you and the service, before there is a whole answer."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from helpers import ServiceConnectionError, ServiceError, StreamInterruptedError
from tests.client.faults.row import Answer, Failure, Row
from tests.client.faults.said import BEGUN, COMPLETION, DONE, GOOD, LAST, PIECES, TEXT, plain
from tests.client.faults.wire import (
    EVENT_STREAM,
    JSON_TYPE,
    End,
    Step,
    as_json,
    chunk,
    chunked,
    event,
    head,
    slowly,
    update,
    whole,
)
from tests.client.faults.wire import LAST as LAST_CHUNK

PATIENCE = 2.0
"""Seconds until a client of the rows that wait must give up."""
SOON = 0.05
"""Seconds between the last bytes and a reset, which may overtake them."""
NO_ANSWER = Failure(ServiceConnectionError)
WAITS: dict[str, Any] = {"timeout": PATIENCE, "slow": True}


def rows() -> Iterator[Row]:
    """All of this kind."""
    for row in (*unreachable(), *unanswered()):
        yield row
        yield replace(
            row,
            name=f"{row.name}, streaming",
            does=f"{row.does} A stream is asked for.",
            stream=True,
        )
    yield from broken()
    yield from broken_streams()
    yield from slow()


def unreachable() -> Iterator[Row]:
    """No connection, or none that can be spoken on."""

    def row(where: Any, does: str, says: str = "", **more: Any) -> Row:
        expect = replace(NO_ANSWER, says=says)
        return Row(name=where, does=does, where=where, expect=expect, **more)

    yield row("refused", "Nobody listens on the port.", "ConnectError", slow=True)
    yield row("no such host", "The name has no address.", "ConnectError", slow=True)
    yield row("tls to plain", "The port speaks HTTP; `https://` was asked for.", "ConnectError")
    yield row("plain to tls", "The port speaks TLS; `http://` was asked for.")
    yield row("untrusted", "The certificate is signed by nobody known.", "CERTIFICATE_VERIFY")
    yield row("reset", "The connection is reset before the request is read.")
    yield row("full", "The port takes no more connections: connecting gets no answer.", **WAITS)
    yield row("silent", "The TLS handshake gets no answer.", "ConnectTimeout", **WAITS)


def unanswered() -> Iterator[Row]:
    """The request was sent, and no answer comes, or none that is one."""

    def row(name: str, does: str, *steps: Step, says: str = "", **more: Any) -> Row:
        return plain(name, does, steps, replace(NO_ANSWER, says=says), **more)

    held = {**WAITS, "says": "ReadTimeout"}
    yield row("no answer", "The request is read, and no answer comes.", End.HOLD, **held)
    half = b"HTTP/1.1 200 OK\r\nContent-Ty"
    yield row("half a head", "The answer stops within its head.", half, End.HOLD, **held)
    yield row("closed before", "The connection is closed without an answer.", End.CLOSE)
    yield row("reset before", "The connection is reset without an answer.", End.RESET)
    does = "The connection is reset within the head."
    yield row("reset in the head", does, half, SOON, End.RESET)
    ssh = b"SSH-2.0-OpenSSH_9.6\r\n"
    yield row("not HTTP", "Something else listens there, and greets.", ssh, End.CLOSE)
    long = head(200, X_Padding="x" * 300_000)
    yield row("long head", "The head has a line of 300 KB.", long, b"{}", End.CLOSE)


def broken() -> Iterator[Row]:
    """The head has come, and the body does not come whole."""

    def row(name: str, does: str, *steps: Step, **more: Any) -> Row:
        return plain(name, does, steps, NO_ANSWER, **more)

    body = b'{"choices":[{"index":0,'
    half = (head(Content_Length="900"), body)
    yield row("half a body", "The answer stops within its body.", *half, End.HOLD, **WAITS)
    yield row("closed in the body", "The connection is closed there.", *half, End.CLOSE)
    yield row("reset in the body", "The connection is reset there.", *half, SOON, End.RESET)
    pieces = (head(200, JSON_TYPE, Transfer_Encoding="chunked"), chunk(body))
    yield row("closed between chunks", "Chunks without the last one.", *pieces, End.CLOSE)
    does = "The size of a chunk is no number."
    yield row("odd chunk size", does, *pieces, b"zz\r\nmore\r\n", End.CLOSE)
    does = "Half a body; only the end of the connection says where it ends."
    reply = (head(Connection="close"), body, End.CLOSE)
    expect = Failure(ServiceError, 200, words='{"choices":[{"index":0,')
    yield plain("cut without a length", does, reply, expect)


def broken_streams() -> Iterator[Row]:
    """A stream has begun, and does not come whole. What came of it is kept."""

    def row(name: str, does: str, *end: Step, says: str = "", **more: Any) -> Row:
        expect = Failure(StreamInterruptedError, says=says, kept=BEGUN, **more.pop("told", {}))
        reply = chunked(*PIECES, end=end)
        return plain(f"stream: {name}", does, reply, expect, stream=True, **more)

    does = "The stream stops, and stays open."
    yield row("silence", does, End.HOLD, says="ReadTimeout", **WAITS)
    yield row("closed", "The connection is closed within the stream.", End.CLOSE)
    yield row("reset", "The connection is reset there.", SOON, End.RESET)
    odd = (SOON, b"zz\r\n", End.CLOSE)
    yield row("odd chunk size", "The size of a chunk is no number.", *odd, **WAITS)
    cut = chunk(event(update({"content": " the sea"}))[:-30])
    yield row("closed in an event", "The connection is closed within an event.", cut, End.CLOSE)
    does = "The stream ends within an event, as if all were well."
    told = {"words": '{"id":"000'}
    yield row("ends in an event", does, cut, LAST_CHUNK, says="held no JSON", told=told)
    cut = chunk(event(update({"content": "é"})).partition(b"\xa9")[0])
    does = "The connection is reset within a character."
    yield row("reset in a character", does, cut, SOON, End.RESET)
    does = "Half a stream; only the end of the connection says where it ends."
    reply = (head(200, EVENT_STREAM, Connection="close"), *PIECES, End.CLOSE)
    yield replace(row("cut without chunks", does), replies=(reply,))
    for name, end in (("closed", (End.CLOSE,)), ("reset", (SOON, End.RESET))):
        yield plain(
            f"stream: {name} after its end",
            f"The finish reason has come, and the connection is {name} before [DONE].",
            chunked(*PIECES, event(LAST), end=end),
            Answer(BEGUN.texts, ("stop",)),
            stream=True,
        )


def slow() -> Iterator[Row]:
    """A service that takes its time. A time-out is for the next bytes, not for the whole."""
    does = "Head and body come byte by byte: longer than the time-out in all, each byte within it."
    longer = 1.25 * PATIENCE
    short = {"choices": [{"finish_reason": "stop", "message": {"content": TEXT}}]}
    yield plain("trickle", does, slowly(whole(short), longer), **WAITS)
    pieces = {"choices": [{"delta": {"content": TEXT}, "finish_reason": "stop"}]}
    reply = (head(200, "text/event-stream", Connection="close"), event(pieces), DONE)
    trickle = (*slowly(reply, longer), End.CLOSE)
    yield plain("stream: trickle", does, trickle, stream=True, **WAITS)
    does = "Pauses: longer than the time-out in all, each one within it."
    pause = PATIENCE * 0.6
    late = chunked(PIECES[0], pause, *PIECES[1:], pause, event(LAST), DONE)
    expect = Answer(BEGUN.texts, ("stop",))
    yield plain("stream: pauses", does, late, expect, stream=True, **WAITS)
    old = (b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n", as_json(COMPLETION))
    yield plain("HTTP/1.0", "An old proxy: HTTP/1.0, and no length.", (*old, End.CLOSE), GOOD)
