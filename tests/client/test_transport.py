"""The network as a transport: which proxy it asks, how many connections it has, when they close."""

import asyncio
import gc
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import certifi
import httpx
import pytest
from azure.core.credentials import AzureKeyCredential

from helpers import AsyncChatCompletionsClient, ConfigurationError, ServiceConnectionError
from helpers.client.routes import route_for
from helpers.client.transport import NetworkTransport
from tests.fakes import ASK, KEY, MODELS, client, leaked
from tests.standin import StandIn
from tests.sync_and_async import both, once

pytestmark = both
PASSWORD = "Sj3Kd9Qp5Zx1"
LOCAL = "http://127.0.0.1:8000/v1"
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


def proxied_by(monkeypatch: pytest.MonkeyPatch, proxy: str, *names: str) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in names:
        monkeypatch.setenv(name, proxy)


@pytest.fixture
def proxy() -> Iterator[Any]:
    """A proxy on this machine that refuses, repeating what it was sent; it notes the requests."""
    heads: list[bytes] = []

    def serve() -> None:
        while True:
            try:
                line, _ = listening.accept()
            except OSError:
                return
            with line:
                heads.append(line.recv(65536))
                line.sendall(
                    b"HTTP/1.1 407 No " + PASSWORD.encode() + b"\r\nContent-Length: 0\r\n\r\n"
                )

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{listening.getsockname()[1]}", heads


