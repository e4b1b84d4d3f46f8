"""The service says "not now": what it asks to wait, and whether asking again helps."""

from collections.abc import Iterator
from typing import Any

from helpers import (
    AuthenticationError,
    BadParameterError,
    ContentFilterError,
    RateLimitError,
    ServiceConnectionError,
    ServiceError,
    StreamInterruptedError,
)
from tests.client.faults.row import Expected, Failure, Row
from tests.client.faults.said import BEGUN, COMPLETION, GOOD, PIECES, STREAM, fallback, standin
from tests.client.faults.wire import End, Reply, chunked, whole

LIMIT = "Too many tokens in a minute."
AT_ONCE, OWN, BY_MS = (0.0, 0.0), (0.5, 1.0), (0.05, 0.05)
"""Seconds, at least and at most: no wait, the client's own before a first repetition, 50 ms."""
DAY, CENTURY = (86_400.0, 86_400.0), (1e8, 1e10)
PAST, FAR = "Thu, 01 Jan 2015 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"
ANSWERED, STREAMED = whole(COMPLETION), chunked(*STREAM)
ONCE_MORE: dict[str, Any] = {"retries": 1, "slow": True}


def limited(**headers: str) -> Reply:
    """A 429 with ``headers``."""
    return whole({"error": {"code": "429", "message": LIMIT}}, 429, **headers)


def rows() -> Iterator[Row]:
    """All of this kind."""
    yield from retry_after()
    yield from too_long()
    yield from again()
    yield from never_again()


def retry_after() -> Iterator[Row]:
    """``Retry-After`` in every form, with and without ``retry-after-ms``, then the answer."""
    for name, wait in (
        ("seconds", (1.0, 1.0)),
        ("date", (0.5, 2.0)),
        ("zero", AT_ONCE),
        ("garbage", OWN),
        ("ms", BY_MS),
    ):
        fault = f"retry-after-{name}"
        more = {"name": f"Retry-After: {name}", "waits": (wait,), "requests": 2, **ONCE_MORE}
        yield standin(fault, "429, then the answer", fallback(fault), **more)

    def row(name: str, wait: tuple[float, float], **headers: str) -> Row:
        told = ", ".join(f"`{name.replace('_', '-')}: {value}`" for name, value in headers.items())
        return Row(
            name=f"Retry-After: {name}",
            does=f"429 with {told or 'no word on waiting'}, then the answer",
            replies=(limited(**headers), ANSWERED),
            expect=GOOD,
            waits=(wait,),
            requests=2,
            **ONCE_MORE,
        )

    yield row("none", OWN)
    yield row("negative", OWN, Retry_After="-5")
    yield row("date in the past", AT_ONCE, Retry_After=PAST)
    ms = {"retry_after_ms": "50"}
    yield row("seconds, and ms", BY_MS, Retry_After="1", **ms)
    yield row("date, and ms", BY_MS, Retry_After=PAST, **ms)
    yield row("zero, and ms", BY_MS, Retry_After="0", **ms)
    yield row("negative, and ms", BY_MS, Retry_After="-5", **ms)
    yield row("garbage, and ms", BY_MS, Retry_After="soon", **ms)
    yield row("seconds, ms garbage", (1.0, 1.0), Retry_After="1", retry_after_ms="soon")


def too_long() -> Iterator[Row]:
    """A wait that nobody sits out: the error comes at once."""
    day_ms = {"retry_after_ms": "86400000"}
    forms: list[tuple[str, tuple[float, float], dict[str, str]]] = [
        ("a day", DAY, {"Retry_After": "86400"}),
        ("a day, and ms", DAY, {"Retry_After": "86400", **day_ms}),
        ("a day in ms", DAY, day_ms),
        ("date in 2100", CENTURY, {"Retry_After": FAR}),
    ]
    for name, wait, headers in forms:
        says = "longer than the 60 s"
        yield Row(
            name=f"Retry-After: {name}",
            does="429, and an answer to the one who waits for so long",
            replies=(limited(**headers), ANSWERED),
            expect=Failure(RateLimitError, 429, "429", LIMIT, says=says, retry_after=wait),
            requests=1,
            endless=True,
            **ONCE_MORE,
        )
    seven = Failure(RateLimitError, 429, "429", LIMIT, retry_after=(7, 7))
    for stream in (False, True):
        yield Row(
            name=f"Retry-After, no try left{', streaming' if stream else ''}",
            does="429 with `Retry-After: 7`, and the client may not ask again",
            replies=(limited(Retry_After="7"),),
            expect=seven,
            stream=stream,
            requests=1,
        )


def again() -> Iterator[Row]:
    """A failure that passes: the answer comes to the one who asks again."""
    more: dict[str, Any] = {**ONCE_MORE, "waits": (OWN,), "requests": 2}
    for status in (408, 500, 502, 503):
        does = f"{status} without a word on waiting, then the answer"
        yield standin(f"{status}-once", does, name=f"{status} once", **more)
    twice = {**more, "retries": 2, "waits": (OWN, (1.0, 1.5)), "requests": 3}
    yield standin("503-twice", "503 two times, then the answer", name="503 twice", **twice)
    words = "The service is temporarily unable"
    expect = Failure(ServiceError, 503, "ServiceUnavailable", words)
    yield standin("503-always", "503 each time", expect, name="503 for ever", **more)

    def row(name: str, does: str, *replies: Reply, expect: Expected = GOOD, **also: Any) -> Row:
        return Row(name=name, does=does, replies=replies, expect=expect, **more, **also)

    empty = whole(b"", 504)
    yield row("504 once", "504 without a body, then the answer", empty, ANSWERED)
    does = "504 without a body, then the stream"
    yield row("504 once, streaming", does, empty, STREAMED, stream=True)
    yield row("reset once", "A reset without an answer, then the answer", (End.RESET,), ANSWERED)
    failed = Failure(ServiceConnectionError)
    yield row("reset for ever", "A reset each time", (End.RESET,), expect=failed)


def never_again() -> Iterator[Row]:
    """A failure that stays: asking again is of no use, or would be wrong."""
    more: dict[str, Any] = {**ONCE_MORE, "requests": 1}
    for fault, kind, status, code, words in (
        ("wrong-key", AuthenticationError, 401, "401", "Access denied"),
        ("invalid-input", BadParameterError, 422, "Invalid input", "invalid input error"),
        ("content-filter", ContentFilterError, 400, "content_filter", "The response was filtered"),
    ):
        expect = Failure(kind, status, code, words)
        does = f"{status}: the same would come again"
        yield standin(fault, does, expect, name=f"{fault}, one try left", **more)
    yield Row(
        name="stream: closed, one try left",
        does="A stream breaks after its first words: another try would give another answer.",
        replies=(chunked(*PIECES, end=(End.CLOSE,)), STREAMED),
        stream=True,
        expect=Failure(StreamInterruptedError, kept=BEGUN),
        **more,
    )
