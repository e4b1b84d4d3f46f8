"""What only the async client does: many calls at once, cancellation, connections of an event loop.

What both clients do is tested once for both: see ``tests.sync_and_async``.
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
    ServiceConnectionError,
    StreamInterruptedError,
)
from helpers.recordings.record import RecordingTransport
from helpers.recordings.replay import ReplayTransport
from tests.client.faults.row import GOOD, Row
from tests.client.faults.service import Service
from tests.client.faults.wire import End, Reply, chunked, head, whole
from tests.fakes import ASK, COMPLETION, KEY, MODELS, client, noting, piece
from tests.standin import StandIn
from tests.sync_and_async import clean_loop

pytestmark = pytest.mark.filterwarnings("error")

SOON, LATE = 5.0, 30.0
"""Seconds after which a condition, and a test, has failed."""
HI = (0.02, *whole(COMPLETION, Set_Cookie="a=b"))


def in_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test in an event loop; assert that no task, error or open socket is left."""

    async def bounded(given: dict[str, Any]) -> None:
        async with asyncio.timeout(LATE):
            await test(**given)

    @wraps(test)
    def run(**given: Any) -> None:
        with clean_loop() as runs:
            runs(bounded(given))
        gc.collect()  # what was not closed warns now, and that is an error

    return run


@asynccontextmanager
async def serving(*replies: Reply) -> AsyncIterator[tuple[Service, AsyncChatCompletionsClient]]:
    """Yield a service that sends ``replies``, and a client that asks it."""
    row = Row(name="", replies=replies, expect=GOOD)
    with Service([row]) as service:
        endpoint = f"{service.url(row, 'async')}/v1"
        async with AsyncChatCompletionsClient(endpoint, max_retries=0) as asked:
            yield service, asked


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(SOON):
        while not condition():
            await asyncio.sleep(0.001)


