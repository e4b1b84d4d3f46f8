"""A request of the Responses API as the chat completion that it asks for, which scripts know."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tests.standin.checks import EFFORTS
from tests.standin.deployments import Deployment
from tests.standin.faults import refuse
from tests.standin.replies import Reply, openai_error
from tests.standin.shapes import Json

FIELDS = frozenset(
    (
        *("background", "include", "input", "instructions", "max_output_tokens", "max_tool_calls"),
        *("metadata", "model", "parallel_tool_calls", "previous_response_id", "prompt"),
        *("prompt_cache_key", "prompt_cache_retention", "reasoning", "safety_identifier"),
        *("service_tier", "store", "stream", "stream_options", "temperature", "text"),
        *("tool_choice", "tools", "top_logprobs", "top_p", "truncation", "user"),
    )
)
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
NUMBERS: dict[str, tuple[float, float]] = {
    "temperature": (0, 2),
    "top_p": (0, 1),
    "max_output_tokens": (16, 2**31 - 1),
}
KINDS = {"input_text": "text", "output_text": "text", "input_image": "image_url"}
"""The parts of a content, and what they are in a chat completion."""


class Refused(Exception):
    """The request is wrong; ``reply`` says why."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.body)
        self.reply = reply


def wrong(words: str, code: str | None, param: str | None) -> Refused:
    """Return the refusal in OpenAI's shape."""
    return Refused(openai_error(words, code, param))


def require(value: Any, kind: type, param: str) -> None:
    """Raise ``Refused`` if ``value`` is missing or not a ``kind``."""
    if value is None:
        raise wrong(f"Missing required parameter: '{param}'.", "missing_required_parameter", param)
    if not isinstance(value, kind):
        names = {str: "a string", list: "a list", dict: "an object"}
        words = f"Invalid type for '{param}': expected {names[kind]}."
        raise wrong(words, "invalid_type", param)


def to_chat(
    body: Mapping[str, Any], deployment: Deployment, stored: Mapping[str, list[Json]]
) -> Json:
    """Return the body of a chat completion. Raise ``Refused``.

    ``stored`` has the messages of earlier responses, by id: they come first if the request goes on
    from one of them.
    """
    check_names(body, deployment)
    check_numbers(body)
    chat: Json = {name: body[name] for name in SAME if body.get(name) is not None}
    if body.get("max_output_tokens") is not None:
        chat["max_completion_tokens"] = body["max_output_tokens"]
    if effort := (body.get("reasoning") or {}).get("effort"):
        if effort not in EFFORTS:
            words = f"Unsupported value: '{effort}' is not supported with this model."
            raise wrong(words, "unsupported_value", "reasoning.effort")
        chat["reasoning_effort"] = effort
    chat["messages"] = [*told(body), *earlier(body, stored), *said(body, stored)]
    if form := (body.get("text") or {}).get("format"):
        chat["response_format"] = response_format(form, chat["messages"])
    if body.get("tools"):
        chat["tools"] = [tool(one, f"tools[{at}]") for at, one in enumerate(body["tools"])]
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        choice = {"type": "function", "function": {"name": choice.get("name")}}
    return chat if choice is None else chat | {"tool_choice": choice}


def check_names(body: Mapping[str, Any], deployment: Deployment) -> None:
    """Refuse fields that this API or the model does not have."""
    for name in body:
        if name in MOVED:
            raise Refused(refuse("moved-parameter", name=name, now=MOVED[name]))
        if name not in FIELDS:
            raise wrong(f"Unknown parameter: '{name}'.", "unknown_parameter", name)
    for name in ("temperature", "top_p"):
        if deployment.fixed and body.get(name) is not None:
            words = f"Unsupported parameter: '{name}' is not supported with this model."
            raise wrong(words, None, name)


def check_numbers(body: Mapping[str, Any]) -> None:
    """Refuse numbers out of range."""
    for name, (low, high) in NUMBERS.items():
        value = body.get(name)
        if value is not None and (not isinstance(value, int | float) or not low <= value <= high):
            words = f"Invalid '{name}': expected a value from {low} to {high}, but got {value!r}."
            raise wrong(words, "invalid_value", name)


def told(body: Mapping[str, Any]) -> Iterator[Json]:
    """Yield the instructions, which hold for one call only."""
    if instructions := body.get("instructions"):
        yield {"role": "system", "content": instructions}


