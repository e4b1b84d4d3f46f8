"""What both clients share: how a request is built, and what is made of an answer.

Only the waiting between the two differs, and that is what ``client.py`` and ``async_client.py``
hold. Requests go straight to an httpx transport: what ``httpx.Client`` adds (redirects, cookies)
could carry the key elsewhere, and costs more time than all that stands here.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Generic, Literal, Self, TypeVar, cast

import httpx

from helpers.client.auth import check_credential
from helpers.client.errors import ServiceConnectionError, ServiceError, error_for, service_words
from helpers.client.exchange import Exchange, describe
from helpers.client.messages import JSON, Message
from helpers.client.redaction import redactor
from helpers.client.responses import ChatCompletions, ChatResponseMessage
from helpers.client.retry import OnWait, RetryPolicy, asked_wait
from helpers.client.routes import RouteName, route_for
from helpers.client.text import one_line
from helpers.client.transport import NetworkTransport
from helpers.client.validation import check_messages, check_options, to_json

if TYPE_CHECKING:
    from helpers.client.auth import Credential

Messages = Iterable[Message | ChatResponseMessage | Mapping[str, Any]]
Transport = TypeVar("Transport", bound=httpx.BaseTransport | httpx.AsyncBaseTransport)
HEADERS = {
    "content-type": "application/json",
    "accept-encoding": "gzip, deflate",
    "user-agent": "chat-completions-lessons",
}
STREAM = "text/event-stream"


class BaseClient(Generic[Transport]):
    """The settings of a client, as ``ChatCompletionsClient`` describes them."""

    def __init__(
        self,
        endpoint: str,
        credential: Credential | None = None,
        model: str | None = None,
        route: RouteName | None = None,
        *,
        timeout: float = 120.0,
        max_retries: int = 3,
        max_wait: float = 60.0,
        on_wait: OnWait | None = None,
        max_pause: float = math.inf,
        transport: Transport | None = None,
    ) -> None:
        self.endpoint = str(endpoint)  # of a Secret too
        self.route = route_for(endpoint, route)
        check_credential(credential, self.route)
        self.model = model
        self.transport: Transport = transport or cast(Transport, NetworkTransport(self.route))
        self.retry = RetryPolicy(max_retries + 1, max_wait, on_wait, max_pause)
        self._credential = credential
        self._timeouts = httpx.Timeout(timeout, connect=min(timeout, 15.0)).as_dict()
        self._options: JSON = {
            "timeout": timeout,
            "max_retries": max_retries,
            "max_wait": max_wait,
            "on_wait": on_wait,
            "max_pause": max_pause,
        }

    def __repr__(self) -> str:
        return f"{type(self).__name__}(route={self.route.name!r}, model={self.model!r})"

    def with_options(self, **options: Any) -> Self:
        """Return a copy with some options changed: ``timeout``, ``max_retries``, ``max_wait``,
        ``on_wait``, ``max_pause``. It sends through the same transport.
        """
        return type(self)(
            self.endpoint,
            self._credential,
            self.model,
            self.route.name,
            transport=self.transport,
            **{**self._options, **options},
        )

    @property
    def credential_kind(self) -> Literal["key", "token", "none"]:
        """Tell which kind of credential goes with each request, and nothing of what it is."""
        if self._credential is None:
            return "none"
        return "token" if hasattr(self._credential, "get_token") else "key"

    def build_request(
        self, messages: Messages, *, stream: bool = False, **options: Any
    ) -> httpx.Request:
        """Build the request that ``complete`` sends, or ``stream`` if ``stream`` is true.

        The credential is not on it. Raises ``BadParameterError``.
        """
        return self._build(messages, options, stream=stream)

    def _build(self, messages: Messages, options: JSON, *, stream: bool) -> httpx.Request:
        chosen = check_options({"model": self.model, **options}, self.route.name)
        known = {"messages": check_messages(messages), **chosen}
        extra, body = self.route.build({**known, "stream": True} if stream else known)
        headers = {**HEADERS, "accept": STREAM if stream else "application/json", **extra}
        return httpx.Request(
            "POST",
            self.route.url,
            headers=headers,
            content=to_json(body),
            extensions={"timeout": self._timeouts},
        )

    def _judge(self, request: httpx.Request, response: httpx.Response) -> httpx.Response:
        """``response``, if it is an answer of the kind that was asked for; else the error it is."""
        if response.is_success and _is_stream(response) >= _wants_stream(request):
            return response
        exchange = describe(request, response, elapsed_of(response))
        if not response.is_success:
            raise error_for(exchange, asked_wait(response.headers), self.retry.max_wait)
        raise _unusable(
            exchange,
            "A stream was asked for, and something else came.",
            "ask without streaming, or check what stands between you and the service.",
        )


class _Masked(httpx.Headers):
    """Headers whose ``repr`` shows no value: a verbose traceback prints what it meets."""

    def __repr__(self) -> str:
        return f"Headers({list(self)})"


def authorize(request: httpx.Request, headers: Mapping[str, str]) -> None:
    """Put the credential on ``request``, in place of that of an earlier attempt."""
    request.headers = _Masked({**request.headers, **headers})


def translate_error(reason: BaseException, request: httpx.Request) -> BaseException:
    """What to raise when sending fails: for the network's errors a ``ServiceConnectionError``.

    Anything else (Ctrl-C, say) stays what it is, but for the traceback of how it came here: the
    frames of the network's libraries hold the key, and a verbose traceback shows what they hold.
    """
    if not isinstance(reason, httpx.RequestError):
        return reason.with_traceback(None)
    name, says = type(reason).__name__, redactor(request)(str(reason))
    if isinstance(reason, httpx.ProxyError):  # the status, and words that may repeat a password
        says = says.split(" ")[0]
    what = f"{name}: {one_line(says, 300)}."
    if isinstance(reason, httpx.TimeoutException):
        what = f"No answer within the time allowed ({name})."
    return ServiceConnectionError(f"{ServiceConnectionError.summary} {what}")


@contextmanager
def ignore_unreadable_error_body(response: httpx.Response) -> Iterator[None]:
    """An error whose body can't be read is still an error of its status."""
    try:
        yield
    except httpx.RequestError:
        if response.is_success:
            raise