# --- Cancellation ---------------------------------------------------------------------------------
@pytest.mark.parametrize("sent", [(), (head(Content_Length="99"), b"{")], ids=["none", "half"])
@in_loop
async def test_a_call_that_is_cancelled_closes_its_connection(sent: Reply) -> None:
    async with serving((*sent, End.HOLD)) as (service, asked):
        call = asyncio.create_task(asked.complete(ASK))
        await until(lambda: service.asked.total() == 1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await until(lambda: service.open == 0)


@pytest.mark.parametrize("how", ["cancelled", "closed by another task"])
@in_loop
async def test_a_stream_that_is_cut_closes_its_connection_and_keeps_what_came(
    how: str, tmp_path: Path
) -> None:
    async with serving(chunked(piece("H").encode(), end=(End.HOLD,))) as (service, asked):
        asked.transport = recorder(tmp_path / "a.json", asked.transport)
        stream = asked.stream(ASK)

        async def read() -> None:
            async with stream:
                async for _ in stream:
                    pass

        reading = asyncio.create_task(read())
        await until(lambda: stream.completion.content == "H")
        expected: type[BaseException] = asyncio.CancelledError
        if how == "cancelled":
            reading.cancel()
        else:
            await stream.close()
            expected = StreamInterruptedError
        with pytest.raises(expected):
            async with asyncio.timeout(SOON):
                await reading
        await until(lambda: service.open == 0)
    assert stream.completion.content == "H"
    (kept,) = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["exchanges"]
    assert len(kept["response"]["stream"]) == 1


# --- Many at once ---------------------------------------------------------------------------------
class Echo(httpx.AsyncBaseTransport):
    """Answers each question with itself, the later ones first; every third one after a 429."""

    def __init__(self) -> None:
        self.asked, self.in_flight, self.most = list[str](), 0, 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        question = json.loads(request.content)["messages"][0]["content"]
        number, is_first = int(question), question not in self.asked
        self.asked.append(question)
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        await asyncio.sleep(0.01 / (number + 1))
        self.in_flight -= 1
        if number % 3 == 0 and is_first:
            return httpx.Response(429, headers={"retry-after-ms": "1"})
        return httpx.Response(200, json={"choices": [{"message": {"content": question}}]})


def recorder(path: Path, inner: Any) -> RecordingTransport:
    provenance = {"route": "models", "api_version": None, "model": "m"}
    return RecordingTransport(path, inner, "01-basic-call", provenance, into=path)


@in_loop
async def test_each_of_many_calls_gets_its_own_answer_and_is_recorded(tmp_path: Path) -> None:
    echo, waits, path = Echo(), list[float](), tmp_path / "a.json"

    async def ask(transport: Any) -> list[Any]:
        asked = AsyncChatCompletionsClient(
            MODELS, AzureKeyCredential(KEY), transport=transport, on_wait=noting(waits)
        )
        messages = [[{"role": "user", "content": f"{n}"}] for n in range(30)]
        answers = await asyncio.gather(*map(asked.complete, messages))
        sent = [answer.exchange.request_body["messages"] for answer in answers if answer.exchange]
        assert sent == messages
        return [answer.content for answer in answers]

    assert await ask(recorder(path, echo)) == [f"{n}" for n in range(30)]
    assert (len(echo.asked), waits, echo.most) == (40, [0.001] * 10, 30)
    assert await ask(ReplayTransport(path)) == [f"{n}" for n in range(30)]


@in_loop
async def test_calls_in_turn_share_a_connection_and_calls_at_once_have_their_own() -> None:
    broken = (b"Hello\r\n\r\n",)
    async with serving(*[HI] * 244, broken) as (service, asked):
        for _ in range(3):
            assert (await asked.complete(ASK)).content == "Hi!"
        assert service.connections == 1
        for _ in range(2):
            await asyncio.gather(*(asked.complete(ASK) for _ in range(120)))
        assert service.connections == 120
        await asked.close()
        await until(lambda: service.open == 0)
        assert (await asked.complete(ASK)).content == "Hi!"  # over a new connection
        for _ in range(3):
            with pytest.raises(ServiceConnectionError):
                await asked.complete(ASK)
        await until(lambda: service.open == 0)


@pytest.mark.parametrize("end", ["after its loops", "in another thread"])
def test_a_client_that_is_not_closed_causes_no_warning(
    end: str, standin: StandIn, caplog: pytest.LogCaptureFixture, recwarn: Any
) -> None:
    asked = [AsyncChatCompletionsClient(standin.models, AzureKeyCredential(standin.key), "m")]

    async def call(*, is_last: bool = False) -> None:
        assert (await asked[0].complete(ASK, model="stand-in-chat")).content
        if is_last:
            asked.clear()
            gc.collect()

    if end == "after its loops":
        for _ in range(3):
            asyncio.run(call())
        asked.clear()
    else:
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        asyncio.run_coroutine_threadsafe(call(), loop).result()
        asyncio.run(call(is_last=True))
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0.05), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
    gc.collect()
    assert [record.getMessage() for record in caplog.records] == []
    # asyncio itself warns of the sockets of a loop that has ended; by default nobody sees it.
    warned = [str(one.message) for one in recwarn if one.category is not ResourceWarning]
    assert warned == []


# --- Credentials, and the settings of another client ----------------------------------------------
@in_loop
async def test_a_credential_that_blocks_is_asked_in_a_thread() -> None:
    gate, asked_in = threading.Event(), list[int]()

    class Slow:
        def get_token(self, *_: str, **__: Any) -> Any:
            asked_in.append(threading.get_ident())
            assert gate.wait(SOON), "the event loop stood still"
            return SimpleNamespace(token=KEY, expires_on=0)

    asked = AsyncChatCompletionsClient.like(client(credential=Slow()))
    call = asyncio.create_task(asked.complete(ASK))
    while not asked_in:
        await asyncio.sleep(0)
    gate.set()
    assert (await call).content == "Hi!"
    assert asked_in != [threading.get_ident()]


@in_loop
async def test_like_takes_over_each_setting() -> None:
    options = {"timeout": 9.0, "max_retries": 2, "max_retry_after": 8.0, "on_wait": noting([])}
    one = client(endpoint="https://api.example.com/chat", route="v1", **options)
    one.model = "another"
    many = AsyncChatCompletionsClient.like(one)
    assert (await many.complete(ASK)).content == "Hi!"
    assert many.settings == one.settings
    assert many.settings.items() >= {**options, "model": "another", "route": "v1"}.items()