def earlier(body: Mapping[str, Any], stored: Mapping[str, list[Json]]) -> list[Json]:
    """Return the messages of the response from which this one goes on."""
    known = body.get("previous_response_id")
    if known is None:
        return []
    if known not in stored:
        words = f"Previous response with id '{known}' not found."
        raise wrong(words, "previous_response_not_found", "previous_response_id")
    return stored[known]


def said(body: Mapping[str, Any], stored: Mapping[str, list[Json]]) -> list[Json]:
    """Return the input as messages."""
    given = body.get("input")
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    require(given, list, "input")
    messages: list[Json] = []
    thought: str | None = None
    for at, item in enumerate(given or ()):
        where = f"input[{at}]"
        require(item, dict, where)
        if item.get("type") == "reasoning":
            thought = item.get("id", "")
            continue
        kind = item.get("type", "message")
        if kind == "function_call":
            add_call(messages, item)
        elif kind == "function_call_output":
            messages.append(tool_answer(item, [*earlier(body, stored), *messages]))
        elif kind == "message":
            messages.append(message(item, where))
        else:
            words = f"Invalid value: '{kind}'."
            raise wrong(words, "invalid_value", f"{where}.type")
        thought = None
    if thought is not None:
        words = f"Item '{thought}' of type 'reasoning' was provided without its required following"
        raise wrong(f"{words} item.", None, "input")
    return messages


def message(item: Mapping[str, Any], where: str) -> Json:
    """Return a message: who says what."""
    role, content = item.get("role"), item.get("content")
    if role not in ("user", "assistant", "system", "developer"):
        raise wrong(f"Invalid value: '{role}'.", "invalid_value", f"{where}.role")
    if isinstance(content, str):
        return {"role": role, "content": content}
    require(content, list, f"{where}.content")
    parts = [part(one, f"{where}.content[{at}]") for at, one in enumerate(content or ())]
    return {"role": role, "content": parts}


def part(item: Any, where: str) -> Json:
    """Return a text or a picture."""
    require(item, dict, where)
    kind = KINDS.get(item.get("type"))
    if kind is None:
        known = ", ".join(f"'{name}'" for name in KINDS)
        words = f"Invalid value: '{item.get('type')}'. Supported values are: {known}."
        raise wrong(words, "invalid_value", f"{where}.type")
    if kind == "text":
        require(item.get("text"), str, f"{where}.text")
        return {"type": "text", "text": item["text"]}
    require(item.get("image_url"), str, f"{where}.image_url")
    detail = {"detail": item["detail"]} if item.get("detail") else {}
    return {"type": "image_url", "image_url": {"url": item["image_url"], **detail}}


def add_call(messages: list[Json], item: Mapping[str, Any]) -> None:
    """Add a call to the message of the assistant that makes calls, or begin one."""
    made = {"name": item.get("name", ""), "arguments": item.get("arguments", "")}
    call = {"id": item.get("call_id", ""), "type": "function", "function": made}
    if not (messages and messages[-1].get("tool_calls")):
        messages.append({"role": "assistant", "content": None, "tool_calls": []})
    messages[-1]["tool_calls"].append(call)


def tool_answer(item: Mapping[str, Any], before: Iterable[Json]) -> Json:
    """Return what a tool answered to a call that was made ``before``."""
    known = [call["id"] for one in before for call in one.get("tool_calls") or ()]
    ident = item.get("call_id")
    if ident not in known:
        words = f"No tool call found for function call output with call_id {ident}."
        raise wrong(words, None, "input")
    require(item.get("output"), str, "input.output")
    return {"role": "tool", "tool_call_id": ident, "content": item["output"]}


def response_format(form: Any, messages: list[Json]) -> Json:
    """Return the format of the answer."""
    require(form, dict, "text.format")
    if form.get("type") == "json_object" and "json" not in str(messages).lower():
        words = "Response input messages must contain the word 'json' in some form to use"
        raise wrong(f"{words} 'text.format' of type 'json_object'.", None, "input")
    if form.get("type") != "json_schema":
        return {"type": form.get("type")}
    for name, kind in (("name", str), ("schema", dict)):
        require(form.get(name), kind, f"text.format.{name}")
    return {"type": "json_schema", "json_schema": {k: form[k] for k in form if k != "type"}}


def tool(offered: Any, where: str) -> Json:
    """Return a function that may be called. Its fields are not in one more object, as in chats."""
    require(offered, dict, where)
    require(offered.get("name"), str, f"{where}.name")
    return {"type": "function", "function": {k: offered[k] for k in offered if k != "type"}}


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
