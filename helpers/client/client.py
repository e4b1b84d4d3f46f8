"""Both clients: build a request, send it, retry where that can help, read the answer.

client = ChatCompletionsClient(endpoint, AzureKeyCredential(key), model="my-deployment")
completion = client.complete([UserMessage("Hello!")])
with client.stream([UserMessage("Hello!")]) as stream:
    for update in stream:
        print(update.content, end="")

Requests go straight to an httpx transport, without ``httpx.Client``: its redirects and cookies
could carry the key to another host.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterable, Mapping
from contextlib import aclosing, closing, suppress
from typing import TYPE_CHECKING, Any, Generic, Literal, Self, TypeVar, cast

import httpx

from helpers.client.auth import async_authorize, authorize, check_credential
from helpers.client.error_bodies import error_in
from helpers.client.errors import (
    ChatError,
    ServiceConnectionError,
    ServiceTimeoutError,
    error_for,
    unusable_answer,
)
from helpers.client.exchange import Exchange
from helpers.client.messages import JSON, Message
from helpers.client.redaction import credential_filter, one_line
from helpers.client.responses import ChatCompletions, ChatResponseMessage
from helpers.client.retry import OnWait, RetryPolicy, requested_wait
from helpers.client.routes import RouteName, route_for
from helpers.client.streaming import AsyncCompletionStream, CompletionStream
from helpers.client.transport import NetworkTransport
from helpers.client.validation import check_messages, check_options, to_json

if TYPE_CHECKING:
    from helpers.client.adapter import ParameterAdapter
    from helpers.client.auth import Credential

Messages = Iterable[Message | ChatResponseMessage | Mapping[str, Any]]
Transport = TypeVar("Transport", bound=httpx.BaseTransport | httpx.AsyncBaseTransport)
EVENT_STREAM = "text/event-stream"


class BaseClient(Generic[Transport]):
    """The settings and steps that the sync and the async client share.

    ``ChatCompletionsClient`` describes the arguments.
    """

    def __init__(
        self,
        endpoint: str,
        credential: Credential | None = None,
        model: str | None = None,
        route: RouteName | None = None,
        *,
        timeout: float = 120.0,
        max_retries: int = 3,
        max_retry_after: float = 60.0,
        on_wait: OnWait | None = None,
        max_sleep: float = math.inf,
        allow_http: bool = False,
        adapter: ParameterAdapter | None = None,
        transport: Transport | None = None,
    ) -> None:
        self.endpoint = str(endpoint)  # also where a Secret is given
        self.route = route_for(endpoint, route)
        check_credential(credential, self.route, allow_http=allow_http)
        self.model = model
        self.transport: Transport = transport or cast(Transport, NetworkTransport(self.route))
        self.retry = RetryPolicy(max_retries, max_retry_after, on_wait, max_sleep)
        self._credential = credential
        self._adapter = adapter
        self._timeouts = httpx.Timeout(timeout, connect=min(timeout, 15.0)).as_dict()
        options = {"timeout": timeout, "allow_http": allow_http, "adapter": adapter}
        self._options: JSON = {**options, **vars(self.retry)}

    def __repr__(self) -> str:
        return f"{type(self).__name__}(route={self.route.name!r}, model={self.model!r})"

    @property
    def settings(self) -> JSON:
        """The keyword arguments that make another client like this one, on the same transport."""
        return {
            "endpoint": self.endpoint,
            "credential": self._credential,
            "model": self.model,
            "route": self.route.name,
            "transport": self.transport,
            **self._options,
        }

    def with_options(self, **options: Any) -> Self:
        """Return a copy with some options changed: ``timeout``, ``max_retries``,
        ``max_retry_after``, ``on_wait``, ``max_sleep``. It sends through the same transport, unless
        given another.

        For one call: ``client.with_options(timeout=600).complete(...)``.
        """
        return type(self)(**{**self.settings, **options})

    @property
    def credential_kind(self) -> Literal["key", "token", "none"]:
        """The kind of credential that goes with each request."""
        if self._credential is None:
            return "none"
        return "token" if hasattr(self._credential, "get_token") else "key"

    def build_request(
        self, messages: Messages, *, stream: bool = False, **options: Any
    ) -> httpx.Request:
        """Build the request that ``complete`` sends, or ``stream`` if ``stream`` is true.

        The credential is added when it is sent. Raises ``BadParameterError``.
        """
        return self._build(messages, options, stream=stream)

    def _build(self, messages: Messages, options: JSON, *, stream: bool) -> httpx.Request:
        checked = check_options({"model": self.model, **options}, self.route.name)
        defaults = {"stream": True, **self.route.stream_defaults} if stream else {}
        if "stream_options" in options:  # None leaves it out
            defaults.pop("stream_options", None)
        return self._to_request({"messages": check_messages(messages), **checked, **defaults})

    def _to_request(self, options: JSON) -> httpx.Request:
        if self._adapter is not None:
            options = self._adapter.adapt(options)
        extra_headers, body = self.route.build(options)
        return httpx.Request(
            "POST",
            self.route.url,
            headers={
                "content-type": "application/json",
                "accept-encoding": "gzip, deflate",
                "user-agent": "chat-completions-lessons",
                "accept": EVENT_STREAM if body.get("stream") else "application/json",
                **extra_headers,
            },
            content=to_json(body),
            extensions={"timeout": self._timeouts, "options": options},
        )

    def _next_attempt(
        self, request: httpx.Request, attempt: int, failure: ChatError
    ) -> tuple[httpx.Request, int, float]:
        """Return the request to send next, its number, and the seconds to sleep before it.

        Raises ``failure``, that of attempt number ``attempt``, if there is to be no other.
        """
        options = request.extensions["options"]
        if self._adapter is not None and self._adapter.learn(options, failure):
            return self._to_request(options), attempt, 0.0
        return request, *self.retry.next_attempt(attempt, failure)

    def _check_response(self, response: httpx.Response) -> httpx.Response:
        """Return ``response``; raise a ``ChatError`` if it is not what was asked for."""
        if not response.is_success:
            wait = requested_wait(response.headers)
            raise error_for(Exchange.from_response(response), wait, self.retry.max_retry_after)
        if _wants_stream(response.request) and not _is_stream(response):
            raise unusable_answer(
                Exchange.from_response(response),
                "A stream was asked for, and something else came.",
                "ask without streaming, or check what stands between you and the service.",
            )
        return response


class ChatCompletionsClient(BaseClient[httpx.BaseTransport]):
    """Chat completions on either route.

    ``endpoint`` ends in ``/models`` or ``/openai/v1``, which decides the route; ``route`` names it
    where the URL does not. ``credential`` is an ``AzureKeyCredential``, any ``TokenCredential``, or
    None for a server on this machine. ``model`` is the deployment to ask unless a call names
    another. ``timeout`` is the seconds to wait for the next bytes of an answer.

    A failed call is retried at most ``max_retries`` times, and not at all if the service asks for a
    wait (``Retry-After``) of over ``max_retry_after`` seconds. ``on_wait`` is called before each
    wait; at most ``max_sleep`` seconds of it are slept (0 in a replay). ``allow_http`` allows
    another machine to be asked over plain http, without a credential: anyone on the way can read
    along. ``adapter`` leaves out what a model refuses. ``transport`` sends the requests: a
    recording, say, instead of the network.

    Raises ``ConfigurationError`` if endpoint and credential can't work or would leak the key.
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self.transport.close()

    def complete(self, messages: Messages, **options: Any) -> ChatCompletions:
        """Send ``messages`` and wait for the whole answer.

        ``options``: ``model``, ``temperature``, ``top_p``, ``max_tokens``, ``stop``,
        ``presence_penalty``, ``frequency_penalty``, ``seed``, ``response_format``, ``tools``,
        ``tool_choice``. Any other keyword is an extra parameter, which the model may or may not
        know; ``extra_parameters`` ("pass-through", "drop" or "error") says what the ``models``
        route does with those. None leaves a parameter out. For another time-out, see
        ``with_options``.

        Raises ``BadParameterError`` before anything is sent, or another ``ChatError`` afterwards.
        """
        return _read_completion(self._send(self._build(messages, options, stream=False)))

    def stream(self, messages: Messages, **options: Any) -> CompletionStream:
        """Like ``complete``, but yield the answer in pieces as it arrives.

        Use it in a ``with`` block: entering sends the request, leaving closes the connection.
        """
        return CompletionStream(self._build(messages, options, stream=True), self._send)

    def _send(self, request: httpx.Request) -> httpx.Response:
        attempt = 1
        while True:
            try:
                return self._send_once(request)
            except ChatError as failure:
                request, attempt, pause = self._next_attempt(request, attempt, failure)
            time.sleep(pause)

    def _send_once(self, request: httpx.Request) -> httpx.Response:
        """Make one attempt. The body of a stream is left to be read."""
        try:
            authorize(request, self._credential, self.route)
            started = time.perf_counter()
            response = self.transport.handle_request(request)
            if not _prepare_response(request, response, started):
                with closing(response), _ignore_broken_body(response):
                    response.read()
            return self._check_response(response)
        except BaseException as reason:
            failure = _translate_error(reason, request)
        raise failure  # out here it has no __context__, which would hold the request


