"""A solution to the exercise of each lesson, under the name that the function has there.

``exercises.py`` compares a reader's answer with the solution, and shows the solution's code.
"""

import json
from collections.abc import Callable, Iterable
from math import exp
from pathlib import Path
from typing import Any

from helpers import (
    ChatCompletions,
    ChatCompletionsClient,
    ContentFilterError,
    ToolMessage,
    UserMessage,
)
from helpers.images import prepare, text_item
from helpers.tools import Toolbox
from helpers.views import filter_results


def route_of(endpoint: str) -> str | None:
    """Return the route of an endpoint; None if it has none."""
    endpoint = endpoint.rstrip("/")
    if endpoint.endswith("/models"):
        return "models"
    return "v1" if endpoint.endswith("/openai/v1") else None


def two_answers(client: ChatCompletionsClient) -> list[str]:
    """Return two answers of one conversation; one that was cut off ends in " …"."""
    question = UserMessage("Which alphabet has the most letters?")
    first = client.complete([question])
    follow_up = UserMessage("And which has the fewest?")
    second = client.complete([question, first.message, follow_up], max_tokens=12)
    is_cut = ("length", "content_filter")
    return [a.content + (" …" if a.finish_reason in is_cut else "") for a in (first, second)]


def sentences(client: ChatCompletionsClient) -> list[tuple[str, int]]:
    """Return each sentence of a streamed answer, and how many pieces of text had come by then."""
    found, text, pieces = [], "", 0
    with client.stream([UserMessage("What is a dictionary for?")], max_tokens=30) as stream:
        for update in stream:
            text += update.content
            pieces += update.content != ""
            if text.endswith("."):
                found.append((text.strip(), pieces))
                text = ""
    if text:
        found.append((text.strip(), pieces))
    return found


def fit(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options with each number inside its range on the models route."""
    ranges = {
        "temperature": (0, 1),
        "top_p": (0, 1),
        "frequency_penalty": (-2, 2),
        "presence_penalty": (-2, 2),
    }
    fitting = dict(options)
    for name, (low, high) in ranges.items():
        if fitting.get(name) is not None:
            fitting[name] = min(max(fitting[name], low), high)
    return fitting


def data_of(completion: ChatCompletions) -> dict[str, Any] | None:
    """Return the JSON object of an answer as a dict; None if there is no whole one."""
    if completion.finish_reason != "stop":
        return None
    try:
        data = json.loads(completion.content)
    except json.JSONDecodeError:
        return None
    return data if isinstance(data, dict) else None


def close_calls(client: ChatCompletionsClient) -> list[tuple[str, str]]:
    """Return each token that was a close call, and the one that came next to it."""
    question = UserMessage("What goes well with toast?")
    completion = client.complete([question], logprobs=True, top_logprobs=2)
    found = []
    for entry in (completion.choices[0].raw.get("logprobs") or {}).get("content") or []:
        for other in entry["top_logprobs"]:
            is_close = exp(other["logprob"]) >= exp(entry["logprob"]) / 2
            if other["token"] != entry["token"] and is_close:
                found.append((entry["token"], other["token"]))
    return found


def ask_first(client: ChatCompletionsClient, tools: Toolbox) -> str:
    """Return the answer to a question of a person who allows the tool for trains only."""
    messages: list[Any] = [UserMessage("Find a train and a flight from Oslo to Rome.")]
    asking = client.complete(messages, tools=tools.definitions)
    messages.append(asking.message)
    for call in asking.message.tool_calls:
        if call.function.name == "next_train":
            messages.append(tools.answer(call))
        else:
            messages.append(ToolMessage("The person said no.", tool_call_id=call.id))
    return client.complete(messages, tools=tools.definitions).content


def filtered_categories(
    client: ChatCompletionsClient, sentences: Iterable[str]
) -> dict[str, list[str]]:
    """Return for each sentence the names of the filtered categories, in alphabetical order."""
    found = {}
    for sentence in sentences:
        outcome: ChatCompletions | ContentFilterError
        try:
            outcome = client.complete([UserMessage(sentence)])
        except ContentFilterError as failure:
            outcome = failure
        places = filter_results(outcome).values()
        found[sentence] = sorted(
            {name for place in places for name, verdict in place.items() if verdict.filtered}
        )
    return found


def saved_by_low(client: ChatCompletionsClient, path: Path) -> int:
    """Return how many prompt tokens the detail "low" saves, with a picture of 512 pixels."""
    picture = prepare(path, 512)
    tokens = {}
    for detail in ("high", "low"):
        question = text_item("Is the lamp of this lighthouse lit?")
        completion = client.complete([UserMessage([question, picture.item(detail)])])
        tokens[detail] = completion.usage.prompt_tokens
    return tokens["high"] - tokens["low"]


def to_responses(body: dict[str, Any]) -> dict[str, Any]:
    """Return the body of a chat completions request as Responses takes it."""
    limits = dict.fromkeys(("max_tokens", "max_completion_tokens"), "max_output_tokens")
    names = {"messages": "input", **limits}
    moved = {names.get(name, name): value for name, value in body.items()}
    if "tools" in body:
        moved["tools"] = [{"type": tool["type"], **tool["function"]} for tool in body["tools"]]
    return moved


def patient(ask: Callable[[int], ChatCompletions]) -> str | None:
    """Return the content, asked for with 100 tokens or more; None if 1600 are not enough."""
    for budget in (100, 200, 400, 800, 1600):
        completion = ask(budget)
        if completion.content or completion.finish_reason != "length":
            return completion.content
    return None


SOLUTIONS: dict[str, Callable[..., Any]] = {
    "00-start-here": route_of,
    "01-basic-call": two_answers,
    "02-streaming": sentences,
    "03-parameters": fit,
    "04-json-mode": data_of,
    "05-extra-parameters": close_calls,
    "06-tools": ask_first,
    "07-content-safety": filtered_categories,
    "08-images": saved_by_low,
    "09-moving-to-v1": to_responses,
    "10-reasoning-models": patient,
}
