"""Whole HTTP replies, and the two most frequent shapes of an error."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Reply:
    """A whole HTTP answer. ``breaks``: the connection ends inside it."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    reason: str | None = None
    breaks: bool = False


def as_bytes(value: Any) -> bytes:
    """Return ``value`` as compact JSON. A lone surrogate, which UTF-8 can't hold, is escaped."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", errors="backslashreplace")


def error(status: int, code: object, message: str, /, **more: Any) -> Reply:
    """Return the shape ``{"error": {"code", "message", ...}}``."""
    return Reply(status, as_bytes({"error": {"code": code, "message": message, **more}}))


def openai_error(message: str, code: str | None, param: str | None) -> Reply:
    """Return OpenAI's shape of an error, which the v1 route uses."""
    told = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return Reply(400, as_bytes({"error": told}))
