"""What comes back: answers, streamed updates, usage, named as in ``azure-ai-inference``.

Each class is a view over the JSON that the service sent, which ``raw`` holds unchanged. A missing
field reads as an empty value, because services leave out what their schema requires. A text field
of an unexpected type reads as its JSON, so that it can't be taken for an empty one.
"""

from collections.abc import Callable, Collection
from itertools import count
from typing import Any, Generic, TypeVar

from helpers.client.exchange import Exchange
from helpers.client.messages import JSON, json_text

_REASONING = ("reasoning_content", "reasoning", "reasoning_details", "thinking")
"""The fields of a message that hold reasoning: DeepSeek, Kimi and xAI use the first; Groq, vLLM,
MAI and OpenRouter the second; OpenRouter the third too; Ollama the last."""
_REASONING_ITEMS = ("thinking", "reasoning")
TEXT_NAMES = ("text", "content", "value", "thinking", "reasoning", "refusal", "summary", "reason")
_NOT_SENT_BACK = ("role", "content", "tool_calls", "annotations")
"""Set by ``as_dict`` itself, or in no schema of a request (annotations)."""

Value = TypeVar("Value")


class _JSONView:
    """A view over one JSON object of an answer, which is in ``raw``."""

    __slots__ = ("raw",)

    def __init__(self, raw: Any) -> None:
        self.raw: JSON = raw if isinstance(raw, dict) else {}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.raw!r})"


class _Field(Generic[Value]):
    """An attribute that reads the field of its name in ``raw`` by the function ``read``.

    Where that is missing or empty, it reads the first of ``others`` that is neither.
    """

    def __init__(self, read: Callable[[Any], Value], doc: str, *others: str) -> None:
        self._read, self.__doc__, self._others = read, doc, others

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, view: _JSONView, owner: type) -> Value:
        values = map(view.raw.get, (self._name, *self._others))
        return self._read(next(filter(None, values), view.raw.get(self._name)))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else json_text(value)


def _optional_text(value: Any) -> str | None:
    return _text(value) or None


def whole_number(value: Any) -> int | None:
    """Return ``value`` as a whole number: 12, "12" and "12.0" are 12. None if it is no number."""
    if isinstance(value, int):
        return None if isinstance(value, bool) else value
    try:
        return int(float(value))
    except (TypeError, ValueError, OverflowError):
        return None


def _number(value: Any) -> int:
    return whole_number(value) or 0


def _list(value: Any) -> list[Any]:
    """Return the list, or a list of the one object that stands in its place."""
    return list(value) if isinstance(value, list | tuple) else [value] if value else []


class FunctionCall(_JSONView):
    """The function that the model wants called."""

    name = _Field(_text, "The name as the model wrote it; you may have no function of that name.")

    @property
    def arguments(self) -> str:
        """The arguments as the model wrote them: they should be JSON, but may be invalid or empty.

        Where there are none, but other fields (``parameters``, ``input``), it is the JSON of those:
        a function that does not know them is not taken to be called without arguments.
        """
        sent = self.raw.get("arguments")
        rest = {name: value for name, value in self.raw.items() if name != "name" and value}
        return _text(rest or None if sent is None else sent)


class ChatCompletionsToolCall(_JSONView):
    """One tool call that the model requests. ``id`` is what to put in the tool message."""

    __slots__ = ("id",)

    def __init__(self, raw: Any, id: str | None = None) -> None:
        super().__init__(raw)
        self.id = _text(self.raw.get("id")) if id is None else id

    function = _Field(FunctionCall, "The function and its arguments.")

    def as_dict(self) -> JSON:
        """Return the call as it is sent back: as it came, with what requests demand of a call."""
        # `index` numbers the fragments of a stream; requests with it are refused.
        sent = {name: value for name, value in self.raw.items() if name != "index"}
        sent |= {"id": self.id, "type": _text(self.raw.get("type")) or "function"}
        if sent["type"] == "function":
            function = self.function
            arguments = function.raw.get("arguments")
            sent["function"] = {
                **function.raw,
                "name": function.name or "unknown",
                "arguments": (function.arguments or "{}") if arguments is None else arguments,
            }
        return sent


