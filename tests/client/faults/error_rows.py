"""The service says no: every status in every shape of body, and the shapes that are of one kind."""

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
    ServiceConnectionError,
    ServiceError,
    StreamFilteredError,
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
    event,
    head,
    whole,
)

KINDS: dict[int, type[ChatError]] = {
    **dict.fromkeys((400, 413, 422), BadParameterError),
    **dict.fromkeys((401, 403), AuthenticationError),
    404: ModelNotFoundError,
    429: RateLimitError,
    **dict.fromkeys((408, 500, 502, 503, 504), ServiceError),
}
WORDS = "Something is wrong, and this says what."
EXTRA = "Extra inputs are not permitted"
REFUSED = {
    "detail": [{"type": "extra_forbidden", "loc": ["body", "foo"], "msg": EXTRA, "input": "bar"}]
}
ENVOY = "upstream connect error or disconnect/reset before headers. reset reason: overflow"
PAGE = (
    "<!DOCTYPE html>\n<html><head><title>{0} Error</title></head><body><h1>{0}</h1></body></html>"
)


def rows() -> Iterator[Row]:
    """All of this kind."""
    for status in sorted(KINDS):
        yield from shapes(status)
    yield from named()
    yield from odd()
    yield from not_one_json()
    yield from chain(filtered(), filtered_streams())
    yield from not_there()
    yield from chain(retry_after(), too_long(), again(), never_again())


def shapes(status: int) -> Iterator[Row]:
    """``status`` in every shape that bodies of errors come in."""
    flat = {"statusCode": status, "message": WORDS}
    nested = {"error": {"code": "SomeCode", "message": WORDS, "details": None}}
    inner = {"code": "Invalid input", "message": as_json(REFUSED).decode(), "status": status}
    text = whole(ENVOY.encode(), status, "text/plain; charset=utf-8")
    page = whole(PAGE.format(status).encode(), status, "text/html; charset=utf-8")
    for shape, reply, code, words in (
        ("flat", whole(flat, status), str(status), WORDS),
        ("nested", whole(nested, status), "SomeCode", WORDS),
        (
            "JSON in a string",
            whole({"error": inner}, status),
            "Invalid input",
            f"body.foo: {EXTRA}",
        ),
        ("text", text, None, ENVOY),
        ("HTML", page, None, f"an HTML page: {status} Error"),
        ("empty", whole(b"", status, None), None, ""),
    ):
        yield plain(
            f"{status} {shape}", reply, Failure(KINDS[status], status, code, words), requests=1
        )


NAMED: dict[str, tuple[type[ChatError], int, str | None, str]] = {
    "wrong-key": (AuthenticationError, 401, "401", "invalid subscription key"),
    "wrong-key-serverless": (AuthenticationError, 401, "401", "Auth token validation failed"),
    "wrong-audience": (AuthenticationError, 401, "401", "audience is incorrect"),
    "firewall": (AuthenticationError, 403, "403", "Virtual Network/Firewall"),
    "wrong-route": (ModelNotFoundError, 404, "404", "Resource not found"),
    "unknown-model": (ModelNotFoundError, 400, "unknown_model", "Unknown model"),
    "unknown-model-text": (ModelNotFoundError, 404, "unknown_model", "Unknown model"),
    "no-model": (ModelNotFoundError, 400, "no_model_name", "No model specified"),
    "no-deployment": (ModelNotFoundError, 404, "DeploymentNotFound", "does not exist"),
    "not-served": (ModelNotFoundError, 404, None, "NOT FOUND"),
    "no-serverless": (ModelNotFoundError, 404, None, "Serverless endpoint not found"),
    "extra-not-allowed": (BadParameterError, 400, None, "Extra parameters ['n']"),
    "extra-header-value": (BadParameterError, 400, None, "EXTRA_PARAMETERS option ignore"),
    "extra-refused": (BadParameterError, 422, "Invalid input", f"body.foo: {EXTRA}"),
    "extra-refused-list": (BadParameterError, 422, None, f"body.user: {EXTRA}"),
    "extra-refused-words": (BadParameterError, 422, None, EXTRA),
    "extra-refused-vllm": (BadParameterError, 400, "BadRequestError", EXTRA),
    "extra-refused-gateway": (BadParameterError, 400, "400", EXTRA),
    "invalid-input": (BadParameterError, 422, "Invalid input", "body.temperature: too large"),
    "parameter-not-supported": (
        BadParameterError, 422, "parameter_not_supported", "body.response_format"),
    "too-large": (BadParameterError, 413, "tokens_limit_reached", "too large for the model"),
    "content-filter": (ContentFilterError, 400, "content_filter", "content management"),
    "content-filter-plain": (ContentFilterError, 400, "content_filter", "content management"),
    "content-filter-flat": (ContentFilterError, 400, "content_filter", "was filtered"),
    "content-filter-managed": (ContentFilterError, 400, "Bad Request", "content safety setting"),
    "500-always": (ServiceError, 500, "InternalServerError", "The server had an error"),
    "html-from-proxy-502": (ServiceError, 502, None, "an HTML page: 502 Bad Gateway"),
}  # fmt: skip


