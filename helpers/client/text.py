"""Text from elsewhere, made fit to be shown: without harmful characters, and not too long."""

import re
import textwrap

MAX_STRING = 1_000
"""Characters of one string that a display shows; of a longer one it shows start and end."""

# Control characters and lone surrogates (no terminal or file takes them), line separators, and the
# marks that turn the direction of text around (with which text can pose as another).
_HARMFUL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)
_DATA_URL = re.compile(r"data:[\w.+/-]{1,80}(?:;[\w.=+-]{1,80}){0,3},")


def shorten(text: str, limit: int = MAX_STRING) -> str:
    """``text``, or its start and end and how much is missing; of a data URL type and length."""
    address = _DATA_URL.match(text)
    if address:
        return f"{address[0]}… ({len(text):,} characters)"
    if len(text) <= limit:
        return text
    start, end = limit * 2 // 3, limit // 3
    return f"{text[:start]} … ({len(text) - start - end:,} characters left out) … {text[-end:]}"


def sanitize(text: str) -> str:
    """``text`` with harmful characters as JSON escapes: seen, and without effect."""
    text = text.replace("\r\n", "\n")
    return _HARMFUL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def one_line(text: str, limit: int = MAX_STRING) -> str:
    """``text`` on one line, cut and visible."""
    return sanitize(shorten(" ".join(text.split()), limit))


def folded(text: str, width: int) -> str:
    """``text`` in lines of at most ``width`` characters."""
    return "\n".join(textwrap.fill(line, width) for line in text.split("\n"))
