"""What the lessons recorded of the stand-in, against official types and schemas.

The types of ``openai`` are always at hand. Microsoft's specifications are not: put
``AIFoundryAzureAI.json`` and ``AIFoundryOpenAIV1.json`` (repository Azure-Samples/AI-Gateway,
folder modules/apim/v3/specs) into a folder and name it in ``CHAT_COMPLETIONS_SPECS``.
"""

import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from helpers.client.routes import ROUTES, RouteName
from helpers.lessons import LESSONS
from helpers.recordings.cassette import load
from tests.standin.calls import Json
from tests.standin.deployments import Family, find
from tests.standin.played import bodies_of

OPENAI: dict[tuple[str, bool], TypeAdapter[Any]] = {
    ("completions", False): TypeAdapter(ChatCompletion),
    ("completions", True): TypeAdapter(ChatCompletionChunk),
    ("responses", False): TypeAdapter(Response),
    ("responses", True): TypeAdapter(ResponseStreamEvent),
}
"""OpenAI's types of an answer, whole and streamed."""

FOLDER = os.environ.get("CHAT_COMPLETIONS_SPECS", "")
SPECS = {"models": "AIFoundryAzureAI.json", "v1": "AIFoundryOpenAIV1.json"}
OF_V1 = "AzureCreateChatCompletion"
CHAT = {
    "models": ("ChatCompletionsOptions", "ChatCompletions", "StreamingChatCompletionsUpdate"),
    "v1": (f"{OF_V1}Request", f"{OF_V1}Response", f"{OF_V1}StreamResponse"),
}
"""The schemas of a request, of a whole answer and of a chunk of a stream."""

# Where answers that were recorded from the live services are not valid: the path of the value,
# numbers left out, and the keyword of the schema that it breaks.
LIVE = {
    "models": {
        ("choices", "minItems"),
        ("choices", "required: delta"),  # what a late filter sends
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
    "v1": {
        ("choices", "required: delta"),
        ("object", "enum"),
        ("reasoning_effort", "enum"),  # a request for "minimal", which it lacks
        ("reasoning_effort", "type"),
        ("response/usage", "type"),
        ("system_fingerprint", "type"),
    },
}


def recorded(route: RouteName, *families: Family) -> Iterator[tuple[str, Json, Json]]:
    """Yield the API, request and answer of what models of these families answered."""
    for lesson in LESSONS:
        for exchange in load(lesson.cassette(route))["exchanges"]:
            sent, response = exchange["request"], exchange["response"]
            family = find(sent["body"]["model"]).family(route)
            if response["status"] == 200 and family in families:
                yield sent["path"].rpartition("/")[2], sent["body"], response


@pytest.mark.parametrize("route", ROUTES)
def test_openais_types_describe_the_answers_of_its_models(route: RouteName) -> None:
    for api, _, response in recorded(route, "gpt"):
        for body in bodies_of(response):
            if body.get("object") != "":  # the filter's own chunk, which OpenAI does not send
                OPENAI[api, "stream" in response].validate_python(body, strict=True)


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


def event_schema(kind: str) -> str:
    """Return the schema of the event ``response.output_text.delta``: ResponseTextDeltaEvent."""
    words = kind.replace("output_text", "text").replace(".", "_").split("_")
    return f"OpenAI.{''.join(map(str.title, words))}Event"


@pytest.mark.skipif(not FOLDER, reason="CHAT_COMPLETIONS_SPECS names no folder")
@pytest.mark.parametrize("route", ROUTES)
def test_requests_and_answers_are_valid_where_live_ones_are(route: RouteName) -> None:
    found = set()
    for api, sent, response in recorded(route, "gpt", "grok", "kimi"):
        request, whole, chunk = CHAT[route]
        if api == "responses":
            request, whole = "AzureCreateResponse", "AzureResponse"
        found |= faults(route, request, sent)
        for body in bodies_of(response):
            name = chunk if "stream" in response else whole
            found |= faults(route, event_schema(body["type"]) if "type" in body else name, body)
    assert found == LIVE[route]
