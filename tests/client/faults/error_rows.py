"""The service says no: every status in every shape of body, and the shapes that are of one kind."""

from collections.abc import Iterator

from helpers import (
    AuthenticationError,
    BadParameterError,
    ChatError,
    ContentFilterError,
    ModelNotFoundError,
    RateLimitError,
    ServiceError,
)
from tests.client.faults.row import Failure, Row, plain, standin
from tests.client.faults.wire import COMPLETION, HERE, End, as_json, head, whole

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
    yield from not_there()


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
    "extra-refused-vllm": (BadParameterError, 400, "400", EXTRA),
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
