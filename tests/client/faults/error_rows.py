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
from tests.client.faults.row import Failure, Row
from tests.client.faults.said import COMPLETION, GOOD, plain, standin
from tests.client.faults.wire import HERE, End, Reply, as_json, head, whole
from tests.standin.faults import FAULTS

KINDS: dict[int, type[ChatError]] = {
    **dict.fromkeys((400, 413, 422), BadParameterError),
    **dict.fromkeys((401, 403), AuthenticationError),
    404: ModelNotFoundError,
    429: RateLimitError,
    **dict.fromkeys((408, 500, 502, 503, 504), ServiceError),
}
WORDS = "Something is wrong, and this says what."
REFUSED = {
    "detail": [
        {
            "type": "extra_forbidden",
            "loc": ["body", "foo"],
            "msg": "Extra inputs are not permitted",
            "input": "bar",
        }
    ]
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

    def row(shape: str, does: str, reply: Reply, code: str | None, words: str) -> Row:
        expect = Failure(KINDS[status], status, code, words)
        return plain(f"{status} {shape}", does, reply, expect, requests=1)

    def of(value: object) -> Reply:
        return whole(value, status)

    flat = {"statusCode": status, "message": WORDS}
    yield row("flat", '`{"statusCode": …, "message": …}`', of(flat), str(status), WORDS)
    nested = {"error": {"code": "SomeCode", "message": WORDS, "details": None}}
    yield row("nested", '`{"error": {"code": …, "message": …}}`', of(nested), "SomeCode", WORDS)
    inner = {"code": "Invalid input", "message": as_json(REFUSED).decode(), "status": status}
    does = 'The same, and the message is `"{\\"detail\\": [{\\"loc\\": …, \\"msg\\": …}]}"`'
    words = "body.foo: Extra inputs are not permitted"
    yield row("JSON in a string", does, of({"error": inner}), "Invalid input", words)
    text = whole(ENVOY.encode(), status, "text/plain; charset=utf-8")
    yield row("text", "A line of `text/plain`", text, None, ENVOY)
    page = whole(PAGE.format(status).encode(), status, "text/html; charset=utf-8")
    yield row("HTML", "A proxy's page", page, None, f"an HTML page: {status} Error")
    yield row("empty", "No body, no type", whole(b"", status, None), None, "")


EXTRA = "Extra inputs are not permitted"
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
        BadParameterError,
        422,
        "parameter_not_supported",
        "body.response_format",
    ),
    "too-large": (BadParameterError, 413, "tokens_limit_reached", "too large for the model"),
    "content-filter": (ContentFilterError, 400, "content_filter", "content management"),
    "content-filter-plain": (ContentFilterError, 400, "content_filter", "content management"),
    "content-filter-flat": (ContentFilterError, 400, "content_filter", "was filtered"),
    "content-filter-managed": (ContentFilterError, 400, "Bad Request", "content safety setting"),
    "500-always": (ServiceError, 500, "InternalServerError", "The server had an error"),
    "html-from-proxy-502": (ServiceError, 502, None, "an HTML page: 502 Bad Gateway"),
}


def named() -> Iterator[Row]:
    """Shapes that belong to one kind of error: the stand-in knows them."""
    for fault, (kind, status, code, words) in NAMED.items():
        expect = Failure(kind, status, code, words)
        yield standin(fault, FAULTS[fault].about, expect, requests=1)


def odd() -> Iterator[Row]:
    """Errors that come oddly."""

    def row(name: str, does: str, reply: Reply, status: int, words: str = "") -> Row:
        return plain(
            name, does, reply, Failure(KINDS.get(status, ServiceError), status, None, words)
        )

    error = as_json({"error": {"message": WORDS}})
    does = "500 with the error as an event of a stream"
    as_event = whole(b"data: " + error + b"\n\n", 500, "text/event-stream")
    yield row("error as event", does, as_event, 500, WORDS)
    in_list = whole(b"[" + error + b"]", 500)
    yield row("error in a list", '500, `[{"error": …}]`', in_list, 500, WORDS)
    null = whole({"error": None, "message": WORDS}, 500)
    yield row("error is null", '500, `{"error": null, "message": …}`', null, 500, WORDS)
    yield row("error is a text", '503, `{"error": "…"}`', whole({"error": WORDS}, 503), 503, WORDS)
    yield row("null", "500, `null`", whole(None, 500), 500)
    deep = whole(b"[" * 100_000, 500)
    yield row("nested too deeply", "500, a hundred thousand opening brackets", deep, 500, "[[[[")
    yield row("half a JSON", "401, and half of a JSON text", whole(error[:-2], 401), 401, WORDS)
    latin = whole(b"caf\xe9 \xff\xfe", 400, "text/plain")
    yield row("not UTF-8", "400, bytes that are no UTF-8", latin, 400, "caf")
    page = PAGE.format(502).replace("<body>", "<body>" + "<!-- padding -->" * 125_000)
    large = whole(page.encode(), 502, "text/html")
    yield row("large page", "A proxy's page of 2 MB", large, 502, "an HTML page: 502 Error")
    page = PAGE.format(502)
    lies = whole(page.encode(), 502, "text/html", Content_Encoding="gzip")
    yield row("page is not gzip", "502, a page that claims to be compressed, and is not", lies, 502)
    cut = (head(401, Content_Length="900"), error[:40], End.CLOSE)
    yield row("401 cut", "401, and the connection is closed within the body", cut, 401)
    phrase = (b"HTTP/1.1 529 \r\nContent-Length: 0\r\n\r\n",)
    yield row("529", "A status that no standard knows, without a phrase", phrase, 529)


def not_there() -> Iterator[Row]:
    """Neither an answer nor an error."""
    yield Row(
        name="redirect",
        does="307 to another address, where the answer is (ours follows none: the key would go"
        " along)",
        replies=(whole(b"", 307, None, Location=f"{HERE}/there"), whole(COMPLETION)),
        expect=Failure(ServiceError, 307),
        also=GOOD,
    )
    sign_in = whole(PAGE.format("Sign in").encode(), 200, "text/html")
    yield Row(
        name="redirect to sign in",
        does="302 to a page to sign in, as the network of a hotel or of a company does",
        replies=(whole(b"", 302, None, Location=f"{HERE}/sign-in"), sign_in),
        expect=Failure(ServiceError, 302),
    )
    nothing = (b"HTTP/1.1 204 No Content\r\n\r\n",)
    yield plain("204", "No content", nothing, Failure(ServiceError, 204))
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </>; rel=preload\r\n\r\n"
    yield plain("early hints", "103, then the answer", (hints, *whole(COMPLETION)))