class ChatResponseMessage(_JSONView):
    """The model's message. ``taken_ids`` are ids that a call without one of its own can't have."""

    __slots__ = ("_taken_ids",)

    def __init__(self, raw: Any, taken_ids: Collection[str] = ()) -> None:
        if isinstance(raw, list) and len(raw) == 1:
            raw = raw[0]
        super().__init__(raw if isinstance(raw, dict) or raw is None else {"content": raw})
        self._taken_ids = taken_ids

    role = _Field(_optional_text, "``assistant``; in a stream only the first delta has it.")

    @property
    def _items(self) -> list[JSON]:
        """The content as a list of items: a text is an item of that type."""
        value = self.raw.get("content")
        value = self.raw.get("text") if value is None else value
        return [
            item if isinstance(item, dict) else {"type": "text", "text": _text(item)}
            for item in (value if isinstance(value, list) else [value])
            if item is not None
        ]

    @property
    def content(self) -> str:
        """The text; empty where the service sent null or none (as with tool calls).

        Of content that is a list of items (Mistral's models that reason send such), the texts.
        """
        if isinstance(sent := self.raw.get("content"), str):
            return sent
        return "".join(
            # An object without a type is the answer itself, sent as JSON in place of its text.
            _any_text(item) if {"type", "text"} & item.keys() else _text(item)
            for item in self._items
            if item.get("type") not in (*_REASONING_ITEMS, "refusal")
        )

    def _text_of(self, fields: Collection[str], types: Collection[str]) -> str | None:
        """Return the text of the first field that has any, or of the content items of a type."""
        texts = [_any_text(self.raw.get(name) or None) for name in fields]
        items = [_any_text(item) for item in self._items if item.get("type") in types]
        return next(filter(None, (*texts, "".join(items))), None)

    @property
    def refusal(self) -> str | None:
        """The words with which the model refuses, which come in place of content."""
        return self._text_of(["refusal"], ["refusal"])

    @property
    def reasoning_content(self) -> str | None:
        """The text of the reasoning, whatever the service calls it; None if there is none.

        Many models reason and show no text of it, or only encrypted. Models that write
        ``<think>`` into the content leave it there.
        """
        return self._text_of(_REASONING, _REASONING_ITEMS)

    @property
    def tool_calls(self) -> list[ChatCompletionsToolCall]:
        """The tool calls that the model requests.

        A call whose id is missing, empty, no text or that of an earlier call gets one that is made
        up, so that its result can be sent. ``as_dict`` has the same ids.
        """
        calls = _list(self.raw.get("tool_calls"))
        sent = [call.get("id") if isinstance(call, dict) else None for call in calls]
        used = {*self._taken_ids, *(one for one in sent if isinstance(one, str))}
        # Mistral takes ids of nine letters and digits only; other services take any text.
        new = (made for number in count(1) if (made := f"call{number:05}") not in used)
        ids: dict[str, Any] = {}
        for call, one in zip(calls, sent, strict=True):
            ids[one if isinstance(one, str) and one and one not in ids else next(new)] = call
        return [ChatCompletionsToolCall(call, one) for one, call in ids.items()]

    def as_dict(self, *, keep_reasoning: bool = True) -> JSON:
        """Return the message as it is sent back: as it came, but for what requests can't hold.

        ``keep_reasoning=False`` leaves the reasoning out. Services contradict each other: DeepSeek,
        Kimi and MAI-Thinking-1 want it back; Microsoft's page on reasoning models (2026-08-26) says
        to leave it out unless the model's page demands it, and Groq refuses it for some models.
        """
        content, calls = self.raw.get("content"), [call.as_dict() for call in self.tool_calls]
        if isinstance(content, list) or (isinstance(content, dict) and "type" in content):
            content = [
                item
                for item in self._items
                if keep_reasoning or item.get("type") not in _REASONING_ITEMS
            ] or self.content
        elif content is not None or not (calls or self.raw.get("refusal")):
            content = self.content
        sent: JSON = {"role": "assistant"}
        if content is not None or "content" in self.raw:  # beside calls some demand the null
            sent["content"] = content
        if calls:
            sent["tool_calls"] = calls
        left_out = _NOT_SENT_BACK if keep_reasoning else (*_NOT_SENT_BACK, *_REASONING)
        rest = {n: v for n, v in self.raw.items() if n not in left_out and v not in (None, [], {})}
        return sent | rest


