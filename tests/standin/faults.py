"""Every fault has a name. A script names it, or any client asks ``fault: NAME``.

``python -m tests.standin --faults`` prints them as a table.
"""

from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from time import time
from typing import Literal

from tests.standin import replies
from tests.standin.calls import Call
from tests.standin.replies import Reply

Change = Literal[
    "no-choices",
    "unknown-finish-reason",
    "filtered-output",
    "filtered-output-emptied",
    "filter-down",
    "stream-cut",
    "stream-error-chunk",
    "stream-error-event",
    "no-done",
    "no-delta",
    "odd-lines",
]
"""What spoils an answer that is otherwise good (``answers``, ``shapes`` and ``streams`` do it)."""


@dataclass(frozen=True)
class Fault:
    """A way to fail: ``reply`` instead of the answer, or a ``change`` of it.

    ``status`` is the HTTP status (0: there is no answer at all). ``times`` is how often the same
    request fails before it succeeds once; None: for ever.
    """

    name: str
    status: int
    about: str
    reply: Callable[[Call], Reply] | None = None
    change: Change | None = None
    times: int | None = None

    @property
    def is_provoked(self) -> bool:
        """Whether no request brings this about on a healthy deployment, or only a harmful one."""
        passing = self.status in (0, 408, 429) or self.status >= 500
        return passing or self.change is not None or self.name.startswith("content-filter")

    def plays(self, asked: int) -> bool:
        """Whether a request that came ``asked`` times before fails."""
        return self.times is None or asked % (self.times + 1) < self.times


def always(reply: Reply) -> Callable[[Call], Reply]:
    """The same ``reply`` to everyone."""
    return lambda call: reply


def fixed(name: str, reply: Reply, about: str, times: int | None = None) -> Fault:
    """A fault whose reply does not depend on the request."""
    return Fault(name, reply.status, about, always(reply), times=times)


def in_two_seconds(call: Call) -> Reply:
    """The one reply that depends on the clock: a date is of use only if it lies ahead."""
    return replies.rate_limited("", retry_after=formatdate(time() + 2, usegmt=True))


LIMITED = replies.rate_limited
ONE_SECOND = LIMITED(" Please retry after 1 second.", retry_after="1")
TWO_SECONDS = LIMITED(" Please retry after 2 seconds.", retry_after="2", retry_after_ms="2000")
GITHUB_WORDS = (
    "Rate limit of 10 per 60s exceeded for UserByModelByMinute. Please wait 46 seconds before"
    " retrying."
)
GITHUB_LIMIT = replies.answer(
    429,
    {"error": {"code": "RateLimitReached", "message": GITHUB_WORDS, "details": GITHUB_WORDS}},
    retry_after="46",
    x_ms_error_code="RateLimitReached",
    x_ratelimit_type="UserByModelByMinute",
    x_ratelimit_timeremaining="46",
    x_ratelimit_renewalperiod_requests="60",
)
FORBIDDEN = {
    "type": "extra_forbidden",
    "loc": ["body", "user"],
    "msg": "Extra inputs are not permitted",
    "input": "me",
}
FLAT_FILTER = {
    "status": 400,
    "code": "content_filter",
    "message": "The response was filtered",
    "param": "messages",
    "type": None,
}
VLLM = {
    "object": "error",
    "message": f"[{FORBIDDEN}]",
    "type": "BadRequestError",
    "param": None,
    "code": 400,
}
JAMBA = ["Input should be 'user', 'assistant' or 'system'", "Extra inputs are not permitted"]
ONE_PICTURE = VLLM | {"message": "At most 1 image(s) may be provided in one request."}
NO_PICTURE_THERE = "Failed to download the picture from its URL."
TOO_LARGE = "Request body too large for the model. Max size: 8000 tokens."
FIREWALL = "Access denied due to Virtual Network/Firewall rules."
MANAGED_FILTER = "request input violates azure ai content safety setting."
GATEWAY = "Validation error at #/store: Extra inputs are not permitted"
HALF_JSON = b'{"id":"stand-in","object":"chat.completion","choices":[{"index":0,'

