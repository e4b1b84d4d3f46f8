"""What comes back: answers, streamed updates, usage.

Each is a thin view over the JSON that the service sent. The JSON is kept whole in ``raw``, so a
field that this module does not know is never lost, and a field that is missing or of an odd type
gives an empty value instead of a traceback: real services leave out what their schema requires
(the first chunk of a stream may hold no choice at all, and the last ones no delta).

The names are those of the retired ``azure-ai-inference`` SDK.
"""

from typing import Any

from helpers.client.exchange import Exchange
from helpers.client.messages import JSON, AssistantMessage


class _Sent:
    """A view over one JSON object of an answer; ``raw`` is that object, whole."""

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
    """The function that a model wants called. ``arguments`` is text that should hold JSON."""

    @property
    def name(self) -> str:
        """The function's name, as the model wrote it: look it up, never trust it."""
        return self._text("name")

    @property
    def arguments(self) -> str:
        """The arguments as JSON text, as the model wrote it: it may be no JSON at all."""
        return self._text("arguments")


class ChatCompletionsToolCall(_Sent):
    """One call that the model asks for."""

    @property
    def id(self) -> str:
        """The id that the tool message has to name."""
        return self._text("id")

    @property
    def function(self) -> FunctionCall:
        """The function and its arguments."""
        return FunctionCall(self.raw.get("function"))


class ChatResponseMessage(_Sent):
    """The model's message: whole in a choice, or a piece of it as the delta of an update."""

    @property
    def role(self) -> str | None:
        """``assistant``; in a stream only the first piece names it."""
        return self._optional("role")

    @property
    def content(self) -> str:
        """The text, empty where the service sent null or none (a tool call, say)."""
        return self._text("content")

    @property
    def tool_calls(self) -> list[ChatCompletionsToolCall]:
        """The calls that the model asks for."""
        return [ChatCompletionsToolCall(call) for call in self._list("tool_calls")]

    def as_dict(self) -> JSON:
        """The message as it is sent back in the next turn: only the fields a request may hold."""
        calls = self._list("tool_calls")
        content = self.raw.get("content")
        return AssistantMessage(content if isinstance(content, str) else None, calls).as_dict()


class ChatChoice(_Sent):
    """One answer of possibly several (``n``)."""

    @property
    def index(self) -> int:
        """Which of the answers this is, from 0."""
        return self._number("index")

    @property
    def finish_reason(self) -> str | None:
        """Why the model stopped: stop, length, content_filter, tool_calls, or a newer word."""
        return self._optional("finish_reason")

    @property
    def message(self) -> ChatResponseMessage:
        """The message of a whole answer."""
        return ChatResponseMessage(self.raw.get("message"))

    @property
    def delta(self) -> ChatResponseMessage:
        """The piece of the message that a streamed update brings."""
        return ChatResponseMessage(self.raw.get("delta"))


class CompletionsUsage(_Sent):
    """Tokens that the call used: what you are billed for."""

    @property
    def prompt_tokens(self) -> int:
        """Tokens of everything that you sent."""
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
    """What whole answers and streamed updates have in common."""

    @property
    def id(self) -> str:
        """The service's id of this answer."""
        return self._text("id")

    @property
    def created(self) -> int:
        """When the answer was begun: seconds since 1970, UTC."""
        return self._number("created")

    @property
    def model(self) -> str:
        """The model that answered; it may be a dated version of the name that you sent."""
        return self._text("model")

    @property
    def choices(self) -> list[ChatChoice]:
        """The answers; there may be none."""
        return [ChatChoice(choice) for choice in self._list("choices")]

    @property
    def usage(self) -> CompletionsUsage:
        """Tokens used; all zero where the service sent none."""
        return CompletionsUsage(self.raw.get("usage"))

    @property
    def _first(self) -> ChatChoice:
        choices = self._list("choices")
        return ChatChoice(choices[0] if choices else None)

    @property
    def finish_reason(self) -> str | None:
        """The first choice's finish reason; None while a stream goes on, or without a choice."""
        return self._first.finish_reason


class ChatCompletions(_Answer):
    """A whole answer. ``exchange`` is the HTTP call that brought it."""

    __slots__ = ("exchange",)

    def __init__(self, raw: Any, exchange: Exchange | None = None) -> None:
        super().__init__(raw)
        self.exchange = exchange

    @property
    def message(self) -> ChatResponseMessage:
        """The first choice's message; an empty one if the service sent no choice."""
        return self._first.message

    @property
    def content(self) -> str:
        """The first choice's text; empty if there is none."""
        return self.message.content


class StreamingChatCompletionsUpdate(_Answer):
    """One event of a stream. ``elapsed``: seconds from sending the request to its arrival."""

    __slots__ = ("elapsed",)

    def __init__(self, raw: Any, elapsed: float = 0.0) -> None:
        super().__init__(raw)
        self.elapsed = elapsed

    @property
    def role(self) -> str | None:
        """The role, in the piece that brings it (the first, as a rule)."""
        return self._first.delta.role

    @property
    def content(self) -> str:
        """The piece of text that this update brings; often empty in the first and the last."""
        return self._first.delta.content
