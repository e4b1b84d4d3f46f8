"""When to try again, and how long to wait first.

What the service asks for is obeyed (``retry-after-ms``, or ``Retry-After`` in seconds or as a date)
up to a cap, and above the cap the error is raised at once: a notebook that sleeps for a day without
a word helps nobody. Without such a header the waits grow from half a second to eight, with jitter.

No loop stands here: one client sleeps and the other awaits. (tenacity has both loops; it took an
eighth of the time of a call that succeeds, and more code than the rule itself.)
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
class RetryPolicy:
    """At most ``attempts`` attempts, none after a wait above ``max_wait`` seconds.

    ``on_wait`` is told of each wait, and then ``max_pause`` seconds of it at most are slept.
    """

    attempts: int
    max_wait: float
    on_wait: OnWait | None
    max_pause: float

    def pause_after(self, failure: ChatError, attempt: int) -> float:
        """The seconds to sleep after the failure of this attempt (the first is 1).

        Raises ``failure`` if there is to be no other attempt.
        """
        if attempt >= self.attempts or not self._is_passing(failure):
            raise failure
        wait = failure.retry_after
        if wait is None:
            wait = min(0.5 * 2 ** (attempt - 1), 8.0) + random.uniform(0, 0.5)
        if self.on_wait is not None:
            self.on_wait(wait, failure)
        return min(wait, self.max_pause)

    def _is_passing(self, failure: ChatError) -> bool:
        if isinstance(failure, ServiceConnectionError):
            return True
        if failure.status is None or (failure.retry_after or 0) > self.max_wait:
            return False
        return failure.status in (408, 429) or failure.status >= 500


def wait_notice(seconds: float, error: ChatError) -> str:
    """Return the sentence that announces a wait of ``seconds`` before the next attempt."""
    return f"{error.message} Waiting up to {math.ceil(seconds)} s, then trying again."
