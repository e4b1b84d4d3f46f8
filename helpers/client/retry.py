"""When to retry, and how long to wait first.

Honours ``retry-after-ms`` and ``Retry-After`` (seconds or a date) up to ``max_retry_after``
seconds. A longer wait raises the error at once. Without such a header, or where it asks for no wait
at all, the waits double from 0.5 s up to 8 s, plus up to 0.5 s of jitter. The loops are in the
clients.
"""

import math
import random
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

from helpers.client.errors import (
    ChatError,
    RateLimitError,
    ServiceConnectionError,
    ServiceError,
    ServiceTimeoutError,
)

OnWait = Callable[[float, ChatError], None]
"""Called before each wait with the seconds and the error that is the reason."""


def requested_wait(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that the service asks to wait, or None if it names no time to come.

    The larger of ``retry-after-ms`` and ``Retry-After`` counts: the models route sends 0 ms beside
    1 s. A header that came twice reads "1, 2".
    """
    after, waits = headers.get("retry-after", ""), list[float]()
    for header, unit in ((after, 1), (headers.get("retry-after-ms", ""), 1000)):
        for part in header.split(","):
            with suppress(ValueError):
                waits.append(float(part) / unit)
    with suppress(ValueError, IndexError, TypeError, OverflowError):  # parsedate raises them all
        date = parsedate_to_datetime(after)
        date = date.replace(tzinfo=date.tzinfo or UTC)  # -0000 is UTC too
        waits.append(round(date.timestamp() - time.time(), 3))
    return max((wait for wait in waits if math.isfinite(wait) and wait > 0), default=None)


@dataclass(frozen=True)
class RetryPolicy:
    """When to retry; ``ChatCompletionsClient`` describes the fields."""

    max_retries: int
    max_retry_after: float
    on_wait: OnWait | None
    max_sleep: float

    def next_attempt(self, attempt: int, failure: ChatError) -> tuple[int, float]:
        """Return the number of the next attempt and the seconds to sleep before it.

        Raises ``failure``, that of attempt number ``attempt``, if there is to be no other. The next
        one after a time-out is the last, because the service may bill each of them.
        """
        if attempt > self.max_retries or not self._is_transient(failure):
            raise failure
        wait = failure.retry_after
        if wait is None:
            wait = min(0.5 * 2 ** (attempt - 1), 8.0) + random.uniform(0, 0.5)
        if self.on_wait is not None:
            self.on_wait(wait, failure)
        is_last = isinstance(failure, ServiceTimeoutError)
        return self.max_retries + 1 if is_last else attempt + 1, min(wait, self.max_sleep)

    def _is_transient(self, failure: ChatError) -> bool:
        if isinstance(failure, ServiceConnectionError):
            return True
        if not isinstance(failure, RateLimitError | ServiceError) or failure.status is None:
            return False
        is_passing = failure.status in (408, 429) or failure.status >= 500
        return is_passing and (failure.retry_after or 0) <= self.max_retry_after


def wait_notice(seconds: float, error: ChatError) -> str:
    """Return the sentence that announces a wait of ``seconds`` before the next attempt."""
    how_long = f"up to {math.ceil(seconds)} s"
    if error.retry_after is not None:
        how_long = f"{math.ceil(seconds)} s, as it asks"
    return f"{error.message} Waiting {how_long}, then trying again."
