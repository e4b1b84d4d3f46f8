"""What only the async client does: many calls at once, being cancelled, sharing an event loop.

All that both clients do is tested once for both: see ``tests.sync_and_async``.
"""

import asyncio
import gc
import json
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import wraps
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from azure.core.credentials import AzureKeyCredential

from helpers import (
    AsyncChatCompletionsClient,
    AuthenticationError,
    ChatError,
    ConfigurationError,
    StreamInterruptedError,
)
from helpers.recordings.record import RecordingTransport
from helpers.recordings.replay import ReplayTransport
from tests.fakes import (
    ASK,
    COMPLETION,
    DONE,
    KEY,
    MODELS,
    Answer,
    Chunks,
    Service,
    Tokens,
    answer,
    client,
    leaked,
    noting,
    piece,
    service_of,
    streamed,
)
from tests.standin import StandIn
from tests.sync_and_async import clean_loop

pytestmark = pytest.mark.filterwarnings("error")

SOON = 5.0
"""Seconds after which what should happen at once has not happened."""
LONG = 30.0
"""Seconds after which a test has come to nothing."""
OK = b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Type: "
PLAIN = OK + b"application/json\r\nContent-Length: 9999\r\n\r\n"
STREAM = OK + b"text/event-stream\r\n\r\n"


def in_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test in an event loop; no task, no complaint and no open socket may be left of it."""

    async def bounded(given: dict[str, Any]) -> None:
        async with asyncio.timeout(LONG):
            await test(**given)

    @wraps(test)
    def run(**given: Any) -> None:
        with clean_loop() as runs:
            runs(bounded(given))
        gc.collect()  # what was not closed complains now, and that is an error

    return run


def awaited(*answers: Answer, **options: Any) -> AsyncChatCompletionsClient:
    """As ``fakes.client``, but the async client."""
    return AsyncChatCompletionsClient.like(client(*answers, **options))


def asking(n: int) -> list[dict[str, str]]:
    return [{"role": "user", "content": f"Question {n}"}]


class Line:
    """The server's end of a connection: what was asked, and whether the client hung up."""

    def __init__(self) -> None:
        self.endpoint, self.asked, self.left = "", asyncio.Event(), asyncio.Event()

    async def happens(self, what: asyncio.Event) -> None:
        async with asyncio.timeout(SOON):
            await what.wait()


@asynccontextmanager
async def serving(*pieces: bytes) -> AsyncIterator[Line]:
    """A server in this event loop that answers with ``pieces`` and then says nothing more."""
    line = Line()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"}")
        for part in pieces:
            writer.write(part)
            await writer.drain()
        line.asked.set()
        await reader.read()
        line.left.set()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    line.endpoint = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    async with server:
        yield line


# --- Being cancelled ------------------------------------------------------------------------------
HALVES = {"no answer": (), "half a head": (OK,), "half a body": (PLAIN, b'{"choices": [')}


@pytest.mark.parametrize("pieces", HALVES.values(), ids=HALVES)
@in_loop
async def test_a_call_that_is_cancelled_hangs_up(pieces: tuple[bytes, ...]) -> None:
    async with serving(*pieces) as line, AsyncChatCompletionsClient(line.endpoint) as asked:
        call = asyncio.create_task(asked.complete(ASK))
        await line.happens(line.asked)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await line.happens(line.left)


@in_loop
async def test_a_stream_that_is_cancelled_hangs_up_and_keeps_what_came() -> None:
    async with serving(STREAM, piece("H").encode()) as line:
        asked = AsyncChatCompletionsClient(line.endpoint)
        stream, seen = asked.stream(ASK), asyncio.Event()

        async def read() -> None:
            async with stream:
                async for _ in stream:
                    seen.set()

        reading = asyncio.create_task(read())
        await line.happens(seen)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await line.happens(line.left)
        assert stream.completion.content == "H"
        await asked.close()


@in_loop
async def test_a_pause_that_is_cancelled_ends_and_nothing_more_is_sent() -> None:
    pausing = asyncio.Event()
    asked = awaited(
        answer(429, "", retry_after="4"), on_wait=lambda *_: pausing.set(), max_pause=4.0
    )
    call = asyncio.create_task(asked.complete(ASK))
    await pausing.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(SOON):
            await call
    assert len(service_of(asked).requests) == 1


