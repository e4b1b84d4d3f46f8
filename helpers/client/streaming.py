"""A streamed answer: updates as they arrive, and the whole of it afterwards.

What an event does to the answer stands once, in ``BaseStream``; the two streams only wait for the
next bytes, one with ``for`` and one with ``async for``.
"""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Self, cast

import httpx

from helpers.client.accumulator import StreamAccumulator
from helpers.client.errors import ConfigurationError, StreamInterruptedError, service_words
from helpers.client.exchange import Exchange, body_from, describe
from helpers.client.messages import JSON
from helpers.client.redaction import redactor
from helpers.client.responses import ChatCompletions, StreamingChatCompletionsUpdate
from helpers.client.sse import Event, EventReader

DONE = "[DONE]"
Pair = tuple[Event, StreamingChatCompletionsUpdate]
"""An event as it stood on the wire, and what it says."""
_BREAKS = (httpx.RequestError, httpx.StreamError)


class BaseStream:
    """The answer as far as it has arrived."""

    def __init__(self, request: httpx.Request) -> None:
        self._request = request
        self._response: httpx.Response | None = None

    @property
    def completion(self) -> ChatCompletions:
        """The answer, put together from all updates that were read so far."""
        if self._response is None:
            return ChatCompletions(StreamAccumulator().whole())
        return ChatCompletions(self._assembly.whole(), self.exchange)

    @property
    def exchange(self) -> Exchange:
        """The HTTP call, up to the last event read; its ``response_body`` is None."""
        return describe(self._request, self._opened(), self._elapsed, stream=True)

    def _opened(self) -> httpx.Response:
        if self._response is None:
            raise ConfigurationError(
                "The stream is not open.",
                advice="use `with client.stream(...) as stream:` (`async with`, if you await).",
            )
        return self._response

    def _open(self, response: httpx.Response) -> None:
        """Begin anew: the block may be entered a second time."""
        self._response = response
        self._clock: Callable[[], float] = response.extensions["elapsed"]
        self._elapsed = self._clock()
        self._reader, self._assembly, self._done = EventReader(), StreamAccumulator(), False
        self._redact = redactor(self._request)

    def _take(self, events: Iterator[Event]) -> Iterator[Pair]:
        """Each event as an update; what it brings is in ``completion`` before you see it."""
        for event in events:
            self._elapsed = self._clock()
            if event.data.startswith(DONE):
                self._done = True
                return
            raw = self._parse(event)
            self._assembly.add(raw)
            yield event, StreamingChatCompletionsUpdate(raw, self._elapsed)

    def _parse(self, event: Event) -> JSON:
        raw = body_from(event.data, str)  # as it was sent
        is_update = isinstance(raw, dict) and "choices" in raw and not raw.get("error")
        if is_update and event.name != "error":
            return cast(JSON, raw)
        raw = body_from(event.data, self._redact)  # what is no update is shown in an error
        words, code = service_words(raw)
        if isinstance(raw, str) and event.name != "error":
            raise self._broken("An event held no JSON.", words)
        # An error comes under that name, or as a field, or flat: what it says instead of choices.
        if event.name == "error" or not isinstance(raw, dict) or raw.get("error") or words:
            raise self._broken("The service reported an error within the stream.", words, code)
        return raw

    def _broke(self, reason: type[Exception]) -> None:
        """The connection ended: an error, unless the answer was whole by then."""
        if not self._assembly.finished:
            raise self._broken(f"The connection ended: {reason.__name__}.") from None
        self._done = True

    def _check_end(self) -> None:
        if not (self._done or self._assembly.finished):
            raise self._broken("The service ended the stream before the answer was complete.")

    def _broken(
        self, message: str, words: str = "", code: str | None = None
    ) -> StreamInterruptedError:
        return StreamInterruptedError(
            message, partial=self.completion, words=words, code=code, exchange=self.exchange
        )


class CompletionStream(BaseStream):
    """Made by ``client.stream``: a context manager to iterate over.

        with client.stream(messages) as stream:
            for update in stream:
                print(update.content, end="")
        print(stream.completion.usage)

    Leaving the block early closes the connection; what had arrived stays in ``completion``.
    """

    def __init__(self, request: httpx.Request, send: Callable[[], httpx.Response]) -> None:
        super().__init__(request)
        self._send = send

    def __enter__(self) -> Self:
        response = self._send()
        self._open(response)
        self._pairs = self._read(response)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection, where nobody waits for its bytes: the iteration ends or breaks."""
        if self._response is not None:
            self._response.close()

    def hang_up(self) -> None:
        """End the iteration from another thread: the one that waits for bytes closes the stream.

        ``close`` would not wake it, and would free the number of a socket that is still in use.
        """
        response = self._response
        if response is None or response.is_closed:
            return  # its connection may by now carry another answer
        network = response.extensions.get("network_stream")
        line = network.get_extra_info("socket") if network is not None else None
        if line is not None:
            with suppress(OSError):
                # Not line.shutdown: of a TLS socket that also drops the state that its reader uses.
                socket.socket.shutdown(line, socket.SHUT_RDWR)

    def __iter__(self) -> Iterator[StreamingChatCompletionsUpdate]:
        """The updates; what one brings is in ``completion`` by the time that you see it.

        Raises ``StreamInterruptedError`` if the stream breaks, with all that had arrived.
        """
        self._opened()
        return (update for _, update in self._pairs)

    def events(self) -> Iterator[str]:
        """The same stream as it stands on the wire: the data of each event, ``[DONE]`` left out."""
        self._opened()
        return (event.data for event, _ in self._pairs)

    def _read(self, response: httpx.Response) -> Iterator[Pair]:
        try:
            # Without a name for the text: a verbose traceback would show what it holds.
            for events in map(self._reader.feed, response.iter_text()):
                yield from self._take(events)
                if self._done:
                    return
            yield from self._take(self._reader.end())
        except _BREAKS as reason:
            self._broke(type(reason))
        finally:
            response.close()
        self._check_end()


class AsyncCompletionStream(BaseStream):
    """As ``CompletionStream``, with ``async with`` and ``async for``."""

    def __init__(
        self, request: httpx.Request, send: Callable[[], Awaitable[httpx.Response]]
    ) -> None:
        super().__init__(request)
        self._send = send

    async def __aenter__(self) -> Self:
        response = await self._send()
        self._open(response)
        self._pairs = self._read(response)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection: the service stops sending, and the iteration ends or breaks."""
        if self._response is not None:
            await self._response.aclose()

    async def __aiter__(self) -> AsyncIterator[StreamingChatCompletionsUpdate]:
        """The updates, as in ``CompletionStream``."""
        self._opened()
        async for _, update in self._pairs:
            yield update

    async def events(self) -> AsyncIterator[str]:
        """The data of each event, as in ``CompletionStream``."""
        self._opened()
        async for event, _ in self._pairs:
            yield event.data

    async def _read(self, response: httpx.Response) -> AsyncIterator[Pair]:
        try:
            async for text in response.aiter_text():
                events, text = self._reader.feed(text), ""  # as in the other client
                for pair in self._take(events):
                    yield pair
                if self._done:
                    return
            for pair in self._take(self._reader.end()):
                yield pair
        except _BREAKS as reason:
            self._broke(type(reason))
        finally:
            await response.aclose()
        self._check_end()