TABLE = [
    # Who are you?
    fixed("wrong-key", replies.wrong_key(), "the key is not one of this resource"),
    fixed("wrong-key-serverless", replies.wrong_key_serverless(), "the same, a flat body"),
    fixed("wrong-audience", replies.wrong_audience(), "a token for another audience, a flat body"),
    Fault("echo-key", 401, "the message repeats the key", lambda c: replies.echo_key(c.key)),
    fixed("firewall", replies.error(403, "403", FIREWALL), "the network is not let in"),
    # Where to?
    fixed("wrong-route", replies.no_resource(), "wrong path or api-version: no telling which"),
    Fault("unknown-model", 400, "models route: no such deployment",
          lambda c: replies.unknown_model(c.model)),
    Fault("unknown-model-text", 404, "the same as JSON that is declared to be plain text",
          lambda c: replies.unknown_model_as_text(c.model)),
    fixed("no-model", replies.no_model(), "models route: no model named"),
    fixed("no-deployment", replies.no_deployment(), "v1 route: no such deployment"),
    fixed("not-served", replies.text(404, "NOT FOUND"), "the model has no such route; plain text"),
    fixed("no-serverless", replies.answer(404, {"status": "Serverless endpoint not found"}),
          "no such serverless host, a flat body"),
    # What do you want?
    fixed("extra-not-allowed", replies.extra_not_allowed(["n"]), "extra-parameters is `error`"),
    fixed("extra-header-value", replies.extra_header_value("ignore"), "extra-parameters is odd"),
    fixed("extra-refused", replies.extra_refused("foo", "bar"), "the model refuses: JSON in JSON"),
    fixed("extra-refused-list", replies.answer(422, {"detail": [FORBIDDEN]}), "`detail` is a list"),
    fixed("extra-refused-words", replies.answer(422, {"error": JAMBA}), "`error` is a list"),
    fixed("extra-refused-vllm", replies.answer(400, VLLM), "`code` is a number, nothing nested"),
    fixed("extra-refused-gateway",
          replies.error(400, 400, GATEWAY, requestid="00000000-0000-0000-0000-000000000000"),
          "`code` is a number, with a requestid"),
    fixed("unrecognized-argument", replies.unrecognized(["foo"]), "v1 route: an unknown field"),
    fixed("unsupported-parameter", replies.no_max_tokens(), "use max_completion_tokens"),
    fixed("json-not-asked-for", replies.json_not_asked_for(), "no message has the word JSON"),
    fixed("invalid-input", replies.invalid_input(["temperature"], "too large", 3),
          "`details` is a list"),
    fixed("parameter-not-supported", replies.not_supported("response_format", "json_object"),
          "`detail` is an object"),
    fixed("one-picture", replies.answer(400, ONE_PICTURE), "the model takes a single picture"),
    fixed("picture-not-fetched", replies.openai_error(NO_PICTURE_THERE, "invalid_image_url", None),
          "the service can't get a picture by its URL"),
    fixed("too-large", replies.error(413, "tokens_limit_reached", TOO_LARGE), "the question is"),
    # Not that.
    fixed("content-filter", replies.content_filter(True), "question filtered, with categories"),
    fixed("content-filter-plain", replies.content_filter(False), "the same without categories"),
    fixed("content-filter-flat", replies.answer(400, FLAT_FILTER), "the same, a flat body"),
    fixed("content-filter-managed",
          replies.error(400, "Bad Request", MANAGED_FILTER, status=400), "the same, other words"),
    Fault("filtered-output", 200, "answer filtered on the way", change="filtered-output"),
    Fault("filtered-output-emptied", 200, "the same, but nothing says so",
          change="filtered-output-emptied"),
    Fault("filter-down", 200, "the filter did not run (v1 route)", change="filter-down"),
    # Not now.
    fixed("rate-limited", TWO_SECONDS, "Retry-After and retry-after-ms: 2 s; for ever"),
    fixed("rate-limited-github", GITHUB_LIMIT, "as GitHub Models said it: 46 s; for ever"),
    fixed("rate-limited-silent", LIMITED(""), "nothing says how long; for ever"),
    fixed("retry-after-seconds", ONE_SECOND, "Retry-After: 1; then success", 1),
    Fault("retry-after-date", 429, "Retry-After: a date, 2 s ahead; then success", in_two_seconds,
          times=1),
    fixed("retry-after-ms", LIMITED("", retry_after_ms="50"), "retry-after-ms: 50; success", 1),
    fixed("retry-after-day", LIMITED("", retry_after="86400"), "Retry-After: a day; success", 1),
    fixed("retry-after-zero", LIMITED("", retry_after="0"), "Retry-After: 0; success", 1),
    fixed("retry-after-garbage", LIMITED("", retry_after="soon"), "Retry-After: soon; success", 1),
    fixed("408-once", replies.failed(408), "then success", 1),
    fixed("500-once", replies.failed(500), "then success", 1),
    fixed("502-once", replies.failed(502), "then success", 1),
    fixed("503-once", replies.failed(503), "then success", 1),
    fixed("503-twice", replies.failed(503), "then success", 2),
    fixed("500-always", replies.failed(500), "for ever"),
    fixed("503-always", replies.failed(503), "for ever"),
    # Not even an answer.
    fixed("html-from-proxy-200", replies.proxy_page(200), "a page of HTML, as if all were well"),
    fixed("html-from-proxy-502", replies.proxy_page(502), "a page of HTML"),
    fixed("empty-body", Reply(200, b""), "nothing in it"),
    fixed("not-json", Reply(200, HALF_JSON), "half of a JSON text"),
    fixed("answer-cut", Reply(200, HALF_JSON, breaks="inside"), "connection breaks inside"),
    fixed("no-answer", Reply(0, b"", breaks="before"), "connection closed without an answer"),
    Fault("no-choices", 200, "`choices` is empty", change="no-choices"),
    Fault("unknown-finish-reason", 200, "finish_reason: model_length",
          change="unknown-finish-reason"),
    # A stream that goes wrong; asked for an answer in one part, these give a good one.
    Fault("stream-cut", 200, "connection breaks after 5 pieces", change="stream-cut"),
    Fault("stream-error-chunk", 200, "an `error` instead of piece 6", change="stream-error-chunk"),
    Fault("stream-error-event", 200, "`event: error`, then [DONE]", change="stream-error-event"),
    Fault("no-done", 200, "ends without [DONE]", change="no-done"),
    Fault("no-delta", 200, "late chunks whose choice has no delta", change="no-delta"),
    Fault("odd-lines", 200, "CRLF, comments, no blank after `data:`", change="odd-lines"),
]  # fmt: skip

FAULTS = {fault.name: fault for fault in TABLE}
