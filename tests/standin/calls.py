"""A request that has passed the checks, and what scripts match it by."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Literal

Route = Literal["models", "v1"]
Json = dict[str, Any]
TOLD = ("system", "developer")
"""The roles whose messages instruct the model."""


def fold(text: str) -> str:
    """Replace every run of white space by one blank."""
    return " ".join(text.split())


def digest(*parts: object) -> str:
    """Return 64 hex digits made of ``parts``; all ids come from them, so they are repeatable."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def items_of(message: Json) -> list[Json]:
    """Return the parts of a message's content; one text may stand for a list of one."""
    content = message.get("content") or ""
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def text_of(message: Json) -> str:
    """Return all text of a message, with the arguments of its tool calls."""
    texts = [item["text"] for item in items_of(message) if item["type"] == "text"]
    arguments = [call["function"]["arguments"] for call in message.get("tool_calls") or ()]
    return " ".join([*texts, *arguments])


def picture_urls(message: Json) -> list[str]:
    """Return the URL of each picture of a message."""
    items = items_of(message)
    return [item["image_url"]["url"] for item in items if item["type"] == "image_url"]


@dataclass(frozen=True)
class Call:
    """One accepted request. ``asked`` is how often the same one was answered before."""

    route: Route
    model: str
    body: Json
    asked: int
    id: str

    @property
    def messages(self) -> list[Json]:
        """The messages of the request."""
        return list(self.body["messages"])

    @property
    def question(self) -> Json:
        """The last user message; if there is none, one without content."""
        users = (said for said in reversed(self.messages) if said["role"] == "user")
        return next(users, {"content": ""})

    @property
    def ask(self) -> str:
        """The text of the last user message, white space folded."""
        return fold(text_of(self.question))

    @property
    def system(self) -> str:
        """The text of the system (or developer) messages."""
        return "\n".join(text_of(said) for said in self.messages if said["role"] in TOLD)

    @property
    def others(self) -> str:
        """The text of every user, assistant and tool message but the last user message."""
        said = [one for one in self.messages if one["role"] not in TOLD]
        return "\n".join(text_of(one) for one in said if one is not self.question)

    @property
    def streams(self) -> bool:
        """Whether the answer is to be streamed."""
        return bool(self.body.get("stream"))

    @property
    def wants_json(self) -> bool:
        """Whether the answer must be JSON."""
        kind = (self.body.get("response_format") or {}).get("type")
        return kind in ("json_object", "json_schema")

    @property
    def named_tool(self) -> str | None:
        """The function that ``tool_choice`` names, or None."""
        choice = self.body.get("tool_choice")
        return str(choice["function"]["name"]) if isinstance(choice, dict) else None

    @property
    def may_call(self) -> bool:
        """Whether the model may answer with calls at all."""
        return bool(self.body.get("tools")) and self.body.get("tool_choice") != "none"
