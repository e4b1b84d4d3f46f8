"""Checks of the values of all fields that the stand-in knows."""

import re
from collections.abc import Mapping
from typing import Any

from tests.standin.calls import Route
from tests.standin.faults import refuse
from tests.standin.replies import Reply, error, openai_error

LARGEST, HUGE = 2**31 - 1, 2**63
RANGES: dict[str, tuple[float, float]] = {
    "temperature": (0, 1),
    "top_p": (0, 1),
    "frequency_penalty": (-2, 2),
    "presence_penalty": (-2, 2),
    "max_tokens": (0, LARGEST),
    "max_completion_tokens": (1, LARGEST),
    "n": (1, 16),
    "top_logprobs": (0, 20),
    "seed": (-HUGE, HUGE - 1),
}
V1_RANGES: dict[str, tuple[float, float]] = {"temperature": (0, 2), "max_tokens": (1, LARGEST)}
"""Ranges in which the v1 route differs from the models route."""
WHOLE = {"max_tokens", "max_completion_tokens", "n", "top_logprobs", "seed"}
NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
ITEMS = ("text", "image_url", "input_audio", "audio_url")
ROLES = ("system", "developer", "user", "assistant", "tool")

Where = list[str | int]


class Wrong(Exception):
    """A field has a wrong value; ``args`` are where, why, and the value."""


def check_fields(
    route: Route, body: dict[str, Any], items: tuple[str, ...] = ITEMS
) -> Reply | None:
    """Refuse the first wrong value, in the words of the route. ``items`` may be in contents."""
    try:
        check_messages(body.get("messages"), items)
        check_numbers(body, RANGES | V1_RANGES if route == "v1" else RANGES)
        check_options(body)
        check_tools(body)
    except Wrong as wrong:
        where, words, value = wrong.args
        if route == "models":
            detail = {"type": "value_error", "loc": ["body", *where], "msg": words, "input": value}
            told = "invalid input error"
            return error(422, "Invalid input", told, status=422, details=[detail])
        parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in where)
        path = "".join(parts)[1:]
        return openai_error(f"Invalid value for '{path}': {words}", "invalid_value", path)
    return check_json_is_asked_for(body) if route == "v1" else None


def require(holds: bool, where: Where, words: str, value: Any) -> None:
    """Raise ``Wrong`` unless ``holds``."""
    if not holds:
        raise Wrong(where, words, value)


def check_messages(messages: Any, items: tuple[str, ...]) -> None:
    """Check roles and contents, and the id of a tool's answer."""
    require(isinstance(messages, list), ["messages"], "Field required", messages)
    require(bool(messages), ["messages"], "List should have at least 1 item", messages)
    for at, message in enumerate(messages):
        where: Where = ["messages", at]
        require(isinstance(message, dict), where, "Input should be an object", message)
        role, content = message.get("role"), message.get("content")
        words = f"Input should be one of {', '.join(ROLES)}"
        require(role in ROLES, [*where, "role"], words, role)
        check_calls(message.get("tool_calls"), [*where, "tool_calls"])
        if role == "tool":
            linked = isinstance(message.get("tool_call_id"), str)
            require(linked, [*where, "tool_call_id"], "Field required", None)
        if content is None:
            empty = role == "assistant" and bool(message.get("tool_calls"))
            require(empty, [*where, "content"], "Field required", None)
        elif not isinstance(content, str):
            check_items(content, [*where, "content"], items)


def check_calls(calls: Any, where: Where) -> None:
    """Check the tool calls of an assistant message."""
    require(calls is None or isinstance(calls, list), where, "Input should be a list", calls)
    for at, call in enumerate(calls or ()):
        made = call.get("function") if isinstance(call, dict) else None
        texts = isinstance(made, dict) and all(
            isinstance(made.get(name), str) for name in ("name", "arguments")
        )
        require(texts, [*where, at, "function"], "Needs a name and arguments, both texts", made)


