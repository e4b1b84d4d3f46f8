"""A streamed answer: its events, the updates in them as they arrive, and all of it at the end.

Events follow https://html.spec.whatwg.org/multipage/server-sent-events.html.
``response.iter_lines()`` would not do: it also splits at U+2028, U+2029 and U+0085, which may stand
inside a JSON string. ``EventReader`` is fed with text, so both clients share it.
"""

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any, Generic, NamedTuple, Self, TypeVar

import httpx

from helpers.client.accumulator import StreamAccumulator
from helpers.client.error_bodies import error_in, read_error
from helpers.client.errors import ConfigurationError, StreamFilteredError, StreamInterruptedError
from helpers.client.exchange import Exchange
from helpers.client.messages import JSON
from helpers.client.redaction import body_from, credential_filter
from helpers.client.responses import ChatCompletions, StreamingChatCompletionsUpdate

Send = TypeVar("Send")
Updates = Iterator[StreamingChatCompletionsUpdate]
AsyncUpdates = AsyncIterator[StreamingChatCompletionsUpdate]
MAX_IGNORED = 2_000
"""Characters of lines that are of no event: perhaps an error that came without ``data:``."""
_LINE_END = re.compile(r"\r\n|\r|\n")
_OF_ERRORS = ("rror", "RROR", 'iltered":true', 'iltered": true', "ILTERED")
"""What an update with choices has in its JSON if it is an error; most have none of it."""


class Event(NamedTuple):
    """One event. ``name`` is "message" unless the service names it; ``data`` is never empty."""

    name: str
    data: str

    def __repr__(self) -> str:  # verbose tracebacks show it, and an event may hold the key
        return f"{type(self).__name__}({len(self.data)} characters)"


class EventReader:
    """Split a text that arrives in pieces into events."""

    def __init__(self) -> None:
        self._line: list[str] = []  # pieces of a line without its end
        self._name = ""
        self._data: list[str] = []
        self._after_cr = False
        self.ignored = ""  # lines of no event: perhaps an error that came without `data:`

    def feed(self, text: str) -> Iterator[Event]:
        """Yield the events that end within ``text``, which is not empty."""
        if self._after_cr:  # a line feed now is the second half of CRLF
            text = text.removeprefix("\n")
        self._after_cr = text.endswith("\r")
        *lines, rest = _LINE_END.split(text) if "\r" in text else text.split("\n")
        if lines:
            lines[0] = "".join([*self._line, lines[0]])
            self._line = []
        self._line.append(rest)
        for line in lines:
            field, _, value = line.partition(":")
            if not line:
                if data := "\n".join(self._data):
                    yield Event(self._name or "message", data)
                self._name, self._data = "", []
            elif field == "data":
                self._data.append(value.removeprefix(" "))
            elif field == "event":
                self._name = value.removeprefix(" ")
            elif field not in ("", "id", "retry") and len(self.ignored) < MAX_IGNORED:
                self.ignored += line[:MAX_IGNORED] + "\n"

    def end(self) -> Iterator[Event]:
        """Yield the last event if no empty line ended it, which the standard would drop."""
        yield from self.feed("\n\n")


