"""HTTP 200 without a stream: answers that are odd but good, and what is no answer."""

import gzip
from collections.abc import Iterator
from itertools import chain
from typing import Any

from helpers import ServiceConnectionError, ServiceError
from tests.client.faults import wire
from tests.client.faults.row import GOOD, Answer, Failure, Row, fallback, plain, standin
from tests.client.faults.wire import (
    CALL,
    COMPLETION,
    LONG,
    MADE,
    TEXT,
    as_json,
    chunked,
    gzipped,
    whole,
)


def rows() -> Iterator[Row]:
    """All of this kind."""
    return chain(odd(), encodings(), useless())


def odd() -> Iterator[Row]:
    """Good answers that not every reader understands."""

    def row(name: str, value: Any, *texts: str, finish: Any = None, calls: Any = ()) -> Row:
        expect = Answer(texts, finish or ("stop",) * len(texts), calls)
        return plain(name, whole(value), expect, requests=1)

    def made(*calls: Any, finish: str = "tool_calls", text: str | None = "") -> Any:
        return wire.completion(text, finish=finish, tool_calls=calls)

    yield row("plain answer", COMPLETION, TEXT)
    yield row("content is null", wire.completion(None), "")
    yield row("several choices", wire.completion("a", "b", "c"), "a", "b", "c")
    two = made(CALL, {**CALL, "id": "call_2"})
    yield row("tool calls", two, "", finish=("tool_calls",), calls=(MADE, MADE))
    cut = {"name": "weather", "arguments": '{"city": "Os'}
    half = made({**CALL, "function": cut}, finish="length", text=None)
    yield row("arguments cut", half, "", finish=("length",), calls=(tuple(cut.values()),))
    yield row("no calls", wire.completion(TEXT, tool_calls=None), TEXT)
    bare = {"choices": [{"message": {"content": TEXT}}]}
    yield row("bare", bare, TEXT, finish=(None,))
    empty = {"choices": [{"message": {"role": "assistant"}, "finish_reason": "stop"}]}
    yield row("no content", empty, "")
    yield row("no message", {"choices": [{"index": 0}]}, "", finish=(None,))
    new = wire.completion(TEXT, annotations=[{"new": True}])
    yield row("new fields", new | {"service_tier": "x", "new": {"a": [1]}}, TEXT)
    yield plain("NaN", whole(as_json(COMPLETION)[:-1] + b',"logprob":-Infinity,"x":NaN}'))
    yield row("long answer", wire.completion(LONG), LONG)
    yield standin("no-choices", Answer())
    words = fallback("unknown-finish-reason").texts
    yield standin("unknown-finish-reason", Answer(words, ("model_length",)))
    yield standin("filtered-output", Answer(("This is the stand-",), ("content_filter",)))
    yield standin("filtered-output-emptied", Answer(("",), ("stop",)))


def encodings() -> Iterator[Row]:
    """The same answer, packed or labelled in other ways."""
    body, gz = as_json(COMPLETION), {"Content_Encoding": "gzip"}
    spoilt = body.replace("é".encode(), b"\xe9")
    marked = Answer((TEXT.replace("é", "\ufffd"),), ("stop",))
    deflated = b"".join(wire.zipped(body, wbits=15))
    zipped = chunked(*wire.zipped(body[:100], body[100:]), kind=wire.JSON_TYPE, **gz)
    for name, reply, expect in (
        ("BOM before JSON", whole(b"\xef\xbb\xbf" + body), GOOD),
        ("blank lines first", chunked(b"\n", b"\n\n", body, kind=wire.JSON_TYPE), GOOD),
        ("bytewise", chunked(*wire.each_byte(body), kind=wire.JSON_TYPE), GOOD),
        ("text/plain", whole(body, 200, "text/plain"), GOOD),
        ("no type", whole(body, 200, None), GOOD),
        ("wrong charset", whole(body, 200, "application/json; charset=iso-8859-1"), GOOD),
        ("not UTF-8, answered", whole(spoilt), marked),
        ("gzip", whole(gzipped(COMPLETION), **gz), GOOD),
        ("deflate", whole(deflated, Content_Encoding="deflate"), GOOD),
        ("gzip in chunks", zipped, GOOD),
    ):
        yield plain(name, reply, expect, requests=1)
    # By the standard two parts in a row are one; httpx reads the first.
    members = b"".join(gzip.compress(part, mtime=0) for part in (body[:99], body[99:]))
    half = Failure(ServiceError, 200, words='{"id":"000')
    yield plain("gzip in two parts", whole(members, **gz), half, also=GOOD)


def useless() -> Iterator[Row]:
    """HTTP 200, and no answer in it."""
    for fault, words in (
        ("html-from-proxy-200", "an HTML page: Sign in to continue"),
        ("empty-body", ""),
        ("not-json", '{"id":"stand-in"'),
    ):
        yield standin(fault, Failure(ServiceError, 200, words=words))
    broken = Failure(ServiceConnectionError)
    yield standin("answer-cut", broken)
    gz = {"Content_Encoding": "gzip"}
    failed = {"error": {"code": "ModelError", "message": "The model failed."}}
    deep = b'{"choices":' + b"[" * 100_000
    for name, reply, words, code in (
        ("error", whole(failed), "The model failed.", "ModelError"),
        ("null", whole(None), "", None),
        ("a list", whole([]), "", None),
        ("a text", whole("Hello"), "Hello", None),
        ("an empty object", whole({}), "", None),
        ("choices is null", whole({"choices": None}), "", None),
        ("nested too deeply", whole(deep), '{"choices":[[', None),
        ("a stream", chunked(*wire.STREAM), "data: {", None),
        ("gzip cut", whole(gzipped(COMPLETION)[:-60], **gz), '{"id":"000', None),
    ):
        yield plain(f"200, {name}", reply, Failure(ServiceError, 200, code, words))
    yield plain("200, not gzip", whole(as_json(COMPLETION), **gz), broken)
