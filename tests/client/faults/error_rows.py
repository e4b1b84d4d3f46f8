"""Errors of the service: every status and shape of body, what is retried, after which wait."""

import json
from collections.abc import Iterator
from itertools import chain
from typing import Any

from helpers import (
    AuthenticationError,
    BadParameterError,
    ChatError,
    ContentFilterError,
    ModelNotFoundError,
    RateLimitError,
    ServiceError,
    StreamInterruptedError,
)
from tests.client.faults.row import BEGUN, GOOD, Failure, Row, plain, standin
from tests.client.faults.wire import (
    COMPLETION,
    HERE,
    PIECES,
    STREAM,
    End,
    Reply,
    as_json,
    chunked,
    head,
    whole,
)

KINDS: dict[int, type[ChatError]] = {
    **dict.fromkeys((400, 413, 418, 422), BadParameterError),
    **dict.fromkeys((401, 403), AuthenticationError),
    **dict.fromkeys((404, 405), ModelNotFoundError),
    **dict.fromkeys((402, 429), RateLimitError),
    **dict.fromkeys((408, 424, 500, 502, 503, 504, 529), ServiceError),
}
EXTRA = "Extra inputs are not permitted"
PAGE = "<!DOCTYPE html>\n<html><head><TITLE lang=en> Bad\nGateway </TITLE></head></html>"


def rows() -> Iterator[Row]:
    """Yield all rows of this module."""
    yield from chain(named(), bodies(), odd(), redirects())
    yield from chain(waits(), retried(), not_retried())


NAMED: dict[str, tuple[type[ChatError], int, str | None, str]] = {
    "wrong-key": (AuthenticationError, 401, "401", "invalid subscription key"),
    "wrong-key-serverless": (AuthenticationError, 401, "401", "Auth token validation failed"),
    "wrong-route": (ModelNotFoundError, 404, "404", "Resource not found"),
    "unknown-model": (ModelNotFoundError, 400, "unknown_model", "Unknown model"),
    "no-model": (ModelNotFoundError, 400, "no_model_name", "No model specified"),
    "no-deployment": (ModelNotFoundError, 404, "DeploymentNotFound", "does not exist"),
    "not-served": (ModelNotFoundError, 404, None, "NOT FOUND"),
    "no-serverless": (ModelNotFoundError, 404, None, "Serverless endpoint not found"),
    "extra-not-allowed": (BadParameterError, 400, None, "Extra parameters ['n']"),
    "extra-refused": (BadParameterError, 422, "Invalid input", f"body.foo: {EXTRA}"),
    "extra-refused-list": (BadParameterError, 422, None, f"body.user: {EXTRA}"),
    "guide-lines": (BadParameterError, 422, None, f"body.max_completion_tokens: {EXTRA}"),
    "extra-refused-words": (BadParameterError, 422, None, EXTRA),
    "extra-refused-vllm": (BadParameterError, 400, "BadRequestError", EXTRA),
    "extra-refused-gateway": (BadParameterError, 400, "400", EXTRA),
    "invalid-input": (BadParameterError, 422, "Invalid input", "body.temperature: too large"),
    "parameter-not-supported": (
        BadParameterError, 422, "parameter_not_supported", "body.response_format"),
    "content-filter": (ContentFilterError, 400, "content_filter", "content management"),
    "content-filter-flat": (ContentFilterError, 400, "content_filter", "was filtered"),
    "content-filter-managed": (ContentFilterError, 400, "Bad Request", "content safety setting"),
    "500-always": (ServiceError, 500, "InternalServerError", "The server had an error"),
    "html-from-proxy-502": (ServiceError, 502, None, "an HTML page: 502 Bad Gateway"),
}  # fmt: skip


def named() -> Iterator[Row]:
    """Errors that the stand-in knows by name."""
    for fault, (kind, status, code, words) in NAMED.items():
        yield standin(fault, Failure(kind, status, code, words))


