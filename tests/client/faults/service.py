"""Play the replies of rows on real sockets."""

import asyncio
import os
import socket
import ssl
import struct
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, Self, cast

import trustme

from tests.client.faults.row import Row
from tests.client.faults.wire import HERE, End, Reply

HOST = "127.0.0.1"
Connected = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


class Service:
    """Serve ``rows`` in a ``with`` block, with a port for each kind of listener."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._replies = {str(at): row.replies for at, row in enumerate(rows)}
        self._places = {row.name: str(at) for at, row in enumerate(rows)}
        self.asked: Counter[tuple[str, str]] = Counter()
        self.connections = 0
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._started = threading.Event()

    def url(self, row: Row, client: str) -> str:
        """Return the URL of ``row`` for ``client``, without ``/models``."""
        place = f"{self._places[row.name]}/{client}"
        scheme, listener = row.where
        if listener == "none":
            return f"{scheme}://no-such-host.invalid/{place}"
        return f"{scheme}://{HOST}:{self._ports[listener]}/{place}"

    def requests(self, row: Row, client: str) -> int:
        """Return how many requests of ``client`` for ``row`` were read."""
        return self.asked[self._places[row.name], client]

    @property
    def open(self) -> int:
        """Return how many connections are open."""
        return len(self._open)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=asyncio.run, args=(self._serve(),), daemon=True)
        self._thread.start()
        self._started.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert(HOST).configure_cert(context)
        listeners: dict[str, tuple[Connected, ssl.SSLContext | None]] = {
            "plain": (self._answer, None),
            "tls": (self._answer, context),  # nobody trusts who signed its certificate
            "silent": (_hold, None),  # takes connections and says nothing
        }
        self._ports = {"refused": 1}  # nobody listens
        servers = []
        for name, (connected, context) in listeners.items():
            server = await asyncio.start_server(connected, HOST, 0, ssl=context, limit=1 << 20)
            servers.append(server)
            self._ports[name] = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._stop.wait()
        for server in servers:
            server.close()
        for writer in self._open.values():
            writer.transport.abort()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._open[task] = writer
        self.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            try:
                while await self._answer_one(reader, writer):
                    pass
            finally:
                del self._open[task]
                writer.close()

    async def _answer_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer a request; return whether the connection stays open for another."""
        if (first := await reader.readexactly(1)) == TLS_RECORD:
            writer.write(NO_TLS)
            await writer.drain()
            return False
        head = (first + await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        if "\r\ncookie:" in head:  # no client keeps cookies
            return False
        _, length, rest = head.partition("\r\ncontent-length:")
        if length:
            await reader.readexactly(int(rest.split("\r\n")[0]))
        _, place, client, *_ = head.split(" ")[1].split("/")
        at, replies = self.asked[place, client], self._replies[place]
        self.asked[place, client] += 1
        here = f"/{place}/{client}".encode()
        reply = (
            step.replace(HERE.encode(), here) if isinstance(step, bytes) else step
            for step in replies[min(at, len(replies) - 1)]
        )
        return await play(tuple(reply), reader, writer)


TLS_RECORD = b"\x16"
"""The first byte of a TLS handshake."""
NO_TLS = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


async def play(reply: Reply, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Play a reply; return whether the connection stays open."""
    for step in reply:
        if isinstance(step, bytes):
            writer.write(step)
            await writer.drain()
        elif isinstance(step, float):
            await asyncio.sleep(step)
        elif step is End.RESET:
            await _reset(reader, writer)
        elif step is End.HOLD:
            await _hold(reader, writer)
    return not isinstance(reply[-1], End)


async def _reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Reset the connection: that is closing with a linger time of 0."""
    linger = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


async def _hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send nothing until the client gives up."""
    while await reader.read(1 << 16):
        pass
    writer.close()
