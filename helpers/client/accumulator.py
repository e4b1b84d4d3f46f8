"""Put the updates of a stream together into one answer.

Texts are joined, lists of tokens (logprobs) are extended, fragments of tool calls are matched by
their index, and any other field keeps its latest value. The usage may come in the last update or in
one of its own without a choice; Mistral sends tool calls whole and without an index.
"""

import json
from typing import Any, TypeVar, cast

from helpers.client.messages import JSON

_Kind = TypeVar("_Kind", str, list[Any], JSON)
_UTF8 = ("utf-8", "surrogatepass")  # half a pair in one piece, the other half in the next
_JOINED = ("content", "reasoning_content", "refusal", "arguments")


class StreamAccumulator:
    """The answer as far as it has arrived: ``add`` each update, call ``whole`` at any time."""

    def __init__(self) -> None:
        self._top: JSON = {"object": "chat.completion"}
        self._choices: dict[int, JSON] = {}
        self._texts: dict[int, bytearray] = {}  # += on a str is quadratic, a list of pieces large

    @property
    def finished(self) -> bool:
        """True if each choice that has begun has its finish reason."""
        choices = self._choices.values()
        return bool(choices) and all(choice["finish_reason"] for choice in choices)

    def add(self, update: JSON) -> None:
        """Add the JSON of one update."""
        for name, value in update.items():
            if name == "choices":
                for choice in value if isinstance(value, list) else []:
                    if isinstance(choice, dict):
                        self._add_choice(choice)
            elif name != "object" and value not in (None, "", 0):
                self._top[name] = value

    def _add_choice(self, piece: JSON) -> None:
        index = _index(piece) or 0
        choice = self._choices.setdefault(
            index, {"index": index, "finish_reason": None, "message": {"role": "assistant"}}
        )
        for name, value in piece.items():
            if name in ("delta", "message"):
                self._add_delta(index, choice["message"], value if isinstance(value, dict) else {})
            elif name == "logprobs" and isinstance(value, dict):
                kept = _begun(choice, "logprobs", {})
                for kind, tokens in value.items():
                    if isinstance(tokens, list):
                        _begun(kept, kind, []).extend(tokens)
                    else:
                        kept.setdefault(kind)
            elif name != "index":
                _merge(choice, name, value)

    def _add_delta(self, index: int, message: JSON, delta: JSON) -> None:
        for name, value in delta.items():
            if name == "content" and isinstance(value, str):
                self._texts.setdefault(index, bytearray()).extend(value.encode(*_UTF8))
            elif name == "tool_calls" and isinstance(value, list):
                for call in value:
                    _add_call(_begun(message, "tool_calls", []), call)
            else:
                _merge(message, name, value)

    def whole(self) -> JSON:
        """Return a copy of the answer in the shape of one that was not streamed."""
        for index, text in self._texts.items():
            self._choices[index]["message"]["content"] = text.decode(*_UTF8)
        # Copy by way of JSON: faster than deepcopy, and it takes deeper nesting.
        choices = json.loads(json.dumps([self._choices[i] for i in sorted(self._choices)]))
        for choice in choices:
            calls = choice["message"].get("tool_calls")
            for call in calls if isinstance(calls, list) else []:
                call.pop("index", None)  # it numbers fragments; requests with it are refused
        return {**self._top, "choices": choices}


def _add_call(calls: list[JSON], piece: Any) -> None:
    if not isinstance(piece, dict):
        return
    index = _index(piece)
    if index is not None:
        # Some services number each call 0: another id begins another call.
        found = (call for call in reversed(calls) if call.get("index") == index)
        call = next((call for call in found if piece.get("id") in (None, "", call.get("id"))), None)
    else:  # an id begins a call; a fragment without one belongs to the last call
        call = None if piece.get("id") or not calls else calls[-1]
    if call is None:
        call = {"type": "function", "function": {}}
        calls.append(call)
    for name, value in piece.items():
        if name != "function":
            _merge(call, name, value)
        elif isinstance(value, dict):
            for part, text in value.items():
                _merge(call["function"], part, text)


def _merge(whole: JSON, name: str, value: Any) -> None:
    if name in _JOINED and isinstance(value, str):
        whole[name] = _begun(whole, name, "") + value
    elif value not in (None, "") or name not in whole:
        whole[name] = value


def _begun(whole: JSON, name: str, empty: _Kind) -> _Kind:
    """Return the value of ``name``, after replacing null or another type by ``empty``."""
    if not isinstance(whole.get(name), type(empty)):
        whole[name] = empty
    return cast(_Kind, whole[name])


def _index(piece: JSON) -> int | None:
    index = piece.get("index")
    return index if isinstance(index, int) else None
