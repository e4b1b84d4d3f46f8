"""The client for programs that wait for many answers at once: the same, with ``await``.

async with AsyncChatCompletionsClient(endpoint, AzureKeyCredential(key), model="...") as client:
    completion = await client.complete([UserMessage("Hello!")])
    async with client.stream([UserMessage("Hello!")]) as stream:
        async for update in stream:
            print(update.content, end="")
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Self

import httpx

from helpers.calls import (
    Caller,
    Messages,
    authorize,
    begin,
    in_our_words,
    or_status_alone,
    read_completion,
)
from helpers.credentials import async_auth_headers
from helpers.errors import ChatError, ConfigurationError
from helpers.models import ChatCompletions
from helpers.streaming import AsyncCompletionStream

if TYPE_CHECKING:
    from helpers.client import ChatCompletionsClient


class AsyncChatCompletionsClient(Caller[httpx.AsyncBaseTransport]):
    """As ``ChatCompletionsClient``, for one event loop; a token may come from azure.identity.aio.

    Any number of calls may be under way at once: bound them (with ``asyncio.Semaphore``, say), or
    the service's rate limit will.
    """

    @classmethod
    def like(cls, client: ChatCompletionsClient) -> Self:
        """A client with the settings and the transport of ``client``.

        Raises ``ConfigurationError`` if that transport can't be awaited.
        """
        if not isinstance(client.transport, httpx.AsyncBaseTransport):
            raise ConfigurationError(
                f"A {type(client.transport).__name__} can't be awaited.",
                advice="make an AsyncChatCompletionsClient of its own, with a transport that can.",
            )
        twin = cls(
            client.endpoint,
            client._credential,
            client.model,
            client.route.name,
            transport=client.transport,
        )
        twin._policy, twin._timeouts = client._policy, client._timeouts
        return twin

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self.transport.aclose()

    async def complete(self, messages: Messages, **options: Any) -> ChatCompletions:
        """Send ``messages`` and wait for the whole answer; ``ChatCompletionsClient`` has it all."""
        request = self._build(messages, options, stream=False)
        return read_completion(request, await self._send_until_answered(request))

    def stream(self, messages: Messages, **options: Any) -> AsyncCompletionStream:
        """As ``complete``, but the answer is handed on in pieces: use ``async with``."""
        request = self._build(messages, options, stream=True)
        return AsyncCompletionStream(request, lambda: self._send_until_answered(request))

    async def _send_until_answered(self, request: httpx.Request) -> httpx.Response:
        import asyncio  # here, as everywhere: those who never await need not load it

        attempt = 1
        while True:
            try:
                return await self._send(request)
            except ChatError as failure:
                pause = self._policy.pause_after(failure, attempt)
            await asyncio.sleep(pause)
            attempt += 1

    async def _send(self, request: httpx.Request) -> httpx.Response:
        """One attempt; of the answer to a stream only the head is read."""
        try:
            authorize(request, await async_auth_headers(self._credential, self.route))
            started = time.perf_counter()
            response = await self.transport.handle_async_request(request)
            if not begin(request, response, started):
                try:
                    with or_status_alone(response):
                        await response.aread()
                finally:
                    await response.aclose()
            return self._judge(request, response)
        except BaseException as reason:
            raise in_our_words(reason, request) from None
