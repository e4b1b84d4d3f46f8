"""One HTTP call as it may be shown and stored: known headers only, the credential masked, no host.

What may be kept is named here (an allow-list), so that a header nobody thought of can't leak.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Any

import httpx

KEPT_REQUEST_HEADERS = ("content-type", "accept", "extra-parameters")
KEPT_RESPONSE_HEADERS = (
    "content-type",
    "retry-after",
    "retry-after-ms",
    "x-ms-error-code",
    "x-request-id",
    "apim-request-id",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-remaining-tokens",
    "x-answered-by",
    "x-provoked",
)
REQUEST_ID_HEADERS = ("apim-request-id", "x-request-id")
MASK = "***"
MIN_SECRET_PART = 6
"""So many characters in a row of a key or token are never shown or stored. A shorter key is no
secret but a placeholder (a server on this machine may want one): masking it would spoil words."""

Change = Callable[[str], str]
_LETTER = re.compile(r"\\+u00[2-7][0-9a-fA-F]|.", re.DOTALL)
_HIDING = re.compile(r"\\[^nrtbf]")
"""An escape that may stand for a character of a key; a line end or a tab is in none."""


class Secret(str):
    """A text whose ``repr`` shows nothing: a verbose traceback prints the locals that it meets."""

    def __repr__(self) -> str:
        return repr(MASK)

    def __getitem__(self, at: Any) -> "Secret":  # some show the beginning of a long text
        return Secret(super().__getitem__(at))


@dataclass(frozen=True)
class Exchange:
    """One HTTP call as it went over the wire, the credential masked and the host left out.

    ``target`` is path and query; header names are in lower case; ``response_body`` is a JSON value,
    text where the answer was no JSON, or None for a stream; ``elapsed`` is in seconds.
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

    @property
    def request_id(self) -> str | None:
        """The service's id of this call, which its support will ask for."""
        ids = (self.response_headers.get(name) for name in REQUEST_ID_HEADERS)
        return next(filter(None, ids), None)


def describe(
    request: httpx.Request, response: httpx.Response, elapsed: float, *, stream: bool = False
) -> Exchange:
    """The exchange of ``request`` and ``response``; the body of a ``stream`` is left out."""
    names = KEPT_REQUEST_HEADERS
    sent = {name: value for name, value in request.headers.items() if name in names}
    if "api-key" in request.headers:
        sent["api-key"] = MASK
    if "authorization" in request.headers:
        sent["authorization"] = f"Bearer {MASK}"
    scrub = redactor(request)
    return Exchange(
        method=request.method,
        target=request.url.raw_path.decode("ascii"),
        request_headers=sent,
        request_body=json.loads(request.content),
        status=response.status_code,
        reason=scrub(response.reason_phrase),
        response_headers=kept_headers(response.headers, scrub),
        response_body=None if stream else body_from(_text(response), scrub),
        elapsed=elapsed,
    )


def _text(response: httpx.Response) -> str:
    try:
        return response.text.removeprefix("\ufeff")
    except httpx.ResponseNotRead:  # of an error whose body broke off
        return ""


def kept_headers(headers: httpx.Headers, change: Change) -> dict[str, str]:
    """Those response headers that may be shown and stored, their values changed by ``change``."""
    came = dict(headers.items())
    return {name: change(came[name]) for name in KEPT_RESPONSE_HEADERS if name in came}


def body_from(text: str, change: Change) -> Any:
    """The JSON value in ``text``, or else the text, with ``change`` made to each text in it."""
    try:
        value = json.loads(text)
        # What is not in the text is in no part of it, unless an escape hides it there.
        is_same = not _HIDING.search(text) and change(text) == text
        return value if is_same else map_strings(value, change)
    except (ValueError, RecursionError):
        return change(text)


def map_strings(value: Any, change: Change) -> Any:
    """A JSON value with ``change`` made to each text in it; its numbers stay as they are."""
    if isinstance(value, dict):
        return {change(name): map_strings(item, change) for name, item in value.items()}
    if isinstance(value, list):
        return [map_strings(item, change) for item in value]
    return change(value) if isinstance(value, str) else value


def redactor(request: httpx.Request) -> Change:
    """What masks every part of the key or token of ``request``: some services repeat it.

    Also where JSON escapes stand for its characters: an error may hold JSON in a string.
    """
    size, sent = MIN_SECRET_PART, request.headers
    bearer = Secret(sent.get("authorization", "").removeprefix("Bearer "))
    secret = Secret(sent.get("api-key") or bearer)
    parts = _pieces(secret, size, 1)
    # Four characters at every third place: any six in a row hold one of these whole.
    signs = _pieces(secret, 4, 3)

    def scrub(text: str) -> str:
        is_escaped = "\\u00" in text
        if not is_escaped and len(signs) < len(text) and not any(sign in text for sign in signs):
            return text  # the quick way to see that there is nothing to hide
        letters = _LETTER.findall(text) if is_escaped else text
        plain = "".join(map(_plain, letters)) if is_escaped else text
        found = [i for i in range(len(plain) - size + 1) if plain[i : i + size] in parts]
        if not found:
            return text
        hidden = {i + k for i in found for k in range(size)}
        runs = groupby(range(len(letters)), hidden.__contains__)
        whole = (MASK if hide else "".join(letters[i] for i in run) for hide, run in runs)
        return "".join(whole)

    return scrub


@lru_cache(8)  # a client sends the same secret with every request
def _pieces(secret: Secret, size: int, step: int) -> frozenset[Secret]:
    return frozenset(secret[i : i + size] for i in range(0, len(secret) - size + 1, step))


def _plain(letter: str) -> str:
    """The character that a JSON escape stands for; any other is itself."""
    return chr(int(letter[-4:], 16)) if letter[1:] else letter
