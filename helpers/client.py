"""The client: build a request, send it, try again where that helps, read the answer.

client = ChatCompletionsClient(endpoint, AzureKeyCredential(key), model="my-deployment")
completion = client.complete([UserMessage("Hello!")])
with client.stream([UserMessage("Hello!")]) as stream:
    for update in stream:
        print(update.content, end="")
"""

from __future__ import annotations

import contextlib
import time
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

import httpx

from helpers.credentials import auth_headers, check_credential
from helpers.errors import (
    ConfigurationError,
    ServiceConnectionError,
    ServiceError,
    error_for,
    service_words,
)
from helpers.exchanges import Exchange, describe
from helpers.messages import JSON, Message
from helpers.models import ChatCompletions, ChatResponseMessage
from helpers.parameters import check_messages, check_options, to_json
from helpers.retry import OnWait, asked_wait, retrying
from helpers.routes import Route, RouteName, route_for
from helpers.streaming import CompletionStream

if TYPE_CHECKING:
    from helpers.credentials import Credential

Messages = Iterable[Message | ChatResponseMessage | Mapping[str, Any]]


def network(route: Route) -> httpx.HTTPTransport:
    """The real network: straight to this machine, through the system's proxy to any other.

    Raises ``ConfigurationError`` for a proxy that can't be used.
    """
    proxies = urllib.request.getproxies()
    proxy = proxies.get(route.endpoint.scheme) or proxies.get("all")
    if route.is_loopback or urllib.request.proxy_bypass(route.endpoint.host):
        proxy = None
    if proxy and "://" not in proxy:
        proxy = f"http://{proxy}"
    try:
        return httpx.HTTPTransport(proxy=proxy or None)
    except (ValueError, ImportError, httpx.InvalidURL):
        raise ConfigurationError(
            "The proxy that this system names can't be used.",
            advice="set HTTPS_PROXY to the form http://HOST:PORT, or unset it.",
        ) from None  # the reason may hold the proxy's password


class ChatCompletionsClient:
    """Chat completions on either route.

    ``endpoint`` ends in ``/models`` or ``/openai/v1``; the route is read off it, and ``route``
    names it where the URL does not tell. ``credential`` is an ``AzureKeyCredential``, any
    ``TokenCredential``, or None for a server on this machine. ``model`` is the deployment that is
    asked unless a call names another. ``timeout`` is the seconds to wait for the next bytes of an
    answer. A failed call is tried again at most ``max_retries`` times, and not at all if the
    service asks for a wait of over ``max_wait`` seconds; ``on_wait`` is told before each wait.
    ``transport`` is what sends (a recording instead of the network, say), ``sleep`` what waits.

    Raises ``ConfigurationError`` if endpoint and credential can't work or would leak the key.
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
        max_wait: float = 60.0,
        on_wait: OnWait | None = None,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.endpoint = endpoint
        self.route = route_for(endpoint, route)
        check_credential(credential, self.route)
        self._credential = credential
        self.model = model
        self.transport = transport or network(self.route)
        self._max_wait = max_wait
        self._retries = (max_retries + 1, max_wait, on_wait, sleep)
        # httpx follows no redirects by itself: they could carry the key to another host.
        self._http = httpx.Client(
            transport=self.transport, timeout=httpx.Timeout(timeout, connect=min(timeout, 15.0))
        )

    def __repr__(self) -> str:
        return f"ChatCompletionsClient(route={self.route.name!r}, model={self.model!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def complete(self, messages: Messages, **options: Any) -> ChatCompletions:
        """Send ``messages`` and wait for the whole answer.

        ``options``: ``model``, ``temperature``, ``top_p``, ``max_tokens``, ``stop``,
        ``presence_penalty``, ``frequency_penalty``, ``seed``, ``response_format``, ``tools``,
        ``tool_choice``. Any other keyword is an extra parameter, which the model may or may not
        know; ``extra_parameters`` ("pass-through", "drop" or "error") says what the ``models``
        route does with those. None leaves a parameter out.

        Raises a ``ChatError``: ``BadParameterError`` before sending, or what went wrong after.
        """
        request = self._build(messages, options, stream=False)
        response, elapsed = self._send_until_answered(request)
        return read_completion(describe(request, response, elapsed))

    def stream(self, messages: Messages, **options: Any) -> CompletionStream:
        """As ``complete``, but the answer is handed on in pieces as it arrives.

        Use it in a ``with`` block: entering sends the request, leaving closes the connection.
        """
        request = self._build(messages, options, stream=True)
        return CompletionStream(request, lambda: self._send_until_answered(request)[0])

    def _build(self, messages: Messages, options: JSON, *, stream: bool) -> httpx.Request:
        chosen = check_options({"model": self.model, **options}, self.route.name)
        known = {"messages": check_messages(messages), **chosen}
        headers, body = self.route.build({**known, "stream": True} if stream else known)
        accept = "text/event-stream" if stream else "application/json"
        headers |= {"content-type": "application/json", "accept": accept}
        return self._http.build_request(
            "POST", self.route.url, headers=headers, content=to_json(body)
        )

    def _send_until_answered(self, request: httpx.Request) -> tuple[httpx.Response, float]:
        return retrying(*self._retries)(self._send, request)

    def _send(self, request: httpx.Request) -> tuple[httpx.Response, float]:
        """One attempt: the answer (a stream's unread) and the seconds that it took."""
        request.headers.update(auth_headers(self._credential, self.route))
        streamed = request.headers["accept"] == "text/event-stream"
        started = time.perf_counter()
        try:
            response = self._http.send(request, stream=True)
            clock = lambda: time.perf_counter() - started  # noqa: E731
            response.extensions.setdefault("elapsed", clock)
            is_stream = "event-stream" in response.headers.get("content-type", "")
            if not (streamed and response.is_success and is_stream):
                with contextlib.closing(response):
                    response.read()
        except httpx.RequestError as reason:
            raise ServiceConnectionError(
                f"{ServiceConnectionError.summary} {_in_words(reason)}"
            ) from reason
        elapsed: float = response.extensions["elapsed"]()
        if not response.is_success:
            wait = asked_wait(response.headers)
            raise error_for(describe(request, response, elapsed), wait, self._max_wait)
        if streamed and not is_stream:
            raise _unusable(
                describe(request, response, elapsed),
                "A stream was asked for, and something else came.",
                "ask without streaming, or check what stands between you and the service.",
            )
        return response, elapsed


def read_completion(exchange: Exchange) -> ChatCompletions:
    """The completion in a successful answer. Raises ``ServiceError`` if it holds none."""
    body = exchange.response_body
    if isinstance(body, dict) and isinstance(body.get("choices"), list):
        return ChatCompletions(body, exchange)
    raise _unusable(
        exchange,
        "The answer is no chat completion.",
        "check the endpoint, and what stands between you and it: a proxy, a sign-in page.",
    )


def _unusable(exchange: Exchange, message: str, advice: str) -> ServiceError:
    words, code = service_words(exchange.response_body)
    return ServiceError(
        message, status=exchange.status, code=code, words=words, advice=advice, exchange=exchange
    )


def _in_words(reason: httpx.RequestError) -> str:
    if isinstance(reason, httpx.TimeoutException):
        return f"No answer within the time allowed ({type(reason).__name__})."
    return f"{type(reason).__name__}: {reason}."