def begin(request: httpx.Request, response: httpx.Response, started: float) -> bool:
    """Prepare an answer whose head has come; True if its body is to be read in pieces."""
    response.extensions.setdefault("elapsed", lambda: time.perf_counter() - started)
    response.encoding = "utf-8"  # as JSON and event streams are, whatever a header says
    # The repr of a response shows its reason phrase, and verbose tracebacks show the repr.
    reason = redactor(request)(response.reason_phrase)
    response.extensions["reason_phrase"] = reason.encode("ascii", "ignore")
    return response.is_success and _wants_stream(request) and _is_stream(response)


def elapsed_of(response: httpx.Response) -> float:
    """Seconds from sending the request to the bytes that came last."""
    return cast(float, response.extensions["elapsed"]())


def read_completion(request: httpx.Request, response: httpx.Response) -> ChatCompletions:
    """The completion in a successful answer. Raises ``ServiceError`` if it holds none."""
    exchange = describe(request, response, elapsed_of(response))
    body = exchange.response_body
    if isinstance(body, dict) and isinstance(body.get("choices"), list):
        # The answer as it was sent: only the exchange has the credential masked.
        return ChatCompletions(json.loads(response.text.removeprefix("\ufeff")), exchange)
    raise _unusable(
        exchange,
        "The answer is no chat completion.",
        "check the endpoint, and what stands between you and it: a proxy, a sign-in page.",
    )


def _wants_stream(request: httpx.Request) -> bool:
    return request.headers["accept"] == STREAM


def _is_stream(response: httpx.Response) -> bool:
    return "event-stream" in response.headers.get("content-type", "").lower()


def _unusable(exchange: Exchange, message: str, advice: str) -> ServiceError:
    words, code = service_words(exchange.response_body)
    return ServiceError(
        message, status=exchange.status, code=code, words=words, advice=advice, exchange=exchange
    )
