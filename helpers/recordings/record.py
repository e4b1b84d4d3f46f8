"""Record: a transport that sends on to the network and writes down what comes back."""

import re
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import httpx

from helpers.client.errors import RecordingError
from helpers.client.exchange import body_from, kept_headers
from helpers.client.messages import JSON
from helpers.client.redaction import map_strings, redactor
from helpers.client.transport import NetworkTransport
from helpers.recordings.cassette import cleaner, load, match_key, save, to_recorded
from helpers.recordings.replay import replayed

_END = re.compile(r"^data: ?\[DONE\]", re.MULTILINE)


class RecordingTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Sends requests on to ``inner`` and writes what comes back, after every exchange.

    A chunk of a stream is handed on before the next one is read. A stream that the caller leaves
    early is stored as far as it was read.

    Some failures can't be provoked on a live deployment: a rate limit, a broken line. The stand-in
    marks what it provokes (header ``x-provoked``). When somebody else answers such a request, its
    earlier recording is kept and given instead, and the provenance counts it.
    """

    def __init__(
        self,
        path: Path,
        inner: NetworkTransport | httpx.MockTransport,
        lesson: str,
        provenance: JSON,
    ) -> None:
        self._path, self._inner = path, inner
        self._lock = threading.Lock()
        self._tape: JSON = {"lesson": lesson, "provenance": provenance, "exchanges": []}
        self._provoked: dict[str, list[JSON]] = {}
        with suppress(RecordingError):  # none yet, or a damaged one that is replaced now
            for exchange in load(path)["exchanges"]:
                if "x-provoked" in exchange["response"]["headers"]:
                    key = _any_model(exchange["request"])
                    self._provoked.setdefault(key, []).append(exchange["response"])

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer of the network, as it will be replayed."""
        take = _Take(self, request)
        response = self._inner.handle_request(request)
        if not take.begin(response):
            with closing(response):
                response.read()
        return take.answer()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """As ``handle_request``."""
        take = _Take(self, request)
        response = await self._inner.handle_async_request(request)
        if not take.begin(response):
            try:
                await response.aread()
            finally:
                await response.aclose()
        return take.answer()

    def earlier(self, request: httpx.Request) -> JSON | None:
        """The next answer that an earlier recording holds of a failure that was provoked."""
        answers = self._provoked.get(_any_model(to_recorded(request)))
        return answers.pop(0) if answers else None

    def add(self, request: httpx.Request, record: JSON) -> None:
        """Add one exchange and write the file, all of it or nothing."""
        with self._lock:
            exchanges = self._tape["exchanges"]
            asked = map_strings(to_recorded(request), redactor(request))
            exchanges.append({"request": asked, "response": record})
            all_headers = [exchange["response"]["headers"] for exchange in exchanges]
            scripted = [headers.get("x-answered-by") == "stand-in" for headers in all_headers]
            provenance: JSON = self._tape["provenance"]
            provenance["answered_by"] = "stand-in" if all(scripted) else "live"
            provenance["recorded"] = str(datetime.now(UTC).date())
            if any(scripted) and not all(scripted):
                provenance["kept_from_stand_in"] = sum(scripted)
            save(self._path, self._tape)

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()

    async def aclose(self) -> None:
        """As ``close``."""
        await self._inner.aclose()


def _any_model(request: JSON) -> str:
    """What two requests have in common if they differ in the model at most."""
    return match_key(request | {"body": request["body"] | {"model": None}})


class _Take:
    """One exchange while it is recorded."""

    def __init__(self, recorder: RecordingTransport, request: httpx.Request) -> None:
        self._recorder, self._request = recorder, request
        self._started = time.perf_counter()
        request.headers["accept-encoding"] = "identity"

    def begin(self, response: httpx.Response) -> bool:
        """Take down the head of ``response``; True if its body is to be read in pieces."""
        response.encoding = "utf-8"  # as JSON and event streams are, whatever a header says
        self.response, self.clean = response, cleaner(self._request)
        live = response.headers.get("x-answered-by") != "stand-in"
        self._kept = self._recorder.earlier(self._request) if live else None
        headers = kept_headers(response.headers, self.clean)
        self.record: JSON = {"status": response.status_code, "headers": headers, "ms": self.now()}
        self._is_stream = "event-stream" in response.headers.get("content-type", "")
        return self._is_stream and self._kept is None

    def answer(self) -> httpx.Response:
        """What the client gets: the same as it will get from the recording."""
        if self._kept is not None:
            self._recorder.add(self._request, self._kept)
            return replayed(self._kept)
        if self._is_stream:
            source: Any = {"stream": _Tee(self)}
        else:
            source = {"content": self.response.content}
            self.record["ms"] = self.now()
            body = body_from(self.response.text, self.clean)
            self.record["text" if isinstance(body, str) else "body"] = body
            self.save()
        status, headers = self.record["status"], self.record["headers"]
        clock = {"elapsed": self._elapsed}
        return httpx.Response(status, headers=headers, extensions=clock, **source)

    def now(self) -> float:
        """Milliseconds since the request was sent."""
        return round((time.perf_counter() - self._started) * 1000, 1)

    def save(self) -> None:
        """Add the exchange to the recording."""
        self._recorder.add(self._request, self.record)

    def _elapsed(self) -> float:
        stream = self.record.get("stream")
        return cast(float, stream[-1][0] if stream else self.record["ms"]) / 1000


class _Tee(httpx.SyncByteStream, httpx.AsyncByteStream):
    """Hands every chunk on at once, and has the exchange saved when the stream is closed."""

    def __init__(self, take: _Take) -> None:
        self._take, self._response = take, take.response
        self._chunks: list[tuple[float, str]] = []
        take.record |= {"stream": self._chunks, "ended": "left"}

    def __iter__(self) -> Iterator[bytes]:
        with self._ending():
            for text in self._response.iter_text():
                yield self._noted(text)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with self._ending():
            async for text in self._response.aiter_text():
                yield self._noted(text)

    def close(self) -> None:
        self._response.close()
        self._save()

    async def aclose(self) -> None:
        await self._response.aclose()
        self._save()

    def _noted(self, text: str) -> bytes:
        self._chunks.append((self._take.now(), self._take.clean(text)))
        return text.encode()

    @contextmanager
    def _ending(self) -> Iterator[None]:
        try:
            yield
        except httpx.RequestError:
            self._take.record["ended"] = "cut"
            raise
        self._take.record["ended"] = "complete"

    def _save(self) -> None:
        whole = "".join(text for _, text in self._chunks)
        # The reader stops at the end mark, which need not be the end of the body.
        if _END.search(whole):
            self._take.record["ended"] = "complete"
        if (cleaned := self._take.clean(whole)) != whole:  # what no chunk shows, cut in two by them
            self._chunks[:] = [(self._chunks[-1][0], cleaned)]
        self._take.save()
