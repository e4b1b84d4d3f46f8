"""Every row through both of our clients, in bounded time."""

import asyncio
import os
import threading
import time
from collections.abc import Iterable
from typing import Any
from unittest import mock

from azure.core.credentials import AzureKeyCredential

from helpers import AsyncChatCompletionsClient, ChatCompletionsClient
from tests.client.faults.row import Answer, Outcome, Row
from tests.client.faults.service import Service
from tests.standin import StandIn

WATCHDOG = 120.0
"""Seconds for all rows of a client; what has not come by then hangs."""
AT_ONCE = {True: 32, False: 2}
"""How many rows go at a time: of those that wait more, of the busy ones few."""
ANYWHERE = "http://127.0.0.1/models"
Cell = tuple[str, str]
"""The name of a row, and "sync" or "async"."""


class Ask:
    """A row for one of the clients, and what came of it."""

    def __init__(self, row: Row, way: str, service: Service, standin: StandIn) -> None:
        self.row, self.waits, self.outcome = row, list[float](), Outcome()
        self.texts, self.finish = dict[int, str](), dict[int, str | None]()
        self.endpoint = f"{standin.url if row.fault else service.url(row, way)}/models"
        # The stand-in counts how often the same question came: each client's is another.
        asked = f"fault: {row.fault}" if row.fault else "How salty is the sea?"
        self.messages = [
            {"role": "system", "content": f"{row.name} {way}"},
            {"role": "user", "content": asked},
        ]
        self.options: dict[str, Any] = {
            "credential": AzureKeyCredential(standin.key),
            "model": "stand-in-chat",
            "timeout": row.timeout,
            "max_retries": row.retries,
            "on_wait": lambda seconds, error: self.waits.append(seconds),
            "max_pause": 0.0,
        }

    def call(self, transport: Any) -> None:
        """Ask with the client that waits."""
        client = ChatCompletionsClient(self.endpoint, transport=transport, **self.options)
        try:
            if not self.row.stream:
                self.outcome = Outcome(told_by(client.complete(self.messages)))
                return
            with client.stream(self.messages) as stream:
                for update in stream:
                    self._add(update)
            self.outcome = Outcome(self._checked(stream.completion))
        except Exception as error:
            self._failed(error)

    async def acall(self, transport: Any) -> None:
        """Ask with the client that awaits."""
        client = AsyncChatCompletionsClient(self.endpoint, transport=transport, **self.options)
        try:
            if not self.row.stream:
                self.outcome = Outcome(told_by(await client.complete(self.messages)))
                return
            async with client.stream(self.messages) as stream:
                async for update in stream:
                    self._add(update)
            self.outcome = Outcome(self._checked(stream.completion))
        except Exception as error:
            self._failed(error)

    def _add(self, update: Any) -> None:
        for choice in update.choices:
            at = choice.index or 0
            self.texts[at] = self.texts.get(at, "") + (choice.delta.content or "")
            self.finish[at] = choice.finish_reason or self.finish.get(at)

    def _checked(self, completion: Any) -> Answer:
        """The sum of a stream, which must hold what its updates brought, and no more."""
        whole, order = told_by(completion), sorted(self.texts)
        texts, finish = (tuple(found[at] for at in order) for found in (self.texts, self.finish))
        if (whole.texts, whole.finish) != (texts, finish):
            return Answer((f"the updates brought {texts}, {finish}, and the sum is {whole}",))
        return whole

    def _failed(self, error: Exception) -> None:
        partial = getattr(error, "partial", None)
        self.outcome = Outcome(error=error, kept=self._checked(partial) if partial else None)


def told_by(completion: Any) -> Answer:
    """A whole answer, as rows say it."""
    choices, calls = completion.choices, completion.message.tool_calls
    return Answer(
        tuple(choice.message.content for choice in choices),
        tuple(choice.finish_reason for choice in choices),
        tuple((call.function.name, call.function.arguments) for call in calls),
    )


def call_all(asks: list[Ask]) -> None:
    """Ask all, each in a thread. One that hangs can't be stopped: it ends with the program."""
    gates = {slow: threading.Semaphore(limit) for slow, limit in AT_ONCE.items()}

    def work(ask: Ask) -> None:
        with gates[ask.row.slow]:
            ask.call(shared.transport)

    with ChatCompletionsClient(ANYWHERE) as shared:
        threads = [threading.Thread(target=work, args=(ask,), daemon=True) for ask in asks]
        for thread in threads:
            thread.start()
        end = time.monotonic() + WATCHDOG
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))


async def acall_all(asks: list[Ask]) -> None:
    """Ask all, each in a task."""
    gates = {slow: asyncio.Semaphore(limit) for slow, limit in AT_ONCE.items()}

    async def work(ask: Ask) -> None:
        async with gates[ask.row.slow]:
            await ask.acall(shared.transport)

    async with AsyncChatCompletionsClient(ANYWHERE) as shared:
        _, hung = await asyncio.wait([asyncio.create_task(work(a)) for a in asks], timeout=WATCHDOG)
        for task in hung:
            task.cancel()


def run(rows: Iterable[Row], ways: Iterable[str] = ("sync", "async")) -> dict[Cell, Outcome]:
    """What comes of each of ``rows`` in each client."""
    rows, done = tuple(rows), dict[Cell, Outcome]()
    no_proxy = mock.patch.dict(os.environ, NO_PROXY="*")
    with no_proxy, Service(rows) as service, StandIn(pace=0) as standin:
        for way in ways:
            asks = [Ask(row, way, service, standin) for row in rows]
            if way == "sync":
                call_all(asks)
            else:
                asyncio.run(acall_all(asks))
            played = [one.body.get("messages") for one in standin.requests]
            for ask in asks:
                of_service = service.requests(ask.row, way)
                ask.outcome.requests = played.count(ask.messages) if ask.row.fault else of_service
                ask.outcome.waits = tuple(ask.waits)
                done[ask.row.name, way] = ask.outcome
    return done
