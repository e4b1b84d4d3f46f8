"""Put the updates of a stream together into one answer.

An update can repeat what an earlier one said, or say less of it (null, ``""``, ``{}``). Texts of
the message are joined, lists are extended, fragments of tool calls are matched by their id or
index, and a severity is not replaced by a milder one. Any other field keeps its latest value that
is neither empty nor false.
"""

import json
from contextlib import suppress
from io import StringIO
from operator import is_not
from typing import Any

from helpers.client.messages import JSON, json_text
from helpers.client.responses import TEXT_NAMES, ChatChoice, ChatResponseMessage, whole_number

_SENT_WHOLE = (
    *("role", "id", "index", "type", "object", "model", "format", "signature", "status"),
    *("finish_reason", "channel", "call_id", "tool_call_id"),
)
"""Text fields of a message that are sent whole each time. Any other one comes in pieces, whatever a
service calls it (``reasoning``, ``reasoning_content``, ``refusal``, ``arguments``)."""
_TEXT_ITEMS = ("text", "output_text", "refusal", "thinking", "reasoning", "summary_text")
_SETS = ("citations", "annotations", "search_results")
"""Lists of a message that hold each item once, however often it is sent."""
SEVERITIES = ("safe", "low", "medium", "high")
"""The levels of the content filter, from the least on."""
_MAX_DEPTH = 8
"""Levels of lists and objects that are merged; below, the later value replaces the earlier one."""


class StreamAccumulator:
    """The answer as far as it has arrived: ``add`` each update, call ``whole`` at any time.

    A text that comes in pieces is kept as a ``StringIO``: += on a str would be quadratic.
    """

    def __init__(self) -> None:
        self._top: JSON = {}
        self._choices: dict[int, JSON] = {}
        self._from_deltas: set[tuple[int, str]] = set()

    @property
    def finished(self) -> bool:
        """True if each choice that has begun has its finish reason."""
        choices = self._choices.values()
        return bool(choices) and all(ChatChoice(choice).finish_reason for choice in choices)

    def add(self, update: JSON) -> JSON:
        """Add the JSON of one update, and return it with what is new in it as its deltas.

        That is ``update`` itself, unless a choice holds all of its message so far.
        """
        for name, value in update.items():
            if name in ("id", "created"):
                self._top[name] = self._top.get(name) or value
            elif name != "choices":
                _update(self._top, name, value)
        sent = update.get("choices")
        pieces = sent if isinstance(sent, list) else [sent]
        added = [self._add_choice(one) if isinstance(one, dict) else one for one in pieces]
        return {**update, "choices": added} if any(map(is_not, added, pieces)) else update

    def _add_choice(self, piece: JSON) -> JSON:
        index = whole_number(piece.get("index")) or 0
        choice = self._choices.setdefault(
            index, {"index": index, "finish_reason": None, "message": {"role": "assistant"}}
        )
        for name, value in piece.items():
            if name == "logprobs":
                choice[name] = _joined(name, choice.get(name), value)
            elif name not in ("index", "delta", "message", "text") and value != "null":
                _update(choice, name, value)
        delta = piece.get("delta")
        if not (delta and isinstance(delta, dict)):
            delta = ChatChoice(piece).delta.raw
        _add_delta(choice["message"], delta)
        self._from_deltas |= {(index, name) for name, value in delta.items() if value}
        if "message" not in piece:
            return piece
        # Perplexity repeats beside each delta all that came so far; others send only that.
        message: JSON = {}
        for name, value in ChatResponseMessage(piece["message"]).raw.items():
            rest = _rest(choice["message"].get(name), value)
            if (index, name) not in self._from_deltas and (rest or name not in choice["message"]):
                message[name] = rest
        _add_delta(choice["message"], message)
        return {**piece, "delta": {**delta, **message}} if message else piece

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


def _rest(old: Any, new: Any) -> Any:
    """Return the part of a text that is new if it begins with what has come; else all of it."""
    if isinstance(old, StringIO):
        old = old.getvalue()
    return new.removeprefix(old) if isinstance(new, str) and isinstance(old, str) else new


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
    if isinstance(old, list) or isinstance(new, list):
        old, new = (
            one if isinstance(one, list) else [{"type": "text", "text": one}] if one else []
            for one in (old, new)
        )
    return _joined("content", old, new)