class AsyncChatCompletionsClient(BaseClient[httpx.AsyncBaseTransport]):
    """Like ``ChatCompletionsClient``, with ``await``; a token may come from azure.identity.aio.

    Any number of calls may be in flight at once. Limit them (with ``asyncio.Semaphore``, say), or
    the service's rate limit will.
    """

    @classmethod
    def like(cls, client: ChatCompletionsClient) -> Self:
        """Return a client with the settings of ``client``, on the same transport."""
        return cls(**client.settings)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self.transport.aclose()

    async def complete(self, messages: Messages, **options: Any) -> ChatCompletions:
        """Send ``messages`` and wait for the answer; see ``ChatCompletionsClient.complete``."""
        return _read_completion(await self._send(self._build(messages, options, stream=False)))

    def stream(self, messages: Messages, **options: Any) -> AsyncCompletionStream:
        """Like ``complete``, but yield the answer in pieces: use ``async with``."""
        return AsyncCompletionStream(self._build(messages, options, stream=True), self._send)

    async def _send(self, request: httpx.Request) -> httpx.Response:
        import asyncio  # imported late: sync programs need not load it

        attempt = 1
        while True:
            try:
                return await self._send_once(request)
            except ChatError as failure:
                request, attempt, pause = self._next_attempt(request, attempt, failure)
            await asyncio.sleep(pause)

    async def _send_once(self, request: httpx.Request) -> httpx.Response:
        try:
            await async_authorize(request, self._credential, self.route)
            started = time.perf_counter()
            response = await self.transport.handle_async_request(request)
            if not _prepare_response(request, response, started):
                async with aclosing(response):
                    with _ignore_broken_body(response):
                        await response.aread()
            return self._check_response(response)
        except BaseException as reason:
            failure = _translate_error(reason, request)
        raise failure  # out here it has no __context__, which would hold the request


