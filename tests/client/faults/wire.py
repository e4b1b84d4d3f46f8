"""The bytes of HTTP answers, good and bad, as a service puts them on the wire."""

import gzip
import json
import zlib
from collections.abc import Iterable
from enum import Enum
from http import HTTPStatus
from typing import Any


class End(Enum):
    """How a connection ends. After a reply without one it stays open for the next request."""

    CLOSE = "closed, as if all were said"
    RESET = "reset"
    HOLD = "held, and nothing more is said"


Step = bytes | float | End
"""Bytes go out in one piece; a number is a pause in seconds."""
Reply = tuple[Step, ...]

JSON_TYPE = "application/json"
EVENT_STREAM = "text/event-stream; charset=utf-8"
HERE = "{here}"
"""In a reply: the path under which the client asks for the row."""
LAST = b"0\r\n\r\n"
"""The chunk that ends a body in chunks."""


def as_json(value: Any) -> bytes:
    """Compact JSON, its text as it is."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def head(status: int = 200, kind: str | None = JSON_TYPE, **headers: str) -> bytes:
    """The head of an answer; ``retry_after="1"`` is the header ``Retry-After``."""
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else ""
    lines = [f"HTTP/1.1 {status} {phrase}"]
    lines += [f"Content-Type: {kind}"] if kind else []
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def whole(
    body: Any = b"", status: int = 200, kind: str | None = JSON_TYPE, **headers: str
) -> Reply:
    """An answer in one part: bytes, or a value as JSON."""
    body = body if isinstance(body, bytes) else as_json(body)
    return (head(status, kind, Content_Length=str(len(body)), **headers) + body,)


def chunk(body: bytes) -> bytes:
    """A piece of a body in chunks; an empty one would be its end."""
    return f"{len(body):x}\r\n".encode() + body + b"\r\n" if body else b""


def chunked(
    *pieces: Step, end: Reply = (LAST,), kind: str | None = EVENT_STREAM, **headers: str
) -> Reply:
    """An answer that comes in ``pieces``, a chunk each, and then ``end``."""
    start = head(200, kind, Transfer_Encoding="chunked", **headers)
    return (start, *(chunk(one) if isinstance(one, bytes) else one for one in pieces), *end)


def slowly(reply: Reply, seconds: float) -> Reply:
    """The same reply, one byte at a time, spread over ``seconds``."""
    data = b"".join(step for step in reply if isinstance(step, bytes))
    return tuple(step for byte in data for step in (seconds / len(data), bytes([byte])))


def each_byte(*events: bytes) -> list[bytes]:
    """Events as pieces of one byte."""
    return [bytes([byte]) for byte in b"".join(events)]


def zipped(*pieces: bytes, wbits: int = 31) -> list[bytes]:
    """Pieces compressed so that each can be read as soon as it has come (31: gzip, 15: deflate)."""
    press = zlib.compressobj(wbits=wbits)
    made = [press.compress(one) + press.flush(zlib.Z_SYNC_FLUSH) for one in pieces]
    return [*made, press.flush()]


def gzipped(value: Any) -> bytes:
    """A value as JSON, compressed; the same bytes each time."""
    return gzip.compress(as_json(value), mtime=0)


# --- Answers --------------------------------------------------------------------------------------
def completion(*texts: str | None, finish: str | None = "stop", **message: Any) -> dict[str, Any]:
    """An answer in one part, a choice for each text."""
    return {
        "id": "0" * 32,
        "object": "chat.completion",
        "created": 1_767_225_600,
        "model": "matrix",
        "choices": [
            {
                "index": at,
                "finish_reason": finish,
                "message": {"role": "assistant", "content": text, **message},
            }
            for at, text in enumerate(texts)
        ],
        "usage": {"prompt_tokens": 3, "completion_tokens": 7, "total_tokens": 10},
    }


def update(delta: Any, finish: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
    """The JSON of an event that brings a piece of an answer."""
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    return stray([choice], **more)


def stray(choices: Any, **more: Any) -> dict[str, Any]:
    """The JSON of an event with any ``choices``."""
    named = {"id": "0" * 32, "object": "chat.completion.chunk", "created": 1_767_225_600}
    return {**named, "model": "matrix", "choices": choices, **more}


def event(value: Any, line: str = "\n", field: str = "data: ", name: str = "") -> bytes:
    """An event on the wire; ``value`` is JSON, or bytes that stand as they are."""
    data = value if isinstance(value, bytes) else as_json(value)
    named = f"event: {name}{line}" if name else ""
    return named.encode() + field.encode() + data + (2 * line).encode()


def events(values: Iterable[Any], **style: str) -> list[bytes]:
    """An event for each value, and [DONE]."""
    return [event(value, **style) for value in (*values, b"[DONE]")]


# --- What the service says when it says something good --------------------------------------------
WORDS = ("Salt", " is", " 3.5 %", " of the sea", " – é", " 😀.")
TEXT = "".join(WORDS)
LONG = "Salt – é 😀. " * 330_000
"""About 5 MB as UTF-8."""
COMPLETION = completion(TEXT)
FIRST, FINAL = update({"role": "assistant", "content": ""}), update({}, "stop")
UPDATES = [FIRST, *(update({"content": word}) for word in WORDS), FINAL]
STREAM = events(UPDATES)
"""A good stream: an event each."""
DONE = STREAM[-1]
PIECES = [event(one) for one in UPDATES[:3]]
"""The beginning of a stream."""
MADE = ("weather", '{"city": "Oslo"}')
CALL = {"id": "call_1", "type": "function", "function": {"name": MADE[0], "arguments": MADE[1]}}
