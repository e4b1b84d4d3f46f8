"""The credential is never shown or stored whole, plain or escaped.

A server repeats the key or token that it gets, in several forms. The tests scan errors, tracebacks
with the locals of their frames, logs, wire views, recordings and an executed notebook. Only the
answer itself is as the service sent it.
"""

import json
import logging
import random
import string
import warnings
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from functools import partial
from itertools import cycle
from pathlib import Path
from traceback import walk_tb
from typing import Any

import httpx
import pytest
from azure.core.credentials import AzureKeyCredential
from nbformat.v4 import new_code_cell, new_notebook
from papermill import PapermillExecutionError

from helpers import AsyncChatCompletionsClient, ChatCompletionsClient, ChatError, UserMessage
from helpers.client.routes import route_for
from helpers.client.transport import NetworkTransport
from helpers.commands.notebooks import execute
from helpers.connect import connect
from helpers.lessons import ROOT
from helpers.recordings.record import RecordingTransport
from helpers.recordings.replay import ReplayTransport
from helpers.views import wire
from tests.fakes import AsyncTokens, Tokens
from tests.notebooks import files
from tests.secrets.echo_server import ANSWER, ANSWERS, FORMS, REPLIES, UPDATE, EchoServer, filled
from tests.secrets.leak_scanner import Seen
from tests.sync_and_async import Awaited, awaiting, awaits

made_up = "".join(random.Random(20).choices(string.ascii_letters + string.digits, k=394))
KEY, PASSWORD = made_up[:84], made_up[84:114]
TOKEN = f"eyJ0eXAiOiJKV1Qi{made_up[114:134]}.{made_up[134:264]}.{made_up[264:]}"
BASIC = b64encode(f"user:{PASSWORD}".encode()).decode()
SECRETS = {"key": KEY, "token": TOKEN}
HELLO, FIRST = [UserMessage("Hello")], "01-basic-call"
FORMS_OF = {kind: [form(secret) for form in FORMS.values()] for kind, secret in SECRETS.items()}
# The async client reports a malformed chunk size at its time-out only, so one form is enough.
MESSAGES = [
    f"echo: {name} / {form}"
    for name in REPLIES
    for form in (["plain"] if "chunk size" in name else FORMS)
]


def client(endpoint: str, kind: str = "key", **options: Any) -> Any:
    """Return the sync or the async client, with a key or a token; it prints before each wait."""
    tokens = AsyncTokens if awaits() else Tokens
    settings = {
        "credential": AzureKeyCredential(KEY) if kind == "key" else tokens(TOKEN),
        "model": "stand-in-chat", "max_retries": 1, "max_sleep": 0.0, "timeout": 0.5,
        "on_wait": lambda seconds, reason: print(seconds, reason, repr(reason)),
    } | options  # fmt: skip
    if awaits():
        return Awaited(AsyncChatCompletionsClient(endpoint, **settings))
    return ChatCompletionsClient(endpoint, **settings)


def ask(seen: Seen, asked: Any, message: str) -> None:
    """Call ``complete`` and ``stream``, and scan all that can be seen but the answer itself."""
    is_answer = message.startswith(tuple(f"echo: {name} /" for name in ANSWERS))
    for way in ("complete", "stream"):
        seen.label = f"{message} ({way})"
        try:
            if way == "complete":
                one = asked.complete([UserMessage(message)])
            else:
                with asked.stream([UserMessage(message)]) as one:
                    seen.value("open stream", one)
                    updates = list(map(repr, one))
                seen.add("updates", *([] if is_answer else updates))
        except ChatError as failure:
            seen.error(way, failure, is_answer=is_answer)
            one = failure
        seen.value(way, one, 2)
        seen.add("wire", wire(one).html, wire(one).plain)


def fails(seen: Seen, what: str, act: Callable[[], object]) -> None:
    """Scan the error that ``act`` has to raise."""
    seen.label = what
    with pytest.raises(ChatError) as failure:
        act()
    seen.error("raised", failure.value)


