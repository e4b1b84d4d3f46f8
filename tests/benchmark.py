"""What calls cost with this client and with two SDKs: ``python -m tests.benchmark``.

Prints a table, in about two minutes. The server is a process of its own on this machine and answers
every client with the same bytes. Each figure comes from a fresh process; the candidates take turns,
and the median of the rounds counts. ``--count 1`` makes it quick and its figures worthless.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from statistics import median
from typing import Any

from tabulate import tabulate

ROOT = Path(__file__).parents[1]
MODEL = "stand-in-chat"
MESSAGES = [{"role": "user", "content": "How many languages are in the world?"}]
KEY = "4f9Zq7Lw2Xs8Rb6Tn1Vd3Hj5Gy0Cm" * 3
"""As long as the keys that the service gives out: masking may take longer, the longer a key is."""
EVENTS = 1000
"""Events of a stream."""
IN_FLIGHT = 64
OURS, RETIRED, VENDOR = "this client", "azure-ai-inference", "openai"
CLIENTS = (OURS, RETIRED, VENDOR)
IMPORTS = ("import helpers", "import httpx", "import openai")
MEASURES: dict[str, tuple[tuple[str, ...], int, float, str]] = {
    "call": (CLIENTS, 300, 1e6, "CPU per call, µs"),
    "stream": (CLIENTS, 5, 1e6 / EVENTS, "CPU per streamed event, µs"),
    "in flight": (CLIENTS, 1000, 1e6, f"time per call, {IN_FLIGHT} in flight, µs"),
    "replay": ((OURS,), 300, 1e6, "time per replayed call, µs"),
    "import": (IMPORTS, 1, 1e3, "CPU of an import, ms"),
}
"""Candidates, how often, factor of the unit, and title of each measure."""


# --- The clients: each is imported where it is used, so that a process holds only one -------------
def build_client(name: str, url: str, *, is_async: bool = False) -> Any:
    """The client of that name."""
    if name == VENDOR:
        import openai

        vendor = openai.AsyncOpenAI if is_async else openai.OpenAI
        return vendor(base_url=f"{url}/openai/v1", api_key=KEY)

    from azure.core.credentials import AzureKeyCredential

    key, kind = AzureKeyCredential(KEY), Any
    if name == OURS:
        import helpers

        kind = helpers.AsyncChatCompletionsClient if is_async else helpers.ChatCompletionsClient
        return kind(f"{url}/openai/v1", key, MODEL)
    if is_async:
        from azure.ai.inference.aio import ChatCompletionsClient as RetiredAsync

        return RetiredAsync(f"{url}/models", key, model=MODEL)

    from azure.ai.inference import ChatCompletionsClient as Retired

    return Retired(f"{url}/models", key, model=MODEL)


def asking(name: str, client: Any) -> Callable[..., Any]:
    """The function of ``client`` that asks."""
    if name == VENDOR:
        return lambda **more: client.chat.completions.create(model=MODEL, messages=MESSAGES, **more)
    return lambda **more: client.complete(messages=MESSAGES, **more)


# --- Figures: seconds for one of what is measured -------------------------------------------------
def per_call(name: str, url: str, count: int) -> float:
    """Seconds of CPU for a call that is not streamed."""
    ask = asking(name, build_client(name, url))
    return per_one(lambda: ask().choices[0].message.content, count, time.process_time)


def per_stream(name: str, url: str, count: int) -> float:
    """Seconds of CPU for a stream, from its request to its end."""
    client = build_client(name, url)
    ask = asking(name, client)

    def read() -> None:
        length = 0
        with client.stream(MESSAGES) if name == OURS else ask(stream=True) as stream:
            for update in stream:
                length += bool(update.choices and update.choices[0].delta.content)
        assert length == EVENTS

    return per_one(read, count, time.process_time)


def per_one(act: Callable[[], object], count: int, clock: Callable[[], float]) -> float:
    """Seconds for one of ``count`` after a few that do not count: they connect and import."""
    for _ in range(1 + count // 5):
        act()
    started = clock()
    for _ in range(count):
        act()
    return (clock() - started) / count


async def per_call_in_flight(name: str, url: str, count: int) -> float:
    """Seconds for a call while ``IN_FLIGHT`` are under way."""
    client = build_client(name, url, is_async=True)
    ask = asking(name, client)

    async def batch(size: int) -> None:
        left = iter(range(size))

        async def one_after_the_other() -> None:
            for _ in left:
                assert (await ask()).choices[0].message.content

        await asyncio.gather(*(one_after_the_other() for _ in range(IN_FLIGHT)))

    await batch(2 * IN_FLIGHT)  # so that all connections are there
    started = time.perf_counter()
    await batch(count)
    seconds = time.perf_counter() - started
    await client.close()
    return seconds / count


def per_replay(name: str, url: str, count: int) -> float:
    """Seconds for a call that a lesson's recording answers."""
    import helpers
    from helpers.lessons import LESSONS
    from helpers.recordings.replay import ReplayTransport

    recording = ReplayTransport(LESSONS[1].cassette("v1"))
    asked = recording.tape["exchanges"][0]["request"]["body"]
    client = helpers.ChatCompletionsClient(f"{url}/openai/v1", transport=recording)
    return per_one(lambda: client.complete(**asked), count, time.perf_counter)


