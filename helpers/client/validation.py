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
from helpers.client.redaction import one_line
from helpers.client.routes import RouteName

ROLES = ("system", "developer", "user", "assistant", "tool")
_NUMBERS: dict[str, tuple[type, float, float, float]] = {
    # type, minimum, maximum on models, maximum on v1
    "temperature": (float, 0, 1, 2),
    "top_p": (float, 0, 1, 1),
    "presence_penalty": (float, -2, 2, 2),
    "frequency_penalty": (float, -2, 2, 2),
    "max_tokens": (int, 1, math.inf, math.inf),
    "max_completion_tokens": (int, 1, math.inf, math.inf),
    "seed": (int, -(2**63), 2**63 - 1, 2**63 - 1),
    "n": (int, 1, 128, 128),
    "top_logprobs": (int, 0, 20, 20),
}
_WORDS = {"tool_choice": ("auto", "none", "required"), "response_format": ("text", "json_object")}
_AS_KEYWORDS = "pass each of its fields as a keyword argument, like top_k=5"
_NOT_OPTIONS = {
    "stream": "call client.stream(...) to stream",
    "timeout": "call client.with_options(timeout=...).complete(...)",
    # openai and azure-ai-inference take extra parameters in these
    "extra_body": _AS_KEYWORDS,
    "model_extras": _AS_KEYWORDS,
    "extra_headers": "this client sends no other headers",
    "extra_query": "this client adds nothing to the URL",
}


def _expected(name: str, value: Any, route: RouteName) -> str | None:
    """Return what ``value`` has to be, or None if it is valid or the service has to judge it."""
    fits, expected = True, ""
    if name in _NUMBERS:
        kind, low, high, v1_high = _NUMBERS[name]
        high = v1_high if route == "v1" else high
        is_number = isinstance(value, int | kind) and not isinstance(value, bool)
        fits = is_number and low <= value <= high
        limits = f"from {low:g}" + ("" if high == math.inf else f" to {high:g}")
        expected = f"a {'whole ' if kind is int else ''}number {limits}"
    elif name in _WORDS:
        fits = isinstance(value, Mapping) or value in _WORDS[name]
        expected = f"{', '.join(_WORDS[name])}, or an object"
    elif name == "model":
        fits, expected = isinstance(value, str) and value != "", "the name of a deployment"
    elif name == "stop":
        texts = [value] if isinstance(value, str) else value
        fits = isinstance(texts, list | tuple) and all(isinstance(text, str) for text in texts)
        fits, expected = fits and len(texts) > 0, "a text or a list of texts"
    elif name == "tools":
        fits = isinstance(value, list | tuple) and len(value) > 0
        expected = "a list that is not empty"
    elif name in _NOT_OPTIONS:
        fits, expected = False, f"left out: {_NOT_OPTIONS[name]}"
    return None if fits else expected


def check_options(options: Mapping[str, Any], route: RouteName) -> JSON:
    """Return the parameters that are not None.

    ``response_format`` may be the bare word ``text`` or ``json_object``. Raises
    ``BadParameterError`` with the name of a wrong parameter, its value and what it has to be.
    """
    checked = {name: value for name, value in options.items() if value is not None}
    for name, value in checked.items():
        if expected := _expected(name, value, route):
            raise BadParameterError(
                f"{name} is {_short(value)}; on the {route} route it has to be {expected}. "
                "Nothing was sent.",
                advice=f"correct {name}, or leave it out.",
            )
    if isinstance(checked.get("response_format"), str):
        checked["response_format"] = {"type": checked["response_format"]}
    return checked


def check_messages(messages: Any) -> list[JSON]:
    """Return the messages as dicts; each is a message class, an answer's message, or a dict.

    Raises ``BadParameterError`` for an empty list, an unknown role or a message without content.
    """
    if isinstance(messages, str | Mapping) or not isinstance(messages, Iterable):
        raise _bad_messages("messages has to be a list, even of one message.")
    sent = [_message(message, f"messages[{at}]") for at, message in enumerate(messages)]
    if not sent:
        raise _bad_messages("messages is empty: there has to be at least one.")
    return sent


def _message(message: Any, where: str) -> JSON:
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
        if len(body) > 1:
            for name, value in body.items():
                to_json({name: value})  # raises for the one that can't be
        raise BadParameterError(
            f"{next(iter(body))} can't be sent: {reason}. Nothing was sent.",
            advice="use texts, numbers, true or false, lists and dicts only.",
        ) from None


def _bad_messages(what: str) -> BadParameterError:
    return BadParameterError(
        f"{what} Nothing was sent.",
        advice="pass a list of SystemMessage, UserMessage, AssistantMessage, ToolMessage or dicts.",
    )


def _short(value: Any) -> str:
    return one_line(repr(value), 60)
