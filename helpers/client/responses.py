"""What comes back: answers, streamed updates, usage, named as in ``azure-ai-inference``.

Each class is a view over the JSON that the service sent, which ``raw`` holds unchanged. A missing
field reads as an empty value, because services leave out what their schema requires: the first
update of a stream may have no choice, the last ones no delta. A text field of an unexpected type
reads as its JSON, so that it can't be taken for an empty one.
"""

from collections.abc import Collection
from itertools import count
from typing import Any

from helpers.client.exchange import Exchange
from helpers.client.messages import JSON, json_text

_REASONING = ("reasoning_content", "reasoning", "reasoning_details", "thinking")
"""The fields of a message that hold reasoning: DeepSeek, Kimi and xAI use the first; Groq, vLLM,
MAI and OpenRouter the second; OpenRouter the third too; Ollama the last."""
_REASONING_ITEMS = ("thinking", "reasoning")
_NOT_SENT_BACK = ("role", "content", "tool_calls", "annotations")
"""Set by ``as_dict`` itself, or in no schema of a request (annotations)."""


class _Sent:
    """A view over one JSON object of an answer, which is in ``raw``."""

    __slots__ = ("raw",)

    def __init__(self, raw: Any) -> None:
        self.raw: JSON = raw if isinstance(raw, dict) else {}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.raw!r})"

    def _text(self, name: str) -> str:
        value = self.raw.get(name)
        return value if isinstance(value, str) else "" if value is None else json_text(value)

    def _optional(self, name: str) -> str | None:
        return self._text(name) or None

    def _number(self, name: str) -> int:
        return whole_number(self.raw.get(name)) or 0

    def _list(self, name: str) -> list[Any]:
        """Return the list, or a list of the one object that stands in its place."""
        value = self.raw.get(name)
        return list(value) if isinstance(value, list | tuple) else [value] if value else []


class FunctionCall(_Sent):
    """The function that the model wants called."""

    @property
    def name(self) -> str:
        """The function's name as the model wrote it; it may name no function that you have."""
        return self._text("name")

    @property
    def arguments(self) -> str:
        """The arguments as the model wrote them; they should be JSON, but may be invalid.

        Empty if there are none. A service that sends an object in place of its text gives its JSON.
        """
        return self._text("arguments")


class ChatCompletionsToolCall(_Sent):
    """One tool call that the model requests."""

    __slots__ = ("_id",)

    def __init__(self, raw: Any, id: str | None = None) -> None:
        super().__init__(raw)
        self._id = id

    @property
    def id(self) -> str:
        """The id to put in the tool message."""
        return self._text("id") if self._id is None else self._id

    @property
    def function(self) -> FunctionCall:
        """The function and its arguments."""
        return FunctionCall(self.raw.get("function"))

    def as_dict(self) -> JSON:
        """Return the call as it is sent back: as it came, with what requests demand of a call."""
        # `index` numbers the fragments of a stream; requests with it are refused.
        sent = {name: value for name, value in self.raw.items() if name != "index"}
        sent |= {"id": self.id, "type": self._text("type") or "function"}
        if sent["type"] == "function":
            made = self.function
            arguments = made.raw.get("arguments")
            sent["function"] = {
                **made.raw,
                "name": made.name or "unknown",
                "arguments": "{}" if arguments is None else arguments,
            }
        return sent


