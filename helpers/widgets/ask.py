"""An answer on its way to a view: the work of a job that asks, and what it has so far."""

import math
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from helpers.client.client import ChatCompletionsClient, Messages
from helpers.client.errors import ChatError
from helpers.client.responses import ChatCompletions, StreamingChatCompletionsUpdate
from helpers.widgets.job import RunContext, Work


@dataclass(frozen=True)
class Answer:
    """A streamed answer up to its chunk number ``count``; ``completion`` once all of it is there.

    The chunks are seconds from sending, and text. They are shared with what comes later, so that a
    long answer is not copied for each of its chunks.
    """

    chunks: Sequence[tuple[float, str]] = ()
    count: int = 0
    completion: ChatCompletions | None = None

    @classmethod
    def of(
        cls,
        updates: Iterable[StreamingChatCompletionsUpdate],
        completion: ChatCompletions | None = None,
    ) -> Self:
        """What a lesson has kept of a stream: those of its updates that bring text."""
        chunks = [(update.elapsed, update.content) for update in updates if update.content]
        return cls(chunks, len(chunks), completion)

    @property
    def text(self) -> str:
        """All that has arrived."""
        return "".join(text for _, text in self.chunks[: self.count])

    @property
    def arrivals(self) -> list[float]:
        """When each chunk arrived, in seconds from sending."""
        return [at for at, _ in self.chunks[: self.count]]


def answering(client: ChatCompletionsClient, messages: Messages, **options: Any) -> Work[Answer]:
    """The work of streaming an answer: for ``Job.start``."""

    def work(turn: RunContext) -> Generator[Answer]:
        chunks: list[tuple[float, str]] = []
        with (
            patient(client, turn).stream(messages, **options) as stream,
            turn.woken_by(stream.hang_up),
        ):
            for update in stream:
                if update.content:
                    chunks.append((update.elapsed, update.content))
                    yield Answer(chunks, len(chunks))
        yield Answer(chunks, len(chunks), stream.completion)

    return work


def asking(
    client: ChatCompletionsClient, messages: Messages, **options: Any
) -> Work[ChatCompletions | None]:
    """The work of asking for an answer in one part: for ``Job.start``."""

    def work(turn: RunContext) -> Generator[ChatCompletions | None]:
        yield patient(client, turn).complete(messages, **options)

    return work


def patient(client: ChatCompletionsClient, turn: RunContext) -> ChatCompletionsClient:
    """The same client for one run: its waits before a retry are said there, and end with it.

    As it is, the client would print from the thread, which lands in whatever cell ran last, and a
    stopped run would still send its retry.
    """

    def wait(seconds: float, reason: ChatError) -> None:
        turn.say(f"{reason.message} Waiting up to {math.ceil(seconds)} s, then trying again.")
        turn.sleep(min(seconds, client.retry.max_pause))

    return client.with_options(on_wait=wait, max_pause=0.0)
