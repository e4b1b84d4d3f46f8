"""One row: what the service does, what a client should make of it, and whether it did."""

from dataclasses import dataclass
from typing import Any

from helpers import ChatError
from tests.client.faults.wire import TEXT, Reply, chunked

MAX_ERROR = 2000
"""Characters: an error is to be read, whatever page a proxy sends."""


@dataclass(frozen=True)
class Answer:
    """An answer, or as much of one as came: the texts and finish reasons of its choices in order,
    and the tool calls of the first one as (name, arguments)."""

    texts: tuple[str, ...] = ()
    finish: tuple[str | None, ...] = ()
    calls: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Failure:
    """An error of our family, with all that it has to say.

    ``words`` and ``says`` are part of the service's words and of the whole message; ``kept`` is
    what of a stream must not be lost.
    """

    kind: type[ChatError]
    status: int | None = None
    code: str | None = None
    words: str = ""
    says: str = ""
    retry_after: tuple[float, float] | None = None
    kept: Answer | None = None


Expected = Answer | Failure


@dataclass(frozen=True, kw_only=True)
class Row:
    """A fault.

    It is played from ``replies``, the first one to the first request and so on (the last one
    stays), or it is the stand-in's ``fault`` of that name. ``where`` is the kind of port (see
    ``service``). ``timeout`` is in seconds. ``waits`` are the least and the most seconds of each
    wait between two attempts, ``requests`` how many the service should see. ``slow`` rows spend
    their time waiting. ``also`` is another outcome that is right, if the HTTP library decides.
    """

    name: str
    expect: Expected
    also: Expected | None = None
    replies: tuple[Reply, ...] = ()
    fault: str = ""
    where: str = "plain"
    stream: bool = False
    timeout: float = 20.0
    retries: int = 0
    waits: tuple[tuple[float, float], ...] = ()
    requests: int | None = None
    slow: bool = False


@dataclass
class Outcome:
    """What came of a row: an ``answer``, or an ``error`` and what of a stream it ``kept``; neither
    if nothing came in time. ``waits`` are the seconds that the client told of."""

    answer: Answer | None = None
    error: Exception | None = None
    kept: Answer | None = None
    waits: tuple[float, ...] = ()
    requests: int = 0


def differences(row: Row, outcome: Outcome) -> list[str]:
    """In what ``outcome`` is not as the row says; empty if it all is."""
    waits = list(outcome.waits)
    as_told = len(waits) == len(row.waits) and all(
        low <= wait <= high for wait, (low, high) in zip(waits, row.waits, strict=True)
    )
    found = [] if as_told else [f"waits are {waits}, not {row.waits}"]
    if row.requests is not None and outcome.requests != row.requests:
        found.append(f"{outcome.requests} requests, not {row.requests}")
    other = _differences(row.expect, outcome)
    if other and row.also is not None:
        other = _differences(row.also, outcome)
    return found + other


def _differences(expect: Expected, outcome: Outcome) -> list[str]:
    error = outcome.error
    if isinstance(expect, Answer):
        wrong = error if error is not None else outcome.answer
        return [] if wrong == expect else [f"not the answer, but {wrong!r}"]
    if not isinstance(error, ChatError):
        return [f"no error of the family, but {error or outcome.answer!r}"]
    text, (low, high) = str(error), expect.retry_after or (0, 0)
    checks = {
        "kind": type(error) is expect.kind,
        "status": error.status == expect.status,
        "code": error.code == expect.code,
        "kept": outcome.kept == expect.kept,
        "words": expect.words in error.words and bool(expect.words) == bool(error.words),
        "message": expect.says in text,
        "retry_after": (error.retry_after is None) == (expect.retry_after is None)
        and low <= (error.retry_after or 0) <= high,
        "length": len(text) <= MAX_ERROR,
    }
    told = {**vars(error), "kind": type(error), "message": text, "kept": outcome.kept}
    return [f"{name}: {told.get(name)!r}" for name, right in checks.items() if not right]


# --- What comes of good replies, and rows made of them --------------------------------------------
GOOD = Answer((TEXT,), ("stop",))
BEGUN = Answer(("Salt is",), (None,))
"""What ``wire.PIECES`` bring."""
STANDIN_BEGUN = Answer(("This is the stand-",), (None,))
"""What the stand-in has said when it breaks off."""


def fallback(fault: str) -> Answer:
    """What the stand-in answers once its fault is over."""
    words = (
        "This is the stand-in endpoint. No model is here, only scripts, and it has no script for"
        f" this question: fault: {fault}"
    )
    return Answer((words,), ("stop",))


def plain(name: str, reply: Reply, expect: Expected = GOOD, **more: Any) -> Row:
    """A row that is answered with ``reply``."""
    return Row(name=name, replies=(reply,), expect=expect, **more)


def stream(name: str, *pieces: bytes, expect: Expected = GOOD, also: Any = None, **of: Any) -> Row:
    """A row that is answered with a stream in ``pieces``; ``of`` is about the answer's head."""
    reply = chunked(*pieces, **of)
    return plain(f"stream: {name}", reply, expect, also=also, stream=True, requests=1)


def standin(fault: str, expect: Expected | None = None, **more: Any) -> Row:
    """A row that is a fault of the stand-in; without ``expect`` it ends in an answer."""
    name = more.pop("name", f"stream: {fault}" if more.get("stream") else fault)
    return Row(name=name, fault=fault, expect=expect or fallback(fault), **more)
