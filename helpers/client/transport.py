"""The network as a transport: directly to this machine, through the system's proxy to any other."""

from __future__ import annotations

import logging
import weakref
from typing import TYPE_CHECKING

import httpx

from helpers.client.errors import ConfigurationError
from helpers.client.redaction import Secret
from helpers.client.routes import Route

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from helpers.client.async_transport import AsyncNetworkTransport


class NetworkTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Send the requests of either client: sync ones over httpx, awaited ones over aiohttp.

    A proxy that can't be used raises ``ConfigurationError``.
    """

    def __init__(self, route: Route) -> None:
        self._trusted = httpx.create_ssl_context()
        try:
            named = _system_proxy(route)
            self._proxy = httpx.Proxy(named) if named else None
            self._sync = httpx.HTTPTransport(self._trusted, proxy=self._proxy)
        except (ValueError, ImportError, httpx.InvalidURL):
            raise _unusable_proxy() from None  # the reason may hold the proxy's password
        self._async: dict[AbstractEventLoop, AsyncNetworkTransport] = {}
        # The finalizer holds the dict only: if it held self, self would never be collected.
        weakref.finalize(self, _abandon, self._async)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request``; the answer's body is still to be read."""
        return self._sync.handle_request(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request`` over the connections of the running event loop."""
        import asyncio  # imported late, like aiohttp: sync programs need not load them

        loop = asyncio.get_running_loop()
        if loop not in self._async:
            from helpers.client.async_transport import AsyncNetworkTransport

            if self._proxy and self._proxy.url.scheme not in ("http", "https"):
                raise _unusable_proxy()
            self._drop_ended_loops()
            self._async[loop] = AsyncNetworkTransport(self._trusted, self._proxy)
        return await self._async[loop].handle_async_request(request)

    def close(self) -> None:
        """Close the connections of the sync client."""
        self._sync.close()

    async def aclose(self) -> None:
        """Close the async client's connections of the running event loop."""
        import asyncio

        self._drop_ended_loops()
        transport = self._async.pop(asyncio.get_running_loop(), None)
        if transport is not None:
            await transport.aclose()

    def _drop_ended_loops(self) -> None:
        for ended in [loop for loop in self._async if loop.is_closed()]:
            self._async.pop(ended).close_at_once()


def _abandon(transports: dict[AbstractEventLoop, AsyncNetworkTransport]) -> None:
    """Close what was not closed before it was collected; aiohttp would log a complaint."""
    if not transports:
        return
    import asyncio

    try:
        here = asyncio.get_running_loop()
    except RuntimeError:
        here = None
    for loop, transport in transports.items():
        if loop.is_running() and loop is not here:
            loop.call_soon_threadsafe(transport.close_at_once)
        else:
            transport.close_at_once()


def _system_proxy(route: Route) -> Secret | None:
    """Return the URL of the proxy that the system names for ``route``. It may hold a password."""
    import urllib.request  # imported late: a replay needs none of it

    if route.is_loopback or urllib.request.proxy_bypass(route.endpoint.host):
        return None
    proxies = urllib.request.getproxies()
    named = proxies.get(route.endpoint.scheme) or proxies.get("all")
    if not named:
        return None
    return Secret(named if "://" in named else f"http://{named}")


def _unusable_proxy() -> ConfigurationError:
    return ConfigurationError(
        "The proxy that this system names can't be used.",
        advice="set HTTPS_PROXY to the form http://HOST:PORT, or unset it.",
    )


def _keep_event_name(record: logging.LogRecord) -> bool:
    record.msg = str(record.msg).split(" ")[0]
    return True


# At DEBUG httpcore logs the head of each answer, in which a service may repeat the key.
logging.getLogger("httpcore.http11").addFilter(_keep_event_name)
