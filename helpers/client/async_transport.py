"""One event loop's connections, over aiohttp, which is slow to import: import this module late."""

import asyncio
import ssl
import weakref
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport
from httpx_aiohttp.transport import AiohttpResponseStream

_ERRORS: dict[type[Exception], type[httpx.RequestError]] = {  # the first that fits
    aiohttp.ClientProxyConnectionError: httpx.ProxyError,
    aiohttp.ClientHttpProxyError: httpx.ProxyError,
    aiohttp.ClientConnectorError: httpx.ConnectError,
    aiohttp.ConnectionTimeoutError: httpx.ConnectTimeout,
    TimeoutError: httpx.ReadTimeout,
    aiohttp.ClientOSError: httpx.ReadError,
    aiohttp.ClientError: httpx.RemoteProtocolError,
    RuntimeError: httpx.ReadError,  # aiohttp's, if the connection was closed meanwhile
}


class AsyncNetworkTransport(AiohttpTransport):
    """Like ``httpx.AsyncHTTPTransport``, without a limit on the number of connections."""

    def __init__(self, trusted: ssl.SSLContext, proxy: httpx.Proxy | None) -> None:
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=trusted, limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            max_line_size=100_000,  # as many bytes of a header as httpx accepts
            max_field_size=100_000,
        )
        if proxy is not None and proxy.auth is not None:
            # httpx-aiohttp 0.2 would make an aiohttp.BasicAuth of it, which is deprecated.
            basic = b64encode(":".join(proxy.auth).encode()).decode()
            proxy = httpx.Proxy(proxy.url, headers={"Proxy-Authorization": f"Basic {basic}"})
        super().__init__(trusted, proxy=proxy, client=session)
        # aiohttp would complain of a session that was collected before it was closed. The finalizer
        # holds no self: it would never be collected.
        weakref.finalize(self, _close_later, session, asyncio.get_running_loop())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request``; the answer's body is still to be read."""
        with _httpx_errors():
            response = await super().handle_async_request(request)
        if isinstance(response.stream, AiohttpResponseStream):
            response.stream = _Body(response.stream._aiohttp_response)  # noqa: SLF001
        return response


def _close_later(session: aiohttp.ClientSession, loop: asyncio.AbstractEventLoop) -> None:
    if loop.is_running():  # perhaps in another thread
        loop.call_soon_threadsafe(_close, session)
    else:
        _close(session)


def _close(session: aiohttp.ClientSession) -> None:
    closing = session.close()
    with suppress(StopIteration):
        closing.send(None)  # runs until it waits: the connections are closed by then
    closing.close()


class _Body(httpx.AsyncByteStream):
    """The body of an answer, with httpx's errors in place of aiohttp's."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        protocol = response.connection and response.connection.protocol
        if protocol is not None and protocol.closed is not None:
            protocol.closed.add_done_callback(self._end)

    def _end(self, closed: asyncio.Future[None]) -> None:
        """End the body with its connection: after a malformed chunk aiohttp 3.14 would not."""
        if not closed.cancelled():
            closed.exception()  # an exception that nobody retrieves would be logged
        content = self._response.content
        if not content.is_eof() and content.exception() is None:
            content.set_exception(aiohttp.ClientPayloadError("The connection was closed."))

    async def __aiter__(self) -> AsyncIterator[bytes]:
        content = self._response.content
        with _httpx_errors():
            try:
                async for chunk in content.iter_any():
                    yield chunk
            except (aiohttp.ClientError, TimeoutError, RuntimeError):
                # What arrived just before the connection broke: aiohttp's readers discard it.
                if unread := content._read_nowait(-1):  # noqa: SLF001
                    yield unread
                raise

    async def aclose(self) -> None:
        self._response.close()


@contextmanager
def _httpx_errors() -> Iterator[None]:
    """Raise the httpx error that ``httpx.AsyncHTTPTransport`` would raise.

    httpx-aiohttp 0.2 turns a server's hanging up into a ConnectTimeout, a connection that takes too
    long into a TimeoutException, and passes on aiohttp's own error for an answer that is not HTTP.
    """
    try:
        yield
    except (httpx.RequestError, aiohttp.ClientError, TimeoutError, RuntimeError) as error:
        reason = error.__cause__ if isinstance(error, httpx.RequestError) else error
        for kind, translated in _ERRORS.items():
            if isinstance(reason, kind):
                raise translated(_words(reason)) from None
        raise


def _words(reason: BaseException) -> str:
    """Return the words of an aiohttp error without the URL that aiohttp adds."""
    if isinstance(reason, aiohttp.ClientResponseError):
        return f"{reason.status} {reason.message}"
    if isinstance(reason, aiohttp.ClientConnectorCertificateError):
        return str(reason.certificate_error)
    return str(reason.os_error if isinstance(reason, aiohttp.ClientConnectorError) else reason)
