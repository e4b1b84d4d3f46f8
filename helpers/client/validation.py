"""Validate messages and parameters before anything is sent.

The ranges are those of the official schemas: ``models`` as of api-version 2024-05-01-preview, and
``v1``. The service judges every parameter that is not in the tables.
"""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from helpers.client.errors import BadParameterError
from helpers.client.messages import JSON
from helpers.client.routes import RouteName
from helpers.client.text import one_line

ROLES = ("system", "developer", "user", "assistant", "tool")

_ANY = math.inf
_NUMBERS: dict[str, tuple[type, float, float, float]] = {
    # type, minimum, maximum on models, maximum on v1
    "temperature": (float, 0, 1, 2),
    "top_p": (float, 0, 1, 1),
    "presence_penalty": (float, -2, 2, 2),
    "frequency_penalty": (float, -2, 2, 2),
    "max_tokens": (int, 1, _ANY, _ANY),
    "max_completion_tokens": (int, 1, _ANY, _ANY),
    "seed": (int, -(2**63), 2**63 - 1, 2**63 - 1),
    "n": (int, 1, 128, 128),
    "top_logprobs": (int, 0, 20, 20),
}
_ELSEWHERE = {
    "stream": "left out: call client.stream(...) to stream",
    "timeout": "left out: call client.with_options(timeout=...).complete(...)",
}
_WORDS = {"tool_choice": ("auto", "none", "required"), "response_format": ("text", "json_object")}


def _expected(name: str, value: Any, route: RouteName) -> str | None:
    """Return what ``value`` has to be, or None if it is valid or the service has to judge it."""
    if name in _NUMBERS:
        kind, low, high, v1_high = _NUMBERS[name]
        high = v1_high if route == "v1" else high
        numbers = int if kind is int else int | float
        if isinstance(value, numbers) and not isinstance(value, bool) and low <= value <= high:
            return None
        limits = f"from {low:g}" + ("" if high == _ANY else f" to {high:g}")
        return f"a {'whole ' if kind is int else ''}number {limits}"
    if name in _WORDS:
        fits = isinstance(value, Mapping) or value in _WORDS[name]
        return None if fits else f"{', '.join(_WORDS[name])}, or an object"
    if name == "model":
        return None if value and isinstance(value, str) else "the name of a deployment"
    if name == "stop":
        texts = [value] if isinstance(value, str) else value
        fits = isinstance(texts, list | tuple) and all(isinstance(text, str) for text in texts)
        return None if fits and texts else "a text or a list of texts"
    if name == "tools":
        return None if isinstance(value, list | tuple) and value else "a list that is not empty"
    return _ELSEWHERE.get(name)


def check_options(options: Mapping[str, Any], route: RouteName) -> JSON:
    """Return the parameters that are not None.

    ``response_format`` may be the bare word ``text`` or ``json_object``. Raises
    ``BadParameterError`` with the name of a wrong parameter, its value and what it has to be.
    """
    checked: JSON = {}
    for name, value in options.items():
        if value is None:
            continue
        if expected := _expected(name, value, route):
            raise BadParameterError(
                f"{name} is {_short(value)}; on the {route} route it has to be {expected}. "
                "Nothing was sent.",
                advice=f"correct {name}, or leave it out.",
            )
        if name == "response_format" and isinstance(value, str):
            value = {"type": value}
        checked[name] = value
    return checked


def check_messages(messages: Any) -> list[JSON]:
    """Return the messages as dicts; each is a message class, an answer's message, or a dict.

    Raises ``BadParameterError`` for an empty list, an unknown role or a message without content.
    """
    if isinstance(messages, str | Mapping) or not isinstance(messages, Iterable):
        raise _bad_messages("messages has to be a list, even of one message.")
    sent = [_message(message, position) for position, message in enumerate(messages)]
    if not sent:
        raise _bad_messages("messages is empty: there has to be at least one.")
    return sent


def _message(message: Any, position: int) -> JSON:
    where = f"messages[{position}]"
    if hasattr(message, "as_dict"):
        message = message.as_dict()
    if not isinstance(message, Mapping):
        raise _bad_messages(f"{where} is {_short(message)}, not a message.")
    role, content = message.get("role"), message.get("content")
    if role not in ROLES:
        raise _bad_messages(f"{where} has the role {_short(role)}; known are {', '.join(ROLES)}.")
    items = content if isinstance(content, list) else []
    fits = isinstance(content, str | list) or (role == "assistant" and content is None)
    if not fits or not all(isinstance(item, Mapping) for item in items):
        raise _bad_messages(
            f"{where} ({role}) has the content {_short(content)}; it has to be a text, or a list "
            "of content items (dicts)."
        )
    if role == "tool" and not message.get("tool_call_id"):
        raise _bad_messages(f"{where} (tool) names no tool_call_id.")
    return dict(message)


def to_json(body: JSON) -> bytes:
    """Return ``body`` as JSON. Raises ``BadParameterError`` with the field that can't be JSON."""
    try:
        return json.dumps(body, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as reason:
        culprit = next((name for name in body if not _is_json(body[name])), "the request")
        raise BadParameterError(
            f"{culprit} can't be sent: {reason}. Nothing was sent.",
            advice="use texts, numbers, true or false, lists and dicts only.",
        ) from None


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _bad_messages(what: str) -> BadParameterError:
    return BadParameterError(
        f"{what} Nothing was sent.",
        advice="pass a list of SystemMessage, UserMessage, AssistantMessage, ToolMessage or dicts.",
    )


def _short(value: Any) -> str:
    return one_line(repr(value), 60)
