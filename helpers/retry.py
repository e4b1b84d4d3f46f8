"""When to try again, and how long to wait first: a policy for the loops of tenacity.

What the service asks for is obeyed (``retry-after-ms``, or ``Retry-After`` in seconds or as a date)
up to a cap, and above the cap the error is raised at once: a notebook that sleeps for a day without
a word helps nobody. Without such a header the waits grow from half a second to eight, with jitter.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, cast

from helpers.errors import ChatError, ServiceConnectionError

if TYPE_CHECKING:
    from tenacity import AsyncRetrying, RetryCallState, Retrying

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


@dataclass(frozen=True)
class Policy:
    """At most ``attempts`` attempts, none after a wait above ``max_wait`` seconds.

    ``on_wait`` is told of each wait, and then ``longest_pause`` seconds of it at most are slept.
    """

    attempts: int
    max_wait: float
    on_wait: OnWait | None
    longest_pause: float

    def retrying(self) -> Retrying:
        """The loop for a function that waits."""
        import tenacity  # here, because importing it costs a quarter of the time of importing httpx

        return tenacity.Retrying(
            sleep=lambda seconds: time.sleep(min(seconds, self.longest_pause)), **self._rules()
        )

    def async_retrying(self) -> AsyncRetrying:
        """The loop for a function to be awaited."""
        import asyncio

        import tenacity

        return tenacity.AsyncRetrying(
            sleep=lambda seconds: asyncio.sleep(min(seconds, self.longest_pause)), **self._rules()
        )

    def _rules(self) -> dict[str, Any]:
        import tenacity

        backoff = tenacity.wait_exponential(multiplier=0.5, max=8) + tenacity.wait_random(0, 0.5)

        def wait(state: RetryCallState) -> float:
            asked = _failure(state).retry_after
            return backoff(state) if asked is None else asked

        def tell(state: RetryCallState) -> None:
            if self.on_wait is not None:
                self.on_wait(state.upcoming_sleep, _failure(state))

        return {
            "stop": tenacity.stop_after_attempt(self.attempts),
            "retry": tenacity.retry_if_exception(self._is_worth_it),
            "wait": wait,
            "before_sleep": tell,
            "reraise": True,
        }

    def _is_worth_it(self, error: BaseException) -> bool:
        if isinstance(error, ServiceConnectionError):
            return True
        if not isinstance(error, ChatError) or error.status is None:
            return False
        passing = error.status in (408, 429) or error.status >= 500
        return passing and (error.retry_after or 0) <= self.max_wait


def _failure(state: RetryCallState) -> ChatError:
    return cast(ChatError, state.outcome.exception() if state.outcome else None)
