"""HTTP 200 without a stream: answers that are odd but good, and what is no answer."""

import gzip
from collections.abc import Iterator
from typing import Any

from helpers import ServiceConnectionError, ServiceError
from tests.client.faults.retry_rows import STREAMED
from tests.client.faults.row import Answer, Failure, Row
from tests.client.faults.said import (
    CALL,
    COMPLETION,
    GOOD,
    LONG,
    MADE,
    TEXT,
    fallback,
    plain,
    standin,
)
from tests.client.faults.wire import (
    JSON_TYPE,
    Reply,
    as_json,
    chunked,
    completion,
    gzipped,
    whole,
    zipped,
)


def rows() -> Iterator[Row]:
    """All of this kind."""
    yield from odd()
    yield from encodings()
    yield from useless()


def odd() -> Iterator[Row]:
    """Good answers that not every reader understands."""

    def row(name: str, does: str, value: Any, *texts: str, **more: Any) -> Row:
        finish = more.pop("finish", ("stop",) * len(texts))
        return plain(name, does, whole(value), Answer(texts, finish, **more), requests=1)

    yield row("plain answer", "A good answer, for comparison", COMPLETION, TEXT)
    yield row("content is null", "`content` is null.", completion(None), "")
    yield row("several choices", "Three choices", completion("a", "b", "c"), "a", "b", "c")
    calls = completion("", finish="tool_calls", tool_calls=[CALL, {**CALL, "id": "call_2"}])
    ends: dict[str, Any] = {"finish": ("tool_calls",), "calls": (MADE, MADE)}
    yield row("tool calls", "Two tool calls", calls, "", **ends)
    cut = ("weather", '{"city": "Os')
    call = {**CALL, "function": dict(zip(("name", "arguments"), cut, strict=True))}
    ends = {"finish": ("length",), "calls": (cut,)}
    calls = completion(None, finish="length", tool_calls=[call])
    yield row("arguments cut", "Arguments of a call that are no JSON", calls, "", **ends)
    yield row("no calls", "`tool_calls` is null.", completion(TEXT, tool_calls=None), TEXT)
    bare = {"choices": [{"message": {"content": TEXT}}]}
    yield row("bare", "No id, model, usage, index or finish reason", bare, TEXT, finish=(None,))
    empty = {"choices": [{"message": {"role": "assistant"}, "finish_reason": "stop"}]}
    yield row("no content", "A message without `content`", empty, "")
    yield row(
        "no message", "A choice without `message`", {"choices": [{"index": 0}]}, "", finish=(None,)
    )
    new = completion(TEXT, annotations=[{"new": True}]) | {"service_tier": "x", "new": {"a": [1]}}
    yield row("new fields", "Fields that nobody knows yet", new, TEXT)
    numbers = whole(as_json(COMPLETION)[:-1] + b',"logprob":-Infinity,"x":NaN}')
    yield plain("NaN", "`NaN` and `-Infinity` as numbers", numbers)
    yield row("long answer", "A text of 5 MB", completion(LONG), LONG)
    yield standin("no-choices", "`choices` is empty.", Answer())
    words = fallback("unknown-finish-reason").texts
    new_end = Answer(words, ("model_length",))
    yield standin("unknown-finish-reason", "A finish reason that is new", new_end)
    cut_off = Answer(("This is the stand-",), ("content_filter",))
    yield standin("filtered-output", "The filter ends the answer.", cut_off)
    emptied = Answer(("",), ("stop",))
    yield standin("filtered-output-emptied", "The filter empties it, and says nothing.", emptied)


def encodings() -> Iterator[Row]:
    """The same answer, packed or labelled in other ways."""
    body = as_json(COMPLETION)

    def row(name: str, does: str, reply: Reply, expect: Answer = GOOD) -> Row:
        return plain(name, does, reply, expect, requests=1)

    yield row("BOM before JSON", "A byte order mark before the JSON", whole(b"\xef\xbb\xbf" + body))
    blank = chunked(b"\n", b"\n\n", body, kind=JSON_TYPE)
    yield row("blank lines first", "Empty lines keep the connection alive.", blank)
    bytewise = chunked(*(bytes([byte]) for byte in body), kind=JSON_TYPE)
    yield row("bytewise", "A chunk for each byte", bytewise)
    yield row("text/plain", "JSON declared to be plain text", whole(body, 200, "text/plain"))
    yield row("no type", "JSON without a content type", whole(body, 200, None))
    latin = whole(body, 200, "application/json; charset=iso-8859-1")
    yield row("wrong charset", "UTF-8 declared to be Latin-1", latin)
    spoilt = whole(body.replace("é".encode(), b"\xe9"))
    marked = Answer((TEXT.replace("é", "\ufffd"),), ("stop",))
    yield row("not UTF-8, answered", "One byte of the text is no UTF-8.", spoilt, marked)
    gz = {"Content_Encoding": "gzip"}
    yield row("gzip", "Compressed with gzip", whole(gzipped(COMPLETION), **gz))
    deflated = whole(b"".join(zipped(body, wbits=15)), Content_Encoding="deflate")
    yield row("deflate", "Compressed with deflate", deflated)
    pieces = chunked(*zipped(body[:100], body[100:]), kind=JSON_TYPE, **gz)
    yield row("gzip in chunks", "Compressed with gzip, in chunks", pieces)
    members = b"".join(gzip.compress(part, mtime=0) for part in (body[:99], body[99:]))
    does = "Two compressed parts in a row, which by the standard are one (httpx reads the first)"
    half = Failure(ServiceError, 200, words='{"id":"000')
    yield plain("gzip in two parts", does, whole(members, **gz), half, also=GOOD)


def useless() -> Iterator[Row]:
    """HTTP 200, and no answer in it."""

    def row(name: str, does: str, reply: Reply, words: str = "", code: str | None = None) -> Row:
        return plain(f"200, {name}", does, reply, Failure(ServiceError, 200, code, words))

    for fault, does, words in (
        ("html-from-proxy-200", "A proxy's page", "an HTML page: Sign in to continue"),
        ("empty-body", "No body", ""),
        ("not-json", "Half of a JSON text", '{"id":"stand-in"'),
    ):
        yield standin(fault, does, Failure(ServiceError, 200, words=words))
    broken = Failure(ServiceConnectionError)
    yield standin("answer-cut", "The connection is closed within the body.", broken)
    failed = {"error": {"code": "ModelError", "message": "The model failed."}}
    yield row("error", "An error", whole(failed), "The model failed.", "ModelError")
    yield row("null", "The JSON is `null`.", whole(None))
    yield row("a list", "The JSON is a list.", whole([]))
    yield row("a text", "The JSON is a text.", whole("Hello"), "Hello")
    yield row("an empty object", "The JSON is `{}`.", whole({}))
    yield row("choices is null", '`{"choices": null}`', whole({"choices": None}))
    deep = whole(b'{"choices":' + b"[" * 100_000)
    yield row("nested too deeply", "A hundred thousand opening brackets", deep, '{"choices":[[')
    yield row("a stream", "A stream, though none was asked for", STREAMED, "data: {")
    lies = whole(as_json(COMPLETION), Content_Encoding="gzip")
    unreadable = Failure(ServiceConnectionError, says="DecodingError")
    yield plain("200, not gzip", "It claims to be compressed, and is not.", lies, unreadable)
    half = whole(gzipped(COMPLETION)[:-60], Content_Encoding="gzip")
    yield row("gzip cut", "The compressed body is not whole.", half, '{"id":"000')
