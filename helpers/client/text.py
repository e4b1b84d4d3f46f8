"""Text from the network, made safe to show: without harmful characters, and not too long."""

import re
import textwrap

MAX_STRING = 1_000
"""Characters of one string that a display shows; a longer one is shortened."""

# Control characters, lone surrogates (which can't be encoded), line separators, and the marks that
# change the direction of text (which can disguise it).
_HARMFUL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)
_DATA_URL = re.compile(r"data:[\w.+/-]{1,80}(?:;[\w.=+-]{1,80}){0,3},")


def shorten(text: str, limit: int = MAX_STRING) -> str:
    """Return ``text``, or its start and end if it has over ``limit`` characters.

    Of a data URL, return type and length.
    """
    address = _DATA_URL.match(text)
    if address:
        return f"{address[0]}… ({len(text):,} characters)"
    if len(text) <= limit:
        return text
    start, end = limit * 2 // 3, limit // 3
    return f"{text[:start]} … ({len(text) - start - end:,} characters left out) … {text[-end:]}"


def sanitize(text: str) -> str:
    """Return ``text`` with each harmful character replaced by its JSON escape."""
    text = text.replace("\r\n", "\n")
    return _HARMFUL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def one_line(text: str, limit: int = MAX_STRING) -> str:
    """Return ``text`` on one line, shortened and sanitized."""
    return sanitize(shorten(" ".join(text.split()), limit))


def folded(text: str, width: int) -> str:
    """Return ``text`` in lines of at most ``width`` characters."""
    return "\n".join(textwrap.fill(line, width) for line in text.split("\n"))
