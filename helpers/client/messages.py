"""The messages that you send, named as in the ``azure-ai-inference`` SDK.

A dict in the service's own form can take the place of any of them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

JSON = dict[str, Any]


@dataclass(frozen=True)
class SystemMessage:
    """Instructions that hold for the whole conversation."""

    content: str

    def as_dict(self) -> JSON:
        """Return the message as it is sent."""
        return {"role": "system", "content": self.content}


@dataclass(frozen=True)
class DeveloperMessage:
    """The system message of newer models, under their name for it."""

    content: str

    def as_dict(self) -> JSON:
        """Return the message as it is sent."""
        return {"role": "developer", "content": self.content}


@dataclass(frozen=True)
class UserMessage:
    """What the user says: a text, or a list of content items (texts, pictures) as dicts."""

    content: str | Sequence[Mapping[str, Any]]

    def as_dict(self) -> JSON:
        """Return the message as it is sent."""
        items = list(self.content) if isinstance(self.content, tuple) else self.content
        return {"role": "user", "content": items}


@dataclass(frozen=True)
class AssistantMessage:
    """What the model said earlier: a text or content items, a refusal, or the calls it requested.

    ``reasoning_content`` is the text of its reasoning, which some services want back.
    """

    content: str | Sequence[Mapping[str, Any]] | None = None
    tool_calls: Sequence[Mapping[str, Any]] = ()
    reasoning_content: str | None = None
    refusal: str | None = None

    def as_dict(self) -> JSON:
        """Return the message as it is sent."""
        items = list(self.content) if isinstance(self.content, tuple) else self.content
        # Beside calls or a refusal the content may be null, but some services demand the key.
        sent: JSON = {"role": "assistant", "content": items}
        if items is None and not (self.tool_calls or self.refusal):
            sent["content"] = ""
        if self.tool_calls:
            sent["tool_calls"] = list(self.tool_calls)
        for name in ("reasoning_content", "refusal"):
            if getattr(self, name) is not None:
                sent[name] = getattr(self, name)
        return sent


@dataclass(frozen=True)
class ToolMessage:
    """The result of one tool call as text, with the id of that call."""

    content: str
    tool_call_id: str

    def as_dict(self) -> JSON:
        """Return the message as it is sent."""
        return {"role": "tool", "content": self.content, "tool_call_id": self.tool_call_id}


Message = SystemMessage | DeveloperMessage | UserMessage | AssistantMessage | ToolMessage


def content_text(content: Any) -> str:
    """Return the text of a message's content; of an item without text, its type in brackets."""
    if content is None:
        return ""
    return "\n".join(map(_item_text, content if isinstance(content, list | tuple) else [content]))


def _item_text(item: Any) -> str:
    fields = item if isinstance(item, Mapping) else {"text": item}
    text, kind = fields.get("text"), fields.get("type")
    if isinstance(text, str):
        return text
    return f"({kind if kind and isinstance(kind, str) else 'no text'})"


def json_text(value: Any) -> str:
    """Return ``value`` as JSON, so that a field of an unexpected type can be read as text."""
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return "(nested too deeply)"
