"""The messages that you send, named as in the ``azure-ai-inference`` SDK.

A dict in the service's own form can take the place of any of them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

JSON = dict[str, Any]


class _Message:
    role: ClassVar[str]

    def as_dict(self) -> JSON:
        """Return the message as it is sent: without the fields that are None."""
        sent: JSON = {"role": self.role}
        for name, value in vars(self).items():
            if value is not None:
                sent[name] = list(value) if isinstance(value, tuple) else value
        return sent


@dataclass(frozen=True)
class SystemMessage(_Message):
    """Instructions that hold for the whole conversation."""

    content: str
    role = "system"


class DeveloperMessage(SystemMessage):
    """The system message of newer models, under their name for it."""

    role = "developer"


@dataclass(frozen=True)
class UserMessage(_Message):
    """What the user says: a text, or a list of content items (texts, pictures) as dicts."""

    content: str | Sequence[Mapping[str, Any]]
    role = "user"


@dataclass(frozen=True)
class AssistantMessage(_Message):
    """What the model said earlier. Some services want the text of its reasoning back."""

    content: str | Sequence[Mapping[str, Any]] | None = None
    tool_calls: Sequence[Mapping[str, Any]] = ()
    reasoning_content: str | None = None
    refusal: str | None = None
    role = "assistant"

    def as_dict(self) -> JSON:
        """Return the message as it is sent; some services demand the key ``content``."""
        content = None if self.tool_calls or self.refusal else ""
        sent = {"role": self.role, "content": content, **super().as_dict()}
        if not self.tool_calls:
            del sent["tool_calls"]
        return sent


@dataclass(frozen=True)
class ToolMessage(_Message):
    """The result of one tool call as text, with the id of that call."""

    content: str
    tool_call_id: str
    role = "tool"


Message = SystemMessage | DeveloperMessage | UserMessage | AssistantMessage | ToolMessage


def content_text(content: Any) -> str:
    """Return the text of a message's content; of an item without text, its type in brackets."""
    texts = []
    for item in content if isinstance(content, list | tuple) else [content]:
        fields = item if isinstance(item, Mapping) else {"text": item}
        text, kind = fields.get("text"), fields.get("type") or "no text"
        texts.append(text if isinstance(text, str) else f"({kind})")
    return "" if content is None else "\n".join(texts)


def json_text(value: Any) -> str:
    """Return ``value`` as JSON, so that a field of an unexpected type can be read as text."""
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return "(nested too deeply)"
