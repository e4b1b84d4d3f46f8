"""The client for programs that wait for many answers at once: the same, with ``await``.

async with AsyncChatCompletionsClient(endpoint, AzureKeyCredential(key), model="...") as client:
    completion = await client.complete([UserMessage("Hello!")])
    async with client.stream([UserMessage("Hello!")]) as stream:
        async for update in stream:
            print(update.content, end="")
"""

from __future__ import annotations

import time
from typing import Any, Self

import httpx

from helpers.client.auth import async_authorize
from helpers.client.client import (
    BaseClient,
    ChatCompletionsClient,
    Messages,
    ignore_unreadable_error_body,
    prepare_response,
    read_completion,
    translate_error,
)
from helpers.client.errors import ChatError, ConfigurationError
from helpers.client.responses import ChatCompletions
from helpers.client.streaming import AsyncCompletionStream


class AsyncChatCompletionsClient(BaseClient[httpx.AsyncBaseTransport]):
    """Like ``ChatCompletionsClient``, with ``await``; a token may come from azure.identity.aio.

    Any number of calls may be in flight at once. Limit them (with ``asyncio.Semaphore``, say), or
    the service's rate limit will.
    """

    @classmethod
    def like(cls, client: ChatCompletionsClient) -> Self:
        """Return a client with the settings and the transport of ``client``.

        Raises ``ConfigurationError`` if that transport is not an ``httpx.AsyncBaseTransport``.
        """
        if not isinstance(client.transport, httpx.AsyncBaseTransport):
            raise ConfigurationError(
                f"A {type(client.transport).__name__} can't be awaited.",
                advice="make an AsyncChatCompletionsClient of its own, with a transport that can.",
            )
        return client.copy_as(cls)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self.transport.aclose()

    async def complete(self, messages: Messages, **options: Any) -> ChatCompletions:
        """Send ``messages`` and wait for the answer; see ``ChatCompletionsClient.complete``."""
        return read_completion(await self._send(self._build(messages, options, stream=False)))

    def stream(self, messages: Messages, **options: Any) -> AsyncCompletionStream:
        """Like ``complete``, but yield the answer in pieces: use ``async with``."""
        return AsyncCompletionStream(self._build(messages, options, stream=True), self._send)

    async def _send(self, request: httpx.Request) -> httpx.Response:
        """Send ``request`` until it is answered or there is nothing left to try."""
        import asyncio  # imported late: sync programs need not load it

        attempt = 1
        while True:
            try:
                return await self._send_once(request)
            except ChatError as failure:
                request, attempt, pause = self._next_attempt(request, attempt, failure)
            await asyncio.sleep(pause)

    async def _send_once(self, request: httpx.Request) -> httpx.Response:
        """Make one attempt. The body of a stream is left to be read."""
        try:
            await async_authorize(request, self._credential, self.route)
            started = time.perf_counter()
            response = await self.transport.handle_async_request(request)
            if not prepare_response(request, response, started):
                try:
                    with ignore_unreadable_error_body(response):
                        await response.aread()
                finally:
                    await response.aclose()
            return self._check_response(response)
        except BaseException as reason:
            raise translate_error(reason, request) from None