def named() -> Iterator[Row]:
    """Shapes that belong to one kind of error: the stand-in knows them."""
    for fault, (kind, status, code, words) in NAMED.items():
        yield standin(fault, Failure(kind, status, code, words), requests=1)


def odd() -> Iterator[Row]:
    """Errors that come oddly."""
    error, page, gz = as_json({"error": {"message": WORDS}}), PAGE.format(502), "gzip"
    large = page.replace("<body>", "<body>" + "<!-- padding -->" * 125_000).encode()
    cut = (head(401, Content_Length="900"), error[:40], End.CLOSE)
    for name, reply, status, words in (
        (
            "error as event",
            whole(b"data: " + error + b"\n\n", 500, "text/event-stream"),
            500,
            WORDS,
        ),
        ("error in a list", whole(b"[" + error + b"]", 500), 500, WORDS),
        ("error is null", whole({"error": None, "message": WORDS}, 500), 500, WORDS),
        ("error is a text", whole({"error": WORDS}, 503), 503, WORDS),
        ("null", whole(None, 500), 500, ""),
        ("nested too deeply", whole(b"[" * 100_000, 500), 500, "[[[["),
        ("half a JSON", whole(error[:-2], 401), 401, WORDS),
        ("not UTF-8", whole(b"caf\xe9 \xff\xfe", 400, "text/plain"), 400, "caf"),
        ("large page", whole(large, 502, "text/html"), 502, "an HTML page: 502 Error"),
        ("page is not gzip", whole(page.encode(), 502, "text/html", Content_Encoding=gz), 502, ""),
        ("401 cut", cut, 401, ""),
        ("529", (b"HTTP/1.1 529 \r\nContent-Length: 0\r\n\r\n",), 529, ""),
    ):
        yield plain(name, reply, Failure(KINDS.get(status, ServiceError), status, None, words))


GUIDE = (
    b"\nSee this guide on what the status means:\nhttps://docs.example/guide#http-status-codes\n"
)
NOT_ONE_JSON: dict[str, tuple[int, Any, type[ChatError], str | None, str, str]] = {
    # status, body, class, code, words, part of the message
    "422 list": (422, REFUSED, BadParameterError, None, f"body.foo: {EXTRA}", "leave it out"),
    "400 vLLM": (
        400, {"object": "error", "message": "No tool.", "type": "BadRequestError", "code": 400},
        BadParameterError, "BadRequestError", "No tool.", "leave it out"),
    "400 llama.cpp": (
        400, {"error": {"code": 400, "type": "exceed_context_size_error", "message": "9 of 8."}},
        BadParameterError, "exceed_context_size_error", "9 of 8.", "too long for the model"),
    "400 with code 422": (
        400, {"error": {"code": "422", "message": "Not for this deployment."}},
        BadParameterError, "422", "Not for this deployment.", "leave it out"),
    "429 RateLimitReached": (
        429, {"error": {"code": "RateLimitReached", "message": "Slower.", "details": "Slower."}},
        RateLimitError, "RateLimitReached", "Slower.", "raise the quota"),
    "500 without a code": (
        500, {"error": {"message": "No answer.", "details": "Not rebuilt."}},
        ServiceError, None, "No answer: Not rebuilt.", "try again later"),
    "410": (410, {"error": {"message": "Over."}}, ModelNotFoundError, None, "Over.", "retired"),
}  # fmt: skip
TEXTS = {
    408: (ServiceError, "upstream timed out", "ask for fewer tokens"),
    413: (BadParameterError, "length limit exceeded", "The request is too large"),
}


def not_one_json() -> Iterator[Row]:
    """The front door of the models route adds two lines of text to a model's errors."""
    for name, (status, body, kind, code, words, says) in NOT_ONE_JSON.items():
        reply = whole(as_json(body) + GUIDE, status)
        yield plain(f"{name}, guide", reply, Failure(kind, status, code, words, says), requests=1)
    for status, (kind, words, says) in TEXTS.items():
        reply = whole(words.encode() + GUIDE, status, "text/plain")
        yield plain(f"{status} text, guide", reply, Failure(kind, status, None, words, says))