def per_import(name: str, url: str, count: int) -> float:
    """Seconds of CPU for an import, in a process that has imported nothing else."""
    code = f"import time; t = time.process_time(); {name}; print(time.process_time() - t)"
    return float(run_python("-c", code))


FIGURES: dict[str, Callable[[str, str, int], float | Awaitable[float]]] = {
    "call": per_call,
    "stream": per_stream,
    "in flight": per_call_in_flight,
    "replay": per_replay,
    "import": per_import,
}


# --- The server -----------------------------------------------------------------------------------
async def serve() -> None:
    """Print the address, and answer until standard input ends."""
    from tests.client.faults.wire import FINAL, FIRST, chunked, completion, events, update, whole

    (plain,) = whole(completion("There are about 7,000 of them. " * 10))
    pieces = [update({"content": " some words"})] * EVENTS
    stream = b"".join(
        step for step in chunked(*events([FIRST, *pieces, FINAL])) if type(step) is bytes
    )

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer), suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
                body = await reader.readexactly(int(length))
                streams = b'"stream":true' in body.replace(b" ", b"")
                writer.write(stream if streams else plain)
                await writer.drain()

    server = await asyncio.start_server(converse, "127.0.0.1", 0, backlog=256)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await asyncio.to_thread(sys.stdin.read)


@contextmanager
def serving() -> Iterator[str]:
    """The server in a process of its own; gives its address."""
    command = [sys.executable, "-m", "tests.benchmark", "serve"]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, encoding="utf-8", **pipes) as process:
        assert process.stdin is not None and process.stdout is not None
        with closing(process.stdin):
            yield process.stdout.readline().strip()


def run_python(*arguments: str) -> str:
    """What a fresh process prints."""
    environment = {**os.environ, "NO_PROXY": "*"}
    command = [sys.executable, *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, encoding="utf-8", check=True
    )
    return done.stdout


# --- The table ------------------------------------------------------------------------------------
def measure(what: str, url: str, rounds: int, count: int | None) -> list[tuple[str, float]]:
    """The median of each candidate, which take turns."""
    names, times, factor, _ = MEASURES[what]
    figures: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(rounds):
        for name, found in figures.items():
            figure = ("-m", "tests.benchmark", "figure", what, name, url, str(count or times))
            found.append(float(run_python(*figure)) * factor)
    return [(name, median(found)) for name, found in figures.items()]


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmark", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="figures of each candidate")
    parser.add_argument("--count", type=int, help="calls or streams in a figure")
    options = parser.parse_args()
    lines = []
    with serving() as url:
        for what, (*_, title) in MEASURES.items():
            found = measure(what, url, options.rounds, options.count)
            ours = found[0][1]
            for name, figure in found:
                lines.append([title, name, f"{figure:,.1f}", f"{ours / figure:.2f}"])
    print(tabulate(lines, ["measure", "of", "median", "ours : this"], disable_numparse=True))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve"]:
            asyncio.run(serve())
        case ["figure", what, name, url, count]:
            result = FIGURES[what](name, url, int(count))
            print(result if isinstance(result, float) else asyncio.run(result))  # type: ignore[arg-type]
        case _:
            main()
