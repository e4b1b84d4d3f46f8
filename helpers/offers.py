"""Settings of one question: what was recorded of them, and how they are read from a box."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from helpers.client import ChatCompletionsClient
from helpers.errors import BadParameterError
from helpers.messages import JSON
from helpers.models import ChatCompletions
from helpers.recorded import recorded_requests

Setting = dict[str, Any]
"""A ``prompt``, and those parameters that are set."""


def _number(kind: type[float], words: str) -> Callable[[str], float | None]:
    def read(text: str) -> float | None:
        try:
            return kind(text) if text.strip() else None
        except ValueError:
            raise BadParameterError(
                f"{text!r} is not a {words}. Nothing was sent.",
                advice="correct it, or empty the box to leave the parameter out.",
            ) from None

    return read


def _texts(text: str) -> list[str] | None:
    return [part.strip() for part in text.split(",") if part.strip()] or None


PARAMETERS: dict[str, Callable[[str], Any]] = {
    "temperature": _number(float, "number"),
    "top_p": _number(float, "number"),
    "max_tokens": _number(int, "whole number"),
    "stop": _texts,
    "presence_penalty": _number(float, "number"),
    "frequency_penalty": _number(float, "number"),
    "seed": _number(int, "whole number"),
}
"""Each parameter with what reads it from a box; an empty box is None, and ``stop`` is a list of
texts with commas between them. Raises ``BadParameterError`` for what is no number."""


def in_short(value: Any) -> str:
    """A value as it stands in a box; nothing where it is left out."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


def setting_of(answer: ChatCompletions) -> Setting:
    """The setting that ``answer`` came of: the text of its last message, and its parameters."""
    return _setting({} if answer.exchange is None else answer.exchange.request_body)


def offers(client: ChatCompletionsClient) -> list[Setting] | None:
    """The settings that a replay can stream an answer to, each once; None of a live client."""
    requests = recorded_requests(client)
    if requests is None:
        return None
    bodies = [request["body"] for request in requests]
    alone = [body for body in bodies if body.get("stream") and len(body["messages"]) == 1]
    found = {json.dumps(_setting(body), sort_keys=True): _setting(body) for body in alone}
    return list(found.values())


def nearest(settings: Sequence[Setting], wanted: Mapping[str, Any], fixed: str) -> Setting:
    """The one of ``settings`` with the same ``fixed`` part that has most in common with ``wanted``.

    Values are compared as they stand in a box. Raises ``BadParameterError`` if there is none.
    """

    def alike(setting: Setting, name: str) -> bool:
        return in_short(setting.get(name)) == in_short(wanted.get(name))

    fitting = [setting for setting in settings if alike(setting, fixed)] or list(settings)
    if not fitting:
        raise BadParameterError("Nothing was recorded that could be asked here.")
    names = ("prompt", *PARAMETERS)
    weights = {name: 2 if name == "prompt" else 1 for name in names}  # a new prompt surprises most
    return max(fitting, key=lambda one: sum(weights[name] for name in names if alike(one, name)))


def _setting(body: JSON) -> Setting:
    messages = body.get("messages") or [{}]
    content = messages[-1].get("content")
    kept = {name: body[name] for name in PARAMETERS if body.get(name) is not None}
    return {"prompt": content if isinstance(content, str) else "", **kept}
