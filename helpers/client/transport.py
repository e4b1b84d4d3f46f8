"""The network as a transport: directly to this machine, through the system's proxy to any other."""

from __future__ import annotations

import logging
import os
import re
import ssl
import urllib.request
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING

import httpx

from helpers.client.errors import ConfigurationError
from helpers.client.redaction import Secret
from helpers.client.routes import Route

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop


class NetworkTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Send the requests of either client: sync ones over httpx, awaited ones over aiohttp.

    Through a SOCKS proxy, which aiohttp can't use, awaited ones go over httpx too.

    Raises ``ConfigurationError``, which names the proxy's or certificates' setting that can't work.
    """

    def __init__(self, route: Route) -> None:
        self._proxy = _system_proxy(route)
        schemes = (route.endpoint.scheme, self._proxy.url.scheme if self._proxy else None)
        self._trusted = _tls_context(is_used="https" in schemes)
        self._sync = httpx.HTTPTransport(self._trusted, proxy=self._proxy)
        self._async: dict[AbstractEventLoop, httpx.AsyncBaseTransport] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request``; the answer's body is still to be read."""
        return self._sync.handle_request(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request`` over the connections of the running event loop."""
        import asyncio  # imported late, like aiohttp: sync programs need not load them

        loop = asyncio.get_running_loop()
        if loop not in self._async:
            from helpers.client.async_transport import AsyncNetworkTransport

            for other in list(self._async):  # a copy: another thread may add its loop meanwhile
                if other.is_closed():
                    self._async.pop(other, None)
            if self._proxy and self._proxy.url.scheme.startswith("socks"):
                self._async[loop] = httpx.AsyncHTTPTransport(self._trusted, proxy=self._proxy)
            else:
                self._async[loop] = AsyncNetworkTransport(self._trusted, self._proxy)
        return await self._async[loop].handle_async_request(request)

    def close(self) -> None:
        """Close the connections of the sync client."""
        self._sync.close()

    async def aclose(self) -> None:
        """Close the async client's connections of the running event loop."""
        import asyncio

        transport = self._async.pop(asyncio.get_running_loop(), None)
        if transport is not None:
            await transport.aclose()


def _tls_context(*, is_used: bool) -> ssl.SSLContext:
    """Return what httpx verifies servers with, or a context that trusts nobody if none is used."""
    if not is_used:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if _setting("SSL_CERT_FILE"):
        check_certificates("SSL_CERT_FILE")
    try:
        return httpx.create_ssl_context()
    except OSError:
        raise ConfigurationError(
            "SSLKEYLOGFILE names no file that can be written.",
            advice="set it to a file in a folder that exists, or unset it.",
        ) from None


def check_certificates(setting: str) -> None:
    """Raise ``ConfigurationError`` if the setting names no file with certificates."""
    with suppress(OSError):  # also an SSLError: there is none in the file
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(_setting(setting))
        return
    raise ConfigurationError(
        f"{setting} names no certificates that can be read.",
        advice=f"set {setting} to a PEM file, or unset it.",
    )


def _setting(name: str) -> str:
    """Return a setting that httpx and OpenSSL read too, so that an error can name it."""
    return os.environ.get(name, "")  # noqa: TID251


def _system_proxy(route: Route) -> httpx.Proxy | None:
    """Return the proxy that the system names for ``route``, or None."""
    if route.is_loopback or urllib.request.proxy_bypass(route.endpoint.host):
        return None
    proxies = {name: Secret(url) for name, url in urllib.request.getproxies().items()}
    url = proxies.get(route.endpoint.scheme) or proxies.get("all")
    if not url:
        return None
    with suppress(ValueError, httpx.InvalidURL):  # not raised: their frames show the password
        proxy = httpx.Proxy(url if "://" in url else Secret(f"http://{url}"))
        # httpx needs socksio for a SOCKS proxy.
        is_known = not proxy.url.scheme.startswith("socks") or find_spec("socksio") is not None
        if (
            is_known
            and re.fullmatch(r"[^\s%]+", proxy.url.host)
            and (proxy.url.port or 80) < 65_536
        ):
            return proxy
    setting = f"{route.endpoint.scheme.upper()}_PROXY"
    raise ConfigurationError(
        f"The proxy that {setting} or ALL_PROXY (or this system) names can't be used.",
        advice="set it to the form http://HOST:PORT, or unset it. For a SOCKS proxy install "
        "socksio.",
    )


def _keep_event_name(record: logging.LogRecord) -> bool:
    record.msg = str(record.msg).split(" ")[0]
    return True


# At DEBUG httpcore logs the head of each answer, in which a service may repeat the key.
logging.getLogger("httpcore.http11").addFilter(_keep_event_name)
