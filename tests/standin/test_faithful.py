"""The stand-in speaks as the services do: unmodified clients of others understand it.

Each client is wrapped in three methods, so that all are asked the same; one more client is one more
class and one more line in ``CLIENTS``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from azure.ai.inference import ChatCompletionsClient
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import HttpResponseError
from openai import APIStatusError, OpenAI

from helpers.client.routes import API_VERSION, ROUTES, RouteName
from tests.standin import StandIn
from tests.standin.asking import TOOLS
from tests.standin.scripts import load
from tests.standin.tokens import MESSAGE_OVERHEAD, count

MODEL = "stand-in-chat"
USAGE = {"stream_options": {"include_usage": True}}
QUESTION = "How many languages are in the world?"
Failed = tuple[str, int | None, str | None]
"""What a client made of an error: its class, the status and the code."""


@dataclass(frozen=True)
class Seen:
    """What a client made of an answer."""

    content: str
    finish_reason: str | None
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    calls: tuple[tuple[str, str], ...] = ()


def seen(answer: Any) -> Seen:
    """The same of any client's answer: all three have it under the same names."""
    choice, usage = answer.choices[0], answer.usage
    functions = [call.function for call in choice.message.tool_calls or ()]
    made = tuple((function.name, function.arguments) for function in functions)
    counts = (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens)
    return Seen(choice.message.content or "", choice.finish_reason, *counts, made)


def gathered(chunks: Any) -> Seen:
    """The same of a stream."""
    text, finish, usage = "", None, None
    for chunk in chunks:
        usage = chunk.usage or usage
        for choice in chunk.choices:
            text += choice.delta.content or ""
            finish = choice.finish_reason or finish
    assert usage
    return Seen(text, finish, usage.prompt_tokens, usage.completion_tokens, usage.total_tokens)


class RetiredSdk:
    """azure-ai-inference, on the models route. Its own retries would hide the failures."""

    def __init__(self, server: StandIn) -> None:
        credential = AzureKeyCredential(server.key)
        self.client = ChatCompletionsClient(server.models, credential, retry_total=0)

    def complete(self, ask: str, **options: object) -> Seen:
        return seen(self.client.complete(messages=messages(ask), model=MODEL, **options))

    def stream(self, ask: str) -> Seen:
        asked = {"messages": messages(ask), "model": MODEL, "model_extras": USAGE}
        return gathered(self.client.complete(stream=True, **asked))

    def fail(self, ask: str) -> Failed:
        with pytest.raises(HttpResponseError) as caught:
            self.client.complete(messages=messages(ask), model=MODEL)
        error = caught.value
        code = error.error.code if error.error else None
        return type(error).__name__, error.status_code, code


def vendor_settings(server: StandIn, route: RouteName) -> dict[str, Any]:
    """How openai's clients are pointed at a route: on models the key has a header of its own."""
    if route == "v1":
        return {"base_url": server.v1, "api_key": server.key, "max_retries": 0}
    return {
        "base_url": server.models,
        "api_key": "unused",
        "max_retries": 0,
        "default_headers": {"api-key": server.key},
        "default_query": {"api-version": API_VERSION},
    }


class VendorSdk:
    """openai, on either route."""

    def __init__(self, server: StandIn, route: RouteName = "v1") -> None:
        self.client = OpenAI(**vendor_settings(server, route))

    def complete(self, ask: str, **options: object) -> Seen:
        create = self.client.chat.completions.create
        return seen(create(messages=messages(ask), model=MODEL, **options))

    def stream(self, ask: str) -> Seen:
        create = self.client.chat.completions.create
        return gathered(create(messages=messages(ask), model=MODEL, stream=True, **USAGE))

    def fail(self, ask: str) -> Failed:
        with pytest.raises(APIStatusError) as caught:
            self.client.chat.completions.create(messages=messages(ask), model=MODEL)
        return type(caught.value).__name__, caught.value.status_code, caught.value.code


CLIENTS: dict[str, Callable[[StandIn], RetiredSdk | VendorSdk]] = {
    "azure-ai-inference": RetiredSdk,
    "openai": VendorSdk,
    "openai on models": lambda server: VendorSdk(server, "models"),
}

