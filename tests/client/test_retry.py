"""How often a call is retried and how long it pauses; the table of faults says which failures are.

The sleep is the tests' own.
"""

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from helpers import ChatError, RateLimitError, ServiceConnectionError
from helpers.client.retry import requested_wait
from tests.fakes import ASK, Answer, answer, client, noting, service_of
from tests.sync_and_async import both, once

pytestmark = both

BACKOFF = [(0.5, 1.0), (1.0, 1.5), (2.0, 2.5), (4.0, 4.5), *[(8.0, 8.5)] * 8]
"""The waits of twelve retries, jitter included."""


@pytest.mark.parametrize("retries", [0, 1, 3, 12])
@pytest.mark.parametrize("failing", [answer(503, ""), httpx.ConnectError("x")], ids=["503", "no"])
def test_it_gives_up_after_max_retries(failing: Answer, retries: int) -> None:
    waits: list[float] = []
    asked = client(failing, max_retries=retries, on_wait=noting(waits))
    with pytest.raises(ChatError):
        asked.complete(ASK)
    assert len(service_of(asked).requests) == retries + 1
    assert len({request.content for request in service_of(asked).requests}) == 1
    between = zip(waits, BACKOFF[:retries], strict=True)
    assert all(low <= wait <= high for wait, (low, high) in between)


@pytest.mark.parametrize("slow", [httpx.ReadTimeout("x"), httpx.WriteTimeout("x")])
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


def test_on_wait_is_called_before_each_pause(slept: list[Any]) -> None:
    asked = client(
        answer(429, "", retry_after="7"), httpx.ConnectError("x"), answer(),
        on_wait=lambda seconds, reason: slept.append((seconds, type(reason))),
        max_sleep=7.5,
    )  # fmt: skip
    asked.complete(ASK)
    (seconds, kind), paused, (later, second_kind), paused_later = slept
    assert (seconds, kind, paused) == (7.0, RateLimitError, 7.0)
    assert (later, second_kind) == (paused_later, ServiceConnectionError)


def test_ctrl_c_is_not_retried() -> None:
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
