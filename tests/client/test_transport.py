"""The network as a transport: which proxy it asks, and which settings of the machine can't work."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import certifi
import pytest
from azure.core.credentials import AzureKeyCredential

from helpers import ConfigurationError, ServiceConnectionError
from tests.fakes import ASK, KEY, client, leaked
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
    """Yield a proxy on this machine that refuses, and the heads of the requests to it."""
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


UNUSABLE = {
    "HTTPS_PROXY": ("socks://h:1", "http://", "http://u:{}@h:port", "http://u:{}@h:99999",
                    "http://a b:80", "://", "http://%"),
    "https_proxy": ("socks5://u:{}@h:1",),
    "ALL_PROXY": ("ftp://u:{}@h",),
}  # fmt: skip


@once
@pytest.mark.parametrize(("name", "proxy"), [(n, p) for n, all_ in UNUSABLE.items() for p in all_])
def test_the_setting_of_a_proxy_that_cannot_be_used_is_named(
    name: str, proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxied_by(monkeypatch, proxy.format(KEY), name)
    with pytest.raises(ConfigurationError) as failure:
        client(transport=None)
    assert name.lower() in str(failure.value).lower()
    assert not leaked(failure.value)
    client(endpoint=LOCAL, transport=None).close()  # this machine needs no proxy


@pytest.fixture
def no_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"):
        monkeypatch.delenv(name, raising=False)


FILES = {"empty": "", "garbage": "Hello", "half": "-----BEGIN CERTIFICATE-----\nMIIB"}


@once
@pytest.mark.usefixtures("no_certificates")
@pytest.mark.parametrize("name", ["missing", "folder", *FILES])
def test_a_file_of_certificates_that_cannot_be_used_is_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "folder").mkdir()
    for file, text in FILES.items():
        (tmp_path / file).write_text(text, encoding="utf-8")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / name))
    with pytest.raises(ConfigurationError, match="SSL_CERT_FILE names no certificates"):
        client(transport=None)
    client(endpoint=LOCAL, transport=None).close()  # plain http needs no certificates


@once
@pytest.mark.usefixtures("no_certificates")
def test_a_folder_of_certificates_that_openssl_would_not_find_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "unnamed").mkdir()
    (tmp_path / "unnamed" / "root.pem").touch()
    for folder in ("missing", "unnamed", "unnamed/root.pem"):
        monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / folder))
        with pytest.raises(ConfigurationError, match="SSL_CERT_DIR names no certificates"):
            client(transport=None)
    (tmp_path / "1a2b3c4d.0").touch()
    monkeypatch.setenv("SSL_CERT_DIR", os.pathsep.join((str(tmp_path), str(tmp_path / "unnamed"))))
    client(transport=None).close()


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
