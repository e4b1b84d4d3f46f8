"""Ask the stand-in over HTTP, for its tests."""

import json
from typing import Any

import httpx

from tests.standin import StandIn
from tests.standin.checks import KEY

PATHS = {
    "models": "/models/chat/completions?api-version=2024-05-01-preview",
    "v1": "/openai/v1/chat/completions",
}
TOOL = {
    "type": "function",
    "function": {"name": "get_temperature", "parameters": {"type": "object"}},
}
TOOLS = [TOOL]
USAGE = {"include_usage": True}


def post(server: StandIn, path: str, /, **fields: Any) -> httpx.Response:
    """Send a body with ``fields``. ``ask`` is the text of its message, ``headers`` replace the key.

    ``path`` is a key of ``PATHS`` or a path, ``address`` the one of this machine that asks.
    """
    headers = fields.pop("headers", {"api-key": KEY})
    ask = fields.pop("ask", "Hello")
    transport = httpx.HTTPTransport(verify=False, local_address=fields.pop("address", None))
    body = {"model": "stand-in-chat", "messages": [{"role": "user", "content": ask}]} | fields
    with httpx.Client(trust_env=False, transport=transport) as client:  # it is plain http
        return client.post(server.url + PATHS.get(path, path), json=body, headers=headers)


def answered(server: StandIn, path: str, /, **fields: Any) -> Any:
    """Return the JSON of an answer."""
    response = post(server, path, **fields)
    assert response.status_code == 200, response.text
    return response.json()


def streamed(server: StandIn, path: str, /, **fields: Any) -> list[Any]:
    """Return the JSON of the events of a stream, which has to end with [DONE]."""
    response = post(server, path, stream=True, **fields)
    *events, done = (line for line in response.text.splitlines() if line)
    assert done == "data: [DONE]"
    return [json.loads(line.removeprefix("data: ")) for line in events]
