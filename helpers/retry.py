"""When to try again, and how long to wait first: a policy for tenacity's ``Retrying``.

What the service asks for is obeyed (``retry-after-ms``, or ``Retry-After`` in seconds or as a date)
up to a cap, and above the cap the error is raised at once: a notebook that sleeps for a day without
a word helps nobody. Without such a header the waits grow from half a second to eight, with jitter.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, cast

from helpers.errors import ChatError, ServiceConnectionError

if TYPE_CHECKING:
    from tenacity import RetryCallState, Retrying

OnWait = Callable[[float, ChatError], None]
"""Told before each wait: the seconds, and the error that is the reason."""


def asked_wait(headers: Mapping[str, str]) -> float | None:
    """The seconds that the service asks to wait, or None if it names none that makes sense."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * scale
        except ValueError:
            continue
        if math.isfinite(seconds) and seconds >= 0:
            return seconds
    try:
        date = parsedate_to_datetime(headers.get("retry-after", ""))
        date = date.replace(tzinfo=date.tzinfo or UTC)  # -0000 is UTC too
        return max(0.0, round(date.timestamp() - time.time(), 3))
    except (ValueError, OverflowError):
        return None


def retrying(
    attempts: int, max_wait: float, on_wait: OnWait | None, sleep: Callable[[float], None]
) -> Retrying:
    """A tenacity loop of at most ``attempts`` attempts, none after a wait above ``max_wait`` s."""
    import tenacity  # here, because importing it costs a quarter of the time of importing httpx

    def failure(state: RetryCallState) -> ChatError:
        return cast(ChatError, state.outcome.exception() if state.outcome else None)

    def worth_it(error: BaseException) -> bool:
        if isinstance(error, ServiceConnectionError):
            return True
        if not isinstance(error, ChatError) or error.status is None:
            return False
        passing = error.status in (408, 429) or error.status >= 500
        return passing and (error.retry_after or 0) <= max_wait

    backoff = tenacity.wait_exponential(multiplier=0.5, max=8) + tenacity.wait_random(0, 0.5)

    def wait(state: RetryCallState) -> float:
        asked = failure(state).retry_after
        return backoff(state) if asked is None else asked

    def tell(state: RetryCallState) -> None:
        if on_wait is not None:
            on_wait(state.upcoming_sleep, failure(state))

    return tenacity.Retrying(
        stop=tenacity.stop_after_attempt(attempts),
        retry=tenacity.retry_if_exception(worth_it),
        wait=wait,
        before_sleep=tell,
        sleep=sleep,
        reraise=True,
    )
