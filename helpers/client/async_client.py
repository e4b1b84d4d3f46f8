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

from helpers.client.auth import async_auth_headers
from helpers.client.base import (
    BaseClient,
    Messages,
    authorize,
    begin,
    ignore_unreadable_error_body,
    read_completion,
    translate_error,
)
from helpers.client.errors import ChatError, ConfigurationError
from helpers.client.responses import ChatCompletions
from helpers.client.streaming import AsyncCompletionStream

if TYPE_CHECKING:
    from helpers.client.client import ChatCompletionsClient


class AsyncChatCompletionsClient(BaseClient[httpx.AsyncBaseTransport]):
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
        # Both are BaseClients: what one keeps private is the other's own.
        return cls(
            client.endpoint,
            client._credential,  # noqa: SLF001
            client.model,
            client.route.name,
            transport=client.transport,
            **client._options,  # noqa: SLF001
        )

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
                pause = self.retry.pause_after(failure, attempt)
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
                    with ignore_unreadable_error_body(response):
                        await response.aread()
                finally:
                    await response.aclose()
            return self._judge(request, response)
        except BaseException as reason:
            raise translate_error(reason, request) from None
