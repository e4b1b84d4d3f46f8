"""The four clients, each asked as its documentation says, with the same time-outs and retries.

Where the documentation of an SDK would have its reader fail (``choices[0]`` of an empty list), the
caller here is more careful: a row is about the SDK, not about the one who uses it. No SDK puts the
pieces of a plain stream together, so the caller does; all that the caller has is counted as kept.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import closing
from typing import Any, Protocol

from azure.ai.inference import ChatCompletionsClient as RetiredClient
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import AzureError
from openai import OpenAI, OpenAIError

import helpers
from helpers.client.routes import route_for
from helpers.client.transport import NetworkTransport
from tests.client.faults.row import Answer, Outcome, Row

MODEL = "stand-in-chat"
Messages = list[dict[str, str]]


class Client(Protocol):
    """``name`` stands in the table; ``family`` is the base of its own errors; ``route`` is the end
    of its endpoint."""

    name: str
    family: type[BaseException]
    route: str

    def ask(self, row: Row, endpoint: str, key: str, messages: Messages) -> Outcome:
        """What comes of ``row``; never raises."""

    def close(self) -> None:
        """Close all connections."""


class Ours:
    """Our client that waits."""

    name, family, route = "ours", helpers.ChatError, "models"

    def __init__(self) -> None:
        self.transport = network()
        self.close = self.transport.close

    def ask(self, row: Row, endpoint: str, key: str, messages: Messages) -> Outcome:
        told: list[float] = []
        seen = Pieces()
        client = helpers.ChatCompletionsClient(
            endpoint, transport=self.transport, **settings(row, key, told)
        )
        try:
            if not row.stream:
                return Outcome(told_by(client.complete(messages)), waits=tuple(told))
            with client.stream(messages) as stream:
                for update in stream:
                    seen.add_texts(update)
            return Outcome(checked(told_by(stream.completion), seen), waits=tuple(told))
        except Exception as error:
            return failed(error, seen, told)


class OursAsync:
    """Our client that awaits, in one event loop for all rows."""

    name, family, route = "ours, async", helpers.ChatError, "models"

    def __init__(self) -> None:
        self.transport = network()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self.transport.aclose(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def ask(self, row: Row, endpoint: str, key: str, messages: Messages) -> Outcome:
        work = self._ask(row, endpoint, key, messages)
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    async def _ask(self, row: Row, endpoint: str, key: str, messages: Messages) -> Outcome:
        told: list[float] = []
        seen = Pieces()
        client = helpers.AsyncChatCompletionsClient(
            endpoint, transport=self.transport, **settings(row, key, told)
        )
        try:
            if not row.stream:
                return Outcome(told_by(await client.complete(messages)), waits=tuple(told))
            async with client.stream(messages) as stream:
                async for update in stream:
                    seen.add_texts(update)
            return Outcome(checked(told_by(stream.completion), seen), waits=tuple(told))
        except Exception as error:
            return failed(error, seen, told)


class Retired:
    """azure-ai-inference, on the models route."""

    name, family, route = "azure-ai-inference", AzureError, "models"

    def ask(self, row: Row, endpoint: str, key: str, messages: Messages) -> Outcome:
        client = RetiredClient(
            endpoint,
            AzureKeyCredential(key),
            model=MODEL,
            retry_total=row.retries,
            connection_timeout=row.timeout,
            read_timeout=row.timeout,
        )
        with closing(client):
            return asked(row, lambda: client.complete(messages=messages, stream=row.stream))

    def close(self) -> None:
        """Each row has a client of its own."""


class Vendor:
    """openai, on the v1 route."""

    name, family, route = "openai", OpenAIError, "openai/v1"

    def __init__(self) -> None:
        self.client = OpenAI(base_url="http://127.0.0.1", api_key="none")
        self.close = self.client.close

    def ask(self, row: Row, endpoint: str, key: str, messages: Messages) -> Outcome:
        client = self.client.with_options(
            base_url=endpoint, api_key=key, timeout=row.timeout, max_retries=row.retries
        )
        create: Callable[..., Any] = client.chat.completions.create
        return asked(row, lambda: create(messages=messages, model=MODEL, stream=row.stream))


def asked(row: Row, call: Callable[[], Any]) -> Outcome:
    """What comes of a call of an SDK. A stream is put together as far as it comes."""
    pieces = Pieces()
    try:
        answer = call()
        if not row.stream:
            return Outcome(told_by(answer))
        with closing(answer):
            for update in answer:
                pieces.add(update)
        return Outcome(pieces.answer)
    except Exception as error:
        return Outcome(error=error, kept=pieces.answer)


class Pieces:
    """A careful caller's own sum of a stream's updates."""

    def __init__(self) -> None:
        self.texts: dict[int, str] = {}
        self.finish: dict[int, str | None] = {}
        self.calls: list[Any] = []  # of [index, id, name, arguments]

    def add(self, update: Any) -> None:
        """Take in an update: all clients name its parts alike."""
        self.add_texts(update)
        for choice in update.choices or ():
            delta = getattr(choice, "delta", None)
            for call in getattr(delta, "tool_calls", None) or ():
                self._add_call(call)

    def add_texts(self, update: Any) -> None:
        """Take in an update but for its tool calls."""
        for choice in update.choices or ():
            at = choice.index or 0
            text = getattr(getattr(choice, "delta", None), "content", None) or ""
            self.texts[at] = self.texts.get(at, "") + text
            self.finish[at] = choice.finish_reason or self.finish.get(at)

    def _add_call(self, call: Any) -> None:
        # The retired SDK has no attribute for the index, and gives it as a dictionary does.
        index = call.get("index") if hasattr(call, "get") else call.index
        same = [one for one in self.calls if one[0] == index and call.id in (None, "", one[1])]
        if not same:
            same = [[index, call.id, "", ""]]
            self.calls += same
        same[-1][2] = call.function.name or same[-1][2]
        same[-1][3] += call.function.arguments or ""

    @property
    def answer(self) -> Answer:
        """What has come so far."""
        order = sorted(self.texts)
        calls = tuple((name, arguments) for _, _, name, arguments in self.calls)
        texts, finish = (tuple(found[at] for at in order) for found in (self.texts, self.finish))
        return Answer(texts, finish, calls)


def told_by(answer: Any) -> Answer:
    """A whole answer: all clients name its parts alike."""
    messages = [choice.message for choice in answer.choices]
    texts = tuple(getattr(message, "content", None) or "" for message in messages)
    calls = (getattr(messages[0], "tool_calls", None) or ()) if messages else ()
    made = tuple((call.function.name, call.function.arguments) for call in calls)
    return Answer(texts, tuple(choice.finish_reason for choice in answer.choices), made)


def checked(whole: Answer, seen: Pieces) -> Answer:
    """The sum of a stream of ours, which must hold what its updates brought, and no more."""
    sums = seen.answer
    if (whole.texts, whole.finish) != (sums.texts, sums.finish):
        return Answer((f"the updates brought {sums}, and the sum is {whole}",))
    return whole


def failed(error: Exception, seen: Pieces, told: list[float]) -> Outcome:
    """What one of our clients raised, with what a broken stream keeps."""
    partial = getattr(error, "partial", None)
    kept = checked(told_by(partial), seen) if partial else None
    return Outcome(error=error, kept=kept, waits=tuple(told))


def settings(row: Row, key: str, told: list[float]) -> dict[str, Any]:
    """What both of ours are made with: they tell each wait, and sleep through none."""
    return {
        "credential": AzureKeyCredential(key),
        "model": MODEL,
        "timeout": row.timeout,
        "max_retries": row.retries,
        "on_wait": lambda seconds, error: told.append(seconds),
        "max_pause": 0.0,
    }


def network() -> NetworkTransport:
    """The transport that all rows of a client share, as they would in a program."""
    return NetworkTransport(route_for("http://127.0.0.1/models"))


CLIENTS: tuple[type[Client], ...] = (Ours, OursAsync, Retired, Vendor)
OURS = (Ours.name, OursAsync.name)
