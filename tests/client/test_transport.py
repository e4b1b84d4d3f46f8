"""The real network as a transport: which proxy it asks through, how many connections it has."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from helpers import ConfigurationError
from helpers.client.routes import route_for
from helpers.client.transport import NetworkTransport
from tests.fakes import KEY, MODELS, leaked


def proxies_of(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The proxies by which each of the clients asks."""
    asked: list[Any] = []

    class Transport(httpx.MockTransport):
        def __init__(self, _: object, *, proxy: str | None) -> None:
            super().__init__(lambda request: asked.append(proxy) or httpx.Response(200))

    for kind in ("HTTPTransport", "AsyncHTTPTransport"):
        monkeypatch.setattr(httpx, kind, Transport)
    network = NetworkTransport(route_for(endpoint))
    network.handle_request(httpx.Request("POST", endpoint))
    asyncio.run(network.handle_async_request(httpx.Request("POST", endpoint)))
    return asked


@pytest.mark.parametrize(
    ("endpoint", "proxied"),
    [
        (MODELS, True),
        ("http://127.0.0.1:8000/v1", False),
        ("http://localhost:8000/v1", False),
        ("https://direct.example.com/v1", False),
    ],
    ids=["another machine", "this machine", "localhost", "in no_proxy"],
)
def test_only_another_machine_is_asked_through_the_proxy(
    endpoint: str, proxied: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://proxy.example.com:3128")
    monkeypatch.setenv("NO_PROXY", "direct.example.com")
    monkeypatch.setenv("no_proxy", "direct.example.com")
    expected = "http://proxy.example.com:3128" if proxied else None
    assert proxies_of(endpoint, monkeypatch) == [expected] * 2


PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy")


def proxied_by(monkeypatch: pytest.MonkeyPatch, proxy: str, *names: str) -> None:
    for name in (*PROXIES, "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in names:
        monkeypatch.setenv(name, proxy)


@pytest.mark.parametrize("names", [("HTTPS_PROXY", "https_proxy"), ("ALL_PROXY", "all_proxy")])
@pytest.mark.parametrize("proxy", ["http://proxy.example.com:3128", "proxy.example.com:3128"])
def test_a_proxy_is_found_by_each_of_its_names_and_forms(
    proxy: str, names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    proxied_by(monkeypatch, proxy, *names)
    assert proxies_of(MODELS, monkeypatch) == ["http://proxy.example.com:3128"] * 2


@pytest.mark.parametrize("end", ["ftp://u:{}@h", "http://u:{}@h:port", "http://u:{}@h:99999x"])
def test_a_proxy_that_cannot_be_used_is_refused_and_its_password_not_shown(
    end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxied_by(monkeypatch, end.format(KEY), *PROXIES)
    with pytest.raises(ConfigurationError, match="proxy") as failure:
        NetworkTransport(route_for(MODELS))
    assert not leaked(failure.value)


# --- Connections of awaited calls -----------------------------------------------------------------
class Server:
    """A server in this event loop that counts its connections."""

    def __init__(self) -> None:
        self.connections, self.requests, self.open, self.endpoint = 0, 0, 0, ""
        self.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nHi"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                self.requests += 1
                await asyncio.sleep(0.02)
                writer.write(self.answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.open -= 1
            writer.close()

    async def is_asked(self) -> None:
        """Wait for the next request."""
        before = self.requests
        async with asyncio.timeout(5):
            while self.requests == before:
                await asyncio.sleep(0.001)

    async def becomes(self, count: int) -> bool:
        """Whether so many connections are open, within five seconds."""
        for _ in range(500):
            if self.open == count:
                return True
            await asyncio.sleep(0.01)
        return False


@asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    server = Server()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.endpoint = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
    async with listening:
        yield server


async def ask(network: NetworkTransport, endpoint: str) -> str:
    response = await network.handle_async_request(httpx.Request("GET", endpoint))
    try:
        await response.aread()
    finally:
        await response.aclose()
    return response.text


@pytest.mark.filterwarnings("error")
def test_calls_one_after_the_other_share_a_connection_and_others_have_their_own() -> None:
    async def act() -> None:
        async with serving() as server:
            network = NetworkTransport(route_for(server.endpoint))
            for _ in range(3):
                assert await ask(network, server.endpoint) == "Hi"
            assert server.connections == 1
            for _ in range(3):
                calls = (ask(network, server.endpoint) for _ in range(120))
                assert await asyncio.gather(*calls) == ["Hi"] * 120
            assert server.connections == 120
            await network.aclose()
            assert await server.becomes(0)
            assert await ask(network, server.endpoint) == "Hi"
            await network.aclose()
            assert await server.becomes(0)

    asyncio.run(act())


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("spoilt", ["cancelled", "left", "no HTTP"])
def test_a_call_that_comes_to_nothing_blocks_no_later_one_and_leaves_nothing(
    spoilt: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Any] = []

    class Counted(httpx.AsyncHTTPTransport):
        def __init__(self, *settings: Any, **more: Any) -> None:
            super().__init__(*settings, **more)
            made.append(self)

    monkeypatch.setattr(httpx, "AsyncHTTPTransport", Counted)

    async def fail(server: Server, network: NetworkTransport) -> None:
        if spoilt == "cancelled":
            server.answer = b""
        if spoilt == "no HTTP":
            server.answer = b"Hello\r\n\r\n"
        response = await network.handle_async_request(httpx.Request("GET", server.endpoint))
        await response.aclose()
        await response.aclose()

    async def act() -> None:
        async with serving() as server:
            network = NetworkTransport(route_for(server.endpoint))
            good = server.answer
            for _ in range(5):
                server.answer = good
                failing = asyncio.create_task(fail(server, network))
                if spoilt == "cancelled":
                    # Not before it is asked: a connection that is cancelled while it is made is
                    # lost to asyncio, which closes it some time later.
                    await server.is_asked()
                    failing.cancel()
                told = await asyncio.gather(failing, return_exceptions=True)
                assert (told == [None]) == (spoilt == "left")
            server.answer = good
            assert await ask(network, server.endpoint) == "Hi"
            assert (await server.becomes(1), len(made)) == (True, 1)
            await network.aclose()
            assert await server.becomes(0)

    asyncio.run(act())
