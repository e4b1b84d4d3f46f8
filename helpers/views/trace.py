"""``trace``: a conversation with its tool calls, one numbered step a row.

Who speaks to whom, what is called with which arguments, what came back, and to which call.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

from helpers.client.messages import JSON
from helpers.client.responses import ChatResponseMessage
from helpers.client.text import shorten
from helpers.views.view import View, table

MAX_STEPS = 60
"""Steps that ``trace`` shows; of a longer conversation it shows the start and the end."""
MAX_TEXT = 400
"""Characters of one text, or of one argument, that ``trace`` shows."""

_ARROW = "\N{NO-BREAK SPACE}→\N{NO-BREAK SPACE}"  # so that a narrow table breaks elsewhere
_PROGRAM, _USER, _MODEL, _CALL, _RESULT = (
    _ARROW.join(pair)
    for pair in (
        ("program", "model"),
        ("user", "model"),
        ("model", "user"),
        ("model", "tool"),
        ("tool", "model"),
    )
)
_ROUTES = {"system": _PROGRAM, "developer": _PROGRAM, "user": _USER, "assistant": _MODEL}


@dataclass(frozen=True)
class Step:
    """One thing that is said: between whom, what it is, and its content in short."""

    role: str
    between: str
    what: str
    content: str
    sent: str
    """The content as it was sent: a text, or the arguments of a call."""
    call_id: str = ""
    """The id of the call that it is, or that it answers."""
    calls: bool = False
    """Whether it is a call."""
    answers: int | None = None
    """The number of the call's step that it answers."""
    failed: bool = False
    """Whether a call has failed, as its answer says."""


def trace(messages: Iterable[Any]) -> View:
    """The conversation ``messages`` step by step; each is a typed message or a dict.

    A model's message with several calls has a step for each of them, and the answer of a tool says
    which step it answers.
    """
    rows: list[list[object]] = [
        [number, step.between, step.what, step.content]
        for number, step in enumerate(steps_of(messages), start=1)
    ]
    if len(rows) > MAX_STEPS:
        head, tail = rows[: MAX_STEPS * 2 // 3], rows[-(MAX_STEPS // 3) :]
        missing = len(rows) - len(head) - len(tail)
        rows = [*head, ["…", "", "", f"{missing:,} steps left out"], *tail]
    return table(["step", f"from{_ARROW}to", "what", "content"], rows)


def steps_of(messages: Iterable[Any]) -> list[Step]:
    """All steps of the conversation ``messages``, in order."""
    made: dict[str, int] = {}
    steps: list[Step] = []
    for message in messages:
        sent = message.as_dict() if hasattr(message, "as_dict") else message
        view = ChatResponseMessage(dict(sent) if isinstance(sent, Mapping) else {})
        for step in _of_message(view, made):
            steps.append(step)
            if step.calls and step.call_id:
                made[step.call_id] = len(steps)
    return steps


def _of_message(message: ChatResponseMessage, made: Mapping[str, int]) -> Iterator[Step]:
    """The steps of one message; ``made`` has the step of each call so far, by its id."""
    role, sent = message.role or "", _text(message.raw.get("content"))
    if role == "tool":
        call_id = message.raw.get("tool_call_id")
        call_id = call_id if isinstance(call_id, str) else ""
        answers, failed = made.get(call_id), _is_error(sent)
        what = f"answers {'no known call' if answers is None else f'step {answers}'}"
        what += " with an error" if failed else ""
        yield Step(
            role, _RESULT, what, shorten(sent, MAX_TEXT), sent, call_id,
            answers=answers, failed=failed,
        )  # fmt: skip
        return
    if sent or not message.tool_calls:
        who = _ROUTES.get(role, f"{shorten(role, 40) or '(no role)'}{_ARROW}model")
        yield Step(role, who, "instructs" if who == _PROGRAM else "says", _shown(sent), sent)
    for call in message.tool_calls:
        name, given = shorten(call.function.name, 64) or "(no name)", call.function.arguments
        yield Step(role, _CALL, f"calls {name}", _arguments(given), given, call.id, calls=True)


def _arguments(text: str) -> str:
    """One argument a line where they are a JSON object, else the text as the model wrote it."""
    given = json_of(text)
    if not isinstance(given, dict):
        return f"not a JSON object: {_shown(text)}" if text else "(no arguments)"
    lines = [
        f"{shorten(str(name), 64)} = {shorten(json.dumps(value, ensure_ascii=False), MAX_TEXT)}"
        for name, value in list(given.items())[:10]
    ]
    more = [f"… ({len(given) - 10:,} arguments left out)"] if len(given) > 10 else []
    return "\n".join([*lines, *more]) or "(no arguments)"


def _is_error(content: str) -> bool:
    """Whether a tool's answer is the word on a failure that ``Toolbox.answer`` gives."""
    given = json_of(content)
    return isinstance(given, dict) and list(given) == ["error"]


def json_of(text: str) -> Any:
    """The JSON value in ``text``, as ``Toolbox.call`` reads it; None if there is none."""
    try:
        return from_json(text, allow_inf_nan=False)
    except (TypeError, ValueError):
        return None


def _text(content: Any) -> str:
    """The text of a content, which may be a list of texts and pictures."""
    if isinstance(content, str) or content is None:
        return content or ""
    items = content if isinstance(content, list | tuple) else [content]
    return "\n".join(_item(item) for item in items)


def _item(item: Any) -> str:
    fields: JSON = dict(item) if isinstance(item, Mapping) else {}
    text, kind = fields.get("text"), fields.get("type")
    if isinstance(text, str):
        return text
    return f"({kind if kind and isinstance(kind, str) else 'no text'})"


def _shown(text: str) -> str:
    return shorten(text, MAX_TEXT) or "(no text)"
