"""The bytes of HTTP answers, good and bad."""

import json
import zlib
from collections.abc import Iterable
from enum import Enum
from http import HTTPStatus
from typing import Any


class End(Enum):
    """How a connection ends; after a reply without one it stays open for the next request."""

    CLOSE = "closed"
    RESET = "reset"
    HOLD = "held open, and nothing more is sent"


Step = bytes | float | End
"""Bytes are sent in one piece; a number is a pause in seconds."""
Reply = tuple[Step, ...]

JSON_TYPE = "application/json"
EVENT_STREAM = "text/event-stream; charset=utf-8"
HERE = "{here}"
"""In a reply: the path that the client asked for, without its end."""
LAST = b"0\r\n\r\n"
"""The chunk that ends a chunked body."""


def as_json(value: Any) -> bytes:
    """Return compact JSON without escapes of text."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def head(status: int = 200, kind: str | None = JSON_TYPE, **headers: str) -> bytes:
    """Return the head of an answer; ``retry_after="1"`` is the header ``Retry-After``."""
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else ""
    lines = [f"HTTP/1.1 {status} {phrase}"]
    lines += [f"Content-Type: {kind}"] if kind else []
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def whole(
    body: Any = b"", status: int = 200, kind: str | None = JSON_TYPE, **headers: str
) -> Reply:
    """Return an answer in one part; ``body`` is bytes, or a value to be sent as JSON."""
    body = body if isinstance(body, bytes) else as_json(body)
    return (head(status, kind, Content_Length=str(len(body)), **headers) + body,)


def chunk(body: bytes) -> bytes:
    """Return one chunk of a body; none for no bytes, which would end the body."""
    return f"{len(body):x}\r\n".encode() + body + b"\r\n" if body else b""


def chunked(
    *pieces: Step, end: Reply = (LAST,), kind: str | None = EVENT_STREAM, **headers: str
) -> Reply:
    """Return an answer in ``pieces``, a chunk each, and then ``end``."""
    start = head(200, kind, Transfer_Encoding="chunked", **headers)
    return (start, *(chunk(one) if isinstance(one, bytes) else one for one in pieces), *end)


def slowly(reply: Reply, seconds: float) -> Reply:
    """Return the same reply, one byte at a time, spread over ``seconds``."""
    data = b"".join(step for step in reply if isinstance(step, bytes))
    return tuple(step for byte in data for step in (seconds / len(data), bytes([byte])))


def each_byte(*events: bytes) -> list[bytes]:
    """Return events in pieces of one byte."""
    return [bytes([byte]) for byte in b"".join(events)]


def zipped(*pieces: bytes, wbits: int = 31) -> list[bytes]:
    """Return each piece compressed and flushed (``wbits`` 31: gzip, 15: deflate)."""
    press = zlib.compressobj(wbits=wbits)
    made = [press.compress(one) + press.flush(zlib.Z_SYNC_FLUSH) for one in pieces]
    return [*made, press.flush()]


def completion(*contents: Any, finish: Any = "stop", **message: Any) -> dict[str, Any]:
    """Return the JSON of an answer, with a choice for each content."""
    return {
        "id": "0" * 32,
        "object": "chat.completion",
        "created": 1_767_225_600,
        "model": "matrix",
        "choices": [
            {
                "index": at,
                "finish_reason": finish,
                "message": {"role": "assistant", "content": content, **message},
            }
            for at, content in enumerate(contents)
        ],
        "usage": {"prompt_tokens": 3, "completion_tokens": 7, "total_tokens": 10},
    }


def update(delta: Any, finish: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
    """Return the JSON of an update with one choice."""
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    return stray([choice], **more)


def stray(choices: Any, **more: Any) -> dict[str, Any]:
    """Return the JSON of an update with any ``choices``."""
    named = {"id": "0" * 32, "object": "chat.completion.chunk", "created": 1_767_225_600}
    return {**named, "model": "matrix", "choices": choices, **more}


def event(value: Any, line: str = "\n", field: str = "data: ", name: str = "") -> bytes:
    """Return the bytes of an event; ``value`` is sent as JSON, bytes as they are."""
    data = value if isinstance(value, bytes) else as_json(value)
    named = f"event: {name}{line}" if name else ""
    return named.encode() + field.encode() + data + (2 * line).encode()


def events(values: Iterable[Any], **style: str) -> list[bytes]:
    """Return an event for each value, and [DONE]."""
    return [event(value, **style) for value in (*values, b"[DONE]")]


# --- A good answer --------------------------------------------------------------------------------
WORDS = ("Salt", " is", " 3.5 %", " of the sea", " – é", " 😀.")
TEXT = "".join(WORDS)
LONG = "Salt – é 😀. " * 330_000
"""About 5 MB in UTF-8."""
COMPLETION = completion(TEXT)
FIRST, FINAL = update({"role": "assistant", "content": ""}), update({}, "stop")
UPDATES = [FIRST, *(update({"content": word}) for word in WORDS), FINAL]
STREAM = events(UPDATES)
"""A good stream, in one piece for each event."""
DONE = STREAM[-1]
PIECES = [event(one) for one in UPDATES[:3]]
"""The beginning of a stream."""
MADE = ("weather", '{"city": "Oslo"}')
CALL = {"id": "call_1", "type": "function", "function": {"name": MADE[0], "arguments": MADE[1]}}
