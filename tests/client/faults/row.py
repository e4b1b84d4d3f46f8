"""A row of the table: what the service does, and what a client has to make of it."""

from dataclasses import dataclass
from typing import Any

from helpers import ChatError
from tests.client.faults.wire import TEXT, Reply, chunked

MAX_ERROR = 2000
"""Characters of the longest error that anybody would read."""


@dataclass(frozen=True)
class Answer:
    """A complete or partial answer: texts and finish reasons of the choices in their order.

    ``calls`` (name and arguments), ``reasoning`` and ``refusal`` are those of the first choice.
    """

    texts: tuple[str, ...] = ()
    finish: tuple[str | None, ...] = ()
    calls: tuple[tuple[str, str], ...] = ()
    reasoning: str | None = None
    refusal: str | None = None


@dataclass(frozen=True)
class Failure:
    """A ``ChatError``.

    ``words`` and ``says`` are parts of the service's words and of the whole message; ``kept`` is
    the partial answer of a stream.
    """

    kind: type[ChatError]
    status: int | None = None
    code: str | None = None
    words: str = ""
    says: str = ""
    retry_after: tuple[float, float] | None = None
    kept: Answer | None = None


@dataclass(frozen=True, kw_only=True)
class Row:
    """A fault and what is expected of both clients.

    The service sends ``replies``, one for each request (the last one again and again), or the
    stand-in plays its ``fault``. ``where`` is the scheme of the URL, and the listener of
    ``Service`` that it names. ``timeout`` is in seconds. ``waits`` are the least and the most
    seconds of each wait between two attempts.
    ``slow`` rows spend their time waiting, so that many can be asked at once.
    """

    name: str
    expect: Answer | Failure
    replies: tuple[Reply, ...] = ()
    fault: str = ""
    where: tuple[str, str] = ("http", "plain")
    stream: bool = False
    timeout: float = 20.0
    retries: int = 0
    waits: tuple[tuple[float, float], ...] = ()
    slow: bool = False


@dataclass
class Outcome:
    """What came of a row: an ``answer``, or an ``error`` and the partial answer that was ``kept``.

    ``waits`` are the seconds that ``on_wait`` was called with, ``requests`` how many requests the
    service read.
    """

    answer: Answer | None = None
    error: Exception | None = None
    kept: Answer | None = None
    waits: tuple[float, ...] = ()
    requests: int = 1


def differences(row: Row, outcome: Outcome) -> list[str]:
    """Return how ``outcome`` differs from what ``row`` expects."""
    waits = list(outcome.waits)
    expected = len(waits) == len(row.waits) and all(
        low <= wait <= high for wait, (low, high) in zip(waits, row.waits, strict=True)
    )
    found = [] if expected else [f"waits are {waits}, not {row.waits}"]
    if row.where == ("http", "plain") and outcome.requests != len(row.waits) + 1:
        found.append(f"{outcome.requests} requests, not {len(row.waits) + 1}")
    if isinstance(row.expect, Failure):
        return found + _differences(row.expect, outcome)
    came = outcome.answer if outcome.error is None else outcome.error
    return found if came == row.expect else [*found, f"not the answer, but {came!r}"]


def _differences(expect: Failure, outcome: Outcome) -> list[str]:
    error = outcome.error
    if not isinstance(error, ChatError):
        return [f"no ChatError, but {error or outcome.answer!r}"]
    text, (low, high) = str(error), expect.retry_after or (0, 0)
    checks = {
        "kind": type(error) is expect.kind,
        "status": error.status == expect.status,
        "code": error.code == expect.code,
        "kept": outcome.kept == expect.kept,
        "words": expect.words in error.words and bool(expect.words) == bool(error.words),
        "message": expect.says in text.replace("\n  ", " "),
        "retry_after": (error.retry_after is None) == (expect.retry_after is None)
        and low <= (error.retry_after or 0) <= high,
        "length": len(text) <= MAX_ERROR,
    }
    came = {**vars(error), "kind": type(error), "message": text, "kept": outcome.kept}
    return [f"{name}: {came.get(name)!r}" for name, right in checks.items() if not right]


GOOD = Answer((TEXT,), ("stop",))
"""What ``wire.COMPLETION`` and ``wire.STREAM`` hold."""
BEGUN = Answer(("Salt is",), (None,))
"""What ``wire.PIECES`` hold."""
STANDIN_BEGUN = Answer(("This is the stand-",), (None,))
"""What the stand-in sends before it breaks off."""


def fallback(fault: str) -> Answer:
    """Return what the stand-in answers once its fault is over."""
    words = (
        "This is the stand-in endpoint. No model is here, only scripts, and it has no script for"
        f" this question: fault: {fault}"
    )
    return Answer((words,), ("stop",))


def plain(name: str, reply: Reply, expect: Answer | Failure = GOOD, **more: Any) -> Row:
    """Return a row with one reply."""
    return Row(name=name, replies=(reply,), expect=expect, **more)


def stream(name: str, *pieces: bytes, expect: Answer | Failure = GOOD, **headers: Any) -> Row:
    """Return a row whose reply is a stream in ``pieces``."""
    return plain(f"stream: {name}", chunked(*pieces, **headers), expect, stream=True)


def standin(fault: str, expect: Answer | Failure | None = None, **more: Any) -> Row:
    """Return a row with a fault of the stand-in; without ``expect`` it ends in an answer."""
    name = more.pop("name", f"stream: {fault}" if more.get("stream") else fault)
    return Row(name=name, fault=fault, expect=expect or fallback(fault), **more)
