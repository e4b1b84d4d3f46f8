"""What comes back: answers, streamed updates, usage, named as in ``azure-ai-inference``.

Each class is a view over the JSON that the service sent, which ``raw`` holds unchanged. A field
that is missing or of an unexpected type reads as an empty value, because services leave out what
their schema requires: the first update of a stream may have no choice, the last ones no delta.
"""

from typing import Any

from helpers.client.exchange import Exchange
from helpers.client.messages import JSON, AssistantMessage


class _Sent:
    """A view over one JSON object of an answer, which is in ``raw``."""

    __slots__ = ("raw",)

    def __init__(self, raw: Any) -> None:
        self.raw: JSON = raw if isinstance(raw, dict) else {}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.raw!r})"

    def _text(self, name: str) -> str:
        value = self.raw.get(name)
        return value if isinstance(value, str) else ""

    def _optional(self, name: str) -> str | None:
        return self._text(name) or None

    def _number(self, name: str) -> int:
        value = self.raw.get(name)
        return value if type(value) is int else 0

    def _list(self, name: str) -> list[Any]:
        value = self.raw.get(name)
        return list(value) if isinstance(value, list | tuple) else []


class FunctionCall(_Sent):
    """The function that the model wants called."""

    @property
    def name(self) -> str:
        """The function's name as the model wrote it; it may name no function that you have."""
        return self._text("name")

    @property
    def arguments(self) -> str:
        """The arguments as the model wrote them; they should be JSON, but may be invalid."""
        return self._text("arguments")


class ChatCompletionsToolCall(_Sent):
    """One tool call that the model requests."""

    @property
    def id(self) -> str:
        """The id to put in the tool message."""
        return self._text("id")

    @property
    def function(self) -> FunctionCall:
        """The function and its arguments."""
        return FunctionCall(self.raw.get("function"))


class ChatResponseMessage(_Sent):
    """The model's message, or in an update the part (delta) of it that is new."""

    @property
    def role(self) -> str | None:
        """``assistant``; in a stream only the first delta has it."""
        return self._optional("role")

    @property
    def content(self) -> str:
        """The text; empty where the service sent null or none (as with tool calls)."""
        return self._text("content")

    @property
    def tool_calls(self) -> list[ChatCompletionsToolCall]:
        """The tool calls that the model requests."""
        return [ChatCompletionsToolCall(call) for call in self._list("tool_calls")]

    def as_dict(self) -> JSON:
        """Return the message as it is sent back: only the fields that a request may hold."""
        calls = self._list("tool_calls")
        content = self.raw.get("content")
        return AssistantMessage(content if isinstance(content, str) else None, calls).as_dict()


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
    def delta(self) -> ChatResponseMessage:
        """The part of the message that a streamed update adds."""
        return ChatResponseMessage(self.raw.get("delta"))


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
