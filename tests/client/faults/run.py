"""Ask for every row with both clients, within a bounded time."""

import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest import mock

from azure.core.credentials import AzureKeyCredential

from helpers import AsyncChatCompletionsClient, ChatCompletionsClient
from tests.client.faults.row import Answer, Outcome, Row
from tests.client.faults.service import Service
from tests.standin import StandIn
from tests.sync_and_async import Awaited, clean_loop

WATCHDOG = 120.0
"""Seconds for all rows of a client; a row without an outcome by then hangs."""
AT_ONCE = {True: 32, False: 2}
"""How many rows are asked for at once: of those that wait more, of the busy ones few."""
Cell = tuple[str, str]
"""The name of a row, and "sync" or "async"."""


@contextmanager
def client(way: str, endpoint: str, **options: Any) -> Iterator[Any]:
    """Yield the sync client, or the async one in an event loop of its own."""
    if way == "sync":
        with ChatCompletionsClient(endpoint, **options) as asked:
            yield asked
        return
    with (
        clean_loop() as run,
        Awaited(AsyncChatCompletionsClient(endpoint, **options), run) as asked,
    ):
        yield asked


class Ask:
    """A row, asked for with one of the clients."""

    def __init__(self, row: Row, way: str, service: Service, standin: StandIn) -> None:
        self.row, self.way, self.waits, self.outcome = row, way, list[float](), Outcome()
        self.texts, self.finish = dict[int, str](), dict[int, str | None]()
        self.reasoning = self.refusal = ""
        self.endpoint = f"{standin.url if row.fault else service.url(row, way)}/models"
        # The stand-in counts how often it gets the same request, so each client sends another.
        self.messages = [
            {"role": "system", "content": f"{row.name} {way}"},
            {"role": "user", "content": f"fault: {row.fault}" if row.fault else "How salty?"},
        ]
        self.options: dict[str, Any] = {
            "credential": AzureKeyCredential(standin.key),
            "model": "stand-in-chat",
            "timeout": row.timeout,
            "max_retries": row.retries,
            "on_wait": lambda seconds, _: self.waits.append(seconds),
            "max_sleep": 0.0,
        }

    def call(self) -> None:
        """Ask, and keep the outcome."""
        try:
            with client(self.way, self.endpoint, **self.options) as asked:
                if self.row.stream:
                    answer = self._stream(asked)
                else:
                    answer = answer_of(asked.complete(self.messages))
            self.outcome = Outcome(answer)
        except Exception as error:
            partial = getattr(error, "partial", None)
            self.outcome = Outcome(error=error, kept=partial and self._checked(partial))
        self.outcome.waits = tuple(self.waits)

    def _stream(self, asked: Any) -> Answer:
        with asked.stream(self.messages) as stream:
            for update in stream:
                self.reasoning += update.reasoning_content or ""
                self.refusal += update.refusal or ""
                for choice in update.choices:
                    at = choice.index
                    self.texts[at] = self.texts.get(at, "") + choice.delta.content
                    self.finish[at] = choice.finish_reason or self.finish.get(at)
        return self._checked(stream.completion)

    def _checked(self, completion: Any) -> Answer:
        """Return the answer put together of a stream; its updates have to hold the same."""
        whole, order = answer_of(completion), sorted(self.texts)
        texts = tuple(self.texts[at] for at in order)
        finish = tuple(self.finish[at] for at in order)
        updates = Answer(texts, finish, whole.calls, self.reasoning or None, self.refusal or None)
        if whole == updates:
            return whole
        return Answer((f"the updates hold {updates}, and the completion {whole}",))


def answer_of(completion: Any) -> Answer:
    """Return a completion in the form of the table."""
    choices, message = completion.choices, completion.message
    return Answer(
        tuple(choice.message.content for choice in choices),
        tuple(choice.finish_reason for choice in choices),
        tuple((call.function.name, call.function.arguments) for call in message.tool_calls),
        message.reasoning_content,
        message.refusal,
    )


def call_all(asks: Sequence[Ask]) -> None:
    """Ask each in a thread. One that hangs can't be stopped: it ends with the program."""
    gates = {slow: threading.Semaphore(limit) for slow, limit in AT_ONCE.items()}

    def work(ask: Ask) -> None:
        with gates[ask.row.slow]:
            ask.call()

    threads = [threading.Thread(target=work, args=(ask,), daemon=True) for ask in asks]
    for thread in threads:
        thread.start()
    end = time.monotonic() + WATCHDOG
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))


def run(rows: Sequence[Row], ways: Sequence[str] = ("sync", "async")) -> dict[Cell, Outcome]:
    """Return the outcome of each of ``rows`` with each client."""
    no_proxy = mock.patch.dict(os.environ, NO_PROXY="*")
    with no_proxy, Service(rows) as service, StandIn(pace=0) as standin:
        asks = [Ask(row, way, service, standin) for way in ways for row in rows]
        call_all(asks)
        played = [one.body.get("messages") for one in standin.requests]
        for ask in asks:
            read = service.requests(ask.row, ask.way)
            ask.outcome.requests = played.count(ask.messages) if ask.row.fault else read
        return {(ask.row.name, ask.way): ask.outcome for ask in asks}
