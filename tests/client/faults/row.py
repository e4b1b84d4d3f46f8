"""One row of the matrix: what the service does, and what a client should make of it."""

from dataclasses import dataclass
from enum import Enum
from typing import Literal

from helpers import ChatError
from tests.client.faults.wire import Reply

Where = Literal[
    "plain",  # HTTP, as the row's replies say
    "tls to plain",  # https:// to that port
    "plain to tls",  # http:// to a port that speaks TLS
    "untrusted",  # https:// with a certificate that nobody knows
    "refused",  # a port where nobody listens
    "full",  # a port that takes no more connections
    "silent",  # https:// to a port that takes connections and says nothing
    "reset",  # a port that resets connections
    "no such host",
]


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

    ``does`` tells what the service does. It is played from ``replies``, the first one to the first
    request and so on (the last one stays), or it is the stand-in's ``fault`` of that name.
    ``expect`` is what should come of it, and ``also`` what would serve the caller as well.
    ``timeout`` is in seconds. ``waits`` are the least and the most seconds of each wait between two
    attempts, ``requests`` how many the service should see. ``slow`` rows spend their time waiting,
    and in an ``endless`` one the service asks for a wait that nobody sits out.
    """

    name: str
    does: str
    expect: Expected
    also: Answer | None = None
    replies: tuple[Reply, ...] = ()
    fault: str = ""
    where: Where = "plain"
    stream: bool = False
    timeout: float = 20.0
    retries: int = 0
    waits: tuple[tuple[float, float], ...] = ()
    requests: int | None = None
    slow: bool = False
    endless: bool = False


@dataclass
class Outcome:
    """What came of a row: an ``answer``, or an ``error`` and what of a stream the caller ``kept``;
    ``hung`` if nothing came in time. ``waits`` are the seconds that a client told of."""

    answer: Answer | None = None
    error: BaseException | None = None
    kept: Answer | None = None
    waits: tuple[float, ...] = ()
    requests: int = 0
    hung: bool = False


class Verdict(Enum):
    """The legend of the table, in its order."""

    RIGHT = "right answer"
    NAMED = "named error"
    GAVE_UP = "gave up"
    FOREIGN = "foreign error"
    WRONG = "wrong or lost text"
    HANG = "hang"

    @property
    def is_good(self) -> bool:
        """Whether the caller got what there was to get."""
        return self in (Verdict.RIGHT, Verdict.NAMED)


def judge(row: Row, outcome: Outcome, family: type[BaseException]) -> Verdict:
    """What ``outcome`` means for a caller who knows the errors of ``family``."""
    answer, error, expect = outcome.answer, outcome.error, row.expect
    if outcome.hung:
        return Verdict.HANG
    if error is None:
        return Verdict.RIGHT if answer in (expect, row.also) else Verdict.WRONG
    if not isinstance(error, family):
        return Verdict.FOREIGN
    if isinstance(expect, Answer):
        return Verdict.GAVE_UP
    if expect.kept and (outcome.kept or Answer()).texts != expect.kept.texts:
        return Verdict.WRONG
    status = getattr(error, "status", None) or getattr(error, "status_code", None)
    return (
        Verdict.NAMED
        if (expect.status or 200) < 300 or status == expect.status
        else (Verdict.GAVE_UP)
    )


def differences(row: Row, outcome: Outcome) -> list[str]:
    """In what ``outcome`` of one of our clients is not as the row says; empty if it all is."""
    expect, error = row.expect, outcome.error
    if outcome.hung:
        return ["it hangs"]
    found = [
        f"wait of {got:g} s, not {low:g} to {high:g}"
        for got, (low, high) in zip(outcome.waits, row.waits, strict=False)
        if not low <= got <= high
    ]
    if len(outcome.waits) != len(row.waits):
        found.append(f"{len(outcome.waits)} waits, not {len(row.waits)}")
    if row.requests is not None and outcome.requests != row.requests:
        found.append(f"{outcome.requests} requests, not {row.requests}")
    if isinstance(expect, Answer):
        wrong = error if error is not None else outcome.answer
        return found if wrong == expect else [*found, f"not the answer, but {wrong!r}"]
    if not isinstance(error, ChatError):
        return [*found, f"no error of the family, but {error or outcome.answer!r}"]
    pairs = [
        ("kind", type(error).__name__, expect.kind.__name__),
        ("status", error.status, expect.status),
        ("code", error.code, expect.code),
        ("kept", outcome.kept, expect.kept),
    ]
    found += [f"{name} is {got!r}, not {right!r}" for name, got, right in pairs if got != right]
    if expect.words not in error.words or bool(expect.words) != bool(error.words):
        found.append(f"words are {error.words!r}, not {expect.words!r}")
    if expect.says not in str(error):
        found.append(f"{expect.says!r} is not in {str(error)!r}")
    asked, (low, high) = error.retry_after, expect.retry_after or (0, 0)
    if (asked is None) != (expect.retry_after is None) or not low <= (asked or 0) <= high:
        found.append(f"retry_after is {asked!r}, not {expect.retry_after!r}")
    if len(str(error)) > MAX_ERROR:
        found.append(f"the error is {len(str(error))} characters long")
    return found


MAX_ERROR = 2000
"""Characters: an error is to be read, whatever page a proxy sends."""
