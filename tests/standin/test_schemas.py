"""Answers and requests against the official schemas, as far as the live services keep to them.

The types of ``openai`` are always at hand. Microsoft's specifications are not: put
``AIFoundryAzureAI.json`` and ``AIFoundryOpenAIV1.json`` (repository Azure-Samples/AI-Gateway,
folder modules/apim/v3/specs) into a folder and name it in ``CHAT_COMPLETIONS_SPECS``.
"""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from tests.standin import StandIn
from tests.standin.asking import TOOL, TOOLS, USAGE, answered, post, streamed
from tests.standin.checks import KEY

FOLDER = os.environ.get("CHAT_COMPLETIONS_SPECS", "")
SPECS = {"models": "AIFoundryAzureAI.json", "v1": "AIFoundryOpenAIV1.json"}
OF_V1 = "AzureCreateChatCompletion"
WHOLE = {"models": "ChatCompletions", "v1": f"{OF_V1}Response"}
CHUNK = {"models": "StreamingChatCompletionsUpdate", "v1": f"{OF_V1}StreamResponse"}
REQUEST = {"models": "ChatCompletionsOptions", "v1": f"{OF_V1}Request"}
needs_specs = pytest.mark.skipif(not FOLDER, reason="CHAT_COMPLETIONS_SPECS names no folder")

# Where answers that were recorded from the live services are not valid: the path of the value,
# numbers left out, and the keyword of the schema that it breaks.
LIVE = {
    "models": {
        ("choices", "minItems"),
        ("choices", "required: finish_reason"),
        ("choices/delta/content", "type"),
        ("choices/delta/reasoning_content", "type"),
        ("choices/delta/role", "type"),
        ("choices/delta/role", "enum"),
        ("choices/delta/tool_calls", "type"),
        ("choices/delta/tool_calls", "required: id"),
        ("choices/delta/tool_calls/function", "required: name"),
        ("choices/message/tool_calls", "type"),
        ("object", "enum"),
        ("usage", "type"),
        ("usage/prompt_tokens_details", "type"),
        ("usage/completion_tokens_details", "required: total_tokens"),
    },
    "v1": {("object", "enum"), ("system_fingerprint", "type")},
}
FAMILIES = [
    *(("models", model) for model in ("stand-in-chat", "stand-in-gpt", "stand-in-kimi")),
    *(("models", model) for model in ("stand-in-reasoning", "stand-in-grok-reasoning")),
    *(("v1", model) for model in ("stand-in-chat", "stand-in-gpt", "stand-in-reasoning")),
]
ASKED: list[dict[str, Any]] = [
    {"ask": "Name a colour."},
    {"ask": "Is it warm in Oslo?", "tools": TOOLS},
    {"ask": "Which knife is best for bread?"},  # the filter cuts the answer
]


@cache
def spec(route: str) -> Any:
    """Return the specification of a route, with "nullable" as JSON Schema says it."""

    def plain(node: Any) -> Any:
        if isinstance(node, list):
            return [plain(item) for item in node]
        if not isinstance(node, dict):
            return node
        node = {name: plain(value) for name, value in node.items()}
        return {"anyOf": [node, {"type": "null"}]} if node.pop("nullable", False) else node

    return plain(json.loads((Path(FOLDER) / SPECS[route]).read_text(encoding="utf-8")))