class ChatResponseMessage(_Sent):
    """The model's message. ``taken_ids`` are ids that a call without one of its own can't have."""

    __slots__ = ("_taken_ids",)

    def __init__(self, raw: Any, taken_ids: Collection[str] = ()) -> None:
        super().__init__({"content": raw} if isinstance(raw, str) else raw)
        self._taken_ids = taken_ids

    @property
    def role(self) -> str | None:
        """``assistant``; in a stream only the first delta has it."""
        return self._optional("role")

    @property
    def content(self) -> str:
        """The text; empty where the service sent null or none (as with tool calls).

        Of content that is a list of items (Mistral's models that reason send such), the texts.
        """
        value = self.raw.get("content")
        return "".join(map(_item_text, value if isinstance(value, list) else [value]))

    @property
    def refusal(self) -> str | None:
        """The words with which the model refuses, which come in place of content."""
        items = "".join(map(_any_text, self._items("refusal")))
        return _any_text(self.raw.get("refusal")) or items or None

    @property
    def reasoning_content(self) -> str | None:
        """The text of the reasoning, whatever the service calls it; None if there is none.

        Many models reason and show no text of it, or only encrypted. Models that write
        ``<think>`` into the content leave it there.
        """
        texts = (_any_text(self.raw.get(name)) for name in _REASONING)
        items = "".join(map(_any_text, self._items(*_REASONING_ITEMS)))
        return next(filter(None, texts), items or None)

    @property
    def tool_calls(self) -> list[ChatCompletionsToolCall]:
        """The tool calls that the model requests.

        A call whose id is missing, empty, no text or that of an earlier call gets one that is made
        up, so that its result can be sent. ``as_dict`` has the same ids.
        """
        calls = self._list("tool_calls")
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

        ``keep_reasoning=False`` leaves the reasoning out. Services contradict each other: DeepSeek
        and Kimi (their own APIs) refuse a tool call that comes back without it, and MAI-Thinking-1
        wants the whole message back; Microsoft's page on reasoning models (2026-08-26) says to
        leave it out unless the model's page demands it, and Groq refuses it for some models. Most
        take back what they sent, so it is kept unless you say otherwise.
        """
        sent: JSON = {"role": "assistant"}
        content = self.raw.get("content")
        items = [
            item if isinstance(item, dict) else {"type": "text", "text": _item_text(item)}
            for item in (content if isinstance(content, list) else self._items())
            if item is not None
        ]
        if not keep_reasoning:
            items = [item for item in items if item.get("type") not in _REASONING_ITEMS]
        calls = [call.as_dict() for call in self.tool_calls]
        if items:
            sent["content"] = items
        elif content is not None or not (calls or self.raw.get("refusal")):
            sent["content"] = self.content
        elif "content" in self.raw:
            sent["content"] = None  # beside calls some services demand the key
        if calls:
            sent["tool_calls"] = calls
        for name, value in self.raw.items():
            left_out = name in _NOT_SENT_BACK or (name in _REASONING and not keep_reasoning)
            if not left_out and value not in (None, [], {}):
                sent[name] = value
        return sent

    def _items(self, *kinds: str) -> list[JSON]:
        """Return the items of the content that are of these ``kinds`` (none: of any kind)."""
        content = self.raw.get("content")
        items = content if isinstance(content, list) else [content]
        found = [item for item in items if isinstance(item, dict) and "type" in item]
        return [item for item in found if not kinds or item["type"] in kinds]


class StreamingChatResponseMessageUpdate(ChatResponseMessage):
    """The part of the message that a streamed update adds: its tool calls are fragments."""

    __slots__ = ()

    @property
    def tool_calls(self) -> list[ChatCompletionsToolCall]:
        """The fragments of tool calls; only the first one of a call has its id."""
        return [ChatCompletionsToolCall(call) for call in self._list("tool_calls")]


def _item_text(item: Any) -> str:
    """Return the text of a content item; of another type in its place, its JSON."""
    if item is None or isinstance(item, str):
        return item or ""
    if not isinstance(item, dict) or not {"type", "text"} & set(item):
        return json_text(item)
    text, is_content = item.get("text"), item.get("type") not in (*_REASONING_ITEMS, "refusal")
    return text if isinstance(text, str) and is_content else ""


def _any_text(value: Any, depth: int = 8) -> str:
    """Return the text in ``value``: of a list the texts, of an object its text or its summary."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and depth:
        return "".join(_any_text(item, depth - 1) for item in value)
    if isinstance(value, dict) and depth:
        names = ("text", "content", "thinking", "reasoning", "refusal", "summary")
        texts = (_any_text(value.get(name), depth - 1) for name in names)
        return next(filter(None, texts), "")
    return json_text(value) if value else ""


