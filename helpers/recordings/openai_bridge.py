"""Let the ``openai`` SDK ask whom the client of a lesson asks: its recording, or its endpoint.

client = connect("01-basic-call", route="v1")
sdk = OpenAI(base_url=client.endpoint, api_key="unused", http_client=http_client(client))
completion = sdk.chat.completions.create(model=client.model, messages=[...])

The SDK's own HTTP library is httpx2, the successor of httpx. It takes an ``httpx.Client`` too, and
the recordings are transports of that.
"""

from typing import Any

import httpx

from helpers.client.auth import async_authorize, authorize
from helpers.client.client import BaseClient
from helpers.client.errors import ConfigurationError


def http_client(client: BaseClient[Any]) -> httpx.Client:
    """Return the ``http_client`` with which ``openai.OpenAI`` asks whom ``client`` asks."""
    return httpx.Client(transport=_Transport(**client.settings))


def async_http_client(client: BaseClient[Any]) -> httpx.AsyncClient:
    """Return the same for ``openai.AsyncOpenAI``."""
    return httpx.AsyncClient(transport=_Transport(**client.settings))


class _Transport(BaseClient[Any], httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Send any request, with the credential of the lesson's client in place of the SDK's key.

    It is a client by inheritance, because it needs that client's credential, route and transport.
    """

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        authorize(self._checked(request), self._credential, self.route)
        return self.transport.handle_request(request)  # type: ignore[no-any-return]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await async_authorize(self._checked(request), self._credential, self.route)
        return await self.transport.handle_async_request(request)  # type: ignore[no-any-return]

    def _checked(self, request: httpx.Request) -> httpx.Request:
        """Return ``request`` without the SDK's key. Raise ``ConfigurationError`` for another host:
        it would get the credential.
        """
        if request.url.copy_with(raw_path=b"/") != self.route.endpoint.copy_with(raw_path=b"/"):
            raise ConfigurationError(
                f"The endpoint of this client is {self.endpoint}. Nothing was sent.",
                advice="pass base_url=client.endpoint.",
            )
        request.headers.pop("authorization", None)
        return request
