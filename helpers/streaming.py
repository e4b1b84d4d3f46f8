"""A streamed answer: updates as they arrive, and the whole of it afterwards."""

from collections.abc import Callable, Iterator
from typing import Self, cast

import httpx

from helpers.assembly import Assembly
from helpers.errors import ConfigurationError, StreamInterruptedError, service_words
from helpers.exchanges import Change, Exchange, body_from, describe, scrubber
from helpers.messages import JSON
from helpers.models import ChatCompletions, StreamingChatCompletionsUpdate
from helpers.sse import events

DONE = "[DONE]"


class CompletionStream:
    """Made by ``client.stream``: a context manager to iterate over.

        with client.stream(messages) as stream:
            for update in stream:
                print(update.content, end="")
        print(stream.completion.usage)

    Leaving the block early closes the connection; what had arrived stays in ``completion``.
    """

    def __init__(self, request: httpx.Request, send: Callable[[], httpx.Response]) -> None:
        self._request = request
        self._send = send
        self._response: httpx.Response | None = None
        self._elapsed = 0.0
        self._assembly = Assembly()
        self._pairs: Iterator[tuple[str, StreamingChatCompletionsUpdate]] = iter(())

    def __enter__(self) -> Self:
        self._assembly = Assembly()  # anew: the block may be entered a second time
        self._response = self._send()
        self._elapsed = self._response.extensions["elapsed"]()
        self._pairs = self._read(self._response)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection: the service stops sending, and the iteration ends or breaks."""
        if self._response is not None:
            self._response.close()

    def __iter__(self) -> Iterator[StreamingChatCompletionsUpdate]:
        """The updates; what one brings is in ``completion`` by the time that you see it.

        Raises ``StreamInterruptedError`` if the stream breaks, with all that had arrived.
        """
        self._opened()
        return (update for _, update in self._pairs)

    def events(self) -> Iterator[str]:
        """The same stream as it stands on the wire: the data of each event, ``[DONE]`` left out."""
        self._opened()
        return (data for data, _ in self._pairs)

    @property
    def completion(self) -> ChatCompletions:
        """The answer, put together from all updates that were read so far."""
        exchange = None if self._response is None else self.exchange
        return ChatCompletions(self._assembly.whole(), exchange)

    @property
    def exchange(self) -> Exchange:
        """The HTTP call, up to the last event read; its ``response_body`` is None."""
        return describe(self._request, self._opened(), self._elapsed, stream=True)

    def _opened(self) -> httpx.Response:
        if self._response is None:
            raise ConfigurationError(
                "The stream is not open.", advice="use `with client.stream(...) as stream:`."
            )
        return self._response

    def _read(
        self, response: httpx.Response
    ) -> Iterator[tuple[str, StreamingChatCompletionsUpdate]]:
        scrub, done = scrubber(self._request), False
        try:
            for event in events(response):
                self._elapsed = response.extensions["elapsed"]()
                if done := event.data.startswith(DONE):
                    break
                raw = self._parse(event.event, event.data, scrub)
                self._assembly.add(raw)
                yield scrub(event.data), StreamingChatCompletionsUpdate(raw, self._elapsed)
        except (httpx.RequestError, httpx.StreamError) as reason:
            if not self._assembly.finished:
                raise self._broken(f"The connection ended: {type(reason).__name__}.") from reason
        finally:
            response.close()
        if not (done or self._assembly.finished):
            raise self._broken("The service ended the stream before the answer was complete.")

    def _parse(self, name: str, data: str, scrub: Change) -> JSON:
        raw = body_from(data, scrub)
        words, code = service_words(raw)
        if isinstance(raw, str) and name != "error":
            raise self._broken("An event held no JSON.", words)
        # An error comes under that name, or as a field, or flat: what it says instead of choices.
        failed = name == "error" or not isinstance(raw, dict) or raw.get("error")
        if failed or (words and "choices" not in raw):
            raise self._broken("The service reported an error within the stream.", words, code)
        return cast(JSON, raw)

    def _broken(
        self, message: str, words: str = "", code: str | None = None
    ) -> StreamInterruptedError:
        return StreamInterruptedError(
            message, partial=self.completion, words=words, code=code, exchange=self.exchange
        )
