"""Put the updates of a stream together into one answer.

An update can repeat what an earlier one said, or say less of it (null, ``""``, ``{}``). Texts of
the message are joined, lists are extended, fragments of tool calls are matched by their index, and
of the content filter's results the strictest of each category stays. Any other field keeps its
latest value that is not empty.
"""

import json
from typing import Any

from helpers.client.messages import JSON, json_text
from helpers.client.responses import whole_number

_UTF8 = ("utf-8", "surrogatepass")  # half a pair in one piece, the other half in the next
_WHOLE = (
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
    """The answer as far as it has arrived: ``add`` each update, call ``whole`` at any time."""

    def __init__(self) -> None:
        self._top: JSON = {"object": "chat.completion"}
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
            elif name == "prompt_filter_results":
                self._top[name] = _prompt_results(self._top.get(name), value)
            elif name in ("id", "created"):
                self._top[name] = self._top.get(name) or value
            elif name != "object":
                self._top[name] = _latest(self._top.get(name), value)

    def _add_choice(self, piece: JSON) -> None:
        index = _index_of(piece) or 0
        choice = self._choices.setdefault(
            index, {"index": index, "finish_reason": None, "message": {"role": "assistant"}}
        )
        for name, value in piece.items():
            if name == "delta":
                _add_delta(choice["message"], _object(value))
                if value:
                    self._with_delta.add(index)
            elif name in _FILTER_RESULTS:
                choice[name] = _verdicts(choice.get(name), value)
            elif name == "logprobs":
                choice[name] = _joined(name, choice.get(name), value)
            elif name not in ("index", "message"):
                choice[name] = _latest(choice.get(name), value)
        message = _object(piece.get("message"))
        if index in self._with_delta:
            # Perplexity repeats beside each delta all that came so far: take only what is new.
            message = {n: v for n, v in message.items() if not choice["message"].get(n)}
        _add_delta(choice["message"], message)

    def whole(self) -> JSON:
        """Return a copy of the answer in the shape of one that was not streamed."""
        # Copy by way of JSON: faster than deepcopy, and it takes deeper nesting.
        choices = [self._choices[index] for index in sorted(self._choices)]
        choices = json.loads(json.dumps(choices, default=str))
        for choice in choices:
            calls = choice["message"].get("tool_calls")
            for call in calls if isinstance(calls, list) else []:
                if isinstance(call, dict):
                    call.pop("index", None)  # it numbers fragments; requests with it are refused
        return {**self._top, "choices": choices}


class _Text:
    """A text that grows: += on a str is quadratic, and a list of its pieces takes much memory."""

    __slots__ = ("_bytes",)

    def __init__(self, text: str) -> None:
        self._bytes = bytearray(text.encode(*_UTF8))

    def add(self, text: str) -> None:
        self._bytes += text.encode(*_UTF8)

    @property
    def may_be_object(self) -> bool:
        """Whether it ends as a JSON object does."""
        return self._bytes.endswith(b"}")

    def __str__(self) -> str:
        return self._bytes.decode(*_UTF8)


def _object(delta: Any) -> JSON:
    if isinstance(delta, str):
        return {"content": delta}
    return delta if isinstance(delta, dict) else {}


def _add_delta(message: JSON, delta: JSON) -> None:
    for name, value in delta.items():
        if name == "content":
            message[name] = _content(message.get(name), value)
        elif name == "tool_calls":
            calls = value if isinstance(value, list) else [value] if value else []
            if not isinstance(message.get(name), list):
                message[name] = [] if isinstance(value, list | dict) else value
            for call in calls:
                if isinstance(call, dict):
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
    elif isinstance(new, list) and old and isinstance(old, str | _Text):
        old = [{"type": "text", "text": old}]
    return _joined("content", old, new)


def _add_call(calls: list[JSON], piece: JSON) -> None:
    index, ident, function = _index_of(piece), piece.get("id"), piece.get("function")
    if index is not None:
        # Some services number each call 0: another id begins another call.
        found = (call for call in reversed(calls) if _index_of(call) == index)
        call = next((call for call in found if ident in (None, "", call.get("id"))), None)
    else:  # an id begins a call; a fragment without one belongs to the last call
        call = None if ident or not calls else calls[-1]
    if call is not None and not ident and _is_named(function) and _is_whole(call["function"]):
        call = None  # neither index nor id tells apart two calls that come whole
    if call is None:
        call = {"type": "function", "function": {}}
        calls.append(call)
    for name, value in piece.items():
        if name != "function":
            call[name] = _joined(name, call.get(name), value)
        elif not (ident and _is_repeated(call["function"], value)):
            call[name] = _joined(name, call[name], value)


def _is_named(function: Any) -> bool:
    """Tell whether a fragment holds what a whole call does: a name and arguments."""
    return isinstance(function, dict) and bool(function.get("name") and function.get("arguments"))


def _is_whole(function: Any) -> bool:
    """Tell whether the arguments so far are a whole JSON object, sent as one or as its text."""
    arguments = function.get("arguments") if isinstance(function, dict) else None
    if isinstance(arguments, _Text) and not arguments.may_be_object:
        return False  # do not parse at each fragment
    if isinstance(arguments, str | _Text):
        try:
            arguments = json.loads(str(arguments))
        except (ValueError, RecursionError):
            return False
    return isinstance(arguments, dict)


def _is_repeated(function: Any, piece: Any) -> bool:
    """Tell whether ``piece`` repeats a whole call instead of going on with it."""
    old, new = (
        one.get("arguments") if isinstance(one, dict) else None for one in (function, piece)
    )
    return isinstance(new, str) and new[:1] == "{" and old is not None and str(old) == new


def _joined(name: str, old: Any, new: Any, depth: int = 0) -> Any:
    """Return ``old`` with ``new`` added, in place where ``old`` is a list or an object.

    Nothing of ``new`` is changed later: a caller holds it as an update.
    """
    if new is None or new == "":
        return new if old is None else old
    if isinstance(old, list) and old and not isinstance(new, list):
        new = [new]
    if isinstance(new, str):
        if name in _WHOLE or not old or not isinstance(old, str | _Text):
            return new
        old = old if isinstance(old, _Text) else _Text(old)
        old.add(new)
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
    """Return the item that ``piece`` goes on with: of its kind and index, and at the end."""
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


def _latest(old: Any, new: Any, depth: int = 0) -> Any:
    """Return ``new``, or ``old`` where ``new`` is empty; objects are merged field by field."""
    if old is not None and new in (None, "", 0, [], {}):
        return old
    if isinstance(old, dict) and isinstance(new, dict) and depth < _MAX_DEPTH:
        merged = {name: _latest(old.get(name), value, depth + 1) for name, value in new.items()}
        return {**old, **merged}
    return new


def _prompt_results(old: Any, new: Any) -> Any:
    """Return the content filter's results for each prompt."""
    if not (isinstance(old, list) and isinstance(new, list)):
        return _latest(old, new)
    merged = list(old)
    for one in new:
        index = one.get("prompt_index") if isinstance(one, dict) else None
        for place, kept in enumerate(merged):
            if (
                isinstance(one, dict)
                and isinstance(kept, dict)
                and kept.get("prompt_index") == index
            ):
                results = {n: _verdicts(kept.get(n), one[n]) for n in _FILTER_RESULTS if n in one}
                merged[place] = {**_latest(kept, one), **results}
                break
        else:
            merged.append(one)
    return merged


def _verdicts(old: Any, new: Any) -> Any:
    """Return the filter's results by category: a later, emptier or milder one replaces none."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return _latest(old, new)
    stricter = {
        category: verdict
        for category, verdict in new.items()
        if category not in old or _strictness(verdict) >= _strictness(old[category])
    }
    return {**old, **stricter}


def _strictness(verdict: Any) -> tuple[bool, bool, bool, int, bool]:
    fields = verdict if isinstance(verdict, dict) else {}
    level = fields.get("severity")
    return (
        fields.get("filtered") is True,
        bool(fields.get("error")),
        fields.get("detected") is True,
        _LEVELS.index(level) if level in _LEVELS else 0,
        bool(verdict),
    )


def _index_of(piece: JSON) -> int | None:
    """Return the field ``index`` as a whole number, or None if it is none."""
    return whole_number(piece.get("index"))
