"""What is tried again, and after how long; the clock and the sleep are the tests' own."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from helpers import (
    ChatError,
    ContentFilterError,
    RateLimitError,
    ServiceConnectionError,
    ServiceTimeoutError,
)
from helpers.client.retry import requested_wait
from tests.fakes import ASK, Answer, answer, client, noting, service_of, unwrapped
from tests.sync_and_async import both, once

pytestmark = both

TOO_SLOW = httpx.ReadTimeout("x"), httpx.WriteTimeout("x")
AGAIN: dict[str, Answer] = {
    "529": answer(529, ""),
    "timed out": httpx.ReadTimeout("x"),
}
NOT_AGAIN: dict[str, Answer] = {
    **{str(s): answer(s, "") for s in (302, 400, 401, 403, 404, 409, 413, 418, 422, 431)},
    "200 that is no completion": answer(body="fine"),
    "400 that asks for a wait": answer(400, "", retry_after="1"),
}
BACKOFF = [(0.5, 1.0), (1.0, 1.5), (2.0, 2.5)]
"""The waits of three retries, jitter included."""


@pytest.mark.parametrize("first", AGAIN.values(), ids=AGAIN)
def test_a_failure_that_passes_is_tried_again(first: Answer) -> None:
    waits: list[float] = []
    asked = client(first, answer(), on_wait=noting(waits))
    assert asked.complete(ASK).content == "Hi!"
    assert [BACKOFF[0][0] <= wait <= BACKOFF[0][1] for wait in waits] == [True]


@pytest.mark.parametrize("first", NOT_AGAIN.values(), ids=NOT_AGAIN)
def test_a_failure_that_stays_is_not_tried_again(first: Answer) -> None:
    waits: list[float] = []
    asked = client(first, answer(), on_wait=noting(waits))
    with pytest.raises(ChatError):
        asked.complete(ASK)
    assert (len(service_of(asked).requests), waits) == (1, [])


@pytest.mark.parametrize("retries", [0, 1, 3])
@pytest.mark.parametrize("failing", [answer(503, ""), httpx.ConnectError("x")], ids=["503", "no"])
def test_it_gives_up_after_max_retries(failing: Answer, retries: int) -> None:
    waits: list[float] = []
    asked = client(failing, max_retries=retries, on_wait=noting(waits))
    with pytest.raises(ChatError):
        asked.complete(ASK)
    assert len(service_of(asked).requests) == retries + 1
    between = zip(waits, BACKOFF, strict=False)
    assert len(waits) == retries
    assert all(low <= wait <= high for wait, (low, high) in between)


@pytest.mark.parametrize("slow", TOO_SLOW, ids=["read", "write"])
def test_a_time_out_is_tried_again_once_because_it_may_be_billed(slow: Answer) -> None:
    for answers, requests in (
        ((slow,), 2),
        ((answer(503, ""), slow, slow, answer()), 3),
        ((slow, answer(503, ""), answer()), 2),
    ):
        asked = client(*answers, max_retries=5)
        with pytest.raises(ChatError):
            asked.complete(ASK)
        assert len(service_of(asked).requests) == requests
    asked = client(httpx.ConnectTimeout("x"), max_retries=5)
    with pytest.raises(ServiceConnectionError):
        asked.complete(ASK)
    assert len(service_of(asked).requests) == 6


@pytest.mark.parametrize("slow", TOO_SLOW, ids=["read", "write"])
def test_a_time_out_is_not_told_as_an_unreachable_host(slow: Answer) -> None:
    with pytest.raises(ServiceTimeoutError, match="within the time allowed: 7 s") as failure:
        client(slow, timeout=7, max_retries=0).complete(ASK)
    assert "reached" not in str(failure.value)
    assert "TUTORIAL_TIMEOUT" in failure.value.advice
    with pytest.raises(ServiceConnectionError, match="could not be reached") as unreachable:
        client(httpx.ConnectTimeout("x"), max_retries=0).complete(ASK)
    assert type(unreachable.value) is ServiceConnectionError


def test_a_refusal_by_the_filter_is_not_tried_again_whatever_its_status() -> None:
    asked = client(answer(500, {"error": {"code": "content_filter"}}), answer())
    with pytest.raises(ContentFilterError):
        asked.complete(ASK)
    assert len(service_of(asked).requests) == 1


def test_the_last_failure_is_the_one_that_is_raised() -> None:
    asked = client(httpx.ConnectError("x"), answer(500, ""), answer(429, "Slow down"))
    with pytest.raises(RateLimitError, match="Slow down"):
        asked.complete(ASK)


def test_waits_without_a_header_end_at_eight_seconds_and_some() -> None:
    waits: list[float] = []
    with pytest.raises(ServiceConnectionError):
        client(httpx.ConnectError("x"), max_retries=12, on_wait=noting(waits)).complete(ASK)
    assert 8 <= waits[-1] <= 8.5


NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


def date(seconds: float) -> str:
    return format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)


ASKED: dict[str, tuple[dict[str, str], float | None]] = {
    "part of a second": ({"retry-after": "0.5"}, 0.5),
    "blanks": ({"retry-after": " 7 "}, 7),
    "a date": ({"retry-after": date(30)}, 30),
    "a date that is over": ({"retry-after": date(-30)}, None),
    "zero": ({"retry-after": "0"}, None),
    "zero ms beside a second": ({"retry-after": "1", "retry-after-ms": "0"}, 1),
    "zero seconds beside ms": ({"retry-after": "0", "retry-after-ms": "20"}, 0.02),
    "ms above the seconds": ({"retry-after": "1", "retry-after-ms": "2500"}, 2.5),
    "ms beside a date": ({"retry-after": date(3), "retry-after-ms": "1"}, 3),
    "negative": ({"retry-after": "-3", "retry-after-ms": "-1"}, None),
    "twice": ({"retry-after": "1, 2"}, 2),
    "twice, one is no number": ({"retry-after": "soon, 2"}, 2),
    "huge": ({"retry-after": "9" * 30}, 1e30),
    "a date of no year": ({"retry-after": "Wed, 02 Jan 99999 03:04:35 GMT"}, None),
    "not a number": ({"retry-after": "nan"}, None),
    "endless": ({"retry-after": "inf"}, None),
    "empty": ({"retry-after": ""}, None),
}


@once
@pytest.mark.parametrize(("headers", "seconds"), ASKED.values(), ids=ASKED)
def test_the_wait_that_the_service_asks_for(
    headers: dict[str, str], seconds: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", NOW.timestamp)
    assert requested_wait(httpx.Headers(headers)) == seconds


@pytest.mark.parametrize(("asks", "cap"), [("61", 60.0), ("1", 0.0)])
def test_a_wait_above_the_cap_is_raised_at_once(asks: str, cap: float) -> None:
    waits: list[float] = []
    asked = client(answer(429, "", retry_after=asks), answer(), max_wait=cap, on_wait=noting(waits))
    with pytest.raises(RateLimitError) as failure:
        asked.complete(ASK)
    assert (len(service_of(asked).requests), waits) == (1, [])
    assert failure.value.retry_after == float(asks)
    text = unwrapped(failure.value)
    assert f"It asks you to wait {asks} s." in text
    assert f"longer than the {cap:g} s allowed here" in text


def test_a_wait_as_long_as_the_cap_is_waited() -> None:
    waits: list[float] = []
    client(answer(429, "", retry_after="60"), answer(), on_wait=noting(waits)).complete(ASK)
    assert waits == [60.0]


def test_on_wait_is_told_before_each_wait(slept: list[Any]) -> None:
    asked = client(
        answer(429, "", retry_after="7"), httpx.ConnectError("x"), answer(),
        on_wait=lambda seconds, reason: slept.append((seconds, type(reason))),
        max_pause=7.5,
    )  # fmt: skip
    asked.complete(ASK)
    (seconds, kind), paused, (later, second_kind), paused_later = slept
    assert (seconds, kind, paused) == (7.0, RateLimitError, 7.0)
    assert (later, second_kind) == (paused_later, ServiceConnectionError)


def test_it_sleeps_for_the_max_pause_at_most(slept: list[float]) -> None:
    told: list[float] = []
    waiting = answer(429, "", retry_after="7")
    client(waiting, answer(), on_wait=noting(told), max_pause=0.25).complete(ASK)
    assert (told, slept) == ([7.0], [0.25])


def test_the_same_body_is_sent_each_time() -> None:
    asked = client(answer(500, ""), answer(500, ""), answer())
    asked.complete(ASK)
    assert len({r.content for r in service_of(asked).requests}) == 1


def test_ctrl_c_is_not_tried_again() -> None:
    def stopped() -> httpx.Response:
        raise KeyboardInterrupt

    asked = client(stopped, answer())
    with pytest.raises(KeyboardInterrupt):
        asked.complete(ASK)
    assert len(service_of(asked).requests) == 1


@once
@pytest.mark.skipif(not hasattr(time, "tzset"), reason="Windows can't change its zone in a process")
def test_a_date_without_a_zone_is_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=30)).replace("+0000", "-0000")
    try:
        monkeypatch.setenv("TZ", "JST-9")
        time.tzset()
        assert 25 < (requested_wait({"retry-after": at}) or 0) <= 30
    finally:
        monkeypatch.undo()
        time.tzset()
