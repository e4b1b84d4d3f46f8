"""What the stand-in takes and refuses, as far as no lesson and no row of a fault shows it."""

import json
from typing import Any

import pytest

from tests.standin import StandIn
from tests.standin.asking import TOOLS, post
from tests.standin.checks import KEY

ROUTES = ["models", "v1"]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "robot", "content": "Hello"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "tool", "content": "62"}]}, "messages[0].tool_call_id"),
        ({"temperature": "hot"}, "temperature"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"tools": [{"function": {"name": "a b"}}]}, "tools[0].function.name"),
        ({"tool_choice": "maybe"}, "tool_choice"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
    ],
    ids=json.dumps,
)
def test_a_wrong_value_is_refused(
    standin: StandIn, route: str, wrong: dict[str, Any], param: str
) -> None:
    response = post(standin, route, **wrong)
    error = response.json()["error"]
    if route == "models":
        assert response.status_code == 422
        assert error["details"][0]["loc"][:2] == ["body", *wrong]
    else:
        assert (response.status_code, error["param"]) == (400, param)


NEWER = {
    "stream_options": {"include_usage": True}, "stream": True, "reasoning_effort": "medium",
    "parallel_tool_calls": False, "data_sources": [], "prompt_cache_key": "k", "verbosity": "low",
    "safety_identifier": "s", "service_tier": "auto", "web_search_options": {}, "moderation": {},
}  # fmt: skip


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        *((route, NEWER, 200) for route in ROUTES),
        ("models", {"temperature": 1.5}, 422),
        ("v1", {"temperature": 1.5}, 200),
        ("models", {"model": "stand-in-mistral", "max_completion_tokens": 9}, 422),
        ("v1", {"model": "stand-in-reasoning", "reasoning_effort": "high", "tools": TOOLS,
                "temperature": 1, "logprobs": False, "seed": 7}, 200),
        ("/models", {}, 404),
        ("/models/chat/completions?api-version=2025-04-01", {}, 404),
        ("v1", {"headers": {"authorization": f"Bearer {KEY}"}}, 200),
        ("v1", {"headers": {"authorization": f"Basic {KEY}"}}, 401),
        ("v1", {"headers": {}}, 401),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_taken_and_what_is_not(
    standin: StandIn, path: str, fields: dict[str, Any], status: int
) -> None:
    assert post(standin, path, **fields).status_code == status


def test_a_fault_has_the_type_of_its_row(standin: StandIn) -> None:
    sent = post(standin, "v1", ask="fault: html-from-proxy-200")
    assert sent.headers["content-type"] == "text/html; charset=utf-8"
