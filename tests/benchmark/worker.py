"""One figure of one client, in a process of its own: ``python -m tests.benchmark.worker``.

A new process for each figure, because a client that was measured before leaves its modules, its
memory and the garbage collector's state behind; and because the addresses that a process happens to
get change its speed by some per cent, so figures of one process alone have too small a spread.
"""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterator

from tests.benchmark import candidates

WARM_UP = 50
"""Calls before the clock starts: the first ones connect, import, and fill caches."""
IN_FLIGHT = 64


def cpu_per_call(call: Callable[[], str], count: int) -> float:
    """Seconds of CPU, the system's part included: what else the machine does matters less then."""
    for _ in range(WARM_UP):
        call()
    started = time.process_time()
    for _ in range(count):
        call()
    return (time.process_time() - started) / count


def cpu_per_stream(stream: Callable[[], Iterator[str]], count: int) -> float:
    """Seconds of CPU that a stream takes from its request to its end."""
    drain(stream())
    started = time.process_time()
    for _ in range(count):
        drain(stream())
    return (time.process_time() - started) / count


def drain(stream: Iterator[str]) -> None:
    """Read to the end; each update is dropped before the next one comes."""
    for _ in stream:
        pass


async def wall_in_flight(call: Callable[[], Awaitable[str]], count: int) -> float:
    """Seconds until ``count`` calls are answered, ``IN_FLIGHT`` of them under way at a time."""

    async def batch(size: int) -> None:
        left = iter(range(size))

        async def one_after_the_other() -> None:
            for _ in left:
                await call()

        await asyncio.gather(*(one_after_the_other() for _ in range(IN_FLIGHT)))

    await batch(2 * IN_FLIGHT)  # so that all connections are there
    started = time.perf_counter()
    await batch(count)
    return time.perf_counter() - started


async def awaited(name: str, url: str, count: int) -> float:
    """``wall_in_flight`` of the client of that name."""
    call, close = candidates.awaiting(name, url)
    try:
        return await wall_in_flight(call, count)
    finally:
        await close()


def main(what: str, name: str, url: str, count: int) -> None:
    """Print the figure. For the memory: nothing but this process, to be looked at while it runs."""
    # httpx would import it for its command line, if it is there: not every installation has it.
    sys.modules.setdefault("rich", None)  # type: ignore[arg-type]
    if what == "call":
        print(cpu_per_call(candidates.calling(name, url), count))
    elif what == "stream":
        print(cpu_per_stream(candidates.streaming(name, url), count))
    elif what == "in flight":
        print(asyncio.run(awaited(name, url, count)))
    else:
        print(os.getpid(), flush=True)
        drain(candidates.streaming(name, url)())
        print("done", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:4], int(sys.argv[4]))