def _add_call(calls: list[JSON], piece: JSON) -> None:
    """Add a fragment to the call that it belongs to, or begin another call with it."""
    function = piece.get("function")
    function = function if isinstance(function, dict) else {}
    call = _call_of(piece, function, calls)
    if call is None:
        call = {"type": "function", "function": {}}
        calls.append(call)
    for name, value in piece.items():
        if name == "function":
            for inner, part in function.items():
                join = _joined_arguments if inner == "arguments" else _joined
                call[name][inner] = join(inner, call[name].get(inner), part)
        elif name != "id" or not call.get("id"):
            call[name] = _joined(name, call.get(name), value)


def _call_of(piece: JSON, function: JSON, calls: list[JSON]) -> JSON | None:
    """Return the call that a fragment goes on with, or None if it begins another.

    It goes on with the call of its id, else with the last one of its index, else with the last one.
    A fragment with a name begins another call if it has another id, or comes whole after a whole
    one: some services number each call 0 or give it no id.
    """
    index, ident, name = whole_number(piece.get("index")), piece.get("id"), function.get("name")

    def fits(call: JSON) -> bool:
        return index is None or call.get("index") is None or whole_number(call["index"]) == index

    latest = list(reversed(calls))
    same = [call for call in latest if ident and call.get("id") == ident]
    if same:
        return next(filter(fits, same), None if name else same[0])
    call = next(filter(fits, latest), None)
    if call is None or not name:
        return call
    if ident and call.get("id"):
        return None
    whole, before = _object(function.get("arguments")), _object(call["function"].get("arguments"))
    is_again = whole == before and name == call["function"].get("name")
    if whole is None or before is None or (is_again and (ident or call.get("id"))):
        return call
    return None


def _joined_arguments(name: str, old: Any, new: Any) -> Any:
    """Return arguments with their next piece.

    Nothing can follow a whole object: another one is the same again, or takes the place of an
    empty one. What doesn't fit together is joined as text, which no tool then takes for JSON.
    """
    before = _object(old) if isinstance(new, dict) or _begins_object(new) else None
    if before is not None and (not before or before == _object(new)):
        return new
    both = (old, new)
    if None not in both and "" not in both:
        old, new = (one if isinstance(one, str | StringIO) else json_text(one) for one in both)
    return _joined(name, old, new)


def _begins_object(arguments: Any) -> bool:
    return isinstance(arguments, str) and arguments.startswith("{")


def _object(arguments: Any) -> JSON | None:
    """Return arguments as an object if they are a whole one, sent as one or as its text."""
    if isinstance(arguments, StringIO):
        arguments = arguments.getvalue()
    if _begins_object(arguments) and arguments.rstrip().endswith("}"):
        with suppress(ValueError, RecursionError):
            arguments = json.loads(arguments)
    return arguments if isinstance(arguments, dict) else None


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
        if name == "name" and isinstance(old, str):  # some repeat it in each fragment
            return new if new.startswith(old) else old + new
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
            if name in _SETS and item in old:
                continue
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
    texts = [(name, piece[name]) for name in TEXT_NAMES if name in piece]
    for item in reversed(items[-_MAX_DEPTH:] if index is not None else items[-1:]):
        same_kind = _is_text_item(item) and (
            item["type"] == kind or (kind is None and index is not None and bool(texts))
        )
        if same_kind and item.get("index") == index:
            fits = all(name in item and _is_joinable(item[name], text) for name, text in texts)
            return item if fits and piece.get("id") in (None, "", item.get("id")) else None
    return None


def _is_joinable(old: Any, new: Any) -> bool:
    kinds = (str | StringIO | None, list | None)
    return any(isinstance(old, kind) and isinstance(new, kind) for kind in kinds)


def _update(known: JSON, name: str, value: Any) -> None:
    if name not in known or known[name] != value:  # most updates repeat what is known
        known[name] = _latest(name, known.get(name), value)


def _latest(name: str, old: Any, new: Any, depth: int = 0) -> Any:
    """Return ``new``, or ``old`` where ``new`` says less; objects are merged field by field."""
    if old is not None and new in (None, "", 0, [], {}):  # 0 is False
        return old
    if name == "severity" and old in SEVERITIES and new in SEVERITIES:
        return max(old, new, key=SEVERITIES.index)
    if isinstance(old, dict) and isinstance(new, dict) and depth < _MAX_DEPTH:
        return old | {one: _latest(one, old.get(one), new[one], depth + 1) for one in new}
    if name == "prompt_filter_results" and isinstance(old, list) and isinstance(new, list):
        prompts: dict[str, Any] = {}
        for one in (*old, *new):
            key = repr(one.get("prompt_index") if isinstance(one, dict) else one)
            prompts[key] = _latest("", prompts.get(key), one)
        return list(prompts.values())
    return new