NETWORK, TOO_LONG, GONE = "calls from this network", "too long for the model", "was retired"
MODEL = "AZURE_INFERENCE_MODEL"
DEEP = json.loads("[" * 400 + "]" * 400)
BODIES: dict[str, tuple[int, Any, str | None, str, str]] = {
    # status, body, code, words, and part of the message
    "details nested deeply": (400, {"error": {"message": "No.", "details": DEEP}}, None, "No.", ""),
    "long": (400, {"error": {"code": "c" * 9_000, "message": "m" * 9_000}},
             "c" * 600 + " …", "m" * 600 + " …", ""),
    "a long title": (400, f"<html><title>{'t' * 9_000}</title>", None, "t" * 600 + " …", ""),
    "details repeat": (404, {"error": {"message": "Unknown X", "details": "Unknown X"}},
                       None, "Unknown X", "says: Unknown X\n"),
    "error a text": (503, {"error": "Wrong."}, None, "Wrong.", ""),
    "error a number": (400, {"error": 5}, None, "5}", ""),
    "a list": (400, [{"message": "Bad"}, "Worse", None], None, "Bad; Worse", ""),
    "null": (500, None, None, "", ""),
    "type, code a number as text": (400, {"error": {"message": "No.", "code": "400",
                                                    "type": "BadRequestError"}},
                                    "BadRequestError", "No.", ""),
    "capitals": (400, {"Error": {"Message": "No.", "Code": "Bad"}}, "Bad", "No.", ""),
    "errors": (400, {"errors": [{"message": "No.", "code": 7}, {"message": "Never."}]},
               "7", "No.; Never.", ""),
    "a reason": (400, {"reason": "No."}, None, "No.", ""),
    "a title": (400, {"title": "No.", "errors": {"messages": ["Missing."]}}, None, "No.", ""),
    "names of OAuth": (400, {"error": "bad", "error_description": "No."}, None, "No: bad", ""),
    "names of its own": (400, {"error_msg": "No.", "error_code": 17}, "17", "No.", ""),
    "words in languages": (400, {"error": {"message": {"en": "No."}}}, None, '"en":', ""),
    "XML": (400, "<?xml version='1.0'?><Error><Code>X</Code><Message>No.</Message></Error>",
            None, "X No.", ""),
    "text before the JSON": (502, 'upstream: {"error": {"code": "Bad", "message": "No."}}',
                             "Bad", "No.", ""),
    "an event": (500, 'event: error\ndata: {"error": {"code": "Bad", "message": "No."}}\n\n',
                 "Bad", "No.", ""),
    "wrong method": (405, "Method Not Allowed", None, "Method", "no such path"),
    "gateway": (504, "Too slow.", None, "Too slow.", "waited too long for the model"),
    "page": (502, PAGE, None, "an HTML page: Bad Gateway", ""),
    "page without a title": (403, "<html><body>x", None, "an HTML page: without a title", NETWORK),
    "half a JSON": (401, '{"error": {"message": "Wr', None, '"Wr', ""),
    "nested too deeply": (500, "[" * 100_000, None, "[[[[", ""),
    "no code": (500, {"error": {"message": "No answer.", "details": "Not rebuilt."}},
                None, "No answer: Not rebuilt.", "again later"),
    "a text": (408, "upstream timed out", None, "upstream timed out", "ask for fewer tokens"),
    "a text, 413": (413, "length limit exceeded", None, "length limit", "smaller pictures"),
}  # fmt: skip

TOLD: dict[str, tuple[int, str | None, str, str]] = {
    # status, code and words of the service, and part of the message; the class is that of the
    # status, or a ModelNotFoundError where the message is about the model
    "a code alone": (400, "Bad", "", "says: (nothing) [Bad]"),
    "no credit": (402, None, "Insufficient Balance", "top up the account"),
    "failed dependency": (424, None, "No.", "The model failed"),
    "firewall": (403, None, "Denied by Virtual Network/Firewall rules.", NETWORK),
    "private": (403, None, "Public access is off. Use a private endpoint.", NETWORK),
    "address": (403, None, "The IP address 192.0.2.1 is not in the list.", NETWORK),
    "blocked": (403, None, "It was temporarily blocked: it violates a policy.", "has blocked this"),
    "context": (400, "context_length_exceeded", "Too long.", TOO_LONG),
    "context, words": (400, None, "Input tokens exceed the limit of 9 tokens.", TOO_LONG),
    "context, 413": (413, "tokens_limit_reached", "Too large.", TOO_LONG),
    "context, vLLM": (400, None, "This model's maximum context length is 9 tokens.", TOO_LONG),
    "context, llama.cpp": (400, "exceed_context_size_error", "9 of 8.", TOO_LONG),
    "gone": (410, None, "Over.", GONE),
    "gone, 404": (404, "DeploymentNotFound", "The model x has been retired.", GONE),
    "gone, by code": (400, "model_decommissioned", "Over.", GONE),
    "deprecated parameter": (400, None, "'functions' is deprecated here.", "leave it out"),
    "no deployment, 400": (400, None, "Could not find an existing deployment.", MODEL),
    "no model, litellm": (400, None, "Invalid model name passed in model=x.", MODEL),
}