POLICY = "Refused. The prompt triggers the content management policy."
INNER = {"innererror": {"code": "ResponsibleAIPolicyViolation"}}
FILTERED: dict[str, tuple[int, Any, str | None]] = {
    "invalid_prompt": (400, {"message": "Refused.", "code": "invalid_prompt"}, "invalid_prompt"),
    "numeric code": (400, {"message": "Refused.", "code": 400, **INNER}, "400"),
    "null code": (400, {"message": "Refused.", "code": None, **INNER}, None),
    "words alone": (403, {"message": POLICY}, None),
    "with 200": (200, {"message": "Refused.", "code": "content_policy_violation"},
                 "content_policy_violation"),
    "nested": (400, {"message": "Refused.", "code": "BadRequest",
                     "details": [{"error": {"code": "content_filter"}}]}, "BadRequest"),
    "JSON in a string": (
        500, {"message": '{"error": {"code": "content_filter", "message": "Refused."}}'}, None),
    "MAI": (400, {"type": "SafetyBlockedError", "message": "Refused."}, "SafetyBlockedError"),
}  # fmt: skip


def filtered() -> Iterator[Row]:
    """A refusal of the content filter, under codes of many kinds."""
    for name, (status, error, code) in FILTERED.items():
        expect = Failure(ContentFilterError, status, code, "Refused.")
        more: dict[str, Any] = {"retries": 1, "requests": 1}
        for stream in (False, True):
            row = f"filtered: {name}{', streaming' if stream else ''}"
            yield plain(row, whole({"error": error}, status), expect, stream=stream, **more)


def filtered_streams() -> Iterator[Row]:
    """The same as an event of a stream, which keeps what came before."""
    for name, (_, error, code) in FILTERED.items():
        expect = Failure(StreamFilteredError, None, code, "Refused.", kept=BEGUN)
        reply = chunked(*PIECES, event({"error": error}), event(b"[DONE]"))
        yield plain(f"stream: filtered, {name}", reply, expect, stream=True, requests=1)


def not_there() -> Iterator[Row]:
    """Neither an answer nor an error. No redirect is followed: the key would go along."""
    moved = whole(b"", 307, None, Location=f"{HERE}/there"), whole(COMPLETION)
    yield Row(name="redirect", replies=moved, expect=Failure(ServiceError, 307))
    page = whole(PAGE.format("Sign in").encode(), 200, "text/html")
    moved = whole(b"", 302, None, Location=f"{HERE}/sign-in"), page
    yield Row(name="redirect to sign in", replies=moved, expect=Failure(ServiceError, 302))
    yield plain("204", (b"HTTP/1.1 204 No Content\r\n\r\n",), Failure(ServiceError, 204))
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </>; rel=preload\r\n\r\n"
    yield plain("early hints", (hints, *whole(COMPLETION)))


# --- Not now: what the service asks to wait, and whether asking again helps ----------------------
LIMIT = "Too many tokens in a minute."
OWN, BY_MS, SECOND = (0.5, 1.0), (0.05, 0.05), (1.0, 1.0)
"""Seconds, at least and at most: the client's own before a first repetition, 50 ms, 1 s."""
DAY, CENTURY = (86_400.0, 86_400.0), (1e8, 1e10)
PAST, FAR = "Thu, 01 Jan 2015 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"
ANSWERED, STREAMED = whole(COMPLETION), chunked(*STREAM)
ONCE_MORE: dict[str, Any] = {"retries": 1, "slow": True}


def limited(**headers: str) -> Reply:
    """A 429 with ``headers``."""
    return whole({"error": {"code": "429", "message": LIMIT}}, 429, **headers)


