"""What neither a lesson nor the fault table asks of the stand-in: wrong values, odd stream ends."""

import json
from typing import Any

import httpx
import pytest

from tests.standin import StandIn
from tests.standin.asking import TOOLS, answered, post
from tests.standin.checks import KEY, TOKEN
from tests.standin.faults import FAULTS
from tests.standin.scripts import FIRST_MS, PACE_MS

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
        path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where)
        assert (response.status_code, error["param"]) == (400, path.removeprefix("."))


@pytest.mark.parametrize(("route", "status"), [("models", 422), ("v1", 200)])
def test_the_ranges_are_those_of_the_route(standin: StandIn, route: str, status: int) -> None:
    assert post(standin, route, temperature=1.5).status_code == status


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
    assert post(standin, "v1", headers=headers).status_code == status


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


# --- Extra parameters ---


@pytest.mark.parametrize(
    "extra",
    [
        {"stream_options": {"include_usage": True}, "stream": True},
        {"reasoning_effort": "medium"},
        {"parallel_tool_calls": False},
        {"data_sources": []},
        {"prompt_cache_key": "k", "safety_identifier": "s", "service_tier": "auto"},
        {"verbosity": "low", "web_search_options": {}, "moderation": {}},
    ],
    ids=str,
)
@pytest.mark.parametrize("route", ROUTES)
def test_extra_parameters_need_no_header(
    standin: StandIn, route: str, extra: dict[str, Any]
) -> None:
    assert post(standin, route, **extra).status_code == 200


@pytest.mark.parametrize(
    ("model", "header", "status"),
    [
        ("stand-in-chat", "error", 400),
        ("stand-in-chat", "drop", 200),
        ("stand-in-documented", None, 400),
        ("stand-in-documented", "pass-through", 200),
    ],
)
def test_extra_parameters_are_refused_by_the_header_or_as_documented(
    standin: StandIn, model: str, header: str | None, status: int
) -> None:
    headers = {"api-key": KEY} | ({"extra-parameters": header} if header else {})
    response = post(standin, "models", model=model, n=2, headers=headers)
    assert response.status_code == status
    if status == 400:
        assert response.json()["detail"].startswith("Extra parameters ['n'] are not allowed")


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
    assert post(standin, route, model="stand-in-mistral", temperature=0.5).status_code == 200


# --- Reasoning models ---


@pytest.mark.parametrize(
    ("sent", "words", "param", "code"),
    [
        ({"max_tokens": 9}, "Use 'max_completion_tokens'", "max_tokens", "unsupported_parameter"),
        ({"temperature": 0.1}, "does not support 0.1", "temperature", "unsupported_value"),
        ({"top_p": 0.5}, "Only the default (1)", "top_p", "unsupported_value"),
        ({"presence_penalty": 1}, "not support 1", "presence_penalty", "unsupported_value"),
        ({"stop": ["."]}, "'stop' is not supported", "stop", "unsupported_parameter"),
        ({"logit_bias": {"7": 1}}, "'logit_bias' is not", "logit_bias", "unsupported_parameter"),
        ({"logprobs": True}, "doesn't support logprobs", None, "422"),
        ({"reasoning_effort": "none"}, "support 'none'", "reasoning_effort", "unsupported_value"),
    ],
    ids=str,
)
@pytest.mark.parametrize("route", ROUTES)
def test_what_a_reasoning_model_refuses(
    standin: StandIn, route: str, sent: dict[str, Any], words: str, param: str, code: str
) -> None:
    response = post(standin, route, model=REASONING, **sent)
    error = response.json()["error"]
    assert (response.status_code, error["type"]) == (400, "invalid_request_error")
    assert words in error["message"]
    assert (error["param"], error["code"]) == (param, code)


def test_a_reasoning_that_is_not_shown_takes_its_time() -> None:
    fields = {"model": REASONING, "ask": "Name a colour."}
    with StandIn(pace=0) as server:
        usage = answered(server, "v1", **fields)["usage"]
    times = usage["latency_checkpoint"]
    reasoning = usage["completion_tokens_details"]["reasoning_tokens"]
    assert times["user_visible_ttft_ms"] == FIRST_MS + PACE_MS * reasoning
    assert times["user_visible_ttft_ms"] < times["total_duration_ms"]