def bodies() -> Iterator[Row]:
    """Bodies of errors in every shape, and what the words and the code of one make of it."""
    litellm = {"message": "No connected db.", "type": "no_db_connection", "code": "400"}
    refused = Failure(AuthenticationError, 400, "no_db_connection", "No connected db.")
    yield plain("error: litellm's wrong key", whole({"error": litellm}, 400), refused)
    for name, (status, body, code, words, says) in BODIES.items():
        sent = body.encode() if isinstance(body, str) else as_json(body)
        expect = Failure(KINDS[status], status, code, words, says)
        yield plain(f"error: {name}", whole(sent, status), expect)
    for name, (status, code, words, says) in TOLD.items():
        kind = ModelNotFoundError if says in (GONE, MODEL) else KINDS[status]
        expect = Failure(kind, status, code, words, says)
        body = {"error": {"code": code, "message": words}}
        yield plain(f"error: {name}", whole(body, status), expect)


def odd() -> Iterator[Row]:
    """Errors that are sent in unusual ways."""
    error = as_json({"error": {"message": "Wrong."}})
    for name, reply, status, words in (
        ("not UTF-8", whole(b"caf\xe9 \xff\xfe", 400, "text/plain"), 400, "caf\ufffd"),
        ("not gzip", whole(error, 502, "text/html", Content_Encoding="gzip"), 502, ""),
        ("cut", (head(401, Content_Length="900"), error[:40], End.CLOSE), 401, ""),
        ("in a header", whole(b"", 400, x_ms_error_code="unknown_model"), 400, ""),
    ):
        expect = Failure(KINDS[status], status, None, words)
        if name == "in a header":
            expect = Failure(ModelNotFoundError, 400, "unknown_model")
        yield plain(f"error: {name}", reply, expect)


def redirects() -> Iterator[Row]:
    """Statuses that are neither an answer nor an error. A redirect would take the key along."""
    for status, place in ((307, "there"), (302, "sign-in")):
        replies = whole(b"", status, None, Location=f"{HERE}/{place}"), whole(COMPLETION)
        yield Row(name=f"redirect, {status}", replies=replies, expect=Failure(ServiceError, status))
    yield plain("204", (b"HTTP/1.1 204 No Content\r\n\r\n",), Failure(ServiceError, 204))
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </>; rel=preload\r\n\r\n"
    yield plain("early hints", (hints, *whole(COMPLETION)))


# --- Retries: the waits are in seconds, at least and at most --------------------------------------
OWN, BY_MS, SECOND = (0.5, 1.0), (0.05, 0.05), (1.0, 1.0)
PAST, FAR = "Thu, 01 Jan 2015 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"
WAITS: dict[str, tuple[tuple[float, float], str | None, str | None]] = {
    # the wait, Retry-After, retry-after-ms
    "none": (OWN, None, None),
    "part of a second": ((0.5, 0.5), "0.5", None),
    "negative": (OWN, "-5", "-1"),
    "date in the past": (OWN, PAST, None),
    "date without a zone": (OWN, PAST.replace("GMT", "-0000"), None),
    "date of no year": (OWN, "Wed, 02 Jan 99999 03:04:35 GMT", None),
    "seconds, and ms": (SECOND, "1", "50"),
    "seconds, and more ms": ((2.5, 2.5), "1", "2500"),
    "zero, and ms": (BY_MS, "0", "50"),
    "not a number": (OWN, "nan", "inf"),
    "two numbers": ((2.0, 2.0), "1, 2", None),
    "as long as is allowed": ((60.0, 60.0), "60", None),
    "a little too long": ((61, 61), "61", None),
    "a day": ((86_400, 86_400), "86400", None),
    "a date": ((1e8, 1e10), FAR, None),
}
ANSWERED, STREAMED = whole(COMPLETION), chunked(*STREAM)