def faults(route: str, name: str, value: Any) -> set[tuple[str, str]]:
    """Return where ``value`` is no valid ``name``, and which keyword it breaks."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": spec(route)["components"]}
    found, errors = set(), list(Draft202012Validator(schema).iter_errors(value))
    while errors:
        error = errors.pop()
        errors += error.context  # those of a choice of schemas
        if not error.context:
            path = "/".join(part for part in error.absolute_path if isinstance(part, str))
            keyword = str(error.validator)
            if keyword == "required":  # the message is: 'name' is a required property
                keyword += ": " + error.message.split("'")[1]
            found.add((path, keyword))
    return found


@needs_specs
@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: asked["ask"])
@pytest.mark.parametrize(("route", "model"), FAMILIES)
def test_an_answer_is_valid_where_live_ones_are(
    standin: StandIn, route: str, model: str, asked: dict[str, Any]
) -> None:
    whole = answered(standin, route, model=model, **asked)
    assert faults(route, WHOLE[route], whole) <= LIVE[route]
    chunks = streamed(standin, route, model=model, stream_options=USAGE, **asked)
    found = {fault for chunk in chunks for fault in faults(route, CHUNK[route], chunk)}
    assert found <= LIVE[route]


@needs_specs
@pytest.mark.parametrize("route", WHOLE)
def test_a_planted_fault_is_found(standin: StandIn, route: str) -> None:
    whole = answered(standin, route)
    whole["choices"][0]["message"]["role"] = 7
    del whole["created"]
    found = {("choices/message/role", "type"), ("", "required: created")}
    assert found <= faults(route, WHOLE[route], whole)


@needs_specs
@pytest.mark.parametrize("route", REQUEST)
def test_a_request_is_taken_that_the_schema_takes(standin: StandIn, route: str) -> None:
    numbers = ("frequency_penalty", "presence_penalty", "temperature", "top_p")
    asked: dict[str, Any] = dict.fromkeys(numbers, 0.5) | {"max_tokens": 20, "seed": 7}
    asked |= {"stop": ["."], "response_format": {"type": "text"}}
    asked |= {"tools": TOOLS, "tool_choice": "auto"}
    extra = {"user": "me", "logprobs": True, "top_logprobs": 2, "n": 2, "parallel_tool_calls": True}
    for more in ({}, extra):
        assert post(standin, route, **asked, **more).status_code == 200
        assert faults(route, REQUEST[route], standin.requests[-1].body) == set()


@needs_specs
@pytest.mark.parametrize(
    ("fault", "live"),
    [
        ("wrong-key", set()),
        ("unknown-model", {("error/details", "type")}),
        ("rate-limited-models", {("error/details", "type")}),
        ("500-no-code", {("error/details", "type"), ("error", "required: code")}),
    ],
)
def test_an_error_of_the_models_route(
    standin: StandIn, fault: str, live: set[tuple[str, str]]
) -> None:
    error = post(standin, "models", ask=f"fault: {fault}").json()
    assert faults("models", "Azure.Core.Foundations.ErrorResponse", error) == live


RESPONSE_ITEMS = {
    "reasoning": "OpenAI.ReasoningItemResource",
    "message": "OpenAI.ResponsesAssistantMessageItemResource",
    "function_call": "OpenAI.FunctionToolCallItemResource",
}
PICTURE = [
    {"type": "input_text", "text": "What is this?"},
    {"type": "input_image", "image_url": "https://x.example/a.png"},
]
FORMAT = {"type": "json_schema", "name": "colour", "schema": {"type": "object"}, "strict": True}
RESPONSES: list[dict[str, Any]] = [
    {},
    {"model": "stand-in-reasoning", "reasoning": {"effort": "low", "summary": "auto"}},
    {"model": "stand-in-reasoning", "max_output_tokens": 64},
    {"input": "Which knife is best for bread?", "instructions": "Be brief."},
    {"input": "A riddle?", "text": {"format": FORMAT}, "store": False},
    {
        "input": [{"type": "message", "role": "user", "content": "Is it warm in Oslo?"}],
        "tools": [{"type": "function", "strict": False, **TOOL["function"]}],
        "tool_choice": {"type": "function", "name": "get_temperature"},
    },
    {"input": [{"role": "user", "content": PICTURE}]},
]


def event_schema(kind: str) -> str:
    """Return the schema of the event ``response.output_text.delta``: ResponseTextDeltaEvent."""
    words = kind.replace("output_text", "text").replace(".", "_").split("_")
    return f"OpenAI.{''.join(map(str.title, words))}Event"


@needs_specs
@pytest.mark.parametrize("fields", RESPONSES, ids=str)
def test_the_responses_api(standin: StandIn, fields: dict[str, Any]) -> None:
    path, body = "/openai/v1/responses", {"model": "stand-in-gpt", "input": "Name a colour."}
    with httpx.Client(base_url=standin.url, headers={"api-key": KEY}, trust_env=False) as client:
        whole = client.post(path, json=body | fields).json()
        text = client.post(path, json=body | fields | {"stream": True}).text
    assert faults("v1", "AzureCreateResponse", standin.requests[-1].body) == set()
    assert faults("v1", "AzureResponse", whole) == set()
    for item in whole["output"]:
        assert faults("v1", RESPONSE_ITEMS[item["type"]], item) == set()
    lines = [line for line in text.splitlines() if line.startswith("data: ")]
    for event in map(json.loads, (line.removeprefix("data: ") for line in lines)):
        live = {("response/usage", "type")}
        assert faults("v1", event_schema(event["type"]), event) <= live


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: asked["ask"])
@pytest.mark.parametrize("route", WHOLE)
def test_openais_types_describe_the_answers_of_its_models(
    standin: StandIn, route: str, asked: dict[str, Any]
) -> None:
    asked = asked | {"model": "stand-in-gpt"}
    ChatCompletion.model_validate(answered(standin, route, **asked), strict=True)
    prompt, *chunks = streamed(standin, route, stream_options=USAGE, **asked)
    assert prompt["object"] == ""  # the filter's own chunk, which OpenAI itself does not send
    for chunk in chunks:
        ChatCompletionChunk.model_validate(chunk, strict=True)
