"""Run the same tests with both clients.

In a module with ``pytestmark = both``, ``fakes.client`` returns the sync client, and in a second
run of each test the async client. ``Awaited`` makes the async client callable without ``await``.
"""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Self

import pytest

from helpers import AsyncCompletionStream

Run = Callable[[Coroutine[Any, Any, Any]], Any]
WAYS = ("sync", "async")

both = [pytest.mark.usefixtures("way"), pytest.mark.filterwarnings("error")]
"""Run each test of a module twice: ``way`` is "sync", then "async"."""
once = pytest.mark.parametrize("way", WAYS[:1], indirect=True)
"""Run a test of such a module once, because it makes no call."""

_runs: list[Run] = []
_sleep = asyncio.sleep  # the real one, even while a test has replaced it


def awaits() -> bool:
    """Return whether ``fakes.client`` has to return the async client."""
    return bool(_runs)


@contextmanager
def awaiting() -> Iterator[None]:
    """Have ``fakes.client`` return the async client in this block."""
    with clean_loop() as run:
        _runs.append(run)
        try:
            yield
        finally:
            _runs.pop()


def by_both(act: Callable[[], Any]) -> Any:
    """Return what ``act`` returns, which has to be the same with either client."""
    result = act()
    with awaiting():
        assert act() == result
    return result


@contextmanager
def clean_loop() -> Iterator[Run]:
    """Yield the ``run`` of a new event loop; assert that it ends without a task or an error."""
    errors: list[Any] = []
    with asyncio.Runner() as runner:
        runner.get_loop().set_exception_handler(lambda _, context: errors.append(context))
        yield runner.run
        left = runner.run(_leftovers())
    assert not left
    assert not errors


async def _leftovers() -> set[asyncio.Task[Any]]:
    """Return the tasks that do not end by themselves, as those that close generators do."""
    for _ in range(30):
        await _sleep(0)
    return asyncio.all_tasks() - {asyncio.current_task()}


class Awaited:
    """An ``AsyncChatCompletionsClient`` or one of its streams, callable without ``await``."""

    def __init__(self, inner: Any, run: Run | None = None) -> None:
        vars(self).update(inner=inner, run=run or _runs[-1])

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.inner, name)
        return self._awaited(value) if inspect.ismethod(value) else value

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.inner, name, value)

    def __repr__(self) -> str:
        return repr(self.inner)

    def __enter__(self) -> Self:
        self.run(self.inner.__aenter__())
        return self

    def __exit__(self, *reason: Any) -> None:
        self.run(self.inner.__aexit__(*reason))

    def __iter__(self) -> Iterator[Any]:
        return self._steps(aiter(self.inner))

    def _awaited(self, method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def call(*args: Any, **options: Any) -> Any:
            result = method(*args, **options)
            if isinstance(result, AsyncCompletionStream | type(self.inner)):
                return Awaited(result, self.run)
            if isinstance(result, AsyncIterator):
                return self._steps(result)
            return self.run(result) if inspect.iscoroutine(result) else result

        return call

    def _steps(self, items: AsyncIterator[Any]) -> Iterator[Any]:
        end = object()

        async def step() -> Any:
            return await anext(items, end)

        while (item := self.run(step())) is not end:
            yield item