def limited(after: str | None, ms: str | None = None) -> Reply:
    """Return a 429 with these headers."""
    headers = {"Retry_After": after, "retry_after_ms": ms}
    sent = {name: value for name, value in headers.items() if value is not None}
    return whole({"error": {"code": "429", "message": "Too many."}}, 429, **sent)


def waits() -> Iterator[Row]:
    """A 429 that asks for a wait in every form, then the answer; or no retry that it allows."""
    for name, wait in (
        ("seconds", SECOND), ("date", (0.5, 2.0)), ("zero", OWN), ("garbage", OWN), ("ms", BY_MS),
    ):  # fmt: skip
        yield standin(f"retry-after-{name}", waits=(wait,), retries=1)
    for name, (wait, *headers) in WAITS.items():
        too_long = Failure(RateLimitError, 429, "429", "Too many.", "than the 60 s allowed", wait)
        expect, waited = (too_long, ()) if wait[0] > 60 else (GOOD, (wait,))
        replies, name = (limited(*headers), ANSWERED), f"Retry-After: {name}"
        yield Row(name=name, replies=replies, expect=expect, waits=waited, retries=1)
    expect = Failure(RateLimitError, 429, "429", "Too many.", "you to wait 7 s", (7, 7))
    yield plain("Retry-After, no retry left", limited("7"), expect)


def retried() -> Iterator[Row]:
    """Failures that are retried: some pass, some stay."""
    more: dict[str, Any] = {"retries": 1, "waits": (OWN,)}
    for status in (408, 500, 502, 503):
        yield standin(f"{status}-once", **more)
    yield standin("503-twice", retries=2, waits=(OWN, (1.0, 1.5)))
    expect = Failure(ServiceError, 503, "ServiceUnavailable", "The service is temporarily unable")
    yield standin("503-always", expect, **more)
    empty, limit = whole(b"", 504), limited(None)
    yield Row(
        name="504 once, streaming", replies=(empty, STREAMED), expect=GOOD, stream=True, **more
    )
    waits = OWN, (1.0, 1.5), (2.0, 2.5), (4.0, 4.5), (8.0, 8.5), (8.0, 8.5)
    expect = Failure(ServiceError, 504)
    yield Row(name="504 for ever", replies=(empty,), expect=expect, retries=6, waits=waits)
    yield Row(name="529 once", replies=(whole(b"", 529, None), ANSWERED), expect=GOOD, **more)
    yield Row(name="reset once", replies=((End.RESET,), ANSWERED), expect=GOOD, **more)
    expect = Failure(RateLimitError, 429, "429", "Too many.")
    yield Row(name="the last failure counts", replies=(empty, limit), expect=expect, **more)


def not_retried() -> Iterator[Row]:
    """Failures that stay, and streams that have begun: another attempt gives another answer."""
    error = {"type": "server_error", "message": "image input is not supported - hint: no mmproj"}
    expect = Failure(BadParameterError, 500, "server_error", "image input", "takes no pictures")
    yield plain("no pictures, llama.cpp", whole({"error": error}, 500), expect, retries=1)
    for status in (307, 400, 401, 402, 403, 404, 405, 409, 413, 422, 424, 431):
        kind = KINDS.get(status, BadParameterError if status > 399 else ServiceError)
        reply = whole(b"", status, None, Retry_After="1")
        expect = Failure(kind, status, retry_after=SECOND)
        yield plain(f"{status}, a retry left", reply, expect, retries=1)
    yield plain("no answer, a retry left", whole(b"fine"), Failure(ServiceError, 200, words="fine"),
                retries=1)  # fmt: skip
    replies = (chunked(*PIECES, end=(End.CLOSE,)), STREAMED)
    expect = Failure(StreamInterruptedError, kept=BEGUN)
    yield Row(
        name="stream: closed, a retry left", replies=replies, stream=True, expect=expect, retries=1
    )
