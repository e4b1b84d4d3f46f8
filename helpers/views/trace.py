"""``trace``: a conversation with its tool calls, one numbered step a row."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

from helpers.client.messages import content_text
from helpers.client.redaction import shorten
from helpers.client.responses import ChatResponseMessage
from helpers.views.view import View, message_text, said, table

MAX_STEPS = 60
"""Steps that ``trace`` shows; of a longer conversation it shows the start and the end."""
MAX_TEXT = 400
"""Characters of one text, or of one argument, that ``trace`` shows."""
MAX_ARGUMENTS = 10
"""Arguments of one call that ``trace`` shows."""

_ARROW = "\N{NO-BREAK SPACE}→ "  # a line of a narrow table may end after it
_PROGRAM = "your\N{NO-BREAK SPACE}program"
_SENDERS = {"system": _PROGRAM, "developer": _PROGRAM, "user": "user"}


@dataclass(frozen=True)
class Step:
    """One thing that is said: between whom, what it is, and its content in short."""

    role: str
    between: str
    what: str
    content: str
    full_text: str
    """The whole content: a text, or the arguments of a call."""
    call_id: str = ""
    """The id of the call, or of the call that this step answers."""
    is_call: bool = False
    """True for a call."""
    call_step: int | None = None
    """The number of the step whose call this one answers."""
    failed: bool = False
    """True for an answer that reports an error."""


def trace(messages: Iterable[Any]) -> View:
    """Show the conversation ``messages`` step by step; each is a typed message or a dict.

    A model's message with several calls has a step for each of them, and the result of a tool says
    which step asked for it.
    """
    rows: list[list[object]] = [
        [number, step.between, step.what, step.content]
        for number, step in enumerate(steps_of(messages), start=1)
    ]
    if len(rows) > MAX_STEPS:
        head, tail = rows[: MAX_STEPS * 2 // 3], rows[-(MAX_STEPS // 3) :]
        missing = len(rows) - len(head) - len(tail)
        rows = [*head, ["…", "…", "…", f"{missing:,} steps left out"], *tail]
    return table(["step", _route("from", "to"), "what", "content"], rows)


def steps_of(messages: Iterable[Any]) -> list[Step]:
    """Return all steps of the conversation ``messages``, in order."""
    numbers: dict[str, int] = {}
    steps: list[Step] = []
    for message in messages:
        sent = message.as_dict() if hasattr(message, "as_dict") else message
        view = ChatResponseMessage(dict(sent) if isinstance(sent, Mapping) else {})
        for step in _message_steps(view, numbers):
            steps.append(step)
            if step.is_call and step.call_id:
                numbers[step.call_id] = len(steps)
    return steps


def why(steps: list[Step], position: int) -> str:
    """Return why the step number ``position`` is there, and who has done what for it."""
    step = steps[position - 1]
    if step.is_call:
        return (
            "The model can't run anything. It asks your program to call this tool, and has written "
            "the arguments."
        )
    match step.role:
        case "system" | "developer":
            return "Instructions come first: they hold for the whole conversation."
        case "user":
            return "This is what the person wants. The model sees it together with the tools."
        case "tool" if step.call_step is None:
            return "No call before it has this id. Most services refuse such a conversation."
        case "tool" if step.failed:
            return (
                f"The call of step {step.call_step} went wrong. Your program tells the model why, "
                "so that it can try another way."
            )
        case "tool":
            return (
                f"Your program has made the call of step {step.call_step}, and sends back the "
                "result under the id of that call."
            )
        case "assistant" if position < len(steps) and steps[position].is_call:
            return "The model says this along with its next call."
        case "assistant":
            return "The model calls no tool any more: it answers, from all that stands above."
        case _:
            return "What this role is for, only the service can say."


def _message_steps(message: ChatResponseMessage, numbers: Mapping[str, int]) -> Iterator[Step]:
    """Yield the steps of one message; ``numbers`` has the step of each earlier call, by its id."""
    role, sent = message.role or "", content_text(message.raw.get("content"))
    if role == "assistant":
        sent = said(message.content, message.refusal)
    if role == "tool":
        call_id = message.raw.get("tool_call_id")
        call_id = call_id if isinstance(call_id, str) else ""
        call_step, failed = numbers.get(call_id), _is_error(sent)
        asked = "no known call" if call_step is None else f"step\N{NO-BREAK SPACE}{call_step}"
        what = f"result of {asked}"
        what += ": an error" if failed else ""
        content = shorten(sent, MAX_TEXT)
        between = _route(_PROGRAM, "model")
        yield Step(role, between, what, content, sent, call_id, call_step=call_step, failed=failed)
        return
    if sent or not message.tool_calls:
        sender = _SENDERS.get(role, shorten(role, 40) or "(no role)")
        between = _route("model", "user") if role == "assistant" else _route(sender, "model")
        what = "instructs" if sender == _PROGRAM else "says"
        yield Step(role, between, what, shorten(sent or message_text(message), MAX_TEXT), sent)
    for call in message.tool_calls:
        what = f"asks for {shorten(call.function.name, 64) or '(no name)'}"
        arguments = call.function.arguments
        content = _argument_lines(arguments)
        between = _route("model", _PROGRAM)
        yield Step(role, between, what, content, arguments, call.id, is_call=True)


def _route(sender: str, receiver: str) -> str:
    return f"{sender}{_ARROW}{receiver}"


def _argument_lines(arguments: str) -> str:
    """Return one argument a line if they are a JSON object, else the text as the model wrote it."""
    given = json_of(arguments)
    if not isinstance(given, dict):
        return (
            f"not a JSON object: {shorten(arguments, MAX_TEXT)}" if arguments else "(no arguments)"
        )
    lines = [
        f"{shorten(str(name), 64)} = {shorten(json.dumps(value, ensure_ascii=False), MAX_TEXT)}"
        for name, value in list(given.items())[:MAX_ARGUMENTS]
    ]
    if len(given) > MAX_ARGUMENTS:
        lines.append(f"… ({len(given) - MAX_ARGUMENTS:,} arguments left out)")
    return "\n".join(lines) or "(no arguments)"


def _is_error(content: str) -> bool:
    """Tell whether a tool's answer is the report of a failure that ``Toolbox.answer`` writes."""
    given = json_of(content)
    return isinstance(given, dict) and list(given) == ["error"]


def json_of(text: str) -> Any:
    """Return the JSON value in ``text``, read as ``Toolbox.call`` does; None if there is none."""
    try:
        return from_json(text, allow_inf_nan=False)
    except (TypeError, ValueError):
        return None
