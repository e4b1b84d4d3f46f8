"""What neither a lesson nor the fault table asks of the stand-in: wrong values, odd stream ends."""

import json
from typing import Any

import pytest

from tests.standin import StandIn
from tests.standin.asking import TOOLS, post
from tests.standin.checks import KEY, TOKEN, path_of
from tests.standin.faults import FAULTS, Fault

HELLO = [{"role": "user", "content": "Hello"}]
ROUTES = ["models", "v1"]
REASONING = "stand-in-reasoning"


@pytest.mark.parametrize("route", ROUTES)
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
    response = post(standin, route, **wrong)
    error = response.json()["error"]
    if route == "models":
        assert response.status_code == 422
        assert error["details"][0]["loc"] == ["body", *where]
    else:
        assert (response.status_code, error["param"]) == (400, path_of(where))


BEARER = {"authorization": f"Bearer {KEY}"}, {"authorization": f"Bearer {TOKEN}"}


def extra(option: str) -> dict[str, str]:
    return {"api-key": KEY, "extra-parameters": option}


STATUSES: list[tuple[str, dict[str, Any], int]] = [
    ("models", {"temperature": 1.5}, 422),
    ("v1", {"temperature": 1.5}, 200),
    # The path and the version
    ("/models", {}, 404),
    ("/models/chat/completions?api-version=2025-04-01", {}, 404),
    ("/api/projects/openai/v1/chat/completions", {}, 404),
    ("project", {}, 200),
    # The credential
    *(("v1", {"headers": one}, 200) for one in BEARER),
    ("v1", {"headers": {"authorization": f"Basic {KEY}"}}, 401),
    ("v1", {"headers": {"api-key": TOKEN}}, 401),
    ("v1", {"headers": {}}, 401),
    # Extra parameters need no header, and the header may refuse them
    *((route, more, 200) for route in ROUTES for more in (
        {"stream_options": {"include_usage": True}, "stream": True},
        {"reasoning_effort": "medium"},
        {"parallel_tool_calls": False},
        {"data_sources": []},
        {"prompt_cache_key": "k", "safety_identifier": "s", "service_tier": "auto"},
        {"verbosity": "low", "web_search_options": {}, "moderation": {}},
    )),
    ("models", {"n": 2, "headers": extra("error")}, 400),
    ("models", {"n": 2, "headers": extra("drop")}, 200),
    *((route, {"model": "stand-in-mistral", "temperature": 0.5}, 200) for route in ROUTES),
    # Reasoning models
    ("v1", {"model": REASONING, "reasoning_effort": "high", "tools": TOOLS, "temperature": 1,
            "max_completion_tokens": 500, "logprobs": False, "seed": 7}, 200),
    ("v1", {"model": f"{REASONING}-no-tools", "tools": TOOLS}, 200),
    ("v1", {"model": REASONING, "logit_bias": {"7": 1}}, 400),
    # Deployments
    *((route, {"model": "stand-in-gone"}, 410) for route in ROUTES),
]  # fmt: skip


@pytest.mark.parametrize(("path", "fields", "status"), STATUSES, ids=str)
def test_what_is_taken_and_what_is_not(
    standin: StandIn, path: str, fields: dict[str, Any], status: int
) -> None:
    assert post(standin, path, **fields).status_code == status


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    ("fault", "end"),
    [
        ("no-done", b"}\n\n"),
        ("odd-lines", b": keep-alive\r\n\r\nevent: message\r\ndata:[DONE]\r\n\r\n"),
    ],
)
def test_the_end_of_a_spoilt_stream(standin: StandIn, route: str, fault: str, end: bytes) -> None:
    response = post(standin, route, ask=f"fault: {fault}", stream=True)
    assert response.content.endswith(end)


@pytest.mark.parametrize("extra", [{"max_completion_tokens": 9}, {"stream_options": {}}], ids=str)
@pytest.mark.parametrize("route", ROUTES)
def test_a_strict_model_refuses_and_lines_of_text_follow_its_json(
    standin: StandIn, route: str, extra: dict[str, Any]
) -> None:
    response = post(standin, route, model="stand-in-mistral", **extra)
    assert response.status_code == 422
    refusal, end = json.JSONDecoder().raw_decode(response.text)
    assert refusal["detail"][0]["loc"] == ["body", *extra]
    assert response.text[end:].rstrip().endswith("#http-status-codes")


def test_the_headers_of_the_routes(standin: StandIn) -> None:
    models = post(standin, "models", stream=True).headers
    v1 = post(standin, "v1").headers
    assert models["azureai-fe-is-streaming"] == "True"
    assert v1["azureai-fe-is-streaming"] == "False"
    assert not {"x-request-id", "x-ratelimit-limit-tokens"} & models.keys()
    assert {"apim-request-id", "x-request-id", "x-ratelimit-reset-tokens"} <= v1.keys()
    refused = post(standin, "v1", headers={"api-key": "no"}).headers
    assert "apim-request-id" in refused
    assert not {"x-request-id", "x-ms-region"} & refused.keys()


WHOLE = [fault for fault in FAULTS.values() if fault.body and not fault.breaks]


@pytest.mark.parametrize("fault", WHOLE, ids=lambda fault: fault.name)
def test_a_fault_is_answered_as_its_row_says(standin: StandIn, fault: Fault) -> None:
    sent = post(standin, "v1", ask=f"fault: {fault.name}")
    assert sent.status_code == fault.status
    assert fault.reason in (None, sent.reason_phrase)
    headers = {name: text for name, text in fault.headers.items() if "$" not in text}
    assert (headers | {"content-type": fault.type}).items() <= sent.headers.items()
    if fault.type == "application/json" and fault.name != "not-json":
        json.JSONDecoder().raw_decode(sent.text.lstrip())