def test_what_a_reasoning_model_takes(standin: StandIn) -> None:
    fine = {"max_completion_tokens": 500, "temperature": 1, "logprobs": False, "seed": 7}
    assert answered(standin, "v1", model=REASONING, reasoning_effort="high", tools=TOOLS, **fine)


def test_system_and_developer_messages_exclude_each_other(standin: StandIn) -> None:
    told = [{"role": role, "content": "Be brief."} for role in ("system", "developer")]
    for messages, status in ((told, 400), (told[:1], 200), (told[1:], 200)):
        sent = post(standin, "v1", model=REASONING, messages=[*messages, *HELLO])
        assert sent.status_code == status


def test_some_reasoning_models_refuse_tools_beside_an_effort(standin: StandIn) -> None:
    model = "stand-in-reasoning-no-tools"
    refused = post(standin, "v1", model=model, tools=TOOLS, reasoning_effort="low")
    assert refused.json()["error"]["param"] == "reasoning_effort"
    assert model in refused.json()["error"]["message"]
    assert post(standin, "v1", model=model, tools=TOOLS).status_code == 200


# --- Deployments, paths, headers ---


@pytest.mark.parametrize("route", ROUTES)
def test_a_retired_model_is_gone(standin: StandIn, route: str) -> None:
    assert post(standin, route, model="stand-in-gone").status_code == 410


@pytest.mark.parametrize(
    ("path", "model", "status"),
    [
        ("project", "stand-in-chat", 200),
        ("project", "stand-in-mai", 404),
        ("mai", "stand-in-mai", 200),
        ("mai", "stand-in-chat", 404),
        ("/api/projects/openai/v1/chat/completions", "stand-in-chat", 404),
    ],
)
def test_the_paths_and_their_deployments(
    standin: StandIn, path: str, model: str, status: int
) -> None:
    assert post(standin, path, model=model).status_code == status


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"max_tokens": 9}, 400),
        ({"reasoning_display": "encrypted"}, 200),
        ({"headers": {"authorization": f"Bearer {KEY}"}}, 401),
        ({"headers": {"authorization": f"Bearer {TOKEN}"}}, 200),
    ],
    ids=["max_tokens", "reasoning_display", "the key as a token", "a token"],
)
def test_what_mai_takes(standin: StandIn, sent: dict[str, Any], status: int) -> None:
    assert post(standin, "mai", model="stand-in-mai", **sent).status_code == status


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


def test_a_rate_limit_of_the_models_route_has_two_headers(standin: StandIn) -> None:
    refused = post(standin, "models", ask="fault: rate-limited-models")
    assert refused.status_code == 429
    assert (refused.headers["retry-after"], refused.headers["retry-after-ms"]) == ("1", "0")
    error = refused.json()["error"]
    assert error["code"] == "RateLimitReached"
    assert error["message"] == error["details"]


@pytest.mark.parametrize("fault", ["guide-lines", "guide-lines-vllm", "413-text", "408-text"])
def test_bodies_with_lines_of_text_at_their_end(standin: StandIn, fault: str) -> None:
    refused = post(standin, "models", ask=f"fault: {fault}")
    assert refused.text.rstrip().endswith("#http-status-codes")
    assert refused.headers["content-type"].startswith("text/plain") == fault.endswith("-text")


@pytest.mark.parametrize("fault", [name for name, one in FAULTS.items() if one.body and one.status])
def test_each_fault_answers_with_its_status(standin: StandIn, fault: str) -> None:
    if FAULTS[fault].breaks:
        with pytest.raises(httpx.RemoteProtocolError):
            post(standin, "v1", ask=f"fault: {fault}")
        return
    sent = post(standin, "v1", ask=f"fault: {fault}")
    assert sent.status_code == FAULTS[fault].status
    is_json = sent.headers["content-type"] == "application/json"
    if is_json and fault != "not-json":
        json.JSONDecoder().raw_decode(sent.text)