def live(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    """Have ``connect`` go to ``endpoint`` with the key."""
    monkeypatch.setenv("TUTORIAL_MODE", "live")
    for name, value in {"ENDPOINT": endpoint, "CREDENTIAL": KEY, "MODEL": "m"}.items():
        monkeypatch.setenv(f"AZURE_INFERENCE_{name}", value)


def proxied(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    for name in ("HTTPS_PROXY", "https_proxy"):  # some systems tell the two apart
        monkeypatch.setenv(name, proxy)


@pytest.fixture
def seen(capfd: pytest.CaptureFixture[str]) -> Iterator[Seen]:
    """Scan logs, warnings and output of a test too; fail it if anything leaked."""
    seen, level = Seen(KEY, TOKEN, PASSWORD, BASIC), logging.root.level
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


@pytest.fixture(params=["key sync models", "token async openai/v1", "token sync models"])
def setting(request: pytest.FixtureRequest, seen: Seen) -> Iterator[list[str]]:
    """Yield the kind of credential and the path, while ``client`` makes sync or async clients."""
    kind, way, route = request.param.split(" ")
    with awaiting() if way == "async" else nullcontext():
        yield [kind, route]


def test_a_service_that_repeats_it(seen: Seen, setting: list[str]) -> None:
    kind, route = setting
    with EchoServer() as echo, client(f"{echo.url}/{route}", kind) as asked:
        seen.value("client", asked)
        for message in MESSAGES:
            ask(seen, asked, message)
    # All were asked for, and no redirect was followed.
    assert {name for _, name in echo.asked} == set(REPLIES)
    assert {path.partition("?")[0] for path, _ in echo.asked} == {f"/{route}/chat/completions"}
    assert "httpcore" in seen.loggers or awaits()


def test_asyncio_in_debug_mode(seen: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONASYNCIODEBUG", "1")
    with EchoServer() as echo, awaiting(), client(f"{echo.url}/models", "token") as asked:
        for name in ("error, head", "answer", "stream", "stream, error"):
            ask(seen, asked, f"echo: {name} / plain")


def test_the_answer_is_as_it_was_sent(setting: list[str]) -> None:
    kind, route = setting
    with EchoServer() as echo, client(f"{echo.url}/{route}", kind) as asked:
        for form, sent in zip(FORMS, FORMS_OF[kind], strict=True):
            told = asked.complete([UserMessage(f"echo: answer / {form}")])
            assert told.raw == json.loads(filled(ANSWER, sent))
            assert "***" in told.exchange.response_body["choices"][0]["message"]["content"]
            whole = json.loads(filled(UPDATE, sent))["choices"][0]["delta"]
            for name in ("stream", "stream, bytewise"):
                with asked.stream([UserMessage(f"echo: {name} / {form}")]) as stream:
                    assert list(stream)[-1].raw == json.loads(filled(UPDATE, sent))
                assert stream.completion.content.removeprefix("Well. ") == whole["content"]
                assert stream.completion.message.raw["tool_calls"] == whole["tool_calls"]
                with asked.stream([UserMessage(f"echo: {name} / {form}")]) as stream:
                    assert filled(UPDATE, sent).decode() in list(stream.events())[-1]
            with pytest.raises(ChatError) as failure:
                list(asked.stream([UserMessage(f"echo: stream, cut / {form}")]).__enter__())
            assert failure.value.partial.content == json.loads(f'"Well. Is {sent}"')


def test_no_answer_at_all(seen: Seen, setting: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    kind, route = setting
    said = [UserMessage("echo: silence")]

    def failing(what: str, endpoint: str, **options: Any) -> None:
        with client(f"{endpoint}/{route}", kind, max_retries=0, **options) as asked:
            fails(seen, what, partial(asked.complete, said))
            fails(seen, what, lambda: asked.stream(said).__enter__())

    with EchoServer() as echo:
        failing("refused", "http://127.0.0.1:1")
        failing("TLS to a plain port", echo.url.replace("http", "https"))
        failing("time-out", echo.url)
        for port in (echo.server_address[1], 1):
            proxied(monkeypatch, f"http://user:{PASSWORD}@127.0.0.1:{port}")
            failing("a proxy", "https://my-resource.services.ai.azure.com")
    assert ("my-resource.services.ai.azure.com:443", f"CONNECT {BASIC}") in echo.asked


def test_settings_that_cannot_work(seen: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    for proxy in ("ftp://user:{}@x", "http://user:{}@x:bad", "user:{}@x:bad", "socks5://user:{}@x"):
        proxied(monkeypatch, proxy.format(PASSWORD))
        live(monkeypatch, "https://my-resource.openai.azure.com/openai/v1")
        fails(seen, proxy, lambda: connect(FIRST))
    for endpoint in ("https://user:{}@x/models", "https://x:{}/models", "https://x/models?key={}"):
        live(monkeypatch, endpoint.format(PASSWORD))
        fails(seen, endpoint, lambda: connect(FIRST))


def test_a_credential_that_quotes_its_token(seen: Seen, setting: list[str]) -> None:
    for words in ("token {} expired", '{{"access_token": "{}"}}', "{}"):
        reason = RuntimeError(words.format(TOKEN))
        reason.__cause__ = KeyError(TOKEN)
        for credential in (Tokens(reason), AsyncTokens(reason), AsyncTokens(TOKEN)):
            asked = client("http://127.0.0.1:1/models", credential=credential, max_retries=0)
            fails(seen, words, partial(asked.complete, HELLO))


class Interrupted(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A network that is interrupted (Ctrl-C) in a function that holds the credential."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        sent = dict(request.headers)
        raise KeyboardInterrupt(len(sent))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.handle_request(request)


def test_an_interrupt_in_the_network(setting: list[str]) -> None:
    with client("http://127.0.0.1:1/models", transport=Interrupted()) as asked:
        for act in (lambda: asked.complete(HELLO), lambda: asked.stream(HELLO).__enter__()):
            with pytest.raises(KeyboardInterrupt) as raised:
                act()
            frames = [frame.f_code.co_name for frame, _ in walk_tb(raised.value.__traceback__)]
            assert "_send" in frames and "handle_request" not in frames


def test_recordings(seen: Seen, setting: list[str], tmp_path: Path) -> None:
    kind, route = setting
    path, facts = tmp_path / "a.json", {"route": "models", "api_version": None, "model": "m"}
    messages = [f"echo: {name} / {form}" for name, form in zip(REPLIES, cycle(FORMS))]
    messages += [f"echo: answer / plain / Is {form} a key?" for form in FORMS_OF[kind]]
    with EchoServer() as echo:
        endpoint = f"{echo.url}/{route}"
        network = NetworkTransport(route_for(endpoint))
        recorder = RecordingTransport(path, network, FIRST, facts, into=path)
        with client(endpoint, kind, transport=recorder, max_retries=0) as asked:
            for message in messages:
                with suppress(ChatError):
                    asked.complete([UserMessage(message)])
                with suppress(ChatError), asked.stream([UserMessage(message)]) as stream:
                    list(stream)
    seen.label = "the file"
    text = path.read_text(encoding="utf-8")
    seen.add("text", text, json.dumps(json.loads(text)))
    settings = {"transport": ReplayTransport(path), "credential": AzureKeyCredential("none")}
    with client(endpoint, max_retries=0, **settings) as asked:
        for message in messages[: len(REPLIES)]:
            ask(seen, asked, message)


CELLS = """\
import logging, sys
%xmode Verbose
logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
from helpers.connect import connect
from helpers.views import wire
client = connect("01-basic-call")
client, vars(client)

def said(name): return [{"role": "user", "content": f"echo: {name} / JSON"}]

wire(client.complete(said("answer")))

client.complete(said("header"))

with client.stream(said("stream, error")) as stream:
    for update in stream: print(update)

client.complete(said("error"))
"""


def test_an_executed_notebook(seen: Seen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    cells = list(map(new_code_cell, CELLS.strip().split("\n\n")))
    for cell in cells[-3:-1]:
        cell.metadata["tags"] = ["raises-exception"]
    source = tmp_path / "source.ipynb"
    files.write(source, new_notebook(cells=cells, metadata={"language_info": {"name": "python"}}))
    with EchoServer() as echo:
        live(monkeypatch, f"{echo.url}/models")
        text, failure = execute(source)
    assert isinstance(failure, PapermillExecutionError)
    seen.add("papermill", str(failure))
    seen.add("the executed notebook", text, json.dumps(json.loads(text)))
    assert text.count("***") > 3
