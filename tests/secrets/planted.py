"""The key, the token and the password that no one may ever see, and clients that have them."""

import base64
import logging
import random
import socket
import string
import warnings
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest
from azure.core.credentials import AccessToken, AzureKeyCredential

from helpers import AsyncChatCompletionsClient, ChatCompletionsClient, UserMessage
from tests.secrets.leak_scanner import Seen
from tests.standin import checks
from tests.sync_and_async import Awaited, awaiting, awaits

_random = random.Random(20)


def made_up(length: int) -> str:
    """A letter and a digit in turn: no run of six is in any word, nor in any number."""
    kinds = (string.ascii_letters, string.digits) * (length // 2)
    return "".join(map(_random.choice, kinds))


KEY = made_up(84)
HEAD = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiIsIng1dCI6"  # as every Entra ID token begins
TOKEN = f"{HEAD}{made_up(50)}.{made_up(400)}.{made_up(342)}"
PASSWORD = made_up(30)
BASIC = base64.b64encode(f"user:{PASSWORD}".encode()).decode()
HELLO = [UserMessage("Hello")]
Setting = tuple[str, str]
SETTINGS = [
    ("key", "sync", "models"), ("key", "async", "openai/v1"),
    ("token", "sync", "openai/v1"), ("token", "async", "models"),
]  # fmt: skip
"""Kind of credential, how one waits, end of the URL: each meets each."""
two_settings = pytest.mark.parametrize(
    "setting", [SETTINGS[0], ("token", "async", "openai/v1")], indirect=True, ids=" ".join
)
ALL = (KEY, TOKEN, PASSWORD, BASIC)


class Tokens:
    """A TokenCredential that gives the token, or raises an error that quotes it."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure

    def get_token(self, *_: str, **__: Any) -> Any:
        if self.failure is not None:
            raise self.failure
        return AccessToken(TOKEN, 9_999_999_999)


class AsyncTokens(Tokens):
    """The same, to be awaited."""

    async def get_token(self, *scopes: str, **more: Any) -> Any:
        return super().get_token(*scopes, **more)


def client(endpoint: str, kind: str = "key", **options: Any) -> Any:
    """The client of this way to wait, with a key or a token; it prints of each wait."""
    tokens = AsyncTokens if awaits() else Tokens
    credential = AzureKeyCredential(KEY) if kind == "key" else tokens()
    settings = {
        "credential": credential, "model": "stand-in-chat", "max_retries": 1, "max_pause": 0.0,
        "timeout": 5.0, "on_wait": lambda seconds, reason: print(seconds, reason, repr(reason)),
    } | options  # fmt: skip
    if awaits():
        return Awaited(AsyncChatCompletionsClient(endpoint, **settings))
    return ChatCompletionsClient(endpoint, **settings)


def live(monkeypatch: pytest.MonkeyPatch, endpoint: str, key: str = KEY) -> None:
    """Have ``connect`` go to ``endpoint`` with ``key``."""
    settings = {"ENDPOINT": endpoint, "CREDENTIAL": key, "MODEL": "stand-in-chat"}
    for name, value in settings.items():
        monkeypatch.setenv(f"AZURE_INFERENCE_{name}", value)
    monkeypatch.setenv("TUTORIAL_MODE", "live")


def proxied(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    """Have the system name ``proxy``; some systems tell the two names apart."""
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, proxy)


def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture
def seen(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Seen]:
    """All that a test shows, with its logs, warnings and output; nothing of it may leak."""
    monkeypatch.setattr("helpers.views.charts.Card.png", lambda card: b"")  # slow, and not searched
    monkeypatch.setattr(checks, "KEY", KEY)
    monkeypatch.setattr(checks, "TOKEN", TOKEN)
    seen, level = Seen(*ALL), logging.root.level
    logging.root.addHandler(seen)
    logging.root.setLevel(logging.NOTSET)
    try:
        with warnings.catch_warnings(record=True) as warned:
            yield seen
    finally:
        logging.root.setLevel(level)
        logging.root.removeHandler(seen)
    seen.label = "all along"
    seen.add("warnings", *map(str, warned))
    seen.add("output", *capfd.readouterr())
    assert not seen.leaks, "\n".join(dict.fromkeys(seen.leaks))


@pytest.fixture(params=SETTINGS, ids=" ".join)
def setting(request: pytest.FixtureRequest) -> Iterator[Setting]:
    """The kind of credential and the end of the URL; ``client`` gives the client of the way."""
    kind, way, route = request.param
    with awaiting() if way == "async" else nullcontext():
        yield kind, route
