"""Parameters that are checked before anything is sent, and extra ones on both routes."""

import math
from typing import Any

import pytest

from helpers import BadParameterError
from helpers.client.validation import check_options
from tests.fakes import ASK, DONE, MODELS, V1, client, piece, service_of, streamed

TAKEN: dict[str, list[Any]] = {
    "temperature": [0, 1, 0.5],
    "top_p": [0, 1, 0.5],
    "presence_penalty": [-2, 2, 0.1],
    "frequency_penalty": [-2, 2, 0.8],
    "max_tokens": [1, 2048],
    "max_completion_tokens": [1, 2048],
    "seed": [0, -1, 2**63 - 1],
    "n": [1, 2],
    "top_logprobs": [0, 20],
    "stop": ["<end>", ["a", "b"], ("a",)],
    "tools": [[{"type": "function"}]],
    "tool_choice": ["auto", "none", "required", {"type": "function", "function": {"name": "f"}}],
    "response_format": [{"type": "json_object"}, {"type": "json_schema", "json_schema": {}}],
    "model": ["another-deployment"],
    "user": ["anything", 5, {"a": [None]}],
}
REFUSED: dict[str, list[Any]] = {
    "temperature": ["0.5", True, math.nan, math.inf, -0.1, [0.5], 2.1],
    "top_p": ["1", 1.1, -1, math.nan],
    "presence_penalty": [-2.1, 2.1, "0"],
    "frequency_penalty": [-3, 3, False],
    "max_tokens": [0, -1, 10.0, "10", True, math.inf],
    "max_completion_tokens": [0, 1.5],
    "seed": [2**63, 1.0, "1", True],
    "n": [0, 129, True],
    "top_logprobs": [-1, 21],
    "stop": [[], 5, [1], {}],
    "tools": [[], "f", {}, {"type": "function"}],
    "tool_choice": ["any", 1, ["auto"]],
    "response_format": ["json", "json-object", 1, True],
    "model": [5, "", ["a"]],
    "stream": [True, False],
    "timeout": [600],
    "extra_body": [{"top_k": 5}],
    "model_extras": [{"top_k": 5}],
    "extra_headers": [{"x-ms-client-request-id": "1"}],
    "extra_query": [{"name": "value"}],
}


def cases(table: dict[str, list[Any]]) -> list[Any]:
    return [pytest.param(n, v, id=f"{n}={v}") for n, values in table.items() for v in values]


@pytest.mark.parametrize("endpoint", [MODELS, V1], ids=["models", "v1"])
@pytest.mark.parametrize(("name", "value"), cases(TAKEN))
def test_a_right_value_is_sent(name: str, value: Any, endpoint: str) -> None:
    asked = client(endpoint=endpoint)
    asked.complete(ASK, **{name: value})
    sent = service_of(asked).body[name]
    assert sent == (list(value) if isinstance(value, tuple) else value)


@pytest.mark.parametrize("endpoint", [MODELS, V1], ids=["models", "v1"])
@pytest.mark.parametrize(("name", "value"), cases(REFUSED))
def test_a_wrong_value_is_refused_and_nothing_is_sent(name: str, value: Any, endpoint: str) -> None:
    asked = client(endpoint=endpoint)
    with pytest.raises(BadParameterError, match=rf"(?s)^{name} is .*has\s+to\s+be.*Nothing\s+was"):
        asked.complete(ASK, **{name: value})
    assert service_of(asked).requests == []


def test_none_leaves_a_parameter_out() -> None:
    assert check_options({"temperature": None, "stop": None, "seed": 1}, "v1") == {"seed": 1}


@pytest.mark.parametrize("word", ["text", "json_object"])
def test_a_response_format_can_be_a_bare_word(word: str) -> None:
    assert check_options({"response_format": word}, "models") == {"response_format": {"type": word}}


def test_a_temperature_of_over_1_is_for_v1_only() -> None:
    assert check_options({"temperature": 1.5}, "v1") == {"temperature": 1.5}
    with pytest.raises(BadParameterError, match="models route it has to be a number from 0 to 1"):
        check_options({"temperature": 1.5}, "models")


LOOP: list[Any] = []
LOOP.append(LOOP)


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", math.nan, [math.inf], 1j, LOOP])
def test_what_can_not_be_json_is_named(value: Any) -> None:
    asked = client()
    with pytest.raises(BadParameterError, match=r"^flavour can't be sent"):
        asked.complete(ASK, top_k=5, flavour=value)
    with pytest.raises(BadParameterError, match=r"^messages can't be sent"):
        asked.complete([{"role": "user", "content": [{"type": "text", "text": value}]}])
    assert service_of(asked).requests == []


RES = "https://my-resource.services.ai.azure.com"
HEADERS: dict[str, tuple[str, dict[str, Any], str | None]] = {
    "models, none": (MODELS, {"temperature": 0}, None),
    "models, all known": (MODELS, {"stop": "a", "seed": 1, "tools": [{}], "top_p": 1}, None),
    "models, one": (MODELS, {"logprobs": True}, "pass-through"),
    "models, n": (MODELS, {"n": 2}, "pass-through"),
    "models, pass-through": (MODELS, {"extra_parameters": "pass-through"}, "pass-through"),
    "models, drop": (MODELS, {"top_k": 1, "extra_parameters": "drop"}, "drop"),
    "models, error": (MODELS, {"top_k": 1, "extra_parameters": "error"}, "error"),
    "v1, one": (V1, {"logprobs": True}, None),
    "v1, pass-through": (V1, {"top_k": 1, "extra_parameters": "pass-through"}, None),
}


@pytest.mark.parametrize(("endpoint", "options", "header"), HEADERS.values(), ids=HEADERS)
def test_the_extra_parameters_header(endpoint: str, options: Any, header: str | None) -> None:
    asked = client(endpoint=endpoint)
    asked.complete(ASK, **options)
    (request,) = service_of(asked).requests
    assert request.headers.get("extra-parameters") == header
    body = service_of(asked).body
    expected = {name: v for name, v in options.items() if name != "extra_parameters"}
    assert body == {"messages": ASK, "model": "my-deployment", **expected}


@pytest.mark.parametrize(
    ("endpoint", "policy"),
    [(V1, "drop"), (V1, "error"), (V1, "ignore"), (MODELS, "ignore"), (MODELS, True)],
)
def test_a_policy_that_the_route_does_not_have_is_refused(endpoint: str, policy: Any) -> None:
    asked = client(endpoint=endpoint)
    with pytest.raises(BadParameterError, match="extra_parameters"):
        asked.complete(ASK, extra_parameters=policy)
    assert service_of(asked).requests == []


@pytest.mark.parametrize(
    ("endpoint", "options", "sent"),
    [
        (MODELS, {}, None),
        (V1, {}, {"include_usage": True}),
        (V1, {"stream_options": {"include_usage": False}}, {"include_usage": False}),
        (V1, {"stream_options": None}, None),
        (V1, {"stream_options": None, "max_tokens": None, "model": None}, None),
        (f"{RES}/mai/v1", {}, None),
        (f"{RES}/api/projects/p", {}, {"include_usage": True}),
    ],
    ids=["models", "v1", "v1, given", "v1, left out", "v1, more left out", "MAI", "a project"],
)
def test_a_stream_asks_for_its_usage_on_v1_only(endpoint: str, options: Any, sent: Any) -> None:
    asked = client(streamed(piece("a", "stop"), DONE), endpoint=endpoint)
    with asked.stream(ASK, **options):
        assert service_of(asked).body.get("stream_options") == sent
        assert service_of(asked).body["stream"] is True
        assert None not in service_of(asked).body.values()