def _translate_error(reason: BaseException, request: httpx.Request) -> BaseException:
    """Map an httpx error to a ``ServiceConnectionError``.

    Any other exception loses its traceback: the frames of the network libraries hold the key, and
    verbose tracebacks print local variables.
    """
    if not isinstance(reason, httpx.RequestError):
        return reason.with_traceback(None)
    name, says = type(reason).__name__, credential_filter(request)(str(reason))
    if isinstance(reason, httpx.ProxyError):  # keep the status; the rest may hold a password
        says = says.split(" ")[0]
    if isinstance(reason, httpx.ReadTimeout | httpx.WriteTimeout):
        seconds = request.extensions["timeout"]["read"]
        return ServiceTimeoutError(f"No answer within the time allowed: {seconds:g} s ({name}).")
    what = f"{name}: {one_line(says, 300)}."
    if isinstance(reason, httpx.TimeoutException):
        what = f"No answer within the time allowed ({name})."
    return ServiceConnectionError(f"{ServiceConnectionError.summary} {what}")


def _ignore_broken_body(response: httpx.Response) -> suppress:
    """Suppress a network error while the body of an HTTP error is read."""
    return suppress(*() if response.is_success else (httpx.RequestError,))


def _prepare_response(request: httpx.Request, response: httpx.Response, started: float) -> bool:
    """Set request, clock and encoding of a response; return whether to read its body in pieces.

    ``extensions["elapsed"]`` becomes a function that returns the seconds since ``started``; a
    replayed response has its own.
    """
    response.request = request
    response.extensions.setdefault("elapsed", lambda: time.perf_counter() - started)
    # As JSON and event streams are, whatever a header says; -sig leaves out a byte order mark.
    response.encoding = "utf-8-sig"
    # The repr of a response shows its reason phrase, and verbose tracebacks show the repr.
    if response.reason_phrase != httpx.codes.get_reason_phrase(response.status_code):
        reason = credential_filter(request)(response.reason_phrase)
        response.extensions["reason_phrase"] = reason.encode("ascii", "ignore")
    return response.is_success and _wants_stream(request) and _is_stream(response)


def _read_completion(response: httpx.Response) -> ChatCompletions:
    """Return the completion in a successful answer. Raises ``ServiceError`` if it holds none."""
    exchange = Exchange.from_response(response)
    body = exchange.response_body
    choices = body.get("choices") if isinstance(body, dict) else None
    if isinstance(choices, list):
        # The answer as it was sent: only the exchange has the credential masked.
        answer = ChatCompletions(json.loads(response.text), exchange)
        if not answer.is_empty or error_in(body) is None:
            return answer
    raise unusable_answer(
        exchange,
        "The answer is no chat completion.",
        "check the endpoint, and what stands between you and it: a proxy, a sign-in page.",
    )


def _wants_stream(request: httpx.Request) -> bool:
    return request.headers["accept"] == EVENT_STREAM


def _is_stream(response: httpx.Response) -> bool:
    return "event-stream" in response.headers.get("content-type", "").lower()
