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

    def prepare(request: httpx.Request) -> None:
        _drop_key(request, client)
        authorize(request, client.settings["credential"], client.route)

    return httpx.Client(transport=client.transport, event_hooks={"request": [prepare]})


def async_http_client(client: BaseClient[Any]) -> httpx.AsyncClient:
    """Return the same for ``openai.AsyncOpenAI``."""

    async def prepare(request: httpx.Request) -> None:
        _drop_key(request, client)
        await async_authorize(request, client.settings["credential"], client.route)

    return httpx.AsyncClient(transport=client.transport, event_hooks={"request": [prepare]})


def _drop_key(request: httpx.Request, client: BaseClient[Any]) -> None:
    """Take the SDK's key out. Raise ``ConfigurationError`` for a host that is not ``client``'s: it
    would get the credential.
    """
    if request.url.copy_with(raw_path=b"/") != client.route.endpoint.copy_with(raw_path=b"/"):
        raise ConfigurationError(
            f"The endpoint of this client is {client.endpoint}. Nothing was sent.",
            advice="pass base_url=client.endpoint.",
        )
    request.headers.pop("authorization", None)
