"""Server-sent events, read from a streamed answer by httpx-sse.

Not by ``response.iter_lines()``: that also splits at U+2028, U+2029 and U+0085, which may stand
inside a JSON string, and would cut an event in pieces.
"""

from collections.abc import Iterator
from typing import cast

import httpx
from httpx_sse import EventSource, ServerSentEvent


class _Ended:
    """The answer with an empty line after it: a last event without one still counts."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.headers = {"content-type": "text/event-stream"}  # the client looked at the real one

    def iter_text(self) -> Iterator[str]:
        texts = self.response.iter_text()
        yield next(texts, "").removeprefix("\ufeff")
        yield from texts
        yield "\n\n"


def events(response: httpx.Response) -> Iterator[ServerSentEvent]:
    """Each event as it arrives: ``.event`` is its name (mostly "message"), ``.data`` its text."""
    source = EventSource(cast(httpx.Response, _Ended(response)))
    return (event for event in source.iter_sse() if event.data)
