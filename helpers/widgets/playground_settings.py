"""Settings of one question: what was recorded of them, and how they are read from a box."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from helpers.client.client import ChatCompletionsClient
from helpers.client.errors import BadParameterError, NoRecordingError
from helpers.client.messages import JSON, UserMessage
from helpers.client.responses import ChatCompletions
from helpers.recordings.cassette import match_key, to_recorded
from helpers.recordings.requests import recorded_requests

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


NAMES = ("prompt", *PARAMETERS)


def in_short(value: Any) -> str:
    """A value as it stands in a box; nothing where it is left out."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


def setting_of(answer: ChatCompletions) -> Setting:
    """The setting that ``answer`` came of: the text of its last message, and its parameters."""
    return _setting({} if answer.exchange is None else answer.exchange.request_body)


def offers(client: ChatCompletionsClient) -> list[Setting] | None:
    """The settings that a replay can stream an answer to, each once; None of a live client.

    Of a recorded request that holds more than a setting (tools, a picture, an earlier turn) there
    is none: asked without the rest it would be another request.
    """
    requests = recorded_requests(client)
    if requests is None:
        return None
    streams = [request for request in requests if request["body"].get("stream")]
    found = [_setting(one["body"]) for one in streams if _is_all(client, one)]
    return list({json.dumps(one, sort_keys=True): one for one in found}.values())


def choices(settings: Sequence[Setting], name: str) -> list[str]:
    """The values that ``settings`` have for ``name``, as they stand in a box; nothing comes first.

    There is at least one: an empty one if there are no settings.
    """
    values = dict.fromkeys(in_short(setting.get(name)) for setting in settings)
    return sorted(values or [""], key=bool)


def nearest(settings: Sequence[Setting], wanted: Mapping[str, Any], fixed: str) -> Setting:
    """The one of ``settings`` with the same ``fixed`` part that has most in common with ``wanted``.

    Values are compared as they stand in a box. Raises ``NoRecordingError`` if there is none.
    """

    def alike(setting: Setting, name: str) -> bool:
        return in_short(setting.get(name)) == in_short(wanted.get(name))

    fitting = [setting for setting in settings if alike(setting, fixed)] or list(settings)
    if not fitting:
        raise NoRecordingError(
            "Nothing was recorded that could be asked here.",
            advice="use a deployment of your own (lesson 00 shows how).",
        )
    weights = {name: 2 if name == "prompt" else 1 for name in NAMES}  # a new prompt surprises most
    return max(fitting, key=lambda one: sum(weights[name] for name in NAMES if alike(one, name)))


def followed(before: Mapping[str, Any], now: Setting, changed: str) -> str:
    """What differs between ``before`` and ``now`` beside ``changed``, in words; else nothing."""
    values = {name: in_short(now.get(name)) for name in NAMES if name != changed}
    told = [
        f"{name} = {value or '(left out)'}"
        for name, value in values.items()
        if value != in_short(before.get(name))
    ]
    return f"To match what was recorded, these followed: {'; '.join(told)}" if told else ""


def _is_all(client: ChatCompletionsClient, request: JSON) -> bool:
    """Whether ``request`` is just what ``client`` sends when it asks for this setting."""
    options = _setting(request["body"])
    question = [UserMessage(options.pop("prompt"))]
    return match_key(
        to_recorded(client.build_request(question, stream=True, **options))
    ) == match_key(request)


def _setting(body: JSON) -> Setting:
    messages = body.get("messages") or [{}]
    content = messages[-1].get("content")
    kept = {name: body[name] for name in PARAMETERS if body.get(name) is not None}
    return {"prompt": content if isinstance(content, str) else "", **kept}
