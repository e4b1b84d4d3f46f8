"""The real network as a transport: straight to this machine, by the system's proxy to any other."""

import httpx

from helpers.errors import ConfigurationError
from helpers.routes import Route

CONNECTIONS = 100
"""Connections at most, and as many kept open: httpx keeps 20, and would open the others anew."""


class Network(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Sends what either client asks it to.

    Raises ``ConfigurationError`` for a proxy that can't be used.
    """

    def __init__(self, route: Route) -> None:
        import urllib.request  # here, because a replay can do without

        proxies = urllib.request.getproxies()
        proxy = proxies.get(route.endpoint.scheme) or proxies.get("all")
        if route.is_loopback or urllib.request.proxy_bypass(route.endpoint.host):
            proxy = None
        if proxy and "://" not in proxy:
            proxy = f"http://{proxy}"
        trusted = httpx.create_ssl_context()
        limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
        try:
            self._plain = httpx.HTTPTransport(trusted, limits=limits, proxy=proxy or None)
            self._async = httpx.AsyncHTTPTransport(trusted, limits=limits, proxy=proxy or None)
        except (ValueError, ImportError, httpx.InvalidURL):
            raise ConfigurationError(
                "The proxy that this system names can't be used.",
                advice="set HTTPS_PROXY to the form http://HOST:PORT, or unset it.",
            ) from None  # the reason may hold the proxy's password

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request``; the answer's body is still to be read."""
        return self._plain.handle_request(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """As ``handle_request``."""
        return await self._async.handle_async_request(request)

    def close(self) -> None:
        """Close the connections of the client that waits."""
        self._plain.close()

    async def aclose(self) -> None:
        """Close the connections of the client that awaits."""
        await self._async.aclose()
