"""Parameters that are checked before anything is sent, and extra ones on both routes."""

import json
import math
from typing import Any

import pytest

from helpers import BadParameterError
from tests.fakes import ASK, MODELS, V1, client, service_of


def built(endpoint: str, **options: Any) -> dict[str, Any]:
    """Return the parameters in the body of a request, without messages and model."""
    body: dict[str, Any] = json.loads(
        client(endpoint=endpoint).build_request(ASK, **options).read()
    )
    return {name: value for name, value in body.items() if name not in ("messages", "model")}


LOWEST: dict[str, Any] = {
    **dict.fromkeys(("temperature", "top_p", "top_logprobs"), 0),
    **dict.fromkeys(("presence_penalty", "frequency_penalty"), -2),
    **dict.fromkeys(("max_tokens", "max_completion_tokens", "n"), 1),
    "seed": -(2**63),
    "stop": "<end>",
    "tools": [{"type": "function"}],
    "tool_choice": "auto",
    "response_format": {"type": "json_schema", "json_schema": {}},
    "anything": {"a": [None]},
}
HIGHEST = LOWEST | {
    **dict.fromkeys(("temperature", "top_p"), 1),
    **dict.fromkeys(("presence_penalty", "frequency_penalty"), 2),
    "top_logprobs": 20,
    "n": 128,
    "seed": 2**63 - 1,
    "stop": ["a", "b"],
    "tool_choice": {"type": "function", "function": {"name": "f"}},
}


@pytest.mark.parametrize("endpoint", [MODELS, V1], ids=["models", "v1"])
@pytest.mark.parametrize("options", [LOWEST, HIGHEST], ids=["lowest", "highest"])
def test_right_values_are_sent_as_they_are(options: dict[str, Any], endpoint: str) -> None:
    assert built(endpoint, **options) == options


REFUSED: dict[str, list[Any]] = {
    "temperature": ["0.5", True, math.nan, -0.1, 2.1, [0.5]],
    "top_p": [-0.1, 1.1],
    "presence_penalty": [-2.1, 2.1],
    "frequency_penalty": [-2.1, 2.1],
    "max_tokens": [0, 10.0, "10", True, math.inf],
    "max_completion_tokens": [0, 1.5],
    "seed": [2**63, 1.0],
    "n": [0, 129],
    "top_logprobs": [-1, 21],
    "stop": [[], 5, [1], {}],
    "tools": [[], "f", {"type": "function"}],
    "tool_choice": ["any", 1, ["auto"]],
    "response_format": ["json", True],
    "model": [5, ""],
    **{name: [{}] for name in ("stream", "timeout", "extra_body", "model_extras")},
    **{name: [{}] for name in ("extra_headers", "extra_query")},
}


@pytest.mark.parametrize(
    ("name", "value"),
    [pytest.param(n, v, id=f"{n}={v}") for n, values in REFUSED.items() for v in values],
)
def test_a_wrong_value_is_refused_and_nothing_is_sent(name: str, value: Any) -> None:
    for endpoint in (MODELS, V1):
        asked, told = client(endpoint=endpoint), rf"(?s)^{name} is .*has\s+to\s+be.*Nothing\s+was"
        with pytest.raises(BadParameterError, match=told):
            asked.complete(ASK, **{name: value})
        assert service_of(asked).requests == []


def test_none_leaves_a_parameter_out_and_a_response_format_can_be_a_bare_word() -> None:
    assert built(V1, temperature=None, stop=None, seed=1) == {"seed": 1}
    for word in ("text", "json_object"):
        assert built(V1, response_format=word) == {"response_format": {"type": word}}


def test_a_temperature_of_over_1_is_for_v1_only() -> None:
    assert built(V1, temperature=2) == {"temperature": 2}
    with pytest.raises(BadParameterError, match="models route it has to be a number from 0 to 1"):
        built(MODELS, temperature=1.5)


LOOP: list[Any] = []
LOOP.append(LOOP)


@pytest.mark.parametrize("value", [object(), [math.inf], LOOP], ids=["type", "value", "loop"])
def test_what_can_not_be_json_is_named(value: Any) -> None:
    with pytest.raises(BadParameterError, match=r"^flavour can't be sent"):
        built(V1, top_k=5, flavour=value)
    with pytest.raises(BadParameterError, match=r"^messages can't be sent"):
        client().build_request([{"role": "user", "content": [{"type": "text", "text": value}]}])


def test_an_extra_parameter_goes_with_a_header_on_models_only() -> None:
    names = "temperature top_p presence_penalty frequency_penalty max_tokens seed stop tools"
    known = {name: LOWEST[name] for name in (*names.split(), "tool_choice", "response_format")}
    for endpoint, options, header in (
        (MODELS, known, None),
        (MODELS, {"logprobs": True}, "pass-through"),
        (MODELS, {"extra_parameters": "pass-through"}, "pass-through"),
        (MODELS, {"top_k": 1, "extra_parameters": "drop"}, "drop"),
        (V1, {"top_k": 1, "extra_parameters": "pass-through"}, None),
    ):
        request = client(endpoint=endpoint).build_request(ASK, **options)
        assert request.headers.get("extra-parameters") == header
        assert built(endpoint, **options).keys() == options.keys() - {"extra_parameters"}
    with pytest.raises(BadParameterError, match="extra_parameters"):
        built(MODELS, extra_parameters="ignore")


@pytest.mark.parametrize(
    ("endpoint", "options", "sent"),
    [
        (MODELS, {}, {}),
        (V1, {}, {"stream_options": {"include_usage": True}}),
        (
            V1,
            {"stream_options": {"include_usage": False}},
            {"stream_options": {"include_usage": False}},
        ),
        (V1, {"stream_options": None}, {}),
        ("https://my-resource.services.ai.azure.com/mai/v1", {}, {}),
    ],
    ids=["models", "v1", "v1, given", "v1, left out", "MAI"],
)
def test_a_stream_asks_for_its_usage_on_v1_only(endpoint: str, options: Any, sent: Any) -> None:
    assert built(endpoint, stream=True, **options) == {"stream": True, **sent}