def retry_after() -> Iterator[Row]:
    """``Retry-After`` in every form, with and without ``retry-after-ms``, then the answer."""
    more: dict[str, Any] = {"requests": 2, **ONCE_MORE}
    for name, wait in (
        ("seconds", SECOND), ("date", (0.5, 2.0)), ("zero", OWN), ("garbage", OWN),
        ("ms", BY_MS),
    ):  # fmt: skip
        yield standin(f"retry-after-{name}", name=f"Retry-After: {name}", waits=(wait,), **more)
    ms = {"retry_after_ms": "50"}
    forms: list[tuple[str, tuple[float, float], dict[str, str]]] = [
        ("none", OWN, {}),
        ("negative", OWN, {"Retry_After": "-5"}),
        ("date in the past", OWN, {"Retry_After": PAST}),
        ("seconds, and ms", SECOND, {"Retry_After": "1", **ms}),
        ("date, and ms", BY_MS, {"Retry_After": PAST, **ms}),
        ("zero, and ms", BY_MS, {"Retry_After": "0", **ms}),
        ("negative, and ms", BY_MS, {"Retry_After": "-5", **ms}),
        ("garbage, and ms", BY_MS, {"Retry_After": "soon", **ms}),
        ("seconds, ms garbage", SECOND, {"Retry_After": "1", "retry_after_ms": "soon"}),
        ("seconds, ms zero", SECOND, {"Retry_After": "1", "retry_after_ms": "0"}),
        ("ms zero", OWN, {"retry_after_ms": "0"}),
        ("not a number", OWN, {"Retry_After": "nan", "retry_after_ms": "-1"}),
        ("two numbers", (2.0, 2.0), {"Retry_After": "1, 2"}),
    ]
    for name, wait, headers in forms:
        replies = (limited(**headers), ANSWERED)
        name = f"Retry-After: {name}"
        yield Row(name=name, replies=replies, expect=GOOD, waits=(wait,), **more)


def too_long() -> Iterator[Row]:
    """A wait that nobody sits out: the error comes at once."""
    day_ms = {"retry_after_ms": "86400000"}
    forms: list[tuple[str, tuple[float, float], dict[str, str]]] = [
        ("a day", DAY, {"Retry_After": "86400"}),
        ("a day, and ms", DAY, {"Retry_After": "86400", **day_ms}),
        ("a day in ms", DAY, day_ms),
        ("date in 2100", CENTURY, {"Retry_After": FAR}),
    ]
    for name, wait, headers in forms:
        says = "longer than the 60 s"
        expect = Failure(RateLimitError, 429, "429", LIMIT, says=says, retry_after=wait)
        replies, name = (limited(**headers), ANSWERED), f"Retry-After: {name}"
        yield Row(name=name, replies=replies, expect=expect, requests=1, **ONCE_MORE)
    seven = Failure(RateLimitError, 429, "429", LIMIT, retry_after=(7, 7))
    for stream in (False, True):
        name = f"Retry-After, no try left{', streaming' if stream else ''}"
        replies = (limited(Retry_After="7"),)
        yield Row(name=name, replies=replies, expect=seven, stream=stream, requests=1)


def again() -> Iterator[Row]:
    """A failure that passes: the answer comes to the one who asks again."""
    more: dict[str, Any] = {**ONCE_MORE, "waits": (OWN,), "requests": 2}
    for status in (408, 500, 502, 503):
        yield standin(f"{status}-once", name=f"{status} once", **more)
    twice = {**more, "retries": 2, "waits": (OWN, (1.0, 1.5)), "requests": 3}
    yield standin("503-twice", name="503 twice", **twice)
    words = "The service is temporarily unable"
    expect = Failure(ServiceError, 503, "ServiceUnavailable", words)
    yield standin("503-always", expect, name="503 for ever", **more)
    empty, failed = whole(b"", 504), Failure(ServiceConnectionError)
    yield Row(name="504 once", replies=(empty, ANSWERED), expect=GOOD, **more)
    streaming = {"replies": (empty, STREAMED), "stream": True, **more}
    yield Row(name="504 once, streaming", expect=GOOD, **streaming)
    yield Row(name="reset once", replies=((End.RESET,), ANSWERED), expect=GOOD, **more)
    yield Row(name="reset for ever", replies=((End.RESET,),), expect=failed, **more)


def never_again() -> Iterator[Row]:
    """A failure that stays: asking again is of no use, or would be wrong."""
    more: dict[str, Any] = {**ONCE_MORE, "requests": 1}
    for fault, kind, status, code, words in (
        ("wrong-key", AuthenticationError, 401, "401", "Access denied"),
        ("invalid-input", BadParameterError, 422, "Invalid input", "invalid input error"),
        ("content-filter", ContentFilterError, 400, "content_filter", "The response was filtered"),
    ):
        expect = Failure(kind, status, code, words)
        yield standin(fault, expect, name=f"{fault}, one try left", **more)
    # A stream breaks after its first words: another try would give another answer.
    replies = (chunked(*PIECES, end=(End.CLOSE,)), STREAMED)
    expect = Failure(StreamInterruptedError, kept=BEGUN)
    name = "stream: closed, one try left"
    yield Row(name=name, replies=replies, stream=True, expect=expect, **more)
