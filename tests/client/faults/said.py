"""What the service of the matrix says when it says something good, and rows made of that."""

from typing import Any

from tests.client.faults.row import Answer, Expected, Row
from tests.client.faults.wire import Reply, chunked, completion, event, events, update

WORDS = ("Salt", " is", " 3.5 %", " of the sea", " – é", " 😀.")
TEXT = "".join(WORDS)
LONG = "Salt – é 😀. " * 330_000
"""About 5 MB as UTF-8."""
GOOD = Answer((TEXT,), ("stop",))
COMPLETION = completion(TEXT)

FIRST, LAST = update({"role": "assistant", "content": ""}), update({}, "stop")
UPDATES = [FIRST, *(update({"content": word}) for word in WORDS), LAST]
STREAM = events(UPDATES)
"""A good stream: an event each."""
DONE = STREAM[-1]
PIECES = [event(one) for one in UPDATES[:3]]
"""The beginning of a stream, and what of it must not be lost:"""
BEGUN = Answer(("Salt is",), (None,))

CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "weather", "arguments": '{"city": "Oslo"}'},
}
MADE = ("weather", '{"city": "Oslo"}')

STANDIN_BEGUN = Answer(("This is the stand-",), (None,))
"""What the stand-in has said when it breaks off."""


def fallback(fault: str) -> Answer:
    """What the stand-in answers once its fault is over."""
    words = (
        "This is the stand-in endpoint. No model is here, only scripts, and it has no script for"
        f" this question: fault: {fault}"
    )
    return Answer((words,), ("stop",))


def plain(name: str, does: str, reply: Reply, expect: Expected = GOOD, **more: Any) -> Row:
    """A row that is answered with ``reply``."""
    return Row(name=name, does=does, replies=(reply,), expect=expect, **more)


def stream(
    name: str, does: str, *pieces: bytes, expect: Expected = GOOD, also: Any = None, **more: Any
) -> Row:
    """A row that is answered with a stream in ``pieces``; ``more`` is about the answer's head."""
    return Row(
        name=f"stream: {name}",
        does=does,
        replies=(chunked(*pieces, **more),),
        stream=True,
        expect=expect,
        also=also,
        requests=1,
    )


def standin(fault: str, does: str, expect: Expected | None = None, **more: Any) -> Row:
    """A row that is a fault of the stand-in; without ``expect`` it ends in an answer."""
    name = more.pop("name", f"stream: {fault}" if more.get("stream") else fault)
    if expect is None:
        expect = fallback(fault)
    return Row(name=name, does=f"{does} (`fault: {fault}`)", fault=fault, expect=expect, **more)
