"""HTTP 200 and no stream: unusual answers, and what is no answer."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

from helpers import ContentFilterError, ServiceConnectionError, ServiceError
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
    completion,
    whole,
)


def rows() -> Iterator[Row]:
    """Yield all rows of this module."""
    return chain(answers(), standin_answers(), encodings(), no_answers())


THOUGHT = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}, {"text": "."}]}
PART = {"type": "text", "text": TEXT}
REASONED, CALLED = Answer((TEXT,), ("stop",), reasoning="Hm."), Answer((TEXT,), ("stop",), (MADE,))
REFUSED = Answer(("",), ("stop",), refusal="No.")


def called(**function: Any) -> dict[str, Any]:
    """Return an answer with one tool call."""
    return completion(TEXT, tool_calls=[{**CALL, "function": {"name": "weather", **function}}])


def choice(**fields: Any) -> dict[str, Any]:
    """Return an answer with one choice."""
    return {"choices": [{"finish_reason": "stop", **fields}]}


ANSWERS: dict[str, tuple[Any, Answer]] = {
    "plain answer": (COMPLETION, GOOD),
    "content is null": (completion(None), Answer(("",), ("stop",))),
    "several choices": (completion("a", "b", "c"), Answer(("a", "b", "c"), ("stop",) * 3)),
    "tool calls": (completion(TEXT, tool_calls=[CALL, {**CALL, "id": "call_2"}]),
                   Answer((TEXT,), ("stop",), (MADE, MADE))),
    "no calls": (completion(TEXT, tool_calls=None), GOOD),
    "bare": ({"choices": [{"message": {"content": TEXT}}]}, Answer((TEXT,), (None,))),
    "message is a text": ({"choices": [{"message": TEXT, "finish_reason": "stop"}]}, GOOD),
    "new fields": ({**completion(TEXT, annotations=[{"new": 1}]), "new": {"a": [1]}}, GOOD),
    "NaN": (as_json(COMPLETION)[:-1] + b',"logprob":-Infinity,"x":NaN}', GOOD),
    "long answer": (completion(LONG), Answer((LONG,), ("stop",))),
    "tokens of other types": ({**COMPLETION, "usage": {"prompt_tokens": 3.0, "total_tokens": "9"}},
                              GOOD),
    "content is a list": (completion(["", PART, {"type": "new"}]), GOOD),
    "a text in an object": (completion([{**PART, "text": {"value": TEXT}}]), GOOD),
    "a text under content": (completion([{"type": "text", "content": TEXT}]), GOOD),
    "a text that is a number": (completion({"text": 5}), Answer(("5",), ("stop",))),
    "text in place of content": (choice(message={"text": TEXT}), GOOD),
    "text in place of a message": (choice(text=TEXT), GOOD),
    "a delta in place of a message": (choice(delta={"content": TEXT}), GOOD),
    "message is a list": (choice(message=[{"content": TEXT}]), GOOD),
    "messages": (choice(messages=[{"content": TEXT}]), GOOD),
    "finish_reason is null as text": (completion(TEXT, finish="null"), Answer((TEXT,), (None,))),
    "an error beside a text": ({**COMPLETION, "error": {"message": "Later."}}, GOOD),
    "empty errors": ({**completion(""), "error": {"code": None, "message": ""}},
                     Answer(("",), ("stop",))),
    "content is an object": (completion({"a": "é"}), Answer(('{"a": "é"}',), ("stop",))),
    "content is a number": (completion(0), Answer(("0",), ("stop",))),
    "tool_calls is one object": (completion(TEXT, tool_calls=CALL), CALLED),
    "tool_calls is a text": (completion(TEXT, tool_calls="weather"),
                             Answer((TEXT,), ("stop",), (("", ""),))),
    "arguments are an object": (called(arguments={"city": "Oslo"}), CALLED),
    "arguments under another name": (
        called(parameters={"city": "Oslo"}),
        Answer((TEXT,), ("stop",), (("weather", '{"parameters": {"city": "Oslo"}}'),))),
    "no arguments": (called(call_id=None), Answer((TEXT,), ("stop",), (("weather", ""),))),
    "reasoning is a value": (completion(TEXT, reasoning={"value": "Hm."}), REASONED),
    "reasoning of a new form": (completion(TEXT, reasoning={"why": 5}),
                                Answer((TEXT,), ("stop",), reasoning='{"why": 5}')),
    "reasoning alone": (completion("", reasoning_content="Hm."),
                        Answer(("",), ("stop",), reasoning="Hm.")),
    "refusal is a reason": (completion(None, refusal={"reason": "No."}), REFUSED),
}  # fmt: skip


def answers() -> Iterator[Row]:
    """Good answers that not every client reads right."""
    for name, (answer, expect) in ANSWERS.items():
        yield plain(name, whole(answer), expect)


def standin_answers() -> Iterator[Row]:
    """Answers that the stand-in knows by name."""
    words = fallback("unknown-finish-reason").texts
    for fault, expect in (
        ("no-choices", Answer()),
        ("unknown-finish-reason", Answer(words, ("model_length",))),
        ("filtered-output", Answer(("This is the stand-",), ("content_filter",))),
        ("filtered-output-emptied", Answer(("",), ("stop",))),
        ("html-from-proxy-200", Failure(ServiceError, 200, words="an HTML page: Sign in")),
        ("empty-body", Failure(ServiceError, 200)),
        ("not-json", Failure(ServiceError, 200, words='{"id":"stand-in"')),
    ):
        yield standin(fault, expect)


def encodings() -> Iterator[Row]:
    """The same answer, compressed or labelled in other ways."""
    body, gz = as_json(COMPLETION), {"Content_Encoding": "gzip"}
    no_utf8 = body.replace("é".encode(), b"\xe9")
    gzipped, deflated = (b"".join(wire.zipped(body, wbits=bits)) for bits in (31, 15))
    for name, reply in (
        ("BOM before JSON", whole(b"\xef\xbb\xbf" + body)),
        ("blank lines first", chunked(b"\n", b"\n\n", body, kind=wire.JSON_TYPE)),
        ("text/plain", whole(body, 200, "text/plain")),
        ("no type", whole(body, 200, None)),
        ("wrong charset", whole(body, 200, "application/json; charset=iso-8859-1")),
        ("gzip", whole(gzipped, **gz)),
        ("deflate", whole(deflated, Content_Encoding="deflate")),
    ):
        yield plain(name, reply)
    expect = Answer((TEXT.replace("é", "\ufffd"),), ("stop",))
    yield plain("not UTF-8, answered", whole(no_utf8), expect)
    yield plain("200, not gzip", whole(body, **gz), Failure(ServiceConnectionError))
    cut = Failure(ServiceError, 200, words='{"id":"000')
    yield plain("200, gzip cut", whole(gzipped[:-60], **gz), cut)


FAILED = {"error": {"code": "ModelError", "message": "The model failed."}}


def no_answers() -> Iterator[Row]:
    """HTTP 200, and no answer in it."""
    for name, body, words, code in (
        ("error", FAILED, "The model failed.", "ModelError"),
        ("error in a choice", choice(**FAILED), "The model failed.", "ModelError"),
        ("error, and an empty choice", {**FAILED, **completion("")}, "The model", "ModelError"),
        ("null", None, "", None),
        ("a text", "Hello", "Hello", None),
        ("choices is null", {"choices": None}, "", None),
        ("choices is an object", {"choices": COMPLETION["choices"][0]}, '{"choices": {', None),
        ("nested too deeply", b'{"choices":' + b"[" * 100_000, '{"choices":[[', None),
    ):
        yield plain(f"200, {name}", whole(body), Failure(ServiceError, 200, code, words))
    filtered = {"prompt_filter_results": [{"content_filter_results": {"hate": {"filtered": True}}}]}
    for name, body, words, code in (
        ("filter in a choice", choice(error={"code": "content_filter"}), "", "content_filter"),
        ("prompt filtered", {"choices": [], **filtered}, '{"choices": []', None),
    ):
        expect = Failure(ContentFilterError, 200, code, words)
        yield plain(f"200, {name}", whole(body), expect)
    expect = Failure(ServiceError, 200, words="data: {")
    yield plain("200, a stream", chunked(*wire.STREAM), expect)