def check_items(items: Any, where: Where, kinds: tuple[str, ...]) -> None:
    """Check the items of a content that is a list."""
    fine = isinstance(items, list) and bool(items)
    require(fine, where, "Input should be a text or a list of items", items)
    for at, item in enumerate(items):
        kind = item.get("type") if isinstance(item, dict) else None
        require(kind in kinds, [*where, at, "type"], "Unknown type of item", kind)
        if kind == "text":
            written = isinstance(item.get("text"), str) and item["text"] != ""
            require(written, [*where, at, "text"], "Needs a text", item.get("text"))
        if kind == "thinking":
            parts = item.get("thinking")
            written = isinstance(parts, list) and all(
                isinstance(part, dict) and isinstance(part.get("text"), str) for part in parts
            )
            require(written, [*where, at, "thinking"], "Needs a list of texts", parts)
        if kind == "image_url":
            shown = item.get("image_url")
            linked = isinstance(shown, dict) and isinstance(shown.get("url"), str)
            require(linked, [*where, at, "image_url", "url"], "Needs a URL", None)


def check_numbers(body: Mapping[str, Any], ranges: Mapping[str, tuple[float, float]]) -> None:
    """Check ranges, and that some numbers are whole."""
    for name, (low, high) in ranges.items():
        value = body.get(name)
        if value is None:
            continue
        kinds = (int,) if name in WHOLE else (int, float)
        number = isinstance(value, kinds) and not isinstance(value, bool)
        words = f"Input should be {'an integer' if name in WHOLE else 'a number'}"
        require(number, [name], words, value)
        require(low <= value <= high, [name], f"Input should be from {low} to {high}", value)


def check_options(body: Mapping[str, Any]) -> None:
    """Check stop, stream and the format of the answer."""
    stop = body.get("stop")
    stops = [stop] if isinstance(stop, str) else stop
    listed = stops is None or (isinstance(stops, list) and bool(stops))
    require(listed, ["stop"], "Input should be a text or a list of texts", stop)
    for text in stops or ():
        require(isinstance(text, str) and bool(text), ["stop"], "Needs a text", text)
    for name in ("stream", "logprobs", "parallel_tool_calls"):
        value = body.get(name)
        require(value is None or isinstance(value, bool), [name], "Input should be a bool", value)
    wish = body.get("stream_options")
    require(wish is None or isinstance(wish, dict), ["stream_options"], "Needs an object", wish)
    form = body.get("response_format")
    if form is None:
        return
    kind = form.get("type") if isinstance(form, dict) else None
    known = kind in ("text", "json_object", "json_schema")
    require(known, ["response_format", "type"], "Unknown type of format", kind)
    if kind == "json_schema":
        schema = form.get("json_schema")
        where: Where = ["response_format", "json_schema"]
        require(isinstance(schema, dict), where, "Field required", schema)
        named = isinstance(schema.get("name"), str) and bool(NAME.fullmatch(schema["name"]))
        require(named, [*where, "name"], f"Needs a name of the form {NAME.pattern}", None)
        require(isinstance(schema.get("schema"), dict), [*where, "schema"], "Field required", None)


def check_tools(body: Mapping[str, Any]) -> None:
    """Check the offered functions and the choice among them."""
    tools = body.get("tools")
    if tools is not None:
        require(isinstance(tools, list) and bool(tools), ["tools"], "Needs at least 1 tool", tools)
    names = []
    for at, tool in enumerate(tools or ()):
        offered = tool.get("function") if isinstance(tool, dict) else None
        name = offered.get("name") if isinstance(offered, dict) else None
        where: Where = ["tools", at, "function", "name"]
        named = isinstance(name, str) and bool(NAME.fullmatch(name))
        require(named, where, f"Needs a name of the form {NAME.pattern}", name)
        names.append(name)
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        chosen = choice.get("function")
        wanted = chosen.get("name") if isinstance(chosen, dict) else None
        require(wanted in names, ["tool_choice", "function", "name"], "No such tool", wanted)
    else:
        known = choice in (None, "auto", "none", "required")
        require(known, ["tool_choice"], "Input should be auto, none, required or a tool", choice)


def check_json_is_asked_for(body: Mapping[str, Any]) -> Reply | None:
    """Refuse JSON mode if no message contains the word JSON."""
    if (body.get("response_format") or {}).get("type") != "json_object":
        return None
    if "json" in str(body["messages"]).lower():
        return None
    return refuse("json-not-asked-for")