@pytest.mark.filterwarnings("ignore:BasicAuth is deprecated")  # as httpx-aiohttp 0.2 uses it
@pytest.mark.parametrize("form", ["http://user:{}@{place}", "{place}"], ids=["URL", "host"])
@pytest.mark.parametrize("name", ["HTTPS_PROXY", "ALL_PROXY"])
def test_another_machine_is_asked_through_the_proxy_and_no_password_is_shown(
    form: str, name: str, proxy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, heads = proxy
    proxied_by(monkeypatch, form.format(PASSWORD, place=place), name)
    asked = client(transport=None, max_retries=0)
    with asked, pytest.raises(ServiceConnectionError, match=r"ProxyError: 407\.") as failure:
        asked.complete(ASK)
    assert not leaked(failure.value, secret=PASSWORD)
    assert "my-resource" not in str(failure.value)
    assert heads[0].startswith(b"CONNECT my-resource.services.ai.azure.com:443 ")
    assert (b"proxy-authorization: basic" in heads[0].lower()) == ("user" in form)
    assert b"api-key" not in heads[0].lower()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_is_asked_without_the_proxy(
    host: str, proxy: Any, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, heads = proxy
    proxied_by(monkeypatch, f"http://{place}", *PROXIES[:3])
    endpoint = standin.models.replace("127.0.0.1", host)
    key = AzureKeyCredential(standin.key)
    with client(endpoint=endpoint, credential=key, transport=None) as asked:
        assert asked.complete(ASK, model="stand-in-chat").content
    assert heads == []


def test_a_host_in_no_proxy_is_asked_without_it(
    proxy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, heads = proxy
    proxied_by(monkeypatch, f"http://{place}", *PROXIES[:3])
    monkeypatch.setenv("NO_PROXY", "host.invalid")
    endpoint = "https://host.invalid/openai/v1"
    with (
        client(endpoint=endpoint, transport=None, max_retries=0) as asked,
        pytest.raises(ServiceConnectionError, match="ConnectError") as failure,
    ):
        asked.complete(ASK)
    assert "host.invalid" not in str(failure.value)
    assert heads == []


@once
@pytest.mark.parametrize("end", ["ftp://u:{}@h", "http://u:{}@h:port", "http://u:{}@h:99999x"])
def test_a_proxy_that_cannot_be_used_is_refused_and_its_password_not_shown(
    end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxied_by(monkeypatch, end.format(KEY), *PROXIES[:3])
    with pytest.raises(ConfigurationError, match="proxy") as failure:
        NetworkTransport(route_for(MODELS))
    assert not leaked(failure.value)


UNUSABLE = {
    "HTTPS_PROXY": ("socks://h:1", "http://", "http://h:99999", "http://a b:80", "://", "http://%"),
    "https_proxy": ("socks5://u:{}@h:1",),
    "ALL_PROXY": ("ftp://h",),
}


@once
@pytest.mark.parametrize(("name", "proxy"), [(n, p) for n, all_ in UNUSABLE.items() for p in all_])
def test_the_setting_of_a_proxy_that_cannot_be_used_is_named(
    name: str, proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxied_by(monkeypatch, proxy.format(KEY), name)
    with pytest.raises(ConfigurationError) as failure:
        NetworkTransport(route_for(MODELS))
    assert name.lower() in str(failure.value).lower()
    assert not leaked(failure.value)
    NetworkTransport(route_for(LOCAL)).close()  # this machine needs no proxy


@pytest.fixture
def no_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"):
        monkeypatch.delenv(name, raising=False)


@once
@pytest.mark.usefixtures("no_certificates")
@pytest.mark.parametrize("kind", ["missing", "empty", "garbage", "folder", "half"])
def test_a_file_of_certificates_that_cannot_be_used_is_named(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "certificates.pem"
    if kind == "folder":
        path.mkdir()
    elif kind != "missing":
        pem = "-----BEGIN CERTIFICATE-----\nMIIB"
        path.write_text({"empty": "", "garbage": "Hello", "half": pem}[kind])
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with pytest.raises(ConfigurationError, match="SSL_CERT_FILE names no certificates"):
        client(transport=None)
    client(endpoint=LOCAL, transport=None).close()  # plain http needs no certificates


@once
@pytest.mark.usefixtures("no_certificates")
def test_a_folder_of_certificates_that_openssl_would_not_find_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "unnamed").mkdir()
    (tmp_path / "unnamed" / "root.pem").write_text("", encoding="utf-8")
    for folder in ("missing", "empty", "unnamed", "unnamed/root.pem"):
        monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / folder))
        with pytest.raises(ConfigurationError, match="SSL_CERT_DIR names no certificates"):
            NetworkTransport(route_for(MODELS))
    (tmp_path / "1a2b3c4d.0").write_text("", encoding="utf-8")
    monkeypatch.setenv("SSL_CERT_DIR", os.pathsep.join((str(tmp_path), str(tmp_path / "empty"))))
    NetworkTransport(route_for(MODELS)).close()


@once
@pytest.mark.usefixtures("no_certificates")
def test_certificates_that_can_be_used_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", certifi.where())
    NetworkTransport(route_for(MODELS)).close()
    monkeypatch.setenv("SSLKEYLOGFILE", "/no/such/folder/keys.txt")
    with pytest.raises(ConfigurationError, match="SSLKEYLOGFILE"):
        NetworkTransport(route_for(MODELS))


def test_no_log_holds_the_key(standin: StandIn, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    key = AzureKeyCredential(standin.key)
    with client(endpoint=standin.models, credential=key, transport=None) as asked:
        for _ in range(2):
            asked.complete(ASK, model="stand-in-chat")
    assert not leaked(caplog.text, secret=standin.key)


@once
def test_a_client_that_waits_imports_neither_asyncio_nor_aiohttp() -> None:
    act = f"import sys, helpers; helpers.AsyncChatCompletionsClient('{LOCAL}').close().close(); "
    act += "print({'asyncio', 'aiohttp'} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", act], capture_output=True, text=True, check=True)
    assert shown.stdout == "set()\n"


# --- Connections of awaited calls -----------------------------------------------------------------
class Server:
    """A server in this event loop that counts its connections."""

    def __init__(self) -> None:
        self.connections, self.requests, self.open, self.endpoint = 0, 0, 0, ""
        self.answer = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 2\r\n\r\nHi"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                assert b"cookie" not in head.lower()
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
async def serving() -> AsyncIterator[tuple[Server, NetworkTransport]]:
    server = Server()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.endpoint = f"http://localhost:{listening.sockets[0].getsockname()[1]}/v1"
    async with listening:
        yield server, NetworkTransport(route_for(server.endpoint))


async def ask(network: NetworkTransport, endpoint: str) -> str:
    response = await network.handle_async_request(httpx.Request("GET", endpoint))
    try:
        await response.aread()
    finally:
        await response.aclose()
    return response.text


@once
def test_calls_one_after_the_other_share_a_connection_and_others_have_their_own() -> None:
    async def act() -> None:
        async with serving() as (server, network):
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


@once
@pytest.mark.parametrize("spoilt", ["cancelled", "left", "no HTTP"])
def test_a_call_that_comes_to_nothing_leaves_no_connection(spoilt: str) -> None:
    async def fail(server: Server, network: NetworkTransport) -> None:
        if spoilt != "left":
            server.answer = b"" if spoilt == "cancelled" else b"Hello\r\n\r\n"
        response = await network.handle_async_request(httpx.Request("GET", server.endpoint))
        await response.aclose()
        await response.aclose()

    async def act() -> None:
        async with serving() as (server, network):
            good = server.answer
            for _ in range(5):
                server.answer = good
                failing = asyncio.create_task(fail(server, network))
                if spoilt == "cancelled":
                    # Not before it is asked: a connection that is cancelled while it is made is
                    # lost to asyncio, which closes it some time later.
                    await server.is_asked()
                    failing.cancel()
                (told,) = await asyncio.gather(failing, return_exceptions=True)
                assert (told is None) == (spoilt == "left")
                if spoilt == "no HTTP":
                    assert isinstance(told, httpx.RemoteProtocolError)
            server.answer = good
            assert await ask(network, server.endpoint) == "Hi"
            assert await server.becomes(1)
            await network.aclose()
            assert await server.becomes(0)

    asyncio.run(act())


@once
@pytest.mark.parametrize("end", ["dropped", "dropped after its loop", "in another thread"])
def test_a_client_that_is_not_closed_causes_no_complaint(
    end: str, standin: StandIn, caplog: pytest.LogCaptureFixture, recwarn: Any
) -> None:
    def make() -> AsyncChatCompletionsClient:
        key = AzureKeyCredential(standin.key)
        return AsyncChatCompletionsClient(standin.models, key, "stand-in-chat")

    async def drop() -> None:
        await make().complete(ASK)
        gc.collect()

    if end == "dropped":
        asyncio.run(drop())
    elif end == "dropped after its loop":
        asked = make()
        for _ in range(2):
            asyncio.run(asked.complete(ASK))
        del asked
    else:
        asked = make()
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        assert asyncio.run_coroutine_threadsafe(asked.complete(ASK), loop).result().content
        assert asyncio.run(asked.complete(ASK)).content
        del asked
        gc.collect()
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0.05), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
    gc.collect()
    assert [record.getMessage() for record in caplog.records] == []
    # asyncio itself warns of the sockets of a loop that has ended; nobody sees it by default.
    told = [str(one.message) for one in recwarn if one.category is not ResourceWarning]
    assert told == []
