"""What neither a lesson nor the fault table asks of the stand-in: wrong values, odd stream ends."""

import json
from typing import Any

import httpx
import pytest

from tests.standin import StandIn
from tests.standin.checks import KEY, TOKEN

PATHS = {"models": "/models/chat/completions?api-version=2024-05-01-preview",
         "v1": "/openai/v1/chat/completions"}  # fmt: skip
HELLO = [{"role": "user", "content": "Hello"}]


def post(server: StandIn, path: str, headers: Any = None, **fields: Any) -> httpx.Response:
    """Say "Hello" with these ``fields`` added to the body, or in place of its own."""
    body = {"model": "stand-in-chat", "messages": HELLO} | fields
    headers = {"api-key": KEY} if headers is None else headers
    with httpx.Client(trust_env=False) as client:
        return client.post(server.url + path, json=body, headers=headers)


@pytest.mark.parametrize("route", PATHS)
@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"messages": []}, ["messages"]),
        ({"messages": [{"role": "robot", "content": "Hello"}]}, ["messages", 0, "role"]),
        ({"messages": [*HELLO, {"role": "user"}]}, ["messages", 1, "content"]),
        ({"messages": [{"role": "tool", "content": "62"}]}, ["messages", 0, "tool_call_id"]),
        ({"temperature": "hot"}, ["temperature"]),
        ({"top_p": -1}, ["top_p"]),
        ({"max_tokens": 1.5}, ["max_tokens"]),
        ({"stop": []}, ["stop"]),
        ({"stream": "yes"}, ["stream"]),
        ({"tools": [{"function": {"name": "a b"}}]}, ["tools", 0, "function", "name"]),
        ({"tool_choice": "maybe"}, ["tool_choice"]),
        ({"response_format": {"type": "xml"}}, ["response_format", "type"]),
    ],
    ids=json.dumps,
)
def test_a_wrong_value_is_refused(
    standin: StandIn, route: str, wrong: dict[str, Any], where: list[str | int]
) -> None:
    response = post(standin, PATHS[route], **wrong)
    error = response.json()["error"]
    if route == "models":
        assert response.status_code == 422
        assert error["details"][0]["loc"] == ["body", *where]
    else:
        path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where)
        assert (response.status_code, error["param"]) == (400, path.removeprefix("."))


@pytest.mark.parametrize(("route", "status"), [("models", 422), ("v1", 200)])
def test_the_ranges_are_those_of_the_route(standin: StandIn, route: str, status: int) -> None:
    assert post(standin, PATHS[route], temperature=1.5).status_code == status


@pytest.mark.parametrize("path", ["/models", "/models/chat/completions?api-version=2025-04-01"])
def test_a_wrong_path_or_version_is_not_found(standin: StandIn, path: str) -> None:
    assert post(standin, path).status_code == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"authorization": f"Bearer {KEY}"}, 200),
        ({"authorization": f"Bearer {TOKEN}"}, 200),
        ({"authorization": f"Basic {KEY}"}, 401),
        ({"api-key": TOKEN}, 401),
        ({}, 401),
    ],
)
def test_the_credential(standin: StandIn, headers: dict[str, str], status: int) -> None:
    assert post(standin, PATHS["v1"], headers).status_code == status


@pytest.mark.parametrize("route", PATHS)
@pytest.mark.parametrize(
    ("fault", "end"),
    [
        ("no-done", b"}\n\n"),
        ("odd-lines", b": keep-alive\r\n\r\nevent: message\r\ndata:[DONE]\r\n\r\n"),
    ],
)
def test_the_end_of_a_spoilt_stream(standin: StandIn, route: str, fault: str, end: bytes) -> None:
    messages = [{"role": "user", "content": f"fault: {fault}"}]
    response = post(standin, PATHS[route], messages=messages, stream=True)
    assert response.content.endswith(end)
