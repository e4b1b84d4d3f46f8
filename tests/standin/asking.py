"""How the tests of the stand-in ask it: plain HTTP, so they see what is on the wire."""

import atexit
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from httpx_sse import EventSource

from tests.standin import StandIn

RULES = Path(__file__).parent / "rules"
QUESTION = "How many languages are in the world?"
ROUTES = ("models", "v1")
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]

# One client for all tests: a new one costs more than a request. A proxy is not asked.
CLIENT = httpx.Client(trust_env=False)
atexit.register(CLIENT.close)


def with_rules(pace: float = 0) -> StandIn:
    """A stand-in with the scripts of the tests."""
    return StandIn(pace=pace, folder=RULES)


def question(text: str = QUESTION, **options: Any) -> dict[str, Any]:
    """The body of a request."""
    message = {"role": "user", "content": text}
    return {"model": "stand-in-chat", "messages": [message]} | options


def address(server: StandIn, route: str) -> str:
    """Where a route takes questions."""
    if route == "models":
        return f"{server.models}/chat/completions?api-version=2024-05-01-preview"
    return f"{server.v1}/chat/completions"


def headers_of(server: StandIn, more: dict[str, str]) -> dict[str, str]:
    """The key, and ``more`` with their names as on the wire."""
    return {"api-key": server.key} | {name.replace("_", "-"): more[name] for name in more}


def post(server: StandIn, route: str, body: Any, **headers: str) -> httpx.Response:
    """The whole response; ``extra_parameters="drop"`` is the header ``extra-parameters``."""
    return CLIENT.post(address(server, route), json=body, headers=headers_of(server, headers))


def first(response: httpx.Response) -> dict[str, Any]:
    """The first choice of an answer."""
    choice: dict[str, Any] = response.json()["choices"][0]
    return choice


def text_of(response: httpx.Response) -> str:
    """The text of the first choice."""
    return str(first(response)["message"]["content"])


@contextmanager
def streaming(server: StandIn, route: str, body: Any, **headers: str) -> Iterator[httpx.Response]:
    """A response that is still on its way."""
    with CLIENT.stream(
        "POST",
        address(server, route),
        json=body | {"stream": True},
        headers=headers_of(server, headers),
    ) as response:
        yield response


def chunks(server: StandIn, route: str, body: Any, **headers: str) -> list[Any]:
    """The JSON of each event of a stream; the last one is the text `[DONE]`."""
    with streaming(server, route, body, **headers) as response:
        data = [event.data for event in EventSource(response).iter_sse()]
    return [one if one == "[DONE]" else json.loads(one) for one in data]


def deltas(stream: list[Any], name: str = "content", index: int = 0) -> list[Any]:
    """The fields ``name`` of the deltas of one choice, but for the empty ones."""
    choices = [choice for one in stream if one != "[DONE]" for choice in one["choices"]]
    mine = [choice.get("delta", {}) for choice in choices if choice["index"] == index]
    return [delta[name] for delta in mine if delta.get(name)]
