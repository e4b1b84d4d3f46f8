"""The record of an HTTP call, fit to be shown and stored, and how its credential is masked.

It names no host, and only listed headers are kept, because an unknown one could hold anything. The
answer itself stays as it was sent.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

import httpx

KEPT_REQUEST_HEADERS = ("content-type", "accept", "extra-parameters")
KEPT_RESPONSE_HEADERS = (
    "content-type", "retry-after", "retry-after-ms", "x-ms-error-code",
    "x-request-id", "apim-request-id", "x-ratelimit-remaining-requests",
    "x-ratelimit-remaining-tokens", "x-answered-by", "x-provoked",
)  # fmt: skip
MASK = "***"
MIN_SECRET_LENGTH = 8  # a shorter one is a placeholder for a local server, part of other words
TextFilter = Callable[[str], str]


class Secret(str):
    """A string whose ``repr`` is masked, because verbose tracebacks show the ``repr`` of locals."""

    def __repr__(self) -> str:
        return repr(MASK)

    def __getitem__(self, at: Any) -> "Secret":  # rich shows the beginning of a long string
        return Secret(super().__getitem__(at))


def credential_filter(request: httpx.Request) -> TextFilter:
    """Return a function that masks the key or token of ``request`` wherever a text holds it whole.

    Also where some or all of its characters are percent-encoded or JSON escapes.
    """
    bearer = Secret(request.headers.get("authorization", "").removeprefix("Bearer "))
    secret = Secret(request.headers.get("api-key") or bearer)

    def redact(text: str) -> str:
        if len(secret) < MIN_SECRET_LENGTH:
            return text
        if "\\" not in text and "%" not in text:  # no escapes
            return text.replace(secret, MASK)
        return _pattern(secret).sub(MASK, text)

    return redact


@lru_cache(8)  # a client sends the same credential with every request
def _pattern(secret: Secret) -> re.Pattern[str]:
    return re.compile(escaped_pattern(secret))


def escaped_pattern(text: str) -> str:
    r"""Return a pattern for ``text``, each character as it is, as ``\u00XX`` or as ``%XX``.

    JSON in a JSON string doubles the backslashes, encoding twice makes ``%25XX`` of ``%XX``; limits
    of both keep the search linear in a long run of them.
    """

    def any_form(character: str) -> str:
        plain = re.escape(character)
        code = "".join(f"[{d}{d.upper()}]" for d in f"{ord(character):02x}")
        return rf"(?:{plain}|\\{{1,31}}(?:{plain}|u00{code})|%(?:25){{0,7}}{code})"

    return "".join(map(any_form, text))


def map_strings(value: Any, change: TextFilter) -> Any:
    """Return a JSON value with ``change`` applied to each string in it, names included."""
    if isinstance(value, dict):
        return {change(name): map_strings(item, change) for name, item in value.items()}
    if isinstance(value, list):
        return [map_strings(item, change) for item in value]
    return change(value) if isinstance(value, str) else value


def body_from(text: str, change: TextFilter) -> Any:
    """Return the JSON value in ``text``, or the text itself, with ``change`` applied to strings."""
    try:
        return map_strings(json.loads(text), change)
    except (ValueError, RecursionError):
        return change(text)


@dataclass(frozen=True)
class Exchange:
    """One HTTP call as it went over the wire.

    ``target`` is path and query; header names are in lower case; ``response_body`` is a JSON value,
    text if the answer was not JSON, or None for a stream; ``elapsed`` is in seconds.
    """

    method: str
    target: str
    request_headers: dict[str, str]
    request_body: Any
    status: int
    reason: str
    response_headers: dict[str, str]
    response_body: Any
    elapsed: float

    @classmethod
    def from_response(cls, response: httpx.Response, stream_elapsed: float | None = None) -> Self:
        """Return the exchange of ``response``; a stream took ``stream_elapsed`` seconds."""
        request = response.request
        sent = {n: value for n, value in request.headers.items() if n in KEPT_REQUEST_HEADERS}
        for name, shown in (("api-key", MASK), ("authorization", f"Bearer {MASK}")):
            if name in request.headers:
                sent[name] = shown
        redact = credential_filter(request)
        return cls(
            method=request.method,
            target=request.url.raw_path.decode("ascii"),
            request_headers=sent,
            request_body=body_from(request.content.decode(), redact),
            status=response.status_code,
            reason=response.reason_phrase,
            response_headers=kept_headers(response.headers, redact),
            response_body=body_from(_text(response), redact) if stream_elapsed is None else None,
            elapsed=response.extensions["elapsed"]() if stream_elapsed is None else stream_elapsed,
        )

    @property
    def request_id(self) -> str | None:
        """Return the service's id of this call, or None."""
        headers = self.response_headers
        return headers.get("apim-request-id") or headers.get("x-request-id") or None


def _text(response: httpx.Response) -> str:
    try:
        return response.text.removeprefix("\ufeff")
    except httpx.ResponseNotRead:  # the body of an error broke off
        return ""


def kept_headers(headers: httpx.Headers, change: TextFilter) -> dict[str, str]:
    """Return the allow-listed response headers, with ``change`` applied to their values."""
    return {name: change(headers[name]) for name in KEPT_RESPONSE_HEADERS if name in headers}
