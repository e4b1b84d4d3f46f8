"""A request of the Responses API as the chat completion that it asks for, which scripts know."""

from collections.abc import Mapping
from typing import Any

from tests.standin.deployments import Deployment
from tests.standin.faults import refuse
from tests.standin.fields import SCHEMAS, first_wrong, path_of, place
from tests.standin.replies import Reply, openai_error
from tests.standin.shapes import Json

MOVED = {
    "messages": "input",
    "max_tokens": "max_output_tokens",
    "max_completion_tokens": "max_output_tokens",
    "response_format": "text.format",
    "reasoning_effort": "reasoning.effort",
}
"""Fields of chat completions, and where they are in this API."""
SAME = ("model", "parallel_tool_calls", "stream", "temperature", "top_p")
"""Fields that chat completions have too."""
KINDS = {"input_text": "text", "output_text": "text", "input_image": "image_url"}
"""The parts of a content, and what they are in a chat completion."""
CODES = {"required": "missing_required_parameter", "type": "invalid_type"}
"""What the API says of a wrong value, by the keyword of JSON Schema; of others "invalid_value"."""


class Refused(Exception):
    """The request is wrong; ``reply`` says why."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.body)
        self.reply = reply


def wrong(words: str, code: str | None, param: str | None) -> Refused:
    """Return the refusal in OpenAI's shape."""
    return Refused(openai_error(words, code, param))


def to_chat(
    body: Mapping[str, Any], deployment: Deployment, stored: Mapping[str, list[Json]]
) -> Json:
    """Return the body of a chat completion. Raise ``Refused``.

    ``stored`` has the messages of earlier responses, by id: they come first if the request goes on
    from one of them.
    """
    check_names(body, deployment)
    check_values({name: value for name, value in body.items() if value is not None})
    chat: Json = {name: body[name] for name in SAME if body.get(name) is not None}
    if body.get("max_output_tokens") is not None:
        chat["max_completion_tokens"] = body["max_output_tokens"]
    if effort := (body.get("reasoning") or {}).get("effort"):
        chat["reasoning_effort"] = effort
    # The instructions hold for one call only.
    told = [{"role": "system", "content": body["instructions"]}] if body.get("instructions") else []
    before = earlier(body.get("previous_response_id"), stored)
    chat["messages"] = [*told, *before, *said(body["input"])]
    if form := (body.get("text") or {}).get("format"):
        chat["response_format"] = response_format(form)
    if body.get("tools"):
        # The fields of a function are not in one more object, as in chat completions.
        tools = [{k: v for k, v in one.items() if k != "type"} for one in body["tools"]]
        chat["tools"] = [{"type": "function", "function": one} for one in tools]
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        choice = {"type": "function", "function": {"name": choice.get("name")}}
    return chat if choice is None else chat | {"tool_choice": choice}


def check_names(body: Mapping[str, Any], deployment: Deployment) -> None:
    """Refuse fields that this API or the model does not have."""
    for name in body:
        if name in MOVED:
            raise Refused(refuse("moved-parameter", name=name, now=MOVED[name]))
        if name not in SCHEMAS["responses"]["properties"]:
            raise wrong(f"Unknown parameter: '{name}'.", "unknown_parameter", name)
    for name in ("temperature", "top_p"):
        if deployment.fixed and body.get(name) is not None:
            words = f"Unsupported parameter: '{name}' is not supported with this model."
            raise wrong(words, None, name)


def check_values(body: Mapping[str, Any]) -> None:
    """Refuse the first wrong value."""
    if found := first_wrong("responses", body):
        param = path_of(place(found))
        code = CODES.get(str(found.validator), "invalid_value")
        if param == "reasoning.effort":
            code = "unsupported_value"
        raise wrong(f"Invalid value for '{param}': {found.message}.", code, param)


def earlier(known: str | None, stored: Mapping[str, list[Json]]) -> list[Json]:
    """Return the messages of the response ``known``, from which this one goes on."""
    if known is None:
        return []
    if known not in stored:
        words = f"Previous response with id '{known}' not found."
        raise wrong(words, "previous_response_not_found", "previous_response_id")
    return stored[known]


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
                messages.append(message(item))
    return messages


def message(item: Json) -> Json:
    """Return a message: who says what."""
    content = item["content"]
    parts = content if isinstance(content, str) else [part(one) for one in content]
    return {"role": item["role"], "content": parts}


def part(item: Json) -> Json:
    """Return a text or a picture."""
    if KINDS[item["type"]] == "text":
        return {"type": "text", "text": item["text"]}
    detail = {"detail": item["detail"]} if item.get("detail") else {}
    return {"type": "image_url", "image_url": {"url": item["image_url"], **detail}}


def add_call(messages: list[Json], item: Mapping[str, Any]) -> None:
    """Add a call to the message of the assistant that makes calls, or begin one."""
    made = {"name": item.get("name", ""), "arguments": item.get("arguments", "")}
    call = {"id": item.get("call_id", ""), "type": "function", "function": made}
    if not (messages and messages[-1].get("tool_calls")):
        messages.append({"role": "assistant", "content": None, "tool_calls": []})
    messages[-1]["tool_calls"].append(call)


def response_format(form: Json) -> Json:
    """Return the format of the answer."""
    if form.get("type") != "json_schema":
        return {"type": form.get("type")}
    return {"type": "json_schema", "json_schema": {k: form[k] for k in form if k != "type"}}


def reply_message(response: Json) -> Json:
    """Return the message of the assistant that stands for a response in later turns."""
    messages: list[Json] = []
    texts = []
    for item in response["output"]:
        if item["type"] == "function_call":
            add_call(messages, item)
        elif item["type"] == "message":
            texts += [one["text"] for one in item["content"]]
    calls = {"tool_calls": messages[0]["tool_calls"]} if messages else {}
    return {"role": "assistant", "content": "".join(texts) or None, **calls}