# What each client raises for a fault. A code of None: the client cannot read that shape.
ERRORS = {
    "azure-ai-inference": [
        ("wrong-key", "ClientAuthenticationError", 401, "401"),
        ("wrong-audience", "ClientAuthenticationError", 401, None),
        ("unknown-model", "HttpResponseError", 400, "unknown_model"),
        ("wrong-route", "ResourceNotFoundError", 404, "404"),
        ("extra-refused", "HttpResponseError", 422, "Invalid input"),
        ("extra-not-allowed", "HttpResponseError", 400, None),
        ("content-filter", "HttpResponseError", 400, "content_filter"),
        ("rate-limited-silent", "HttpResponseError", 429, "429"),
        ("500-always", "HttpResponseError", 500, "InternalServerError"),
    ],
    "openai": [
        ("wrong-key", "AuthenticationError", 401, "401"),
        ("no-deployment", "NotFoundError", 404, "DeploymentNotFound"),
        ("unrecognized-argument", "BadRequestError", 400, "unrecognized_request_argument"),
        ("content-filter", "BadRequestError", 400, "content_filter"),
        ("extra-refused", "UnprocessableEntityError", 422, "Invalid input"),
        ("rate-limited-silent", "RateLimitError", 429, "429"),
        ("500-always", "InternalServerError", 500, "InternalServerError"),
    ],
}
CASES = [(client, *case) for client, cases in ERRORS.items() for case in cases]
WEATHER = ("get_temperature", '{"city": "Oslo"}')


def messages(ask: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": ask}]


def scripted() -> Seen:
    """What the script says about the question."""
    text = next(script.answer[0] for script in load() if script.ask == QUESTION)
    prompt, completion = count(QUESTION) + MESSAGE_OVERHEAD, count(text)
    return Seen(text, "stop", prompt, completion, prompt + completion)


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_gets_the_answer_of_the_script_and_the_call_of_a_tool(
    standin: StandIn, name: str
) -> None:
    client = CLIENTS[name](standin)
    assert client.complete(QUESTION) == client.stream(QUESTION) == scripted()
    got = client.complete("Is it warm in Oslo?", tools=TOOLS)
    assert got.calls == (WEATHER,)
    assert got.finish_reason == "tool_calls"


@pytest.mark.parametrize(("name", "fault", "kind", "status", "code"), CASES)
def test_a_client_raises_its_own_error(
    standin: StandIn, name: str, fault: str, kind: str, status: int, code: str | None
) -> None:
    assert CLIENTS[name](standin).fail(f"fault: {fault}") == (kind, status, code)


@pytest.mark.parametrize("model", ["stand-in-chat", "stand-in-gpt"])
@pytest.mark.parametrize("route", ROUTES)
def test_the_vendors_client_assembles_streamed_calls(
    standin: StandIn, route: RouteName, model: str
) -> None:
    client = VendorSdk(standin, route).client
    with client.chat.completions.stream(
        messages=messages("Is it warm in Oslo?"), model=model, tools=TOOLS
    ) as stream:
        message = stream.get_final_completion().choices[0].message
    (call,) = message.tool_calls
    assert (call.function.name, call.function.arguments) == WEATHER
    told = {"role": "tool", "tool_call_id": call.id, "content": "6 degrees"}
    again = [*messages("Is it warm in Oslo?"), message, told]
    answer = client.chat.completions.create(messages=again, model=model, tools=TOOLS)
    assert answer.choices[0].message.content.startswith("Not very")


def test_the_vendors_client_gets_as_many_answers_as_it_asks_for(standin: StandIn) -> None:
    create = VendorSdk(standin).client.chat.completions.create
    answer = create(messages=messages("Name a colour."), model=MODEL, n=2)
    assert [choice.message.content for choice in answer.choices] == ["Blue.", "Green."]
    texts = ["", ""]
    for chunk in create(messages=messages("Name a colour, please."), model=MODEL, n=2, stream=True):
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
    assert texts[0] == texts[1] != ""


def test_the_retired_client_asks_for_pass_through_by_itself(standin: StandIn) -> None:
    got = RetiredSdk(standin).complete(QUESTION, model_extras={"logprobs": True})
    assert got == scripted()
    assert standin.requests[-1].headers["extra-parameters"] == "pass-through"