class ChatChoice(_Sent):
    """One of the answers; there are several if ``n`` was sent."""

    @property
    def index(self) -> int:
        """The number of this answer, from 0."""
        return self._number("index")

    @property
    def finish_reason(self) -> str | None:
        """Why the model stopped: stop, length, content_filter, tool_calls, or another word."""
        return self._optional("finish_reason")

    @property
    def message(self) -> ChatResponseMessage:
        """The message of a complete answer."""
        return ChatResponseMessage(self.raw.get("message"))

    @property
    def delta(self) -> StreamingChatResponseMessageUpdate:
        """The part of the message that a streamed update adds."""
        return StreamingChatResponseMessageUpdate(self.raw.get("delta"))


class CompletionsUsage(_Sent):
    """The tokens that the call used, which is what you pay for."""

    @property
    def prompt_tokens(self) -> int:
        """Tokens of all that you sent."""
        return self._number("prompt_tokens")

    @property
    def completion_tokens(self) -> int:
        """Tokens of the answer."""
        return self._number("completion_tokens")

    @property
    def total_tokens(self) -> int:
        """The sum, as the service gives it."""
        return self._number("total_tokens")


class _Answer(_Sent):
    """The fields that complete answers and streamed updates share."""

    @property
    def id(self) -> str:
        """The service's id of this answer."""
        return self._text("id")

    @property
    def created(self) -> int:
        """When the answer was begun, in seconds since 1970 (UTC)."""
        return self._number("created")

    @property
    def model(self) -> str:
        """The model that answered; it may be a dated version of the one you named."""
        return self._text("model")

    @property
    def choices(self) -> list[ChatChoice]:
        """The answers; the list may be empty."""
        return [ChatChoice(choice) for choice in self._list("choices")]

    @property
    def usage(self) -> CompletionsUsage:
        """The tokens used; all 0 where the service sent no usage."""
        return CompletionsUsage(self.raw.get("usage"))

    @property
    def _first(self) -> ChatChoice:
        choices = self._list("choices")
        return ChatChoice(choices[0] if choices else None)

    @property
    def finish_reason(self) -> str | None:
        """The first choice's finish reason; None without one."""
        return self._first.finish_reason


class ChatCompletions(_Answer):
    """A complete answer. ``exchange`` is the HTTP call that it came with."""

    __slots__ = ("exchange",)

    def __init__(self, raw: Any, exchange: Exchange | None = None) -> None:
        super().__init__(raw)
        self.exchange = exchange

    @property
    def message(self) -> ChatResponseMessage:
        """The first choice's message; an empty one without a choice."""
        return self._first.message

    @property
    def content(self) -> str:
        """The first choice's text; empty without one."""
        return self.message.content


class StreamingChatCompletionsUpdate(_Answer):
    """One update of a stream, which arrived ``elapsed`` seconds after the request was sent."""

    __slots__ = ("elapsed",)

    def __init__(self, raw: Any, elapsed: float = 0.0) -> None:
        super().__init__(raw)
        self.elapsed = elapsed

    @property
    def role(self) -> str | None:
        """The role, in the update that has it (usually the first)."""
        return self._first.delta.role

    @property
    def content(self) -> str:
        """The text that this update adds; often empty in the first and the last."""
        return self._first.delta.content

    @property
    def reasoning_content(self) -> str | None:
        """The text of the reasoning that this update adds; None if it adds none."""
        return self._first.delta.reasoning_content

    @property
    def refusal(self) -> str | None:
        """The part of a refusal that this update adds; None if it adds none."""
        return self._first.delta.refusal


def whole_number(value: Any) -> int | None:
    """Return ``value`` as a whole number: 12, 12.0 and "12" are 12. None if it is no number."""
    try:
        return None if isinstance(value, bool) else int(value)
    except (TypeError, ValueError, OverflowError):
        return None
