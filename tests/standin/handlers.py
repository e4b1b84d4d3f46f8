"""The request handlers: note a request, check it, and answer it or fail."""

import asyncio
import json
import tomllib
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any, cast

import httpx
from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPHeaders
from tornado.iostream import StreamClosedError
from tornado.web import RequestHandler

from tests.standin import checks, scripts
from tests.standin.answers import Answer, compose
from tests.standin.calls import Call, Json, Route
from tests.standin.deployments import DEPLOYMENTS, find
from tests.standin.families import shape_of
from tests.standin.faults import FAULTS, refuse
from tests.standin.replies import RefusedError, Reply, as_bytes, error
from tests.standin.scripts import Script
from tests.standin.shapes import as_uuid
from tests.standin.streams import DONE, Event, event, good_events, spoilt
from tests.standin.upstream import Upstream

if TYPE_CHECKING:
    from tests.standin.server import StandIn

NO_FAULT = "none"
"""What ends a fault for everyone."""
HEADERS = tomllib.loads(Path(__file__).with_name("headers.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Received:
    """A request as it arrived; ``body`` is text if it is not JSON.

    The headers hold the credential, so the ``repr`` leaves them out.
    """

    path: str
    headers: HTTPHeaders = field(repr=False)
    body: Any


class Handler(RequestHandler):
    """The base of both handlers."""

    def initialize(self, server: "StandIn", route: Route = "v1") -> None:
        self.server, self.route = server, route

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        self.clear_header("Date")  # the same answer is the same bytes on every day
        self.set_header("x-answered-by", "script")

    def prepare(self) -> None:
        asked = self.request
        self.received = Received(asked.path, asked.headers, parse(asked.body))
        self.server.requests.append(self.received)

    def compute_etag(self) -> None:
        """Send no ETag, as the services do."""

    def send(self, reply: Reply) -> None:
        """Send a whole reply, with its headers."""
        self.set_status(reply.status)
        self.set_header("Content-Type", reply.content_type)
        for name, value in reply.headers.items():
            self.set_header(name, value)
        self.finish(reply.body)


class WrongPathHandler(Handler):
    """Answers every other path with 404."""

    def prepare(self) -> None:
        super().prepare()
        self.send(refuse("wrong-route").reply)


class ChatHandler(Handler):
    """Answers ``POST .../chat/completions`` on either route."""

    answering: asyncio.Task[None] | None = None

    async def post(self) -> None:
        """Check the request, and answer it until that is done or the reader has left."""
        self.answering = asyncio.current_task()
        received = self.received.body
        # Checks may drop fields, and what has arrived stays as it was.
        body = dict(received) if isinstance(received, dict) else {}
        refused, model = None, str(body.get("model") or "")
        try:
            checked = self.checked(model, body)
        except RefusedError as wrong:
            refused = wrong.reply
        status = refused.status if refused else 200
        ident, asked = self.server.next_id(self.route, received, status)
        if status == 401:
            self.set_header("apim-request-id", as_uuid(ident))
        else:
            self.add_headers(ident)
        if refused:
            return self.send(refused)
        try:
            await self.answer(Call(self.route, model, checked, asked, ident))
        except StreamClosedError:
            pass
        except asyncio.CancelledError:  # the reader has left, or the server stops
            self.hang_up()

    def on_connection_close(self) -> None:
        """Stop the answer, and the model: nobody reads what it writes."""
        if self.answering:
            self.answering.cancel()

    async def answer(self, call: Call) -> None:
        """Find the script; answer as it says, as the model behind the stand-in does, or fail."""
        script = scripts.find(self.server.scripts, call)
        name = self.fault_name(call, script)
        if name and name not in FAULTS:
            words = f"The stand-in has no fault {name!r}; it has: {', '.join(FAULTS)}"
            return self.send(error(400, "unknown_fault", words))
        fault = FAULTS[name] if name and FAULTS[name].plays(call.asked) else None
        fault = self.server.fault or fault
        if fault and fault.is_provoked:
            self.set_header("x-provoked", fault.name)
        elif script.cut_after or script.filtered_after:
            self.set_header("x-provoked", "cut" if script.cut_after else "filtered")
        if fault and fault.body is not None:
            return self.send(fault.reply(model=call.model))
        played = fault.name if fault else ""
        answer = compose(call, script, played)
        if self.server.upstream and not fault and script.by == "model":
            await self.relay(self.server.upstream, answer)
        elif call.streams:
            await self.stream(each(spoilt(self.events(answer), script.cut_after, played)))
        else:
            await self.send_whole(answer)

    def fault_name(self, call: Call, script: Script) -> str:
        """Return the fault that the script or the question names, or "".

        Questions may name one on this machine only; there they also switch one on for everyone.
        """
        wish, _, name = (part.strip() for part in call.ask.partition(":"))
        is_for_all = wish == "fault for all" and self.is_from_here
        if is_for_all and name in (*FAULTS, NO_FAULT):
            self.server.fault = FAULTS.get(name)
            return ""
        if script.ask:
            return script.fault
        return name if is_for_all or (wish == "fault" and self.is_from_here) else ""

    @property
    def is_from_here(self) -> bool:
        """Whether this machine asks: it has the same address at both ends of the connection."""
        stream = cast(HTTP1Connection, self.request.connection).stream
        # A proxy is on this machine, but speaks for others.
        if stream.closed() or "X-Forwarded-For" in self.request.headers:
            return False
        return bool(stream.socket.getsockname()[0] == self.request.remote_ip)

    def checked(self, model: str, body: Json) -> Json:
        """Return the chat completion that is asked for. Raise ``RefusedError``.

        The extra fields that are to be dropped are taken out of ``body``.
        """
        self.check_access()
        deployment = find(model)
        checks.check_extra(self.route, deployment, self.received.headers, body)
        checks.check_fields(self.route, body)
        checks.check_plain(self.route, deployment, body)
        checks.check_reasoning(deployment, body)
        return body

    def check_access(self) -> None:
        """Check key, version and model."""
        server, received = self.server, self.received
        if server.key:  # without one any credential is accepted, and none
            checks.check_key(received.headers)
        known = {*DEPLOYMENTS, *((server.upstream.model,) if server.upstream else ())}
        version = self.get_query_argument("api-version", None)
        checks.check_access(self.route, version, received.body, known)

    def add_headers(self, ident: str) -> None:
        """Add the headers that the route sends with answers and errors."""
        values = {"uuid": as_uuid(ident), "trace": f"{ident[:32]}-{ident[32:48]}"}
        for name, text in (HEADERS["both"] | HEADERS[self.route]).items():
            self.set_header(name, Template(text).substitute(values))

    async def send_whole(self, answer: Answer) -> None:
        """Send the answer in one part, after as long as its stream takes."""
        await self.pause(answer.whole_ms)
        self.send(Reply(200, as_bytes(self.whole(answer))))

    def whole(self, answer: Answer) -> Json:
        """Return the answer in one part."""
        return shape_of(answer).completion()

    def events(self, answer: Answer) -> Iterable[Event]:
        """Return the events of a stream without a fault."""
        return good_events(answer)

    async def stream(self, events: AsyncGenerator[Event, None]) -> None:
        """Send a stream, each event at once and as a chunk of its own."""
        cast(HTTP1Connection, self.request.connection).stream.set_nodelay(True)
        self.set_header("Content-Type", "text/event-stream; charset=utf-8")
        async with aclosing(events):
            async for one in events:
                await self.pause(one.wait_ms)
                if one.breaks:
                    return self.hang_up()
                self.write(one.data)
                await self.flush()

    async def relay(self, upstream: Upstream, answer: Answer) -> None:
        """Answer with what the model behind ``upstream`` writes."""
        self.set_header("x-answered-by", upstream.model)
        try:
            upstream.check(answer.call)
            if answer.call.streams:
                await self.stream(self.relayed(upstream, answer))
            else:
                await self.send_whole(await upstream.complete(answer))
        except RefusedError as refused:
            self.set_header("x-answered-by", "script")
            self.send(refused.reply)
        except httpx.HTTPError:  # the upstream server broke off
            self.hang_up()

    async def relayed(self, upstream: Upstream, answer: Answer) -> AsyncGenerator[Event, None]:
        """Yield the events of what the model writes, each piece as soon as it has come."""
        async with aclosing(upstream.chunks(answer)) as chunks:
            async for chunk in chunks:
                yield Event(0, event(chunk))
        yield Event(0, DONE)

    def hang_up(self) -> None:
        """Close the connection without ending the answer."""
        self.detach().close()

    async def pause(self, ms: float) -> None:
        """Wait ``ms`` milliseconds, times the pace."""
        if ms * self.server.pace > 0:
            await asyncio.sleep(ms * self.server.pace / 1000)


async def each(events: Iterable[Event]) -> AsyncGenerator[Event, None]:
    """Yield each of ``events``."""
    for one in events:
        yield one


def parse(body: bytes) -> Any:
    """Return the JSON value of a body, or its text if it is not JSON."""
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")
