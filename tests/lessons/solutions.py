"""A solution to the exercise of each lesson, under the name that the function has there."""

import json
from collections.abc import Callable, Iterable
from typing import Any

from helpers import ChatCompletions, StreamingChatCompletionsUpdate
from helpers.client.errors import ChatError
from helpers.views import filter_results

Answer = Callable[[Any], Any]

RANGES = {
    "temperature": (0, 1),
    "top_p": (0, 1),
    "frequency_penalty": (-2, 2),
    "presence_penalty": (-2, 2),
}


def route_of(endpoint: str) -> str | None:
    endpoint = endpoint.rstrip("/")
    if endpoint.endswith("/models"):
        return "models"
    return "v1" if endpoint.endswith("/openai/v1") else None


def was_cut(completion: ChatCompletions) -> bool:
    return completion.finish_reason in ("length", "content_filter")


def time_to_first_text(updates: Iterable[StreamingChatCompletionsUpdate]) -> float | None:
    return next((update.elapsed for update in updates if update.content), None)


def fit(options: dict[str, Any]) -> dict[str, Any]:
    fitting = dict(options)
    for name, (low, high) in RANGES.items():
        if fitting.get(name) is not None:
            fitting[name] = min(max(fitting[name], low), high)
    return fitting


def data_of(completion: ChatCompletions) -> dict[str, Any] | None:
    if completion.finish_reason != "stop":
        return None
    try:
        data = json.loads(completion.content)
    except json.JSONDecodeError:
        return None
    return data if isinstance(data, dict) else None


def least_sure(tokens: list[dict[str, Any]]) -> str | None:
    return min(tokens, key=lambda token: token["logprob"])["token"] if tokens else None


def open_calls(messages: list[dict[str, Any]]) -> list[str]:
    answered = {message.get("tool_call_id") for message in messages}
    calls = [call for message in messages for call in message.get("tool_calls", [])]
    return [call["id"] for call in calls if call["id"] not in answered]


def filtered_categories(outcome: ChatError | ChatCompletions) -> list[str]:
    found = filter_results(outcome).values()
    return sorted({name for one in found for name, result in one.items() if result.filtered})


def size_to_send(size: tuple[int, int]) -> tuple[int, int]:
    factor = min(1, 1024 / max(size))
    width, height = (max(1, round(side * factor)) for side in size)
    return width, height


def to_responses(body: dict[str, Any]) -> dict[str, Any]:
    limits = dict.fromkeys(("max_tokens", "max_completion_tokens"), "max_output_tokens")
    names = {"messages": "input", **limits}
    moved = {names.get(name, name): value for name, value in body.items()}
    if "tools" in body:
        moved["tools"] = [{"type": tool["type"], **tool["function"]} for tool in body["tools"]]
    return moved


def patient(ask: Callable[[int], ChatCompletions]) -> str | None:
    for budget in (100, 200, 400, 800, 1600):
        completion = ask(budget)
        if completion.content or completion.finish_reason != "length":
            return completion.content
    return None


SOLUTIONS: dict[str, Answer] = {
    "00-start-here": route_of,
    "01-basic-call": was_cut,
    "02-streaming": time_to_first_text,
    "03-parameters": fit,
    "04-json-mode": data_of,
    "05-extra-parameters": least_sure,
    "06-tools": open_calls,
    "07-content-safety": filtered_categories,
    "08-images": size_to_send,
    "09-moving-to-v1": to_responses,
    "10-reasoning-models": patient,
}
