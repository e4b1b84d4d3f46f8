"""Whole HTTP replies, the frequent shapes of an error, and the exception that carries a reply."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Reply:
    """A whole HTTP answer."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


class RefusedError(Exception):
    """The request gets no answer; ``reply`` says why, as the service would."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply)
        self.reply = reply


def as_bytes(value: Any) -> bytes:
    """Return ``value`` as compact JSON. A lone surrogate, which UTF-8 can't hold, is escaped."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", errors="backslashreplace")


def error(status: int, code: object, message: str, /, **more: Any) -> Reply:
    """Return the shape ``{"error": {"code", "message", ...}}``."""
    return Reply(status, as_bytes({"error": {"code": code, "message": message, **more}}))


def openai_error(message: str, code: str | None, param: str | None) -> RefusedError:
    """Return the refusal in OpenAI's shape, which the v1 route uses."""
    told = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return RefusedError(Reply(400, as_bytes({"error": told})))