# --- Streams --------------------------------------------------------------------------------------
@in_loop
async def test_a_stream_that_another_task_closes_is_broken_and_keeps_what_came() -> None:
    async with (
        serving(STREAM, piece("H").encode()) as line,
        AsyncChatCompletionsClient(line.endpoint) as asked,
        asked.stream(ASK) as stream,
    ):
        seen = asyncio.Event()

        async def read() -> None:
            async for _ in stream:
                seen.set()

        reading = asyncio.create_task(read())
        await line.happens(seen)
        await stream.close()
        with pytest.raises(StreamInterruptedError) as failure:
            async with asyncio.timeout(SOON):
                await reading
        assert failure.value.partial.content == "H"
        await line.happens(line.left)


@in_loop
async def test_the_end_mark_ends_a_stream_whose_connection_stays_open() -> None:
    whole = (piece("Hi", "stop") + DONE).encode()
    async with (
        serving(STREAM, whole) as line,
        AsyncChatCompletionsClient(line.endpoint) as asked,
        asked.stream(ASK) as stream,
    ):
        async with asyncio.timeout(SOON):
            assert [update.content async for update in stream] == ["Hi"]
        await line.happens(line.left)


# --- Many at once ---------------------------------------------------------------------------------
class Echo(httpx.AsyncBaseTransport):
    """Answers each question with itself, the later ones first; the first try of some is a 429."""

    def __init__(self, refused: int = 0) -> None:
        self.refused, self.under_way, self.most = refused, 0, 0
        self.asked: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        question = json.loads(request.content)["messages"][0]["content"]
        number, again = int(question.split()[-1]), question in self.asked
        self.asked.append(question)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(0.01 / (number + 1))
        self.under_way -= 1
        if self.refused and number % self.refused == 0 and not again:
            return httpx.Response(429, headers={"retry-after-ms": "1"})
        body = {**COMPLETION, "choices": [{"message": {"content": question}}]}
        return httpx.Response(200, json=body)


@in_loop
async def test_each_of_many_calls_gets_its_own_answer() -> None:
    echo, waits = Echo(refused=3), list[float]()
    asked = AsyncChatCompletionsClient(
        MODELS, AzureKeyCredential(KEY), transport=echo, on_wait=noting(waits)
    )
    answers = await asyncio.gather(*(asked.complete(asking(n)) for n in range(30)))
    assert [told.content for told in answers] == [f"Question {n}" for n in range(30)]
    sent = [told.exchange.request_body["messages"] for told in answers if told.exchange]
    assert sent == [asking(n) for n in range(30)]
    assert (len(echo.asked), waits) == (40, [0.001] * 10)
    assert echo.most == 30


def test_one_event_loop_after_the_other(standin: StandIn) -> None:
    """Connections of a loop that has ended are of no use; the calls get their answers."""
    waits: list[float] = []
    asked = AsyncChatCompletionsClient(
        standin.models,
        AzureKeyCredential(standin.key),
        "stand-in-chat",
        on_wait=noting(waits),
        max_pause=0.0,
    )

    async def several() -> list[Any]:
        calls = (asked.complete(ASK) for _ in range(3))
        return await asyncio.gather(*calls, return_exceptions=True)

    with pytest.warns(ResourceWarning):  # of asyncio itself: the first loop left them open
        for _ in range(3):
            answers = asyncio.run(several())
            assert [type(one).__name__ for one in answers] == ["ChatCompletions"] * 3
        asyncio.run(asked.close())
        gc.collect()
    assert waits == []


# --- Credentials ----------------------------------------------------------------------------------
@in_loop
async def test_a_credential_that_blocks_is_asked_in_a_thread() -> None:
    gate, asked_in = threading.Event(), list[int]()

    class Slow:
        def get_token(self, *_: str, **__: Any) -> Any:
            asked_in.append(threading.get_ident())
            assert gate.wait(SOON), "the event loop stood still"
            return SimpleNamespace(token=KEY, expires_on=0)

    call = asyncio.create_task(awaited(credential=Slow()).complete(ASK))
    while not asked_in:
        await asyncio.sleep(0)
    gate.set()
    assert (await call).content == "Hi!"
    assert asked_in != [threading.get_ident()]


class Awaitable(Tokens):
    """As ``azure.identity.aio`` has them."""

    async def get_token(self, *scopes: str, **_: Any) -> Any:
        await asyncio.sleep(0)
        return super().get_token(*scopes)


@in_loop
async def test_a_credential_may_be_awaited() -> None:
    tokens = Awaitable()
    asked = awaited(answer(503, ""), answer(), credential=tokens)
    assert (await asked.complete(ASK)).content == "Hi!"
    sent = [request.headers["authorization"] for request in service_of(asked).requests]
    assert sent == [f"Bearer {KEY}"] * 2
    assert tokens.scopes == ["https://cognitiveservices.azure.com/.default"] * 2


