"""A request that has passed the checks, and what scripts match it by."""

import hashlib
import json
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Route = Literal["models", "v1"]


def fold(text: str) -> str:
    """Replace every run of white space by one blank."""
    return " ".join(text.split())


def digest(*parts: object) -> str:
    """Return 64 hex digits made of ``parts``; all ids come from them, so they are repeatable."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def text_of(message: Mapping[str, Any]) -> str:
    """Return all text of a message, with the arguments of its tool calls."""
    content = message.get("content") or ""
    if not isinstance(content, str):
        content = " ".join(item["text"] for item in content if item["type"] == "text")
    arguments = [call["function"]["arguments"] for call in message.get("tool_calls") or ()]
    return " ".join([content, *arguments])


def picture_names(message: Mapping[str, Any]) -> list[str]:
    """Return the ``picture_name`` of each picture of a message."""
    content = message.get("content")
    urls = [
        item["image_url"]["url"]
        for item in (content if isinstance(content, list) else [])
        if item["type"] == "image_url"
    ]
    return [picture_name(url) for url in urls]


def picture_name(url: str) -> str:
    """Return ``url``, or the SHA-256 of its bytes if it is a data URL."""
    if not url.startswith("data:"):
        return url
    try:
        return hashlib.sha256(b64decode(url.partition(",")[2], validate=True)).hexdigest()
    except Base64Error:
        return ""


@dataclass(frozen=True)
class Call:
    """One accepted request. ``asked`` is how often the same one was answered before."""

    route: Route
    model: str
    body: dict[str, Any]
    asked: int
    id: str

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages of the request."""
        return list(self.body["messages"])

    @property
    def ask_at(self) -> int | None:
        """The index of the last user message."""
        users = [at for at, said in enumerate(self.messages) if said["role"] == "user"]
        return users[-1] if users else None

    @property
    def ask(self) -> str:
        """The text of the last user message, white space folded."""
        return "" if self.ask_at is None else fold(text_of(self.messages[self.ask_at]))

    @property
    def ask_is_last(self) -> bool:
        """Whether nothing follows the last user message: no calls, no tool's answers."""
        return self.ask_at == len(self.messages) - 1

    @property
    def system(self) -> str:
        """The text of the system (or developer) messages."""
        told = [said for said in self.messages if said["role"] in ("system", "developer")]
        return "\n".join(text_of(said) for said in told)

    @property
    def others(self) -> str:
        """The text of every user, assistant and tool message but the last user message."""
        others = [
            text_of(said)
            for at, said in enumerate(self.messages)
            if at != self.ask_at and said["role"] not in ("system", "developer")
        ]
        return "\n".join(others)

    @property
    def pictures(self) -> list[str]:
        """The names of the pictures in the last user message (see ``picture_name``)."""
        return [] if self.ask_at is None else picture_names(self.messages[self.ask_at])

    @property
    def streams(self) -> bool:
        """Whether the answer is to be streamed."""
        return bool(self.body.get("stream"))

    @property
    def wants_json(self) -> bool:
        """Whether the answer must be JSON."""
        return (self.body.get("response_format") or {}).get("type") in (
            "json_object",
            "json_schema",
        )

    @property
    def named_tool(self) -> str | None:
        """The function that ``tool_choice`` names, or None."""
        choice = self.body.get("tool_choice")
        return str(choice["function"]["name"]) if isinstance(choice, dict) else None

    @property
    def may_call(self) -> bool:
        """Whether the model may answer with calls at all."""
        return bool(self.body.get("tools")) and self.body.get("tool_choice") != "none"
