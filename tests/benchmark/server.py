"""The server that all clients are measured against, in a process of its own.

``python -m tests.benchmark.server`` prints its address and runs until its standard input ends.
Its answers are those of the stand-in endpoint, asked once and then kept as bytes: to answer costs
it a small part of what any client spends on asking. Every client gets the same bytes: those of the
v1 route, which are the longer ones. The first part of the path is the number of events that a
streamed answer has; the rest of it may be that of either route.
"""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import cycle, islice

import httpx

from helpers.lessons import ROOT
from tests.benchmark.candidates import MESSAGES, MODEL
from tests.standin import StandIn

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_EVENTS = re.compile(rb"POST /(\d+)/")
_BLOCK = 50
"""Events that are handed to the system at a time."""


@dataclass(frozen=True)
class Answers:
    """The bytes: a ``plain`` answer, the ``head`` of a stream, and HTTP chunks of one event each.

    A stream begins and ends as the stand-in's does; what stands between is repeated.
    """

    plain: bytes
    head: bytes
    first: tuple[bytes, ...]
    pieces: tuple[bytes, ...]
    last: tuple[bytes, ...]

    def stream(self, events: int) -> Iterator[bytes]:
        """The body of a stream of so many events, ``[DONE]`` not counted."""
        between = events - len(self.first) - len(self.last) + 1
        pieces = islice(cycle(self.pieces), between)
        yield b"".join(self.first)
        while block := b"".join(islice(pieces, _BLOCK)):
            yield block
        yield b"".join(self.last) + b"0\r\n\r\n"


def from_the_stand_in() -> Answers:
    """What the stand-in endpoint answers on the v1 route."""
    body = {"model": MODEL, "messages": MESSAGES}
    with StandIn(pace=0) as server, httpx.Client(trust_env=False) as client:
        url, key = f"{server.v1}/chat/completions", {"api-key": server.key}
        plain = client.post(url, json=body, headers=key).raise_for_status()
        streamed = client.post(url, json=body | {"stream": True}, headers=key).raise_for_status()
    events = [event + b"\n\n" for event in streamed.content.split(b"\n\n") if event]
    texts = [at for at, event in enumerate(events) if _brings_text(event)]
    chunks = [b"%x\r\n%s\r\n" % (len(event), event) for event in events]
    return Answers(
        plain=_head(plain) + plain.content,
        head=_head(streamed),
        first=tuple(chunks[: texts[0]]),
        pieces=tuple(chunks[texts[0] : texts[-1] + 1]),
        last=tuple(chunks[texts[-1] + 1 :]),
    )


def _brings_text(event: bytes) -> bool:
    data = event.removeprefix(b"data: ")
    choices = () if data.startswith(b"[DONE]") else json.loads(data)["choices"]
    return any(choice["delta"].get("content") for choice in choices)


def _head(response: httpx.Response) -> bytes:
    lines = (b"%s: %s\r\n" % header for header in response.headers.raw)
    return b"HTTP/1.1 200 OK\r\n" + b"".join(lines) + b"\r\n"


@contextmanager
def running() -> Iterator[str]:
    """The server in a process of its own; gives its origin."""
    command = [sys.executable, "-m", "tests.benchmark.server"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, encoding="utf-8", **pipes) as process:
        assert process.stdin is not None and process.stdout is not None
        with closing(process.stdin):
            yield process.stdout.readline().strip()


async def serve() -> None:
    """Answer until standard input ends."""
    answers = from_the_stand_in()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer), suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                await _answer(answers, reader, writer)

    server = await asyncio.start_server(converse, "127.0.0.1", 0, backlog=256)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await asyncio.to_thread(sys.stdin.read)


async def _answer(
    answers: Answers, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    length, events = _LENGTH.search(head), _EVENTS.match(head)
    assert length is not None and events is not None
    body = await reader.readexactly(int(length[1]))
    if b'"stream":true' not in body.replace(b" ", b""):
        writer.write(answers.plain)
        return
    writer.write(answers.head)
    for part in answers.stream(int(events[1])):
        writer.write(part)
        await writer.drain()


if __name__ == "__main__":
    asyncio.run(serve())