@pytest.mark.parametrize("token", [f"{KEY}\n", None, RuntimeError(f"az login {KEY}")])
@in_loop
async def test_a_bad_token_of_an_awaited_credential_is_not_sent_and_not_shown(token: Any) -> None:
    asked = awaited(credential=Awaitable(token))
    with pytest.raises(AuthenticationError) as failure:
        await asked.complete(ASK)
    assert not leaked(failure.value)
    assert ("az login" in failure.value.words) == isinstance(token, RuntimeError)
    assert service_of(asked).requests == []


def test_a_credential_to_be_awaited_is_refused_by_the_client_that_does_not() -> None:
    asked = client(credential=Awaitable())
    with pytest.raises(AuthenticationError, match="AsyncChatCompletionsClient"):
        asked.complete(ASK)
    assert service_of(asked).requests == []


# --- Like another client --------------------------------------------------------------------------
@in_loop
async def test_like_takes_over_each_setting() -> None:
    waits: list[float] = []
    refusing = [answer(429, "", retry_after="7"), answer(503, ""), answer(503, ""), answer()]
    one = client(
        *refusing, timeout=9.0, max_retries=2, max_wait=8.0, on_wait=noting(waits),
        endpoint="https://api.example.com/chat", route="v1",
    )  # fmt: skip
    one.model = "another"
    many = AsyncChatCompletionsClient.like(one)
    assert (many.endpoint, many.route, many.model) == (one.endpoint, one.route, "another")
    with pytest.raises(ChatError, match="503"):
        await many.complete(ASK)
    assert (waits[0], len(waits)) == (7.0, 2)
    request = service_of(one).requests[0]
    assert json.loads(request.content)["model"] == "another"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert many.build_request(ASK).extensions["timeout"]["read"] == 9.0
    one.transport = Service(answer(429, "", retry_after="9"))
    with pytest.raises(ChatError, match=r"longer than the 8 s\s+allowed here"):
        await AsyncChatCompletionsClient.like(one).complete(ASK)


def test_a_transport_that_cannot_be_awaited_is_refused() -> None:
    with httpx.HTTPTransport() as transport:
        one = client(transport=transport)
        with pytest.raises(ConfigurationError, match="HTTPTransport can't be awaited"):
            AsyncChatCompletionsClient.like(one)


# --- Recordings -----------------------------------------------------------------------------------
@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cassettes" / "models" / "01-basic-call.json"


def recorder(path: Path, *answers: Answer) -> RecordingTransport:
    provenance = {"route": "models", "api_version": None, "model": "my-deployment"}
    return RecordingTransport(path, Service(*answers), "01-basic-call", provenance, into=path)


def taped(path: Path) -> list[Any]:
    return json.loads(path.read_text(encoding="utf-8"))["exchanges"]


@in_loop
async def test_many_calls_at_once_are_all_recorded(path: Path) -> None:
    async def ask(many: AsyncChatCompletionsClient) -> list[Any]:
        answers = await asyncio.gather(*(many.complete(asking(n)) for n in range(20)))
        return [(told.content, told.exchange) for told in answers]

    recorded = await ask(awaited(transport=recorder(path, answer())))
    assert len(taped(path)) == 20
    assert await ask(awaited(transport=ReplayTransport(path))) == recorded


@in_loop
async def test_a_stream_that_was_cancelled_is_recorded_as_left(path: Path) -> None:
    class Waiting(Chunks):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield piece("H").encode()
            await asyncio.sleep(SOON)

    waiting = Waiting()
    tape = recorder(path, answer(body=waiting, content_type="text/event-stream"))

    async def leave() -> None:
        async with awaited(transport=tape).stream(ASK) as stream:
            async for _ in stream:
                asyncio.current_task().cancel()

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(leave())
    assert waiting.closed
    (kept,) = taped(path)
    assert (len(kept["response"]["stream"]), kept["response"]["ended"]) == (1, "left")


@in_loop
async def test_a_paced_replay_does_not_hold_up_the_event_loop(path: Path) -> None:
    one = client(transport=recorder(path, streamed(piece("a"), piece("b", "stop"), DONE)))
    with one.stream(ASK) as stream:
        list(stream)
    kept = json.loads(path.read_text(encoding="utf-8"))
    kept["exchanges"][0]["response"]["ms"] = 0
    for at, chunk in enumerate(kept["exchanges"][0]["response"]["stream"]):
        chunk[0] = at * 100
    path.write_text(json.dumps(kept), encoding="utf-8")
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.01)

    ticking = asyncio.create_task(tick())
    async with awaited(transport=ReplayTransport(path, pace=True)).stream(ASK) as stream:
        counts = [ticks async for _ in stream]
    ticking.cancel()
    assert counts[0] < counts[1]
