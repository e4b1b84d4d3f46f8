"""The real network as a transport: straight to this machine, by the system's proxy to any other."""

import logging
from collections.abc import AsyncIterator, Callable
from typing import cast

import httpx

from helpers.client.errors import ConfigurationError
from helpers.client.redaction import Secret
from helpers.client.routes import Route


class NetworkTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Sends what either client asks it to.

    For calls that are awaited there are as many connections as calls under way, each in a pool of
    its own: the pool of httpx looks at every connection for every other, at every request, and with
    64 of them that takes six times as long as the requests do.

    Raises ``ConfigurationError`` for a proxy that can't be used.
    """

    def __init__(self, route: Route) -> None:
        trusted = httpx.create_ssl_context()
        try:
            proxy = _proxy(route)
            self._plain = httpx.HTTPTransport(trusted, proxy=proxy)
        except (ValueError, ImportError, httpx.InvalidURL):
            raise ConfigurationError(
                "The proxy that this system names can't be used.",
                advice="set HTTPS_PROXY to the form http://HOST:PORT, or unset it.",
            ) from None  # the reason may hold the proxy's password
        self._connect: Callable[[], httpx.AsyncHTTPTransport] = lambda: httpx.AsyncHTTPTransport(
            trusted, proxy=proxy
        )
        self._loop: object = None
        self._all: list[httpx.AsyncHTTPTransport] = []
        self._free: list[httpx.AsyncHTTPTransport] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request``; the answer's body is still to be read."""
        return self._plain.handle_request(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """As ``handle_request``."""
        self._note_loop()
        if not self._free:
            self._free.append(self._connect())
            self._all.append(self._free[-1])
        one = self._free.pop()
        try:
            response = await one.handle_async_request(request)
        except BaseException:
            self._free.append(one)
            raise
        body, free = cast(httpx.AsyncByteStream, response.stream), self._free
        response.stream = _Lent(body, lambda: free.append(one))
        return response

    def close(self) -> None:
        """Close the connections of the client that waits."""
        self._plain.close()

    async def aclose(self) -> None:
        """Close the connections of the client that awaits."""
        self._note_loop()
        for one in self._all:
            await one.aclose()

    def _note_loop(self) -> None:
        """Forget the connections of another event loop: they can be neither used nor closed."""
        import asyncio  # here, because those who never await need not load it

        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop, self._all, self._free = loop, [], []


def _proxy(route: Route) -> Secret | None:
    """The proxy that the system names for ``route``: its URL may hold a password."""
    import urllib.request  # here, because a replay can do without

    if route.is_loopback or urllib.request.proxy_bypass(route.endpoint.host):
        return None
    proxies = urllib.request.getproxies()
    named = proxies.get(route.endpoint.scheme) or proxies.get("all")
    if not named:
        return None
    return Secret(named if "://" in named else f"http://{named}")


def _only_what_happened(record: logging.LogRecord) -> bool:
    record.msg = str(record.msg).split(" ")[0]
    return True


# At DEBUG httpcore logs the head of each answer, and a service may repeat the key in it.
logging.getLogger("httpcore.http11").addFilter(_only_what_happened)


class _Lent(httpx.AsyncByteStream):
    """A body whose connection is given back when it is closed."""

    def __init__(self, body: httpx.AsyncByteStream, give_back: Callable[[], None]) -> None:
        self._body, self._give_back = body, give_back

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._body.__aiter__()

    async def aclose(self) -> None:
        try:
            await self._body.aclose()
        finally:
            self._give_back()
