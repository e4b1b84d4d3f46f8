"""Text made fit to be shown and stored: without the credential, harmful characters, or excess."""

import json
import re
import textwrap
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import httpx

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
        if "%" not in text and not re.search(r"\\[^n]", text):  # no escape but of a line end
            return text.replace(secret, MASK)
        return re.sub(escaped_pattern(secret), MASK, text)

    return redact


@lru_cache(8)  # a client sends the same credential with every request
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
        value = json.loads(text)
        # Most texts hold nothing to change, and no escape in which that could hide.
        is_clean = change(text) == text and not re.search(r'\\[^n"]', text)
        return value if is_clean else map_strings(value, change)
    except (ValueError, RecursionError):
        return change(text)


MAX_STRING = 1_000
"""Characters of one string that a display shows; a longer one is shortened."""

# Control characters, lone surrogates (which can't be encoded), line separators, and the marks that
# change the direction of text (which can disguise it).
_HARMFUL = (
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e"
    "\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)
_DATA_URL = re.compile(r"data:[\w.+/-]{1,80}(?:;[\w.=+-]{1,80}){0,3},")


def shorten(text: str, limit: int = MAX_STRING) -> str:
    """Return ``text``, or its start and end if it has over ``limit`` characters.

    That is not done where it would make the text longer. Of a data URL, return type and length.
    """
    address = _DATA_URL.match(text)
    if address:
        return f"{address[0]}… ({len(text):,} characters)"
    start, end = limit * 2 // 3, limit // 3
    left_out = len(text) - start - end
    short = f"{text[:start]} … ({left_out:,} characters left out) … {text[-end:]}"
    return min(text, short, key=len)


def sanitize(text: str) -> str:
    """Return ``text`` with each harmful character replaced by its JSON escape."""
    text = text.replace("\r\n", "\n")
    return re.sub(_HARMFUL, lambda found: f"\\u{ord(found[0]):04x}", text)


def one_line(text: str, limit: int = MAX_STRING) -> str:
    """Return ``text`` on one line, shortened and sanitized."""
    return sanitize(shorten(" ".join(text.split()), limit))


def folded(text: str, width: int) -> str:
    """Return ``text`` in lines of at most ``width`` characters."""
    return "\n".join(textwrap.fill(line, width) for line in text.split("\n"))
