"""Put the updates of a stream together into one answer.

An update can repeat what an earlier one said, or say less of it (null, ``""``, ``{}``). Texts of
the message are joined, lists are extended, fragments of tool calls are matched by their index, and
of the content filter's results the strictest of each category stays. Any other field keeps its
latest value that is not empty.
"""

import json
from io import StringIO
from typing import Any

from helpers.client.messages import JSON, json_text
from helpers.client.responses import whole_number

_SENT_WHOLE = (
    *("role", "id", "type", "name", "object", "model", "format", "signature", "status"),
    *("finish_reason", "channel", "call_id", "tool_call_id"),
)
"""Text fields of a message that are sent whole each time. Any other one comes in pieces, whatever a
service calls it (``reasoning``, ``reasoning_content``, ``refusal``, ``arguments``)."""
_TEXT_ITEMS = ("text", "output_text", "refusal", "thinking", "reasoning", "summary_text")
_FILTER_RESULTS = ("content_filter_results", "content_filter_result")
_LEVELS = ("safe", "low", "medium", "high")
_MAX_DEPTH = 8
"""Levels of lists and objects that are merged; below, the later value replaces the earlier one."""


class StreamAccumulator:
    """The answer as far as it has arrived: ``add`` each update, call ``whole`` at any time.

    A text that comes in pieces is kept as a ``StringIO``: += on a str would be quadratic.
    """

    def __init__(self) -> None:
        self._top: JSON = {}
        self._choices: dict[int, JSON] = {}
        self._with_delta: set[int] = set()

    @property
    def finished(self) -> bool:
        """True if each choice that has begun has its finish reason."""
        choices = self._choices.values()
        return bool(choices) and all(choice["finish_reason"] for choice in choices)

    def add(self, update: JSON) -> None:
        """Add the JSON of one update."""
        for name, value in update.items():
            if name == "choices":
                for choice in value if isinstance(value, list) else [value]:
                    if isinstance(choice, dict):
                        self._add_choice(choice)
            elif name in ("id", "created"):
                self._top[name] = self._top.get(name) or value
            else:
                self._top[name] = _latest(name, self._top.get(name), value)

    def _add_choice(self, piece: JSON) -> None:
        index = whole_number(piece.get("index")) or 0
        choice = self._choices.setdefault(
            index, {"index": index, "finish_reason": None, "message": {"role": "assistant"}}
        )
        for name, value in piece.items():
            if name == "logprobs":
                choice[name] = _joined(name, choice.get(name), value)
            elif name not in ("index", "delta", "message"):
                choice[name] = _latest(name, choice.get(name), value)
        if piece.get("delta"):
            self._with_delta.add(index)
            _add_delta(choice["message"], _fields(piece["delta"]))
        message = _fields(piece.get("message"))
        if index in self._with_delta:
            # Perplexity repeats beside each delta all that came so far: take only what is new.
            message = {n: v for n, v in message.items() if not choice["message"].get(n)}
        _add_delta(choice["message"], message)

    def whole(self) -> JSON:
        """Return a copy of the answer in the shape of one that was not streamed."""
        choices = [self._choices[index] for index in sorted(self._choices)]
        # Copied by way of JSON, which is faster than deepcopy and takes deeper nesting.
        choices = json.loads(json.dumps(choices, default=StringIO.getvalue))
        for choice in choices:
            calls = choice["message"].get("tool_calls")
            for call in calls if isinstance(calls, list) else []:
                call.pop("index", None)  # it numbers fragments; requests with it are refused
        return {**self._top, "object": "chat.completion", "choices": choices}


def _fields(delta: Any) -> JSON:
    if isinstance(delta, str):
        return {"content": delta}
    return delta if isinstance(delta, dict) else {}


def _add_delta(message: JSON, delta: JSON) -> None:
    for name, value in delta.items():
        if name == "content":
            message[name] = _content(message.get(name), value)
        elif name == "tool_calls":
            if not isinstance(message.get(name), list):
                message[name] = [] if isinstance(value, list | dict) else value
            for call in value if isinstance(value, list) else [value]:
                if call and isinstance(call, dict):
                    _add_call(message[name], call)
        else:
            message[name] = _joined(name, message.get(name), value)


def _content(old: Any, new: Any) -> Any:
    """Return ``old`` with ``new``: two texts are a text, a text and a list of items are a list."""
    if isinstance(new, dict):
        new = [new]
    elif not isinstance(new, str | list | None):
        new = json_text(new)
    if new and isinstance(new, str) and isinstance(old, list):
        new = [{"type": "text", "text": new}]
    elif isinstance(new, list) and old and isinstance(old, str | StringIO):
        old = [{"type": "text", "text": old}]
    return _joined("content", old, new)


