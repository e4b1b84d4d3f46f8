"""When to retry, and how long to wait first.

Honours ``retry-after-ms`` and ``Retry-After`` (seconds or a date) up to ``max_wait`` seconds. A
longer wait raises the error at once. Without such a header the waits double from 0.5 s up to 8 s,
plus up to 0.5 s of jitter.

The loops are in the clients, because one sleeps and the other awaits. tenacity has both, but needs
more code than this module.
"""

import math
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

from helpers.client.errors import ChatError, ServiceConnectionError

OnWait = Callable[[float, ChatError], None]
"""Called before each wait with the seconds and the error that is the reason."""


def requested_wait(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that the service asks to wait, or None if it names no usable number."""
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
class RetryPolicy:
    """Allow ``attempts`` attempts, and no wait above ``max_wait`` seconds.

    ``on_wait`` is called before each wait, of which ``max_pause`` seconds at most are slept.
    """

    attempts: int
    max_wait: float
    on_wait: OnWait | None
    max_pause: float

    def pause_after(self, failure: ChatError, attempt: int) -> float:
        """Return the seconds to sleep after attempt number ``attempt`` (from 1) failed.

        Raises ``failure`` if there is to be no other attempt.
        """
        if attempt >= self.attempts or not self._is_transient(failure):
            raise failure
        wait = failure.retry_after
        if wait is None:
            wait = min(0.5 * 2 ** (attempt - 1), 8.0) + random.uniform(0, 0.5)
        if self.on_wait is not None:
            self.on_wait(wait, failure)
        return min(wait, self.max_pause)

    def _is_transient(self, failure: ChatError) -> bool:
        if isinstance(failure, ServiceConnectionError):
            return True
        if failure.status is None or (failure.retry_after or 0) > self.max_wait:
            return False
        return failure.status in (408, 429) or failure.status >= 500


def wait_notice(seconds: float, error: ChatError) -> str:
    """Return the sentence that announces a wait of ``seconds`` before the next attempt."""
    return f"{error.message} Waiting up to {math.ceil(seconds)} s, then trying again."
