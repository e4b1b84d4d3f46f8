"""The stand-in speaks as the services do: unmodified clients of others understand it.

What families of models send is in the recordings of the lessons; here is what these lack.
"""

from collections.abc import Iterable
from typing import Any

import pytest
from azure.ai.inference import ChatCompletionsClient as RetiredClient
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import HttpResponseError
from openai import APIStatusError, OpenAI
from openai.resources.chat import Completions

from helpers import ChatCompletionsClient, UserMessage
from helpers.client.routes import API_VERSION, ROUTES, RouteName
from tests.standin import StandIn
from tests.standin.asking import TOOLS, USAGE
from tests.standin.scripts import load
from tests.standin.tokens import MESSAGE_OVERHEAD, count

RETIRED = "azure-ai-inference"
CLIENTS = {RETIRED: "models", "openai": "v1", "openai on models": "models"}
"""The clients, and the route of each."""
MODEL = "stand-in-chat"
QUESTION = "How many languages are in the world?"
WEATHER = "Is it warm in Oslo?"
CALL = ("get_temperature", '{"city": "Oslo"}')
Seen = tuple[str, str | None, tuple[int, int, int]]
"""What a client made of an answer: the text, the finish reason, the counts of tokens."""


def vendor(server: StandIn, route: str = "v1") -> Completions:
    """Return openai's client on a route: on models the key has a header of its own."""
    if route == "v1":
        return OpenAI(base_url=server.v1, api_key=server.key, max_retries=0).chat.completions
    return OpenAI(
        base_url=server.models,
        api_key="unused",
        max_retries=0,
        default_headers={"api-key": server.key},
        default_query={"api-version": API_VERSION},
    ).chat.completions


def messages(ask: str) -> list[Any]:
    return [{"role": "user", "content": ask}]


def create(server: StandIn, name: str, ask: str, **options: Any) -> Any:
    """Ask as a client does. Retries of its own would hide the failures."""
    asked = {"messages": messages(ask), "model": MODEL, **options}
    if name == RETIRED:
        key = AzureKeyCredential(server.key)
        return RetiredClient(server.models, key, retry_total=0).complete(**asked)
    return vendor(server, CLIENTS[name]).create(**asked)


def counts(usage: Any) -> tuple[int, int, int]:
    return usage.prompt_tokens, usage.completion_tokens, usage.total_tokens


def seen(answer: Any) -> Seen:
    """Return the same of any client's answer: all have it under the same names."""
    choice = answer.choices[0]
    return choice.message.content, choice.finish_reason, counts(answer.usage)


def gathered(chunks: Iterable[Any]) -> Seen:
    """Return the same of a stream."""
    text, finish, usage = "", None, None
    for chunk in chunks:
        usage = chunk.usage or usage
        for choice in chunk.choices:
            text += choice.delta.content or ""
            finish = choice.finish_reason or finish
    return text, finish, counts(usage)


def scripted() -> Seen:
    """Return what the script says about the question."""
    text = next(script.answer for script in load() if script.ask == QUESTION)
    prompt, completion = count(QUESTION) + MESSAGE_OVERHEAD, count(text)
    return text, "stop", (prompt, completion, prompt + completion)


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_gets_the_answer_of_the_script_and_the_call_of_a_tool(
    standin: StandIn, name: str
) -> None:
    usage = {"stream_options": USAGE}
    options = {"model_extras": usage} if name == RETIRED else usage
    assert seen(create(standin, name, QUESTION)) == scripted()
    assert gathered(create(standin, name, QUESTION, stream=True, **options)) == scripted()
    (choice,) = create(standin, name, WEATHER, tools=TOOLS).choices
    (call,) = choice.message.tool_calls
    assert (call.function.name, call.function.arguments) == CALL
    assert choice.finish_reason == "tool_calls"


