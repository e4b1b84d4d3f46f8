"""Print how fast this client is beside two SDKs: ``python -m tests.benchmark``.

All clients ask one server on this machine, a process of its own, and get the same bytes: what the
stand-in endpoint answers on the v1 route. Each figure comes from a new process, because a client
that was measured before leaves its modules and its memory behind. The candidates take turns, and a
ratio is made of two medians of one run. It takes about four minutes. The name of a row, such as
``notebooks``, gives that row alone.
"""

import asyncio
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from itertools import cycle, islice
from operator import attrgetter
from pathlib import Path
from typing import Any

import httpx
import nbformat
from nbformat.v4 import new_notebook
from tabulate import tabulate
from tqdm import tqdm  # type: ignore[import-untyped]

from helpers.lessons import LESSONS, ROOT

MODEL = "stand-in-chat"
MESSAGES = [{"role": "user", "content": "How many languages are in the world?"}]
KEY = "k" * 84  # as long as the keys of the service
OURS, RETIRED, VENDOR = "ours", "azure-ai-inference", "openai"
EVENTS, CALLS, IN_FLIGHT, WARM_UP = 1_000, 300, 64, 50
TWO_AT_ONCE, EMPTY = "lessons, --jobs 2", "as many empty notebooks"
PAPERMILL = """\
import sys, papermill
for number in range(int(sys.argv[2])):
    papermill.execute_notebook(
        sys.argv[1], f"{sys.argv[1]}.{number}.ipynb", kernel_name="python3", progress_bar=False
    )
"""


def asking(name: str, url: str, *, is_async: bool = False, **options: Any) -> tuple[Any, Any]:
    """Return a client and a function that asks it once."""
    if name == VENDOR:
        import openai

        kind: Any = openai.AsyncOpenAI if is_async else openai.OpenAI
        client = kind(base_url=f"{url}/openai/v1", api_key=KEY)
        create = client.chat.completions.create
        return client, lambda: create(model=MODEL, messages=MESSAGES, **options)
    from azure.core.credentials import AzureKeyCredential

    if name == OURS:
        import helpers

        kind = helpers.AsyncChatCompletionsClient if is_async else helpers.ChatCompletionsClient
        client = kind(f"{url}/openai/v1", AzureKeyCredential(KEY), MODEL)
        return client, lambda: client.complete(MESSAGES)
    if is_async:
        from azure.ai.inference.aio import ChatCompletionsClient
    else:
        from azure.ai.inference import ChatCompletionsClient  # type: ignore[assignment]
    client = ChatCompletionsClient(f"{url}/models", AzureKeyCredential(KEY), model=MODEL)
    return client, lambda: client.complete(messages=MESSAGES, **options)


def plain(name: str, url: str) -> float:
    """Return the seconds of CPU of a plain call whose text is read."""
    _, ask = asking(name, url)
    text = attrgetter("content") if name == OURS else lambda it: it.choices[0].message.content
    return cpu(lambda: text(ask()), CALLS, WARM_UP)


def streamed(name: str, url: str) -> float:
    """Return the seconds of CPU of one event of a stream whose texts are read."""
    client, ask = asking(name, url, **({} if name == OURS else {"stream": True}))

    def read() -> None:
        with client.stream(MESSAGES) if name == OURS else ask() as stream:
            for update in stream:
                if name == OURS:
                    _ = update.content
                elif update.choices:
                    _ = update.choices[0].delta.content

    return cpu(read, 5, 1) / EVENTS


def cpu(act: Callable[[], Any], count: int, warm_up: int) -> float:
    """Return the seconds of CPU that one of ``count`` acts takes, the system's part included."""
    for _ in range(warm_up):
        act()
    started = time.process_time()
    for _ in range(count):
        act()
    return (time.process_time() - started) / count


def awaited(name: str, url: str) -> float:
    """Return the seconds until 1,000 calls are answered, ``IN_FLIGHT`` of them at a time."""
    return asyncio.run(_in_flight(name, url))


async def _in_flight(name: str, url: str) -> float:
    client, call = asking(name, url, is_async=True)

    async def batch(size: int) -> None:
        left = iter(range(size))

        async def one_after_the_other() -> None:
            for _ in left:
                await call()

        await asyncio.gather(*(one_after_the_other() for _ in range(IN_FLIGHT)))

    try:
        await batch(2 * IN_FLIGHT)  # opens the connections
        started = time.perf_counter()
        await batch(1_000)
        return time.perf_counter() - started
    finally:
        await client.close()


def importing(statement: str, _: str) -> float:
    """Return the seconds of CPU that the import takes in a process without any other."""
    code = f"import time; t = time.process_time(); {statement}; print(time.process_time() - t)"
    return float(subprocess.check_output([sys.executable, "-c", code], cwd=ROOT))