class StreamingChatResponseMessageUpdate(ChatResponseMessage):
    """The part of the message that a streamed update adds: its tool calls are fragments."""

    __slots__ = ()

    @property
    def tool_calls(self) -> list[ChatCompletionsToolCall]:
        """The fragments of tool calls; only the first one of a call has its id."""
        return [ChatCompletionsToolCall(call) for call in _list(self.raw.get("tool_calls"))]


def _any_text(value: Any, depth: int = 8) -> str:
    """Return the text in ``value``: of a list the texts, of an object its text or its summary.

    An object with neither of them is its JSON, unless it is of a type that has no text, encrypted
    reasoning for example.
    """
    if isinstance(value, list) and depth:
        return "".join(_any_text(item, depth - 1) for item in value)
    if isinstance(value, dict) and depth:
        texts = [_any_text(value[name], depth - 1) for name in TEXT_NAMES if name in value]
        if texts or not value or {"type", "encrypted_content"} & set(value):
            return next(filter(None, texts), "")
    return _text(value)


class ChatChoice(_JSONView):
    """One of the answers; there are several if ``n`` was sent."""

    index = _Field(_number, "The number of this answer, from 0.")
    finish_reason = _Field(
        lambda value: None if value == "null" else _optional_text(value),
        "Why the model stopped: stop, length, content_filter, tool_calls, or another word.",
    )
    message = _Field(
        ChatResponseMessage, "The message of a complete answer.", "messages", "delta", "text"
    )
    delta = _Field(StreamingChatResponseMessageUpdate, "What a streamed update adds to it.", "text")


class CompletionsUsage(_JSONView):
    """The tokens that the call used, which is what you pay for."""

    prompt_tokens = _Field(_number, "Tokens of all that you sent.", "input_tokens")
    completion_tokens = _Field(_number, "Tokens of the answer.", "output_tokens")
    total_tokens = _Field(_number, "The sum, as the service gives it.")


class _Answer(_JSONView):
    """What complete answers and streamed updates share. The short names read the first choice."""

    id = _Field(_text, "The service's id of this answer.")
    created = _Field(_number, "When the answer was begun, in seconds since 1970 (UTC).")
    model = _Field(_text, "The model that answered, perhaps a dated version of the one you named.")
    usage = _Field(CompletionsUsage, "The tokens used; all 0 where the service sent no usage.")

    @property
    def choices(self) -> list[ChatChoice]:
        """The answers; the list may be empty."""
        return [ChatChoice(choice) for choice in _list(self.raw.get("choices"))]

    @property
    def _first(self) -> ChatChoice:
        return next(iter(self.choices), ChatChoice(None))

    @property
    def message(self) -> ChatResponseMessage:
        """The message, or what an update adds to it; empty without a choice."""
        return self._first.message

    @property
    def content(self) -> str:
        """The text; often empty in the first and the last update of a stream."""
        return self.message.content

    @property
    def reasoning_content(self) -> str | None:
        """The text of the reasoning; None if there is none."""
        return self.message.reasoning_content

    @property
    def refusal(self) -> str | None:
        """The words of a refusal; None if there are none."""
        return self.message.refusal

    @property
    def finish_reason(self) -> str | None:
        """Why the model stopped; None in an update before the end."""
        return self._first.finish_reason


class ChatCompletions(_Answer):
    """A complete answer. ``exchange`` is the HTTP call that it came with."""

    __slots__ = ("exchange",)

    def __init__(self, raw: Any, exchange: Exchange | None = None) -> None:
        super().__init__(raw)
        self.exchange = exchange

    @property
    def is_empty(self) -> bool:
        """Whether no choice has content, a refusal, reasoning or a tool call."""
        return not any(
            one.content or one.tool_calls or one.refusal or one.reasoning_content
            for one in (choice.message for choice in self.choices)
        )


class StreamingChatCompletionsUpdate(_Answer):
    """One update of a stream, which arrived ``elapsed`` seconds after the request was sent."""

    __slots__ = ("elapsed",)

    def __init__(self, raw: Any, elapsed: float = 0.0) -> None:
        super().__init__(raw)
        self.elapsed = elapsed

    @property
    def message(self) -> StreamingChatResponseMessageUpdate:
        """What this update adds to the first choice's message."""
        return self._first.delta

    @property
    def role(self) -> str | None:
        """The role, in the update that has it (usually the first)."""
        return self.message.role
