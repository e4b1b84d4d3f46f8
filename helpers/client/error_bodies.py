"""Read the body of an error: the service's words, its code, and whether a content filter refused.

Services report the same failure in many shapes: ``{"error": {...}}``, a flat
``{"statusCode": 401}``, ``{"detail": [...]}``, JSON inside a string, plain text, a proxy's HTML
page, or nothing. On the ``models`` route two lines of text (a sentence, and the URL of a guide) may
follow the JSON.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from json import JSONDecoder
from typing import Any, NamedTuple

MAX_WORDS = 600
"""Characters of the service's words that an error repeats."""
_MAX_DEPTH = 30
"""Levels of a body that are read."""


class ErrorBody(NamedTuple):
    """What the body of an error says. ``param`` is the parameter that it names."""

    words: str
    code: str | None
    param: str | None
    is_filter_refusal: bool


def read_error(body: Any, code: str | None = None) -> ErrorBody:
    """Return what an error body of any known shape says.

    ``body`` is the parsed JSON, or the text where it was no JSON; ``code`` is the code if the body
    holds none. A code that only repeats the HTTP status tells less than the type beside it, which
    is then returned in its place.

    Codes of content filters: ``content_filter`` (Azure OpenAI, models route),
    ``content_policy_violation`` and ``invalid_prompt`` (OpenAI), ``ResponsibleAIPolicyViolation``
    (often in ``innererror``, beside another code or none), ``SafetyBlockedError`` (MAI).
    """
    words, found = _words(body)
    code = found or code
    param = _inner(_parsed(body)).get("param")
    return ErrorBody(
        words,
        code,
        param if isinstance(param, str) and param else None,
        bool(_FILTER_WORDS.search(words)) or any(map(_is_filter_code, (code, *_codes(body)))),
    )


_FILTER_CODES = {
    *("contentfilter", "contentpolicyviolation", "responsibleaipolicyviolation"),
    *("safetyblocked", "invalidprompt"),
}
_FILTER_WORDS = re.compile(
    r"content management policy|content safety setting|SafetyBlockedError|"
    r"ResponsibleAIPolicyViolation|prompt was flagged|"
    r"(?:prompt|input|content|request) violates (?:\w+ ){0,3}(?:usage|content) (?:polic|guideline)",
    re.IGNORECASE,
)
_REPEATED = ("input", "param", "loc", "ctx", "messages")
"""Fields in which an error repeats the request."""


def _is_filter_code(code: str | None) -> bool:
    return re.sub("[^a-z]", "", (code or "").lower()).removesuffix("error") in _FILTER_CODES


def _codes(value: Any, depth: int = 0) -> Iterator[str]:
    """Yield the codes at any depth of an error body, also in JSON inside a string."""
    value = _parsed(value)
    if depth == _MAX_DEPTH:
        return
    if isinstance(value, list):
        for item in value:
            yield from _codes(item, depth + 1)
    if not isinstance(value, dict):
        return
    for name, item in value.items():
        if name in ("code", "type", "name", "reason", "error") and isinstance(item, str):
            yield item
        if name in ("content_filter_result", "content_filter_results") and _blocks(item):
            yield "content_filter"
        if name not in _REPEATED:
            yield from _codes(item, depth + 1)


def _blocks(result: Any) -> bool:
    verdicts = result.values() if isinstance(result, dict) else ()
    return any(isinstance(one, dict) and one.get("filtered") is True for one in verdicts)


def _parsed(value: Any) -> Any:
    """Return the JSON document that a text begins with; any other value, or text, as it is."""
    if isinstance(value, str) and (text := value.lstrip()).startswith(("{", "[")):
        with suppress(ValueError, RecursionError):
            return JSONDecoder().raw_decode(text)[0]
    return value


def _inner(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        return {}
    return body["error"] if isinstance(body.get("error"), dict) else body


def _code(inner: dict[str, Any]) -> str | None:
    values = (inner.get(name) for name in ("code", "type", "statusCode"))
    codes = [_clip(str(value)) for value in values if value]
    telling = [code for code in codes if code != "error" and not code.isdigit()]
    return next(iter([*telling, *codes]), None)


def _words(body: Any, depth: int = 0) -> tuple[str, str | None]:
    if depth == _MAX_DEPTH:
        return "", None
    if isinstance(body, str):
        parsed = _parsed(body)
        words, code = _words(parsed, depth + 1) if parsed is not body else ("", None)
        return (words, code) if words or code else (_text_words(body), None)
    if isinstance(body, list):
        return _clip("; ".join(filter(None, (_words(item, depth + 1)[0] for item in body)))), None
    if not isinstance(body, dict):
        return "", None
    inner = _inner(body)
    found: list[str] = []
    for key in ("message", "msg", "detail", "details", "error", "status"):
        words = _words(inner.get(key), depth + 1)[0]
        if words and words not in found and (key != "status" or not found):
            found.append(words)
    place = inner.get("loc")
    if isinstance(place, list):  # pydantic's way to say which field
        found.insert(0, ".".join(map(str, place)))
    return _clip(": ".join(found).replace(".: ", ": ")), _code(inner)


def _text_words(text: str) -> str:
    if not text.lstrip().startswith("<"):
        return _clip(text)
    title = re.search(r"<title[^>]*>(.*?)</title>", text[:10_000], re.DOTALL | re.IGNORECASE)
    return f"an HTML page: {_clip(title[1]) if title else 'without a title'}"


def _clip(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= MAX_WORDS else text[:MAX_WORDS] + " …"
