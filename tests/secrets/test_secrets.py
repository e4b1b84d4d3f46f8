"""No six characters in a row of a key or a token are ever shown or stored: all of it at once.

A key and a token are planted. Then every call is made that can be made, against the stand-in and
against a server that repeats the credential wherever an answer has room for it, and all that can be
seen of it is searched: objects, errors, tracebacks with the locals of their frames, logs, displays,
recordings, executed notebooks, panels.

What is not covered: fewer than six characters in each of several texts (the updates of a stream,
as they are printed or recorded; the whole that a stream makes of them is covered), digits in a
number, what you send yourself, and the frames of the program that calls.

Of the frames of other libraries: httpx, httpcore, h11, anyio and asyncio hold the key while they
send it, so ``translate_error`` takes their frames out of every traceback. What is left are the
callbacks of asyncio's event loop, which no call of ours is around: interrupted just as they read
an answer that repeats the key, they show it.
"""

import traceback
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from azure.core.credentials import AzureKeyCredential

from helpers import (
    AuthenticationError,
    ChatError,
    ConfigurationError,
    ServiceConnectionError,
    UserMessage,
)
from helpers.connect import connect
from tests.fakes import leaked
from tests.secrets import planted
from tests.secrets.echo_server import REPLIES, Parrot
from tests.secrets.leak_scanner import Seen, ask, fails, holders, interrupt
from tests.secrets.planted import (
    HELLO,
    KEY,
    PASSWORD,
    TOKEN,
    AsyncTokens,
    Setting,
    Tokens,
    client,
    closed_port,
    live,
    proxied,
    two_settings,
)
from tests.standin import StandIn
from tests.standin.faults import FAULTS
from tests.sync_and_async import awaiting, awaits

seen, setting = planted.seen, planted.setting
FIRST = "01-basic-call"


def test_a_service_that_repeats_it(seen: Seen, setting: Setting) -> None:
    kind, route = setting
    with Parrot() as parrot, client(f"{parrot.url}/{route}", kind) as asked:
        seen.value("client", asked)
        for name in REPLIES:
            ask(seen, asked, f"parrot: {name}")
    # All were asked for, and no redirect was followed.
    assert {name for _, name in parrot.asked} == set(REPLIES)
    assert {path.partition("?")[0] for path, _ in parrot.asked} == {f"/{route}/chat/completions"}


@two_settings
def test_every_fault(seen: Seen, setting: Setting, standin: StandIn) -> None:
    kind, route = setting
    with client(f"{standin.url}/{route}", kind) as asked:
        for question in ("Hello", *(f"fault: {name}" for name in FAULTS)):
            ask(seen, asked, question)
        assert asked.complete(HELLO).content  # so the credential was accepted
        for wrong in ({"model": "nobody"}, {"temperature": "hot"}, {"extra_parameters": "x"}):
            fails(seen, f"{wrong}", partial(asked.complete, HELLO, **wrong), ChatError)


def test_no_answer_at_all(seen: Seen, setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    kind, route = setting
    said = [UserMessage("parrot: silence")]

    def failing(what: str, endpoint: str, **options: Any) -> None:
        with client(f"{endpoint}/{route}", kind, max_retries=0, **options) as asked:
            fails(seen, what, partial(asked.complete, said), ServiceConnectionError)
            fails(seen, what, lambda: asked.stream(said).__enter__(), ServiceConnectionError)

    with Parrot() as parrot:
        failing("refused", f"http://127.0.0.1:{closed_port()}")
        failing("TLS to a plain port", parrot.url.replace("http", "https"))
        failing("time-out", parrot.url, timeout=0.5)
        for port in (parrot.server_address[1], closed_port()):
            proxied(monkeypatch, f"http://user:{PASSWORD}@127.0.0.1:{port}")
            failing("a proxy", "https://my-resource.services.ai.azure.com")
    assert ("my-resource.services.ai.azure.com:443", "CONNECT") in parrot.asked


PROXIES = ["ftp://user:{}@x", "http://user:{}@x:bad", "user:{}@x:bad", "socks5://user:{}@x"]


def test_settings_that_cannot_work(seen: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    for proxy in PROXIES:
        proxied(monkeypatch, proxy.format(PASSWORD))
        live(monkeypatch, "https://my-resource.openai.azure.com/openai/v1")
        fails(seen, proxy, lambda: connect(FIRST), ConfigurationError)
    for endpoint in ("https://user:{}@x/models", "https://x:{}/models", "http://10.0.0.1/models"):
        live(monkeypatch, endpoint.format(PASSWORD))
        fails(seen, endpoint, lambda: connect(FIRST), ConfigurationError)
    for key in (f"{KEY}\n", f"{KEY} {KEY}", f"“{KEY}”"):
        live(monkeypatch, "http://127.0.0.1:1/models", key)
        fails(seen, f"key {key!r}", lambda: connect(FIRST), ConfigurationError)
        changed = AzureKeyCredential(KEY)
        asked = client("http://127.0.0.1:1/models", credential=changed)
        changed.update(key)
        fails(seen, f"changed to {key!r}", partial(asked.complete, HELLO), AuthenticationError)


@pytest.mark.parametrize("endpoint", ["{}", "https://x/models?key={}", "https://x/models#{}"])
def test_an_endpoint_that_holds_a_key(endpoint: str) -> None:
    """Only as it is printed: that a part of it is a secret can't be known."""
    with pytest.raises(ConfigurationError) as failure:
        client(endpoint.format(KEY))
    assert not leaked(*traceback.format_exception(failure.value), secret=KEY)


@pytest.mark.parametrize("words", ["token {} expired", '{{"access_token": "{}"}}', "{}"])
def test_a_credential_that_quotes_its_token(seen: Seen, setting: Setting, words: str) -> None:
    reason = RuntimeError(words.format(TOKEN))
    reason.__cause__ = KeyError(TOKEN)
    for credential in (Tokens(reason), AsyncTokens(reason), AsyncTokens()):
        asked = client("http://127.0.0.1:1/models", credential=credential, max_retries=0)
        fails(seen, words, partial(asked.complete, HELLO), ChatError)


def test_an_interrupt_at_any_time(seen: Seen, setting: Setting, standin: StandIn) -> None:
    kind, route = setting
    part = {"key": KEY, "token": TOKEN}[kind][60:80]
    fault = "wrong-key" if awaits() else "echo-key"  # of asyncio's callbacks see above
    with client(f"{standin.url}/{route}", kind, max_retries=0) as asked:

        def act() -> None:
            with suppress(ChatError):
                asked.complete([UserMessage(f"fault: {fault}")])

        act()  # what is imported late is there from now on
        moments = holders(act, part)
        assert len(moments) > 20  # the libraries do hold it
        for code in moments:
            seen.label = f"interrupted in {code.co_qualname}"
            with pytest.raises(KeyboardInterrupt) as interrupted:
                interrupt(act, code, part)
            seen.error("interrupt", interrupted.value)


def test_asyncio_at_its_most_talkative(seen: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONASYNCIODEBUG", "1")
    with Parrot() as parrot, awaiting(), client(f"{parrot.url}/models") as asked:
        for credential in (None, Tokens(), AsyncTokens()):
            asked._credential = credential or asked._credential
            for name in ("error, head", "answer", "stream"):
                ask(seen, asked, f"parrot: {name}")
