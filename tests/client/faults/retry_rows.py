"""The service says "not now": what it asks to wait, and whether asking again helps."""

from collections.abc import Iterator
from itertools import chain
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
from tests.client.faults.row import BEGUN, GOOD, Failure, Row, standin
from tests.client.faults.wire import COMPLETION, PIECES, STREAM, End, Reply, chunked, whole

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
    return chain(retry_after(), too_long(), again(), never_again())


def retry_after() -> Iterator[Row]:
    """``Retry-After`` in every form, with and without ``retry-after-ms``, then the answer."""
    more: dict[str, Any] = {"requests": 2, **ONCE_MORE}
    for name, wait in (
        ("seconds", (1.0, 1.0)), ("date", (0.5, 2.0)), ("zero", AT_ONCE), ("garbage", OWN),
        ("ms", BY_MS),
    ):  # fmt: skip
        yield standin(f"retry-after-{name}", name=f"Retry-After: {name}", waits=(wait,), **more)
    ms = {"retry_after_ms": "50"}
    forms: list[tuple[str, tuple[float, float], dict[str, str]]] = [
        ("none", OWN, {}),
        ("negative", OWN, {"Retry_After": "-5"}),
        ("date in the past", AT_ONCE, {"Retry_After": PAST}),
        ("seconds, and ms", BY_MS, {"Retry_After": "1", **ms}),
        ("date, and ms", BY_MS, {"Retry_After": PAST, **ms}),
        ("zero, and ms", BY_MS, {"Retry_After": "0", **ms}),
        ("negative, and ms", BY_MS, {"Retry_After": "-5", **ms}),
        ("garbage, and ms", BY_MS, {"Retry_After": "soon", **ms}),
        ("seconds, ms garbage", (1.0, 1.0), {"Retry_After": "1", "retry_after_ms": "soon"}),
    ]
    for name, wait, headers in forms:
        replies = (limited(**headers), ANSWERED)
        name = f"Retry-After: {name}"
        yield Row(name=name, replies=replies, expect=GOOD, waits=(wait,), **more)


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
        expect = Failure(RateLimitError, 429, "429", LIMIT, says=says, retry_after=wait)
        replies, name = (limited(**headers), ANSWERED), f"Retry-After: {name}"
        yield Row(name=name, replies=replies, expect=expect, requests=1, **ONCE_MORE)
    seven = Failure(RateLimitError, 429, "429", LIMIT, retry_after=(7, 7))
    for stream in (False, True):
        name = f"Retry-After, no try left{', streaming' if stream else ''}"
        replies = (limited(Retry_After="7"),)
        yield Row(name=name, replies=replies, expect=seven, stream=stream, requests=1)


def again() -> Iterator[Row]:
    """A failure that passes: the answer comes to the one who asks again."""
    more: dict[str, Any] = {**ONCE_MORE, "waits": (OWN,), "requests": 2}
    for status in (408, 500, 502, 503):
        yield standin(f"{status}-once", name=f"{status} once", **more)
    twice = {**more, "retries": 2, "waits": (OWN, (1.0, 1.5)), "requests": 3}
    yield standin("503-twice", name="503 twice", **twice)
    words = "The service is temporarily unable"
    expect = Failure(ServiceError, 503, "ServiceUnavailable", words)
    yield standin("503-always", expect, name="503 for ever", **more)
    empty, failed = whole(b"", 504), Failure(ServiceConnectionError)
    yield Row(name="504 once", replies=(empty, ANSWERED), expect=GOOD, **more)
    streaming = {"replies": (empty, STREAMED), "stream": True, **more}
    yield Row(name="504 once, streaming", expect=GOOD, **streaming)
    yield Row(name="reset once", replies=((End.RESET,), ANSWERED), expect=GOOD, **more)
    yield Row(name="reset for ever", replies=((End.RESET,),), expect=failed, **more)


def never_again() -> Iterator[Row]:
    """A failure that stays: asking again is of no use, or would be wrong."""
    more: dict[str, Any] = {**ONCE_MORE, "requests": 1}
    for fault, kind, status, code, words in (
        ("wrong-key", AuthenticationError, 401, "401", "Access denied"),
        ("invalid-input", BadParameterError, 422, "Invalid input", "invalid input error"),
        ("content-filter", ContentFilterError, 400, "content_filter", "The response was filtered"),
    ):
        expect = Failure(kind, status, code, words)
        yield standin(fault, expect, name=f"{fault}, one try left", **more)
    # A stream breaks after its first words: another try would give another answer.
    replies = (chunked(*PIECES, end=(End.CLOSE,)), STREAMED)
    expect = Failure(StreamInterruptedError, kept=BEGUN)
    name = "stream: closed, one try left"
    yield Row(name=name, replies=replies, stream=True, expect=expect, **more)
