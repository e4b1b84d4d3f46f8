"""A request of the Responses API as the chat completion that it asks for, which scripts know."""

from collections.abc import Mapping
from typing import Any

from tests.standin.calls import Json
from tests.standin.checks import SCHEMAS, check_values
from tests.standin.deployments import Deployment
from tests.standin.faults import refuse
from tests.standin.replies import openai_error

MOVED = {
    "messages": "input",
    "max_tokens": "max_output_tokens",
    "max_completion_tokens": "max_output_tokens",
    "response_format": "text.format",
    "reasoning_effort": "reasoning.effort",
}
"""Fields of chat completions, and where they are in this API."""
SAME = ("model", "parallel_tool_calls", "stream", "temperature", "top_p", "tool_choice")
"""Fields that chat completions have too."""


def to_chat(body: Json, deployment: Deployment, stored: Mapping[str, list[Json]]) -> Json:
    """Return the body of a chat completion. Raise ``RefusedError``.

    ``stored`` has the messages of earlier responses, by id: they come first if the request goes on
    from one of them.
    """
    check_names(body, deployment)
    body = {name: value for name, value in body.items() if value is not None}
    check_values("responses", body)
    known = body.get("previous_response_id", "")
    if known and known not in stored:
        words = f"Previous response with id '{known}' not found."
        raise openai_error(words, "previous_response_not_found", "previous_response_id")
    # The instructions hold for one call only.
    told = [{"role": "system", "content": body["instructions"]}] if body.get("instructions") else []
    chat = {name: body[name] for name in SAME if name in body} | {
        "messages": [*told, *stored.get(known, ()), *said(body["input"])],
        "max_completion_tokens": body.get("max_output_tokens"),
        "reasoning_effort": body.get("reasoning", {}).get("effort"),
        # The fields of a function or of a schema are not in one more object here.
        "tools": [nested(one, "function") for one in body.get("tools", ())] or None,
    }
    if form := body.get("text", {}).get("format"):
        chat["response_format"] = nested(form, "json_schema")
    if isinstance(choice := chat.get("tool_choice"), dict):
        chat["tool_choice"] = nested(choice, "function")
    return {name: value for name, value in chat.items() if value is not None}


def nested(flat: Json, kind: str) -> Json:
    """Return the object as chat completions have it; only a ``kind`` has its fields one deeper."""
    rest = {name: value for name, value in flat.items() if name != "type"}
    return {"type": kind, kind: rest} if flat.get("type") == kind else flat


def check_names(body: Json, deployment: Deployment) -> None:
    """Refuse fields that this API or the model does not have."""
    for name in body:
        if name in MOVED:
            raise refuse("moved-parameter", name=name, now=MOVED[name])
        if name not in SCHEMAS["responses"]["properties"]:
            raise openai_error(f"Unknown parameter: '{name}'.", "unknown_parameter", name)
    for name in ("temperature", "top_p"):
        if deployment.fixed and body.get(name) is not None:
            words = f"Unsupported parameter: '{name}' is not supported with this model."
            raise openai_error(words, None, name)


def said(given: str | list[Json]) -> list[Json]:
    """Return the input as messages."""
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    messages: list[Json] = []
    for item in given:
        match item.get("type", "message"):
            case "function_call":
                add_call(messages, item)
            case "function_call_output":
                answer = {"tool_call_id": item["call_id"], "content": item["output"]}
                messages.append({"role": "tool"} | answer)
            case "message":
                content = item["content"]
                if not isinstance(content, str):
                    content = [part(one) for one in content]
                messages.append({"role": item["role"], "content": content})
    return messages


def part(item: Json) -> Json:
    """Return a text or a picture."""
    if item["type"] != "input_image":
        return {"type": "text", "text": item["text"]}
    shown = {"url": item["image_url"], "detail": item.get("detail")}
    return {"type": "image_url", "image_url": shown}


def add_call(messages: list[Json], item: Mapping[str, Any]) -> None:
    """Add a call to the message of the assistant that makes calls, or begin one."""
    made = {"name": item.get("name", ""), "arguments": item.get("arguments", "")}
    call = {"id": item.get("call_id", ""), "type": "function", "function": made}
    if not (messages and messages[-1].get("tool_calls")):
        messages.append({"role": "assistant", "content": None, "tool_calls": []})
    messages[-1]["tool_calls"].append(call)


def reply_message(response: Json) -> Json:
    """Return the message of the assistant that stands for a response in later turns."""
    made: list[Json] = []
    texts = []
    for item in response["output"]:
        if item["type"] == "function_call":
            add_call(made, item)
        elif item["type"] == "message":
            texts += [one["text"] for one in item["content"]]
    calls = {"tool_calls": made[0]["tool_calls"]} if made else {}
    return {"role": "assistant", "content": "".join(texts) or None, **calls}
