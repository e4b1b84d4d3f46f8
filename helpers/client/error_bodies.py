"""Read the body of an error: the service's words, its code, and whether a content filter refused.

Services report the same failure in many shapes: ``{"error": {...}}``, a flat
``{"statusCode": 401}``, ``{"detail": [...]}``, JSON inside a string or before a sentence, an event
of a stream, plain text, a proxy's HTML page, or nothing. Names are read in lower case.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from json import JSONDecoder
from typing import Any, NamedTuple

from helpers.client.messages import JSON, json_text

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
    """Return what an error body of any known shape says; of one without words and code, its JSON.

    ``body`` is the parsed JSON, or the text where it was no JSON; ``code`` is the code if the body
    holds none.
    """
    part = (isinstance(body, dict) and error_in(body)) or body
    inner = _first(part)
    inner = _first(inner.get("error") or inner.get("errors")) or inner
    words, code = _words(part), _code(inner) or code
    if not (words or code) and isinstance(part, dict | list) and _says_something(part):
        words = _clip(body if isinstance(body, str) else json_text(part))
    is_refusal = re.search(_FILTER_WORDS, words) or any(map(_is_filter_code, (code, *_codes(part))))
    param = inner.get("param") if isinstance(inner.get("param"), str) else None
    return ErrorBody(words, code, param or None, bool(is_refusal))


def error_in(body: JSON) -> JSON | None:
    """Return the part of an answer or of a streamed event that reports an error, or None.

    It reports one if ``error`` or ``errors`` says something, here or in a choice; if its type or
    object is "error"; if ``choices`` is neither a list nor an object; if there are none, and the
    prompt was filtered; or if there is no field ``choices``, and a field for messages has text.
    """
    fields = _fields(body)
    choices = fields.get("choices")
    parts = [_fields(one) for one in (choices if isinstance(choices, list) else [choices])]
    parts += [_fields(one.get(name)) for one in parts for name in ("delta", "message")]
    for part in (fields, *parts):
        if _says_something([part.get("error"), part.get("errors")]):
            return part
    is_error = (
        "error" in (fields.get("type"), fields.get("object"))
        or not isinstance(choices, list | dict | None)
        or (not choices and "content_filter" in _codes(fields.get("prompt_filter_results")))
        or ("choices" not in fields and any(_words(fields.get(name)) for name in _WORDS))
    )
    return body if is_error else None


_FILTER_CODES = {
    *("contentfilter", "responsibleaipolicyviolation"),  # Azure; the second often in innererror
    *("contentpolicyviolation", "invalidprompt", "moderationblocked"),  # OpenAI
    *("safetyblocked", "datainspectionfailed"),  # MAI, Alibaba
}
_FILTER_WORDS = (
    r"(?i)content management policy|content safety setting|SafetyBlockedError|"
    r"ResponsibleAIPolicyViolation|prompt was flagged|content exists risk|"
    r"(?:prompt|input|content|request) violates (?:\w+ ){0,3}(?:usage|content) (?:polic|guideline)"
)
_WORDS = (
    *("message", "msg", "error_message", "error_msg", "error_description"),
    *("detail", "details", "error", "errors"),
)
_CODES = ("code", "type", "statuscode", "error_code")
_PREFIX = re.compile(r"(?:\s*[\w-]+:[^\S\n]*(?:\w+[^\S\n]*\n)?)*\s*")
"""What a gateway writes before the JSON: ``upstream: ``, or the field names of an event."""


def _is_filter_code(code: str | None) -> bool:
    return re.sub("[^a-z]", "", (code or "").lower()).removesuffix("error") in _FILTER_CODES


def _codes(value: Any, within: str = "", depth: int = 0) -> Iterator[str]:
    """Yield the codes at any depth of an error body, also in JSON inside a string.

    What a filter's result calls filtered (or blocked) is a code too.
    """
    value = _parsed(value)
    if depth == _MAX_DEPTH:
        return
    if isinstance(value, list):
        for item in value:
            yield from _codes(item, within, depth + 1)
    for name, item in _fields(value).items():
        if name in ("code", "type", "name", "reason", "error") and isinstance(item, str):
            yield item
        verdicts = ("filtered", "blocked") if within == "content_filters" else ("filtered",)
        if name in verdicts and item in (True, "true"):
            yield "content_filter"
        if name != "input":  # in which pydantic repeats the request
            yield from _codes(item, name, depth + 1)


def _parsed(value: Any) -> Any:
    """Return the JSON document that a text begins with; any other value, or text, as it is."""
    if isinstance(value, str):
        start = _PREFIX.match(value, 0, 200)
        text = value[start.end() :] if start else value
        if text.startswith(("{", "[")):
            with suppress(ValueError, RecursionError):
                return JSONDecoder().raw_decode(text)[0]
    return value


def _fields(value: Any) -> JSON:
    """Return the fields of an object with their names in lower case; of anything else, none."""
    return {n.lower(): item for n, item in value.items()} if isinstance(value, dict) else {}


def _first(value: Any) -> JSON:
    """Return the fields of an object, or of the first one in a list."""
    value = _parsed(value)
    return _fields(next(filter(_fields, value), None) if isinstance(value, list) else value)


def _code(inner: JSON) -> str | None:
    codes = [_clip(str(inner[name])) for name in _CODES if inner.get(name)]
    # A code that only repeats the HTTP status tells less than the type beside it.
    telling = [code for code in codes if code != "error" and not code.isdigit()]
    return next(iter([*telling, *codes]), None)


def _words(body: Any, depth: int = 0) -> str:
    """Return the words in a body, or in a part of it."""
    if depth == _MAX_DEPTH:
        return ""
    if isinstance(body, str):
        parsed = _parsed(body)
        return (_words(parsed, depth + 1) if parsed is not body else "") or _text_words(body)
    if isinstance(body, list):
        return _clip("; ".join(filter(None, (_words(item, depth + 1) for item in body))))
    fields = _fields(body)
    found: list[str] = []
    for name in filter(fields.get, _WORDS):
        words = _words(fields[name], depth + 1)
        if words and words not in found:
            found.append(words)
    place = fields.get("loc")
    if isinstance(place, list):  # pydantic's way to say which field
        found.insert(0, ".".join(map(str, place)))
    return _clip(": ".join(found).replace(".: ", ": "))


def _text_words(text: str) -> str:
    start = text[:10_000]
    if not start.lstrip().startswith("<"):
        return _clip(text)
    title = re.search(r"<title[^>]*>(.*?)</title>", start, re.DOTALL | re.IGNORECASE)
    if not title and not re.search(r"<(?:!doctype )?html", start, re.IGNORECASE):
        return _clip(re.sub(r"<[^<>]*>", " ", start))  # XML
    return f"an HTML page: {_clip(title[1]) if title else 'without a title'}"


def _says_something(value: Any, depth: int = 0) -> bool:
    """Return whether there is a value other than null, 0, false or an empty text in ``value``."""
    if isinstance(value, dict | list) and depth < _MAX_DEPTH:
        inner = value.values() if isinstance(value, dict) else value
        return any(_says_something(one, depth + 1) for one in inner)
    return bool(value)


def _clip(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= MAX_WORDS else text[:MAX_WORDS] + " …"
