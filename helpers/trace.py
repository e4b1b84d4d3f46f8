"""``trace``: a conversation with its tool calls, one numbered step a row.

Who speaks to whom, what is called with which arguments, what came back, and to which call.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic_core import from_json

from helpers.harmless import cut
from helpers.messages import JSON
from helpers.models import ChatResponseMessage
from helpers.views import View, table

MOST_STEPS = 60
"""Steps that ``trace`` shows; of a longer conversation it shows the start and the end."""
LONGEST_TEXT = 400
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
_Step = tuple[str, str, str]


def trace(messages: Iterable[Any]) -> View:
    """The conversation ``messages`` step by step; each is a typed message or a dict.

    A model's message with several calls has a step for each of them, and the answer of a tool says
    which step it answers.
    """
    steps = list(_steps(messages))
    rows: list[list[object]] = [[number, *step] for number, step in enumerate(steps, start=1)]
    if len(rows) > MOST_STEPS:
        head, tail = rows[: MOST_STEPS * 2 // 3], rows[-(MOST_STEPS // 3) :]
        missing = len(rows) - len(head) - len(tail)
        rows = [*head, ["…", "", "", f"{missing:,} steps left out"], *tail]
    return table(["step", f"from{_ARROW}to", "what", "content"], rows)


def _steps(messages: Iterable[Any]) -> Iterator[_Step]:
    """Each step: between whom, what it is, its content."""
    made: dict[str, str] = {}
    number = 0
    for message in messages:
        sent = message.as_dict() if hasattr(message, "as_dict") else message
        view = ChatResponseMessage(dict(sent) if isinstance(sent, Mapping) else {})
        for step, call_id in _of_message(view, made):
            number += 1
            if call_id:
                made[call_id] = f"step {number}"
            yield step


def _of_message(
    message: ChatResponseMessage, made: Mapping[str, str]
) -> Iterator[tuple[_Step, str]]:
    """The steps of one message, each with the id of the call that it is, or ""."""
    role, content = message.role or "", _text(message.raw.get("content"))
    if role == "tool":
        call_id = message.raw.get("tool_call_id")
        step = made.get(call_id if isinstance(call_id, str) else "", "no known call")
        failed = " with an error" if _is_error(content) else ""
        yield (_RESULT, f"answers {step}{failed}", cut(content, LONGEST_TEXT)), ""
        return
    if content or not message.tool_calls:
        who = _ROUTES.get(role, f"{cut(role, 40) or '(no role)'}{_ARROW}model")
        yield (who, "instructs" if who == _PROGRAM else "says", _shown(content)), ""
    for call in message.tool_calls:
        name = cut(call.function.name, 64) or "(no name)"
        yield (_CALL, f"calls {name}", _arguments(call.function.arguments)), call.id


def _arguments(text: str) -> str:
    """One argument a line where they are a JSON object, else the text as the model wrote it."""
    given = _json(text)
    if not isinstance(given, dict):
        return f"not a JSON object: {_shown(text)}" if text else "(no arguments)"
    lines = [
        f"{cut(str(name), 64)} = {cut(json.dumps(value, ensure_ascii=False), LONGEST_TEXT)}"
        for name, value in list(given.items())[:10]
    ]
    more = [f"… ({len(given) - 10:,} arguments left out)"] if len(given) > 10 else []
    return "\n".join([*lines, *more]) or "(no arguments)"


def _is_error(content: str) -> bool:
    """Whether a tool's answer is the word on a failure that ``Toolbox.answer`` gives."""
    given = _json(content)
    return isinstance(given, dict) and list(given) == ["error"]


def _json(text: str) -> Any:
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
    return cut(text, LONGEST_TEXT) or "(no text)"
