"""What the stand-in accepts and what it refuses, each rule by itself, as it shows on the wire."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.standin import StandIn
from tests.standin.asking import (
    CLIENT,
    ROUTES,
    address,
    post,
    question,
    with_rules,
)
from tests.standin.checks import KEY, TOKEN


@pytest.fixture(scope="module")
def server() -> Iterator[StandIn]:
    with with_rules() as running:
        yield running


# --- Who are you? ---------------------------------------------------------------------------------
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"api-key": KEY}, 200),
        ({"authorization": f"Bearer {KEY}"}, 200),
        ({"authorization": f"Bearer {TOKEN}"}, 200),
        ({"api-key": TOKEN}, 401),
        ({"api-key": "wrong"}, 401),
        ({"authorization": "Bearer wrong"}, 401),
        ({"authorization": f"Basic {KEY}"}, 401),
        ({}, 401),
    ],
)
def test_key(server: StandIn, route: str, headers: dict[str, str], status: int) -> None:
    response = CLIENT.post(address(server, route), json=question(), headers=headers)
    assert response.status_code == status


def test_a_wrong_key_is_told_as_foundry_does(server: StandIn) -> None:
    response = post(server, "models", question(), api_key="wrong")
    assert response.json()["error"]["code"] == "401"
    assert response.reason_phrase == "PermissionDenied"


# --- Where to? ------------------------------------------------------------------------------------
@pytest.mark.parametrize("query", ["", "?api-version=2024-10-21", "?api-version=2025-04-01"])
def test_the_models_route_answers_one_version(server: StandIn, query: str) -> None:
    url = f"{server.models}/chat/completions{query}"
    response = CLIENT.post(url, json=question(), headers={"api-key": server.key})
    assert (response.status_code, response.json()) == (
        404,
        {"error": {"code": "404", "message": "Resource not found"}},
    )


@pytest.mark.parametrize("path", ["/", "/models", "/chat/completions", "/openai/v1/models"])
def test_another_path_is_not_found(server: StandIn, path: str) -> None:
    assert CLIENT.post(server.url + path, json=question()).status_code == 404


@pytest.mark.parametrize("route", ROUTES)
def test_only_post(server: StandIn, route: str) -> None:
    assert CLIENT.get(address(server, route)).status_code == 405


@pytest.mark.parametrize(
    ("route", "model", "status", "code"),
    [
        ("models", "gpt-x", 400, "unknown_model"),
        ("models", None, 400, "no_model_name"),
        ("v1", "gpt-x", 404, "DeploymentNotFound"),
        ("v1", None, 404, "DeploymentNotFound"),
        ("v1", "Stand-In-Chat", 404, "DeploymentNotFound"),
    ],
)
def test_unknown_model(
    server: StandIn, route: str, model: str | None, status: int, code: str
) -> None:
    body = question()
    del body["model"]
    response = post(server, route, body | ({"model": model} if model else {}))
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert route == "v1" or response.headers["x-ms-error-code"] == code


def test_the_model_may_stand_in_a_header(server: StandIn) -> None:
    body = question()
    del body["model"]
    response = post(server, "models", body, x_ms_model_mesh_model_name="stand-in-chat")
    assert response.json()["model"] == "stand-in-chat"


@pytest.mark.parametrize(
    ("route", "sent", "named"),
    [
        ("models", "stand-in-chat", "stand-in-chat"),
        ("models", "Stand-In-Chat", "Stand-In-Chat"),
        ("v1", "stand-in-chat", "stand-in-chat-2026-01-01"),
    ],
)
def test_the_model_in_the_reply(server: StandIn, route: str, sent: str, named: str) -> None:
    assert post(server, route, question(model=sent)).json()["model"] == named


# --- Extra parameters -----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("model", "header", "status"),
    [
        ("stand-in-chat", None, 400),
        ("stand-in-chat", "error", 400),
        ("stand-in-chat", "ignore", 400),
        ("stand-in-chat", "drop", 200),
        ("stand-in-chat", "pass-through", 200),
        ("stand-in-plain", "drop", 200),
        ("stand-in-plain", "pass-through", 422),
    ],
)
def test_extra_parameters(server: StandIn, model: str, header: str | None, status: int) -> None:
    headers = {"extra_parameters": header} if header else {}
    response = post(server, "models", question(model=model, foo="bar"), **headers)
    assert response.status_code == status


def test_the_error_names_the_extra_parameters(server: StandIn) -> None:
    detail = post(server, "models", question(n=2, foo=1)).json()["detail"]
    assert "Extra parameters ['n', 'foo'] are not allowed" in detail


def test_a_wrong_header_value_is_an_error_without_extras_too(server: StandIn) -> None:
    detail = post(server, "models", question(), extra_parameters="ignore").json()["detail"]
    assert "option ignore, expected options are ['error', 'drop', 'pass-through']" in detail


def test_a_dropped_parameter_does_nothing(server: StandIn) -> None:
    response = post(server, "models", question(n=2), extra_parameters="drop")
    assert len(response.json()["choices"]) == 1


def test_the_model_refuses_in_json_inside_a_string(server: StandIn) -> None:
    body = question(model="stand-in-plain", foo="bar")
    error = post(server, "models", body, extra_parameters="pass-through").json()["error"]
    assert json.loads(error["message"])["detail"][0]["loc"] == ["body", "foo"]


def test_v1_refuses_what_it_does_not_know(server: StandIn) -> None:
    response = post(server, "v1", question(foo="bar"))
    assert response.json()["error"]["code"] == "unrecognized_request_argument"
    assert response.status_code == 400


def test_v1_minds_no_extra_parameters_header(server: StandIn) -> None:
    assert post(server, "v1", question(n=1), extra_parameters="ignore").status_code == 200


# --- Wrong values ---------------------------------------------------------------------------------
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'"text"', b"\xff\xfe", b'{"n": NaN}'])
def test_a_body_that_is_no_json_object(server: StandIn, route: str, content: bytes) -> None:
    url = address(server, route)
    response = CLIENT.post(url, content=content, headers={"api-key": server.key})
    assert response.status_code == 400


@pytest.mark.parametrize(("route", "status"), [("models", 422), ("v1", 400)])
@pytest.mark.parametrize(
    "wrong",
    [
        {"messages": []},
        {"messages": None},
        {"messages": "Hello"},
        {"messages": [3]},
        {"messages": [{"role": "robot", "content": "Hello"}]},
        {"messages": [{"role": ["user"], "content": "Hello"}]},
        {"messages": [{"role": "user"}]},
        {"messages": [{"role": "user", "content": 3}]},
        {"messages": [{"role": "user", "content": []}]},
        {"messages": [{"role": "user", "content": [{"type": "smell"}]}]},
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}]},
        {"messages": [{"role": "tool", "content": "62"}]},
        {"messages": [{"role": "assistant", "tool_calls": [{"function": "f"}]}]},
        {"temperature": 3},
        {"temperature": "hot"},
        {"temperature": True},
        {"top_p": -1},
        {"max_tokens": -1},
        {"max_tokens": 1.5},
        {"stop": []},
        {"stop": [""]},
        {"stream": "yes"},
        {"tools": []},
        {"tools": [{"type": "function", "function": {"name": "a b"}}]},
        {"tool_choice": "maybe"},
        {"tool_choice": {"type": "function", "function": "f"}},
        {"tool_choice": {"type": "function", "function": {"name": "f"}}},
        {"response_format": {"type": "xml"}},
        {"response_format": "json_object"},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "a"}}},
    ],
    ids=json.dumps,
)
def test_a_wrong_value(server: StandIn, route: str, status: int, wrong: dict[str, Any]) -> None:
    response = post(server, route, question(**wrong))
    assert (response.status_code, "error" in response.json()) == (status, True)


def test_v1_wants_json_mode_asked_for_in_words(server: StandIn) -> None:
    mode = {"response_format": {"type": "json_object"}}
    assert post(server, "v1", question("Hello", **mode)).status_code == 400
    assert post(server, "v1", question("Hello in JSON", **mode)).status_code == 200


@pytest.mark.parametrize(("route", "status"), [("models", 422), ("v1", 400)])
def test_the_plain_model_has_no_json_mode(server: StandIn, route: str, status: int) -> None:
    body = question("JSON?", model="stand-in-plain", response_format={"type": "json_object"})
    assert post(server, route, body).status_code == status


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"max_tokens": 50}, "unsupported_parameter"),
        ({"temperature": 0}, "unsupported_value"),
        ({"top_p": 0.5}, "unsupported_value"),
        ({"max_completion_tokens": 50, "temperature": 1, "presence_penalty": 0}, None),
    ],
)
def test_the_reasoning_model_takes_few_parameters(
    server: StandIn, route: str, options: dict[str, Any], code: str | None
) -> None:
    body = question(model="stand-in-reasoning", **options)
    response = post(server, route, body, extra_parameters="pass-through")
    assert response.json().get("error", {}).get("code") == code


@pytest.mark.parametrize(("route", "status"), [("models", 200), ("v1", 400)])
def test_the_plain_model_has_no_system_role(server: StandIn, route: str, status: int) -> None:
    told = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}]
    body = {"model": "stand-in-plain", "messages": told}
    assert post(server, route, body).status_code == status