# What each client raises for a fault. A code of None: the client cannot read that shape.
ERRORS = [
    (RETIRED, "wrong-audience", "ClientAuthenticationError", 401, None),
    (RETIRED, "unknown-model", "HttpResponseError", 400, "unknown_model"),
    (RETIRED, "wrong-route", "ResourceNotFoundError", 404, "404"),
    (RETIRED, "extra-refused", "HttpResponseError", 422, "Invalid input"),
    ("openai", "wrong-key", "AuthenticationError", 401, "401"),
    ("openai", "no-deployment", "NotFoundError", 404, "DeploymentNotFound"),
    ("openai", "content-filter", "BadRequestError", 400, "content_filter"),
    ("openai", "500-always", "InternalServerError", 500, "InternalServerError"),
]


@pytest.mark.parametrize(("name", "fault", "kind", "status", "code"), ERRORS)
def test_a_client_raises_its_own_error(
    standin: StandIn, name: str, fault: str, kind: str, status: int, code: str | None
) -> None:
    with pytest.raises((HttpResponseError, APIStatusError)) as caught:
        create(standin, name, f"fault: {fault}")
    error: Any = caught.value
    told = error.error if name == RETIRED else error
    found = (type(error).__name__, error.status_code, told.code if told else None)
    assert found == (kind, status, code)


@pytest.mark.parametrize("route", ROUTES)
def test_the_vendors_client_assembles_streamed_calls(standin: StandIn, route: RouteName) -> None:
    client: Any = vendor(standin, route)
    with client.stream(messages=messages(WEATHER), model=MODEL, tools=TOOLS) as stream:
        message = stream.get_final_completion().choices[0].message
    (call,) = message.tool_calls
    assert (call.function.name, call.function.arguments) == CALL
    told = {"role": "tool", "tool_call_id": call.id, "content": "6 degrees"}
    again = [*messages(WEATHER), message, told]
    answer = client.create(messages=again, model=MODEL, tools=TOOLS)
    assert answer.choices[0].message.content.startswith("Not very")


def test_the_vendors_client_gets_as_many_answers_as_it_asks_for(standin: StandIn) -> None:
    answer = create(standin, "openai", "Name a colour.", n=2)
    assert [choice.message.content for choice in answer.choices] == ["Blue.", "Blue."]
    texts = ["", ""]
    for chunk in create(standin, "openai", "Name a colour.", n=2, stream=True):
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
    assert texts == ["Blue.", "Blue."]


@pytest.mark.parametrize(
    "model",
    ["stand-in-kimi", "stand-in-oss", "stand-in-mistral-reasoning", "stand-in-think-tags"],
)
def test_thoughts_are_the_same_streamed_and_are_taken_back(standin: StandIn, model: str) -> None:
    client = ChatCompletionsClient(standin.v1, AzureKeyCredential(standin.key), model)
    ask = UserMessage("Name a colour.")
    plain = client.complete([ask])
    with client.stream([ask], stream_options=None) as stream:
        list(stream)
    assert stream.completion.content == plain.content
    assert stream.completion.message.reasoning_content == plain.message.reasoning_content
    assert bool(plain.message.reasoning_content) == (model != "stand-in-think-tags")
    assert client.complete([ask, plain.message, ask]).content


@pytest.mark.parametrize(
    ("model", "budget", "text"),
    [("stand-in-kimi", 7, None), ("stand-in-reasoning", 130, "People speak")],
)
def test_a_budget_may_end_the_reasoning_or_the_text(
    standin: StandIn, model: str, budget: int, text: str | None
) -> None:
    answer = create(standin, "openai", QUESTION, model=model, max_completion_tokens=budget)
    assert (answer.choices[0].finish_reason, answer.choices[0].message.content) == ("length", text)
    assert answer.usage.completion_tokens == budget


def test_parallel_calls_can_be_forbidden(standin: StandIn) -> None:
    ask = "When are the next flights from Miami to Seattle and back?"
    tools = [{"type": "function", "function": {"name": "next_flight"}}]
    answer = create(standin, "openai", ask, tools=tools, parallel_tool_calls=False)
    assert len(answer.choices[0].message.tool_calls) == 1
