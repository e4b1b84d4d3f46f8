"""Near misses: answers to the exercises that are wrong, each for a reason of its own."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from helpers.views.content_filter import FilterResult, filter_results
from tests.lessons.solutions.l00_start_here import route_of
from tests.lessons.solutions.l01_basic_call import was_cut
from tests.lessons.solutions.l02_streaming import time_to_first_text

Answer = Callable[[Any], Any]


def loose_json(completion: Any) -> Any:
    with suppress(ValueError):
        return json.loads(completion.content)
    return None


def any_object(completion: Any) -> Any:
    data = loose_json(completion)
    return data if isinstance(data, dict) else None


def unless_cut(completion: Any) -> Any:
    return loose_json(completion) if completion.finish_reason == "stop" else None


def lowest(tokens: list[dict[str, Any]]) -> dict[str, Any]:
    return min(tokens, key=lambda token: token["logprob"])


def every_call(messages: Any) -> list[str]:
    return [call["id"] for message in messages for call in message.get("tool_calls", [])]


def answered(messages: Any) -> list[str]:
    return [message["tool_call_id"] for message in messages if message["role"] == "tool"]


def filtered(found: dict[str, FilterResult]) -> list[str]:
    return sorted(name for name, verdict in found.items() if verdict.filtered)


def by_hand(outcome: Any) -> list[str]:
    sent = outcome.exchange.response_body["error"]["innererror"]["content_filter_result"]
    return [name for name, verdict in sent.items() if verdict["filtered"]]


def shrunk(size: Any, factor: float) -> Any:
    return tuple(max(1, round(side * factor)) for side in size)


WRONG: dict[str, dict[str, Answer]] = {
    "00-start-here": {
        "anywhere": lambda e: "models" if "models" in e else "v1" if "/openai/v1" in e else None,
        "no slash at the end": lambda e: (
            "models" if e.endswith("/models") else "v1" if e.endswith("/v1") else None
        ),
        "by host": lambda e: "v1" if ".openai." in e else "models",
        "models or not": lambda e: "models" if e.rstrip("/").endswith("/models") else "v1",
        "a text for none": lambda e: route_of(e) or "None",
    },
    "01-basic-call": {
        "only the cap": lambda c: c.finish_reason == "length",
        "only the filter": lambda c: c.finish_reason == "content_filter",
        "anything but stop": lambda c: c.finish_reason != "stop",
        "any reason": lambda c: bool(c.finish_reason),
        "the other way round": lambda c: not was_cut(c),
        "1 for true": lambda c: int(was_cut(c)),
        "the first choice": lambda c: c.choices[0].finish_reason in ("length", "content_filter"),
    },
    "02-streaming": {
        "the first update": lambda us: us[0].elapsed if us[0].content else None,
        "the last text": lambda us: max((u.elapsed for u in us if u.content), default=None),
        "any choice": lambda us: next((u.elapsed for u in us if u.choices), None),
        "0 for none": lambda us: next((u.elapsed for u in us if u.content), 0.0),
        "no none": lambda us: next(u.elapsed for u in us if u.content),
        "a text": lambda us: str(time_to_first_text(us)),
        "the text itself": lambda us: next((u.content for u in us if u.content), None),
    },
    "03-parameters": {
        "as they are": lambda options: options,
        "only from above": lambda options: {
            name: min(value, 1) if name in ("temperature", "top_p") else value
            for name, value in options.items()
        },
        "only one parameter": lambda options: (
            options
            | ({"temperature": min(max(options["temperature"] or 0, 0), 1)} if options else {})
        ),
        "left out instead of moved": lambda options: {
            name: value
            for name, value in options.items()
            if not isinstance(value, float) or 0 <= value <= 1
        },
        "nothing": lambda options: {},
    },
    "04-json-mode": {
        "json.loads alone": lambda completion: json.loads(completion.content),
        "whatever is JSON": loose_json,
        "any object, cut or not": any_object,
        "whatever is JSON and not cut": unless_cut,
        "{} for none": lambda completion: unless_cut(completion) or {},
    },
    "05-extra-parameters": {
        "the first": lambda tokens: tokens[0]["token"] if tokens else None,
        "the surest": lambda tokens: (
            max(tokens, key=lambda token: token["logprob"])["token"] if tokens else None
        ),
        "the whole token": lambda tokens: lowest(tokens),
        "its logprob": lambda tokens: lowest(tokens)["logprob"] if tokens else None,
        "no thought of an empty list": lambda tokens: lowest(tokens)["token"],
        "an alternative": lambda tokens: (
            lowest([rival for token in tokens for rival in token["top_logprobs"]])["token"]
            if tokens
            else None
        ),
        "an empty text for none": lambda tokens: lowest(tokens)["token"] if tokens else "",
    },
    "06-tools": {
        "the calls of the last message": lambda messages: [
            call["id"] for call in messages[-1].get("tool_calls", [])
        ],
        "every call": every_call,
        "a set": lambda messages: set(every_call(messages)) - set(answered(messages)),
        "sorted": lambda messages: sorted(set(every_call(messages)) - set(answered(messages))),
        "as many as there are answers": lambda messages: every_call(messages)[
            len(answered(messages)) :
        ],
        "those of the first round": lambda messages: [
            call["id"]
            for message in messages[:2]
            for call in message.get("tool_calls", [])
            if call["id"] not in answered(messages)
        ],
    },
    "07-content-safety": {
        "prompt and answer": lambda outcome: sorted(filter_results(outcome)),
        "every category": lambda outcome: sorted(
            {name for found in filter_results(outcome).values() for name in found}
        ),
        "only of the prompt": lambda outcome: filtered(filter_results(outcome).get("prompt", {})),
        "only of the answer": lambda outcome: filtered(filter_results(outcome).get("answer", {})),
        "as often as it is filtered": lambda outcome: sorted(
            name for found in filter_results(outcome).values() for name in filtered(found)
        ),
        "what is not safe": lambda outcome: sorted(
            {
                name
                for found in filter_results(outcome).values()
                for name, verdict in found.items()
                if verdict.level not in ("safe", "not detected")
            }
        ),
        "in the order of the service": lambda outcome: [
            name
            for found in filter_results(outcome).values()
            for name, verdict in found.items()
            if verdict.filtered
        ],
        "by hand, in one place": by_hand,
    },
    "08-images": {
        "each side on its own": lambda size: tuple(min(side, 1024) for side in size),
        "always 1024": lambda size: shrunk(size, 1024 / max(size)),
        "by the width": lambda size: shrunk(size, min(1, 1024 / size[0])),
        "by the shorter side": lambda size: shrunk(size, min(1, 1024 / min(size))),
        "down to nothing": lambda size: tuple(
            round(side * min(1, 1024 / max(size))) for side in size
        ),
        "a list": lambda size: list(shrunk(size, min(1, 1024 / max(size)))),
        "turned": lambda size: shrunk(size, min(1, 1024 / max(size)))[::-1],
    },
}
"""Near misses, by what is wrong with them."""
