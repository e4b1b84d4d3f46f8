"""The same tests for both clients: the async one behind the face of the other.

A module says ``pytestmark = both``; then ``fakes.client`` gives the one client, and in a second run
of each test the other. The async client is driven step by step in an event loop of the test's own,
which has to be empty and without complaint in the end.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Self

import pytest

from helpers import AsyncChatCompletionsClient, AsyncCompletionStream

Run = Callable[[Coroutine[Any, Any, Any]], Any]
WAYS = ("sync", "async")

both = [pytest.mark.usefixtures("way"), pytest.mark.filterwarnings("error")]
"""Each of these tests is run twice: ``way`` is "sync", then "async"."""
once = pytest.mark.parametrize("way", WAYS[:1], indirect=True)
"""For a test in such a module that has nothing to do with how one waits."""

_runs: list[Run] = []
_sleep = asyncio.sleep  # the real one, also while a test has put its own in its place


def awaits() -> bool:
    """Whether ``fakes.client`` is to give the async client now."""
    return bool(_runs)


@contextmanager
def awaiting() -> Iterator[None]:
    """In this block ``fakes.client`` gives the async client."""
    with clean_loop() as run:
        _runs.append(run)
        try:
            yield
        finally:
            _runs.pop()


def by_both(act: Callable[[], Any]) -> Any:
    """What ``act`` gives, which is the same with either client."""
    waited = act()
    with awaiting():
        assert act() == waited
    return waited


@contextmanager
def clean_loop() -> Iterator[Run]:
    """What runs coroutines in a new event loop, in which nothing may be left in the end."""
    complaints: list[Any] = []
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(context))
        yield runner.run
        left = runner.run(_leftovers())
    assert not left
    assert not complaints


async def _leftovers() -> set[asyncio.Task[Any]]:
    """The tasks that don't end by themselves.

    Those that do close generators that nobody reads any more, layer by layer.
    """
    for _ in range(30):
        await _sleep(0)
    return asyncio.all_tasks() - {asyncio.current_task()}


class Awaited:
    """An ``AsyncChatCompletionsClient`` to be used like the other client."""

    def __init__(self, inner: AsyncChatCompletionsClient) -> None:
        vars(self).update(_inner=inner, _run=_runs[-1])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._inner, name, value)

    def __repr__(self) -> str:
        return repr(self._inner)

    def __enter__(self) -> Self:
        self._run(self._inner.__aenter__())
        return self

    def __exit__(self, *reason: Any) -> None:
        self._run(self._inner.__aexit__(*reason))

    def close(self) -> None:
        self._run(self._inner.close())

    def complete(self, *messages: Any, **options: Any) -> Any:
        return self._run(self._inner.complete(*messages, **options))

    def stream(self, *messages: Any, **options: Any) -> "AwaitedStream":
        return AwaitedStream(self._inner.stream(*messages, **options), self._run)


class AwaitedStream:
    """An ``AsyncCompletionStream`` to be used like the other stream."""

    def __init__(self, inner: AsyncCompletionStream, run: Run) -> None:
        self._inner, self._run = inner, run

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __repr__(self) -> str:
        return repr(self._inner)

    def __enter__(self) -> Self:
        self._run(self._inner.__aenter__())
        return self

    def __exit__(self, *reason: Any) -> None:
        self._run(self._inner.__aexit__(*reason))

    def __iter__(self) -> Iterator[Any]:
        return self._steps(aiter(self._inner))

    def events(self) -> Iterator[Any]:
        return self._steps(self._inner.events())

    def close(self) -> None:
        self._run(self._inner.close())

    def _steps(self, items: AsyncIterator[Any]) -> Iterator[Any]:
        end = object()

        async def step() -> Any:
            return await anext(items, end)

        while (item := self._run(step())) is not end:
            yield item