def notebooks(name: str, _: str) -> float:
    """Return the seconds that all lessons take, or empty notebooks one after another."""
    with tempfile.TemporaryDirectory() as made:
        command = ["-m", "helpers", "run", "--jobs", "2", "--to", made]
        if name == EMPTY:
            source = Path(made, "empty.ipynb")
            nbformat.write(new_notebook(), source)
            command = ["-c", PAPERMILL, str(source), str(len(LESSONS))]
        started = time.perf_counter()
        subprocess.run(
            [sys.executable, *command],
            cwd=ROOT,
            env=os.environ | {"TUTORIAL_MODE": "replay"},
            check=True,
            capture_output=True,
        )
        return time.perf_counter() - started


ROWS: dict[str, tuple[Callable[[str, str], float], int, tuple[str, ...]]] = {
    "CPU a plain call": (plain, 5, (OURS, RETIRED, VENDOR)),
    "CPU a streamed event": (streamed, 5, (OURS, RETIRED, VENDOR)),
    "1,000 calls, 64 in flight": (awaited, 5, (OURS, RETIRED, VENDOR)),
    "import": (importing, 9, ("import helpers", "import httpx", "import openai")),
    "notebooks": (notebooks, 3, (TWO_AT_ONCE, EMPTY)),
}


def main(*names: str) -> None:
    """Measure the rows of these names, or every row, and print the table."""
    table, rows = [], {name: ROWS[name] for name in names or ROWS}
    with _server() as origin, tqdm(total=sum(n * len(c) for _, n, c in rows.values())) as bar:
        for row, (_, rounds, candidates) in rows.items():
            found: dict[str, list[float]] = {name: [] for name in candidates}
            for _ in range(rounds):
                for name, figures in found.items():
                    figures.append(_measured(row, name, origin))
                    bar.update()
            medians = {name: statistics.median(figures) for name, figures in found.items()}
            ours = medians[candidates[0]]
            for name, median in medians.items():
                spread = f"{min(found[name]) * 1e3:.3f} to {max(found[name]) * 1e3:.3f}"
                table.append([row, name, median * 1e3, spread, ours / median])
    head = ["what", "candidate", "ms (median)", "lowest to highest", "ours / this"]
    print(tabulate(table, headers=head, floatfmt=".3f"))


def _measured(row: str, name: str, origin: str) -> float:
    command = [sys.executable, "-m", "tests.benchmark", row, name, origin]
    return float(subprocess.check_output(command, cwd=ROOT).split()[-1])


@contextmanager
def _server() -> Iterator[str]:
    """Run the server in a process of its own; yield its origin."""
    command, pipe = [sys.executable, "-m", "tests.benchmark", "server"], subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, encoding="utf-8", stdin=pipe, stdout=pipe) as process:
        assert process.stdin is not None and process.stdout is not None
        with closing(process.stdin):
            yield process.stdout.readline().strip()


async def serve() -> None:
    """Answer with the stand-in's bytes, kept from one call of each kind, until stdin ends."""
    plain, head, stream = _answers()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer), suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                request = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = re.search(rb"content-length: *(\d+)", request)
                body = await reader.readexactly(int(length[1]) if length else 0)
                is_stream = b'"stream":true' in body.replace(b" ", b"")
                for part in [head, *stream] if is_stream else [plain]:
                    writer.write(part)
                    await writer.drain()

    server = await asyncio.start_server(converse, "127.0.0.1", 0, backlog=256)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await asyncio.to_thread(sys.stdin.read)


def _answers() -> tuple[bytes, bytes, list[bytes]]:
    """Return a plain answer, the head of a stream, and a stream of ``EVENTS`` events in blocks."""
    from tests.standin import StandIn

    body = {"model": MODEL, "messages": MESSAGES}
    with StandIn(pace=0) as server, httpx.Client(trust_env=False) as client:
        url, key = f"{server.v1}/chat/completions", {"api-key": server.key}
        plain = client.post(url, json=body, headers=key).raise_for_status()
        streamed = client.post(url, json=body | {"stream": True}, headers=key).raise_for_status()
    events = [event + b"\n\n" for event in streamed.content.split(b"\n\n")[:-1]]
    texts = [at for at, event in enumerate(events) if b'"content":"' in event.replace(b" ", b"")]
    first, between, last = events[: texts[0]], events[texts[0] : texts[-1]], events[texts[-1] :]
    whole = [*first, *islice(cycle(between), EVENTS - len(first) - len(last) + 1), *last]
    chunks = [b"%x\r\n%s\r\n" % (len(event), event) for event in whole]
    blocks = [b"".join(chunks[at : at + 50]) for at in range(0, len(chunks), 50)]
    return _head(plain) + plain.content, _head(streamed), [*blocks, b"0\r\n\r\n"]


def _head(response: httpx.Response) -> bytes:
    lines = (b"%s: %s\r\n" % header for header in response.headers.raw)
    return b"HTTP/1.1 200 OK\r\n" + b"".join(lines) + b"\r\n"


if __name__ == "__main__":
    if sys.argv[1:] == ["server"]:
        asyncio.run(serve())
    elif sys.argv[2:]:
        print(ROWS[sys.argv[1]][0](*sys.argv[2:]))
    else:
        main(*sys.argv[1:])