def _add_call(calls: list[JSON], piece: JSON) -> None:
    """Add a fragment to the call that it belongs to, or begin another call with it."""
    index, ident = whole_number(piece.get("index")), piece.get("id")
    if index is not None:
        # Some services number each call 0: another id begins another call.
        found = (call for call in reversed(calls) if whole_number(call.get("index")) == index)
        call = next((call for call in found if ident in (None, "", call.get("id"))), None)
    else:  # an id begins a call; a fragment without one belongs to the last call
        call = None if ident or not calls else calls[-1]
    function = _fields(piece.get("function"))
    arguments = function.get("arguments")
    may_be_whole = function.get("name") and arguments and not ident
    if call is not None and may_be_whole and _is_object(_arguments(call)):
        call = None  # neither index nor id tells apart two calls that come whole
    if call is None:
        call = {"type": "function", "function": {}}
        calls.append(call)
    may_be_repeated = ident and isinstance(arguments, str) and arguments.startswith("{")
    is_repeated = may_be_repeated and arguments == _arguments(call)
    for name, value in piece.items():
        if not (name == "function" and is_repeated):
            call[name] = _joined(name, call.get(name), value)


def _arguments(call: JSON) -> Any:
    """Return the arguments of a call as far as they have come."""
    arguments = _fields(call.get("function")).get("arguments")
    return arguments.getvalue() if isinstance(arguments, StringIO) else arguments


def _is_object(arguments: Any) -> bool:
    """Return whether arguments are a whole JSON object, sent as one or as its text."""
    if isinstance(arguments, str) and arguments.endswith("}"):
        try:
            arguments = json.loads(arguments)
        except (ValueError, RecursionError):
            return False
    return isinstance(arguments, dict)


def _joined(name: str, old: Any, new: Any, depth: int = 0) -> Any:
    """Return ``old`` with ``new`` added, in place where ``old`` is a list or an object.

    Nothing of ``new`` is changed later: a caller holds it as an update.
    """
    if new is None or new == "":
        return new if old is None else old
    if isinstance(old, list) and old and not isinstance(new, list):
        new = [new]
    if isinstance(new, str):
        if name in _SENT_WHOLE or not old or not isinstance(old, str | StringIO):
            return new
        if isinstance(old, str):
            text = StringIO()
            text.write(old)
            old = text
        old.write(new)
        return old
    if depth == _MAX_DEPTH:
        return new
    if isinstance(new, dict):
        old = old if isinstance(old, dict) else {}
        for inner, value in new.items():
            old[inner] = _joined(inner, old.get(inner), value, depth + 1)
        return old
    if isinstance(new, list):
        old = old if isinstance(old, list) else []
        for item in new:
            begun = _begun_item(old, item) if depth + 1 < _MAX_DEPTH else None
            if begun is not None or _is_text_item(item):
                item = _joined("", begun, item, depth + 1)
            if begun is None:
                old.append(item)
        return old
    return new


def _is_text_item(item: Any) -> bool:
    kind = item.get("type") if isinstance(item, dict) else None
    return kind in _TEXT_ITEMS or (isinstance(kind, str) and kind.startswith("reasoning."))


def _begun_item(items: list[Any], piece: Any) -> JSON | None:
    """Return the item that ``piece`` goes on with: of its type and index, and at the end."""
    if not isinstance(piece, dict):
        return None
    index, kind = piece.get("index"), piece.get("type")
    for item in reversed(items[-_MAX_DEPTH:] if index is not None else items[-1:]):
        same_kind = _is_text_item(item) and (
            item["type"] == kind or (kind is None and index is not None)
        )
        if same_kind and item.get("index") == index:
            return item if piece.get("id") in (None, "", item.get("id")) else None
    return None


def _latest(name: str, old: Any, new: Any, depth: int = 0) -> Any:
    """Return ``new``, or ``old`` where ``new`` is empty; objects are merged field by field."""
    if old is not None and new in (None, "", 0, [], {}):
        return old
    if isinstance(old, dict) and isinstance(new, dict) and depth < _MAX_DEPTH:
        merge = _stricter if name in _FILTER_RESULTS else _latest
        return old | {one: merge(one, old.get(one), new[one], depth + 1) for one in new}
    if name == "prompt_filter_results" and isinstance(old, list) and isinstance(new, list):
        prompts: dict[str, Any] = {}
        for one in (*old, *new):
            key = repr(one.get("prompt_index") if isinstance(one, dict) else one)
            prompts[key] = _latest("", prompts.get(key), one)
        return list(prompts.values())
    return new


def _stricter(_name: str, old: Any, new: Any, _depth: int) -> Any:
    """Return the stricter one of a category's two results: a milder one replaces none."""
    return new if _strictness(new) >= _strictness(old) else old


def _strictness(result: Any) -> tuple[bool, bool, bool, int, bool]:
    fields = result if isinstance(result, dict) else {}
    level = fields.get("severity")
    return (
        fields.get("filtered") is True,
        bool(fields.get("error")),
        fields.get("detected") is True,
        _LEVELS.index(level) if level in _LEVELS else 0,
        bool(result),
    )
