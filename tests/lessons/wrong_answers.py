"""Wrong answers to the exercises: for most cases of a lesson there is one that only it refuses."""

import json
from typing import Any

from helpers.views import filter_results
from tests.lessons.solutions import (
    Answer,
    least_sure,
    open_calls,
    size_to_send,
    to_responses,
    was_cut,
)


def loads(completion: Any, kind: type = dict) -> Any:
    try:
        data = json.loads(completion.content)
    except ValueError:
        return None
    return data if isinstance(data, kind) else None


def unanswered_at_the_end(messages: Any) -> list[str]:
    calls = [call["id"] for message in messages for call in message.get("tool_calls", [])]
    return calls[sum(message["role"] == "tool" for message in messages) :]


def filtered(outcome: Any, *places: str) -> list[str]:
    found = filter_results(outcome)
    kept = [found.get(place, {}) for place in places or found]
    return [name for one in kept for name, result in one.items() if result.filtered]


def shrunk(size: Any, factor: float, least: int = 1) -> Any:
    return tuple(max(least, round(side * factor)) for side in size)


def asking(ask: Any, *budgets: int, none: Any = None, reasons: Any = ("length",)) -> Any:
    for budget in budgets:
        completion = ask(budget)
        if completion.content or completion.finish_reason not in reasons:
            return completion.content
    return none


def renamed(body: Any, **names: str) -> Any:
    return {names.get(name, name): value for name, value in body.items()}


NEW_NAMES = {"messages": "input", "max_tokens": "max_output_tokens"}
NEWER_NAMES = {**NEW_NAMES, "max_completion_tokens": "max_output_tokens"}


WRONG: dict[str, dict[str, Answer]] = {
    "00-start-here": {
        "anywhere": lambda e: "models" if "models" in e else "v1" if "/openai/v1" in e else None,
        "no slash at the end": lambda e: (
            "models" if e.endswith("/models") else "v1" if e.endswith("/v1") else None
        ),
        "models or not": lambda e: "models" if e.rstrip("/").endswith("/models") else "v1",
    },
    "01-basic-call": {
        "only the cap": lambda c: c.finish_reason == "length",
        "only the filter": lambda c: c.finish_reason == "content_filter",
        "anything but stop": lambda c: c.finish_reason not in (None, "stop"),
        "1 for true": lambda c: int(was_cut(c)),
        "the first choice": lambda c: c.choices[0].finish_reason in ("length", "content_filter"),
    },
    "02-streaming": {
        "the first update": lambda us: us[0].elapsed if us[0].content else None,
        "the last text": lambda us: max((u.elapsed for u in us if u.content), default=None),
        "0 for none": lambda us: next((u.elapsed for u in us if u.content), 0.0),
    },
    "03-parameters": {
        "as they are": lambda options: options,
        "only from above": lambda options: {
            name: min(value, 1) if name in ("temperature", "top_p") else value
            for name, value in options.items()
        },
        "no thought of None": lambda options: {
            name: min(max(value, 0), 1) if name == "temperature" else value
            for name, value in options.items()
        },
    },
    "04-json-mode": {
        "json.loads alone": lambda completion: json.loads(completion.content),
        "cut or not": loads,
        "any JSON": lambda c: loads(c, object) if c.finish_reason == "stop" else None,
        "{} for none": lambda completion: loads(completion) or {},
    },
    "05-extra-parameters": {
        "the first": lambda tokens: tokens[0]["token"] if tokens else None,
        "an empty text for none": lambda tokens: least_sure(tokens) or "",
        "an alternative": lambda tokens: least_sure(
            [other for token in tokens for other in token["top_logprobs"]]
        ),
    },
    "06-tools": {
        "the last message": lambda messages: open_calls(messages[-1:]),
        "sorted": lambda messages: sorted(open_calls(messages)),
        "the first round": lambda messages: open_calls(messages[:3]),
        "as many as have no answer": unanswered_at_the_end,
    },
    "07-content-safety": {
        "only of the prompt": lambda outcome: sorted(filtered(outcome, "prompt")),
        "only of the answer": lambda outcome: sorted(filtered(outcome, "answer")),
        "as often as it is filtered": lambda outcome: sorted(filtered(outcome)),
        "in the order of the service": lambda outcome: list(dict.fromkeys(filtered(outcome))),
        "every category": lambda outcome: sorted(
            {name for found in filter_results(outcome).values() for name in found}
        ),
    },
    "08-images": {
        "always 1024": lambda size: shrunk(size, 1024 / max(size)),
        "by the width": lambda size: shrunk(size, min(1, 1024 / size[0])),
        "down to nothing": lambda size: shrunk(size, min(1, 1024 / max(size)), least=0),
        "a list": lambda size: list(size_to_send(size)),
    },
    "09-moving-to-v1": {
        "only the messages": lambda body: renamed(body, messages="input"),
        "only the older limit": lambda body: (
            renamed(to_responses(body), **NEW_NAMES)
            if "max_completion_tokens" not in body
            else renamed(body, **NEW_NAMES)
        ),
        "only the newer limit": lambda body: (
            renamed(body, messages="input") if "max_tokens" in body else to_responses(body)
        ),
        "tools as they were": lambda body: renamed(body, **NEWER_NAMES),
        "the tool's function alone": lambda body: {
            **to_responses(body),
            **({"tools": [tool["function"] for tool in body["tools"]]} if "tools" in body else {}),
        },
        "nothing but the known": lambda body: {
            name: value for name, value in to_responses(body).items() if name != "temperature"
        },
        "the text of the question": lambda body: {
            **to_responses(body),
            "input": body["messages"][0]["content"],
        },
    },
    "10-reasoning-models": {
        "once": lambda ask: asking(ask, 100),
        "more at once": lambda ask: asking(ask, 1600),
        "one time too few": lambda ask: asking(ask, 100, 200, 400, 800),
        "an empty text for none": lambda ask: asking(ask, 100, 200, 400, 800, 1600, none=""),
        "whatever the reason": lambda ask: asking(
            ask, 100, 200, 400, 800, 1600, reasons=("length", "content_filter")
        ),
        "until it is whole": lambda ask: next(
            (c.content or "" if c.content or c.finish_reason != "length" else None)
            for budget in (100, 200, 400, 800, 1600)
            if (c := ask(budget)).finish_reason != "length" or budget == 1600
        ),
    },
}
"""Wrong answers, by what is wrong with them."""