class BaseStream(Generic[Send]):
    """The answer as far as it has arrived. The subclasses read the bytes.

    ``send`` is the client's function to send a request; ``done``: whether ``[DONE]`` has come.
    """

    def __init__(self, request: httpx.Request, send: Send) -> None:
        self._request, self._send = request, send
        self._response: httpx.Response | None = None
        self._accumulator = StreamAccumulator()

    @property
    def completion(self) -> ChatCompletions:
        """The answer, put together from the updates that were read so far."""
        exchange = None if self._response is None else self.exchange
        return ChatCompletions(self._accumulator.whole(), exchange)

    @property
    def exchange(self) -> Exchange:
        """The HTTP call up to the last event that was read; its ``response_body`` is None."""
        return Exchange.from_response(self._opened(), self._elapsed)

    def _opened(self) -> httpx.Response:
        if self._response is None:
            raise ConfigurationError(
                "The stream is not open.",
                advice="use `with client.stream(...) as stream:` (`async with`, if you await).",
            )
        return self._response

    def _open(self, response: httpx.Response) -> None:
        """Start from the beginning: a ``with`` block may be entered again."""
        self._response = response
        self._request = response.request  # the adapter may have changed it
        self._clock: Callable[[], float] = response.extensions["elapsed"]
        self._elapsed = self._clock()
        self._reader, self._accumulator, self.done = EventReader(), StreamAccumulator(), False

    def _take(self, events: Iterator[Event]) -> Updates:
        """Yield the update in each event, after adding it to ``completion``."""
        for event in events:
            self._elapsed, self._data = self._clock(), event.data
            if event.data.startswith("[DONE]"):
                self.done = True
                return
            # Not in a local variable, which a verbose traceback of a later error would show.
            yield self._update(event)

    def _update(self, event: Event) -> StreamingChatCompletionsUpdate:
        with suppress(ValueError, RecursionError):
            update = json.loads(event.data)
            if event.name != "error" and isinstance(update, dict):
                is_suspect = any(map(event.data.__contains__, _OF_ERRORS))
                is_plain = isinstance(update.get("choices"), list) and not is_suspect
                if is_plain or error_in(update) is None:
                    update = self._accumulator.add(update)
                    return StreamingChatCompletionsUpdate(update, self._elapsed)
        # Masked from here on: the error repeats it, and a verbose traceback shows the variable.
        update = body_from(event.data, credential_filter(self._request))
        message = "The service reported an error within the stream."
        if isinstance(update, str) and event.name != "error":
            message = "An event held no JSON."
        raise self._interrupted(message, update)

    def _check_end(self, broken_by: type[Exception] | None) -> None:
        """Raise ``StreamInterruptedError`` if the stream ended before the answer was complete."""
        if self.done or self._accumulator.finished:
            return
        if broken_by is not None:
            raise self._interrupted(f"The connection ended: {broken_by.__name__}.")
        message = "The service ended the stream before the answer was complete."
        raise self._interrupted(
            message, body_from(self._reader.ignored, credential_filter(self._request))
        )

    def _interrupted(self, message: str, error: Any = None) -> StreamInterruptedError:
        """Return the error that ends the stream; ``error`` is what the service says of it."""
        words, code, _, is_refusal = read_error(error)
        kind = StreamFilteredError if is_refusal else StreamInterruptedError
        facts: JSON = {"partial": self.completion, "exchange": self.exchange}
        return kind("" if is_refusal else message, words=words, code=code, **facts)


class CompletionStream(BaseStream[Callable[[httpx.Request], httpx.Response]]):
    """What ``client.stream`` returns: a context manager to iterate over.

    Leaving the block closes the connection; what had arrived stays in ``completion``.
    """

    def __enter__(self) -> Self:
        self._open(self._send(self._request))
        self._updates = self._read(self._opened())
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection. It does not wake another thread that reads it."""
        if self._response is not None:
            self._response.close()

    def __iter__(self) -> Updates:
        """Return an iterator over the updates, each of which is already in ``completion``.

        It raises ``StreamInterruptedError`` if the stream ends too early or holds an error.
        """
        self._opened()
        return self._updates

    def events(self) -> Iterator[str]:
        """Return an iterator over the data of each event as it was sent, without ``[DONE]``."""
        return (self._data for _ in self)

    def _read(self, response: httpx.Response) -> Updates:
        broken_by = None
        try:
            # No local variable holds the text, because a verbose traceback would show it.
            for events in map(self._reader.feed, response.iter_text()):
                yield from self._take(events)
                if self.done:
                    return
            yield from self._take(self._reader.end())
        except (httpx.RequestError, httpx.StreamError) as reason:
            broken_by = type(reason)
        finally:
            response.close()
        self._check_end(broken_by)


class AsyncCompletionStream(BaseStream[Callable[[httpx.Request], Awaitable[httpx.Response]]]):
    """Like ``CompletionStream``, with ``async with`` and ``async for``."""

    async def __aenter__(self) -> Self:
        self._open(await self._send(self._request))
        self._updates = self._read(self._opened())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection; a task that reads it gets a ``StreamInterruptedError``."""
        if self._response is not None:
            await self._response.aclose()

    def __aiter__(self) -> AsyncUpdates:
        """Return an iterator over the updates, as in ``CompletionStream``."""
        self._opened()
        return self._updates

    async def events(self) -> AsyncIterator[str]:
        """Iterate over the data of each event, as in ``CompletionStream``."""
        async for _ in self:
            yield self._data

    async def _read(self, response: httpx.Response) -> AsyncUpdates:
        broken_by = None
        try:
            async for text in response.aiter_text():
                events, text = self._reader.feed(text), ""  # see CompletionStream
                for update in self._take(events):
                    yield update
                if self.done:
                    return
            for update in self._take(self._reader.end()):
                yield update
        except (httpx.RequestError, httpx.StreamError) as reason:
            broken_by = type(reason)
        finally:
            await response.aclose()
        self._check_end(broken_by)
