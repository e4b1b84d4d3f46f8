"""The client: build a request, send it, try again where that helps, read the answer.

client = ChatCompletionsClient(endpoint, AzureKeyCredential(key), model="my-deployment")
completion = client.complete([UserMessage("Hello!")])
with client.stream([UserMessage("Hello!")]) as stream:
    for update in stream:
        print(update.content, end="")
"""

import time
from contextlib import closing
from typing import Any, Self

import httpx

from helpers.client.auth import auth_headers
from helpers.client.base import (
    BaseClient,
    Messages,
    authorize,
    begin,
    ignore_unreadable_error_body,
    read_completion,
    translate_error,
)
from helpers.client.errors import ChatError
from helpers.client.responses import ChatCompletions
from helpers.client.streaming import CompletionStream


class ChatCompletionsClient(BaseClient[httpx.BaseTransport]):
    """Chat completions on either route.

    ``endpoint`` ends in ``/models`` or ``/openai/v1``; the route is read off it, and ``route``
    names it where the URL does not tell. ``credential`` is an ``AzureKeyCredential``, any
    ``TokenCredential``, or None for a server on this machine. ``model`` is the deployment that is
    asked unless a call names another. ``timeout`` is the seconds to wait for the next bytes of an
    answer. A failed call is tried again at most ``max_retries`` times, and not at all if the
    service asks for a wait of over ``max_wait`` seconds; ``on_wait`` is told before each wait, and
    of each the client really sleeps ``max_pause`` seconds at most (a replay has no reason to).
    ``transport`` is what sends (a recording instead of the network, say).

    Raises ``ConfigurationError`` if endpoint and credential can't work or would leak the key.
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self.transport.close()

    def complete(self, messages: Messages, **options: Any) -> ChatCompletions:
        """Send ``messages`` and wait for the whole answer.

        ``options``: ``model``, ``temperature``, ``top_p``, ``max_tokens``, ``stop``,
        ``presence_penalty``, ``frequency_penalty``, ``seed``, ``response_format``, ``tools``,
        ``tool_choice``. Any other keyword is an extra parameter, which the model may or may not
        know; ``extra_parameters`` ("pass-through", "drop" or "error") says what the ``models``
        route does with those. None leaves a parameter out.

        Raises a ``ChatError``: ``BadParameterError`` before sending, or what went wrong after.
        """
        request = self._build(messages, options, stream=False)
        return read_completion(request, self._send_until_answered(request))

    def stream(self, messages: Messages, **options: Any) -> CompletionStream:
        """As ``complete``, but the answer is handed on in pieces as it arrives.

        Use it in a ``with`` block: entering sends the request, leaving closes the connection.
        """
        request = self._build(messages, options, stream=True)
        return CompletionStream(request, lambda: self._send_until_answered(request))

    def _send_until_answered(self, request: httpx.Request) -> httpx.Response:
        attempt = 1
        while True:
            try:
                return self._send(request)
            except ChatError as failure:
                pause = self.retry.pause_after(failure, attempt)
            time.sleep(pause)
            attempt += 1

    def _send(self, request: httpx.Request) -> httpx.Response:
        """One attempt; of the answer to a stream only the head is read."""
        try:
            authorize(request, auth_headers(self._credential, self.route))
            started = time.perf_counter()
            response = self.transport.handle_request(request)
            if not begin(request, response, started):
                with closing(response), ignore_unreadable_error_body(response):
                    response.read()
            return self._judge(request, response)
        except BaseException as reason:
            raise translate_error(reason, request) from None
