"""The HTTP server: tornado, in a thread with an event loop of its own."""

import asyncio
import threading
from collections import Counter
from pathlib import Path
from typing import Any, Self, cast

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from tests.standin import checks, scripts
from tests.standin.calls import Json, digest
from tests.standin.faults import Fault
from tests.standin.handlers import ChatHandler, Received, WrongPathHandler
from tests.standin.responses.handler import ResponsesHandler
from tests.standin.upstream import Upstream

LOOPBACK = "127.0.0.1"
V1 = "(?:/api/projects/[^/]+)?/openai/v1"
PATHS = [
    ("/models/chat/completions", ChatHandler, "models"),
    (f"{V1}/chat/completions", ChatHandler, "v1"),
    (f"{V1}/responses", ResponsesHandler, "v1"),
]
"""Patterns of the paths, who answers there, and the route whose rules hold."""


class StandIn:
    """The stand-in endpoint, running for as long as the ``with`` block.

    ``models`` and ``v1`` are the endpoints of the two routes, ``project`` that of a project.
    ``key`` is the accepted key, and ``requests`` lists what has arrived. ``pace`` is a factor on
    all pauses: 1 as scripted, 0 none. ``upstream`` is asked what no script answers, and what
    scripts say ``by = "model"`` of.

    ``host`` is an address of this machine; ``port`` 0 takes any free one. An ``OSError`` is raised
    if they can't be used. With ``no_key``, any credential and none is accepted, and ``key`` is
    empty. ``fault`` is played for everyone while it is set.
    """

    def __init__(
        self,
        *,
        host: str = LOOPBACK,
        port: int = 0,
        no_key: bool = False,
        pace: float = 1.0,
        folder: Path = scripts.SCRIPTS,
        upstream: Upstream | None = None,
    ) -> None:
        self.upstream = upstream
        self.key = "" if no_key else checks.KEY
        self.fault: Fault | None = None
        self.requests: list[Received] = []
        self.pace = pace
        self.scripts = scripts.load(folder)
        self.counts: Counter[str] = Counter()
        self.stored: dict[str, list[Json]] = {}  # the messages that each response stands for
        self._host, self._wanted_port = host, port
        self._started = threading.Event()

    def __enter__(self) -> Self:
        self._sockets = bind_sockets(self._wanted_port, self._host)
        self.url = f"http://{self._host}:{self._sockets[0].getsockname()[1]}"
        self.models, self.v1 = f"{self.url}/models", f"{self.url}/openai/v1"
        self.project = f"{self.url}/api/projects/p/openai/v1"
        self._thread = threading.Thread(target=self._run, name="stand-in", daemon=True)
        self._thread.start()
        self._started.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        # tornado needs a selector, which is not the default loop on Windows.
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        handlers = [(path, one, {"server": self, "route": route}) for path, one, route in PATHS]
        app = Application(
            cast(list[Any], handlers),
            default_handler_class=WrongPathHandler,
            default_handler_args={"server": self},
            log_function=lambda handler: None,
        )
        http = HTTPServer(app)
        http.add_sockets(self._sockets)
        self._started.set()
        await self._stop.wait()
        http.stop()
        await http.close_all_connections()

    def next_id(self, *parts: object) -> tuple[str, int]:
        """Return an id for a request made of ``parts``, and how often the same came before."""
        key = digest(*parts)
        asked = self.counts[key]
        self.counts[key] += 1
        return digest(key, asked), asked
