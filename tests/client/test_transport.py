"""The network as a transport: which proxy it asks, and which settings of the machine can't work."""

import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import certifi
import httpx
import pytest

from helpers import ConfigurationError, ServiceConnectionError
from tests.fakes import ASK, KEY, Service, answer, client, leaked
from tests.secrets.echo_server import EchoServer
from tests.sync_and_async import both, once

pytestmark = both
PASSWORD = "Sj3Kd9Qp5Zx1"
BASIC = b64encode(f"user:{PASSWORD}".encode()).decode()
LOCAL = "http://127.0.0.1:8000/v1"
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


def proxied_by(monkeypatch: pytest.MonkeyPatch, proxy: str, *names: str) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in names:
        monkeypatch.setenv(name, proxy)


@pytest.fixture
def proxy() -> Iterator[EchoServer]:
    """Yield a proxy on this machine that refuses."""
    with EchoServer() as server:
        yield server


@pytest.mark.filterwarnings("ignore:BasicAuth is deprecated")  # as httpx-aiohttp 0.2 uses it
@pytest.mark.parametrize(
    ("name", "form", "sent"),
    [("HTTPS_PROXY", "http://user:{}@{place}", BASIC), ("ALL_PROXY", "{place}", "")],
)
def test_another_machine_is_asked_through_the_proxy_and_no_password_is_shown(
    name: str, form: str, sent: str, proxy: EchoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = proxy.url.removeprefix("http://")
    proxied_by(monkeypatch, form.format(PASSWORD, place=place), name)
    asked = client(transport=None, max_retries=0)
    with asked, pytest.raises(ServiceConnectionError, match=r"ProxyError: 407\.") as failure:
        asked.complete(ASK)
    assert not leaked(failure.value, secret=PASSWORD)
    assert "my-resource" not in str(failure.value)
    assert proxy.asked == [("my-resource.services.ai.azure.com:443", f"CONNECT {sent}")]


@pytest.mark.parametrize("host", ["127.0.0.1", "host.invalid"])
def test_this_machine_and_a_host_in_no_proxy_are_asked_without_the_proxy(
    host: str, proxy: EchoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxied_by(monkeypatch, proxy.url, *PROXIES[:3])
    monkeypatch.setenv("NO_PROXY", "host.invalid")
    scheme = "https" if host == "host.invalid" else "http"
    endpoint = f"{scheme}://{host}:1/openai/v1"
    with (
        client(endpoint=endpoint, transport=None, max_retries=0) as asked,
        pytest.raises(ServiceConnectionError, match="ConnectError") as failure,
    ):
        asked.complete(ASK)
    assert "host.invalid" not in str(failure.value)
    assert proxy.asked == []


@once
@pytest.mark.parametrize(
    ("name", "proxy"),
    [
        *(("HTTPS_PROXY", f"http://{end}") for end in ("", "u:{}@h:port", "u:{}@h:99999", "a b")),
        ("https_proxy", "socks5://u:{}@h:1"),
        ("ALL_PROXY", "ftp://u:{}@h"),
    ],
)
def test_the_setting_of_a_proxy_that_cannot_be_used_is_named(
    name: str, proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxied_by(monkeypatch, proxy.format(KEY), name)
    with pytest.raises(ConfigurationError, match=f"(?is){name}.*socksio") as failure:
        client(transport=None)
    assert not leaked(failure.value)
    client(endpoint=LOCAL, transport=None).close()  # this machine needs no proxy


def test_a_socks_proxy_is_asked_over_httpx_with_and_without_await(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    proxied_by(monkeypatch, "socks5://h:1", "ALL_PROXY")
    monkeypatch.setattr("helpers.client.transport.find_spec", bool)  # as if socksio was there
    services = {"socks5://h:1": Service(answer())}
    for name in ("HTTPTransport", "AsyncHTTPTransport"):
        monkeypatch.setattr(httpx, name, lambda _, proxy: services[str(proxy.url)])
    assert client(transport=None).complete(ASK).content == "Hi!"


@pytest.fixture
def no_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"):
        monkeypatch.delenv(name, raising=False)


@once
@pytest.mark.usefixtures("no_certificates")
@pytest.mark.parametrize("path", ["missing", "folder", "folder/half.pem"])
def test_the_setting_of_certificates_that_cannot_be_used_is_named(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "half.pem").write_text("-----BEGIN CERTIFICATE-----\nMIIB")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / path))
    with pytest.raises(ConfigurationError, match="SSL_CERT_FILE names no certificates"):
        client(transport=None)
    client(endpoint=LOCAL, transport=None).close()  # plain http needs no certificates


@once
@pytest.mark.usefixtures("no_certificates")
def test_certificates_that_can_be_used_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", certifi.where())
    client(transport=None).close()
    monkeypatch.setenv("SSLKEYLOGFILE", "/no/such/folder/keys.txt")
    with pytest.raises(ConfigurationError, match="SSLKEYLOGFILE"):
        client(transport=None)


@once
def test_a_client_that_waits_imports_neither_asyncio_nor_aiohttp() -> None:
    act = f"import sys, helpers; helpers.AsyncChatCompletionsClient('{LOCAL}').close().close(); "
    act += "print({'asyncio', 'aiohttp'} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", act], capture_output=True, text=True, check=True)
    assert shown.stdout == "set()\n"
