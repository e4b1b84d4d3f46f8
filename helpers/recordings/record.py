"""An httpx transport that sends requests to the network and records what comes back."""

import re
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import httpx

from helpers.client.errors import RecordingError
from helpers.client.exchange import body_from, kept_headers
from helpers.client.messages import JSON
from helpers.client.redaction import map_strings
from helpers.client.transport import NetworkTransport
from helpers.recordings.cassette import LIVE, beside, cleaner, load, match_key, save, to_recorded
from helpers.recordings.replay import replayed

_END = re.compile(r"^data: ?\[DONE\]", re.MULTILINE)


class RecordingTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Send requests on to ``inner``; write the file ``into`` after every exchange.

    ``path`` is the recording that ``into`` may replace. It stays as it is: ``replace_recordings``
    is for when the whole lesson has succeeded. A chunk of a stream is handed on before the next
    one is read. A stream that the caller leaves early is stored as far as it was read.

    Some failures can't be had from a live service on demand; the stand-in marks those with the
    header ``x-provoked``. Such an answer in ``path`` is kept and returned instead of a live one.

    The provenance counts who wrote the words: ``x-answered-by`` says ``script`` or names the model
    behind the stand-in; an answer without it is counted as ``live``.
    """

    def __init__(
        self,
        path: Path,
        inner: NetworkTransport | httpx.MockTransport,
        lesson: str,
        provenance: JSON,
        *,
        into: Path | None = None,
    ) -> None:
        self._into, self._inner = into or beside(path), inner
        self._lock = threading.Lock()
        self._tape: JSON = {"lesson": lesson, "provenance": provenance, "exchanges": []}
        self._earlier: list[JSON] = []
        with suppress(RecordingError):  # no earlier recording, or a damaged one
            for exchange in load(path)["exchanges"]:
                if "x-provoked" in exchange["response"]["headers"]:
                    self._earlier.append(exchange)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request``; return its answer as a replay will return it."""
        take = _Take(self, request)
        response = self._inner.handle_request(request)
        if not take.begin(response):
            with closing(response):
                response.read()
        return take.answer()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Do the same as ``handle_request``."""
        take = _Take(self, request)
        response = await self._inner.handle_async_request(request)
        if not take.begin(response):
            async with aclosing(response):
                await response.aread()
        return take.answer()

    def kept_answer(self, request: httpx.Request, response: httpx.Response) -> JSON | None:
        """Return the next marked answer to ``request`` if ``response`` is a live one, or None."""
        if "x-answered-by" in response.headers:  # the stand-in itself
            return None
        wanted = _any_model(to_recorded(request))
        for at, earlier in enumerate(self._earlier):
            if _any_model(earlier["request"]) == wanted:
                return cast(JSON, self._earlier.pop(at)["response"])
        return None

    def add(self, request: httpx.Request, record: JSON) -> None:
        """Add one exchange and write the file."""
        with self._lock:
            exchanges = self._tape["exchanges"]
            asked = to_recorded(request)
            asked["body"] = map_strings(asked["body"], cleaner(request))
            exchanges.append({"request": asked, "response": record})
            provenance: JSON = self._tape["provenance"]
            headers = [exchange["response"]["headers"] for exchange in exchanges]
            provenance["answered_by"] = Counter(one.get("x-answered-by", LIVE) for one in headers)
            provenance["recorded"] = str(datetime.now(UTC).date())
            save(self._into, self._tape)

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()

    async def aclose(self) -> None:
        """Do the same as ``close``."""
        await self._inner.aclose()


def _any_model(request: JSON) -> str:
    """Return the match key of ``request`` with any model."""
    return match_key(request | {"body": request["body"] | {"model": None}})


class _Take(httpx.SyncByteStream, httpx.AsyncByteStream):
    """One exchange while it is recorded, and the body of its answer if that is a stream.

    As a stream it hands every chunk on at once, and is recorded when it is closed.
    """

    def __init__(self, recorder: RecordingTransport, request: httpx.Request) -> None:
        self._recorder, self._request = recorder, request
        self._clean = cleaner(request)
        self._started = time.perf_counter()
        request.headers["accept-encoding"] = "identity"

    def begin(self, response: httpx.Response) -> bool:
        """Record the head of ``response``. Return whether its body is to be streamed."""
        response.encoding = "utf-8"  # what JSON and event streams are, whatever a header says
        self._response = response
        self._kept = self._recorder.kept_answer(self._request, response)
        headers = kept_headers(response.headers, self._clean)
        self._record: JSON = {"status": response.status_code, "headers": headers, "ms": self._ms()}
        is_stream = "event-stream" in response.headers.get("content-type", "")
        if is_stream:
            self._chunks: list[tuple[float, str]] = []
            self._record |= {"stream": self._chunks, "ended": "left"}
        return is_stream and self._kept is None

    def answer(self) -> httpx.Response:
        """Return what the client gets: the same as it will get from the recording."""
        if self._kept is not None:
            self._recorder.add(self._request, self._kept)
            return replayed(self._kept)
        source: Any = {"stream": self}
        if "stream" not in self._record:
            source = {"content": self._response.content}
            self._record["ms"] = self._ms()
            body = body_from(self._response.text, self._clean)
            self._record["text" if isinstance(body, str) else "body"] = body
            self._recorder.add(self._request, self._record)
        source |= {"extensions": {"elapsed": lambda: self._now / 1000}}
        return httpx.Response(self._record["status"], headers=self._record["headers"], **source)

    def __iter__(self) -> Iterator[bytes]:
        try:
            for text in self._response.iter_text():
                yield self._add_chunk(text)
            self._record["ended"] = "complete"
        except httpx.RequestError:
            self._record["ended"] = "cut"
            raise

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for text in self._response.aiter_text():
                yield self._add_chunk(text)
            self._record["ended"] = "complete"
        except httpx.RequestError:
            self._record["ended"] = "cut"
            raise

    def close(self) -> None:
        self._response.close()
        self._save_stream()

    async def aclose(self) -> None:
        await self._response.aclose()
        self._save_stream()

    def _ms(self) -> float:
        """Return, and keep in ``_now``, the milliseconds since the request was sent."""
        self._now = round((time.perf_counter() - self._started) * 1000, 1)
        return self._now

    def _add_chunk(self, text: str) -> bytes:
        self._chunks.append((self._ms(), self._clean(text)))
        return text.encode()

    def _save_stream(self) -> None:
        whole = "".join(text for _, text in self._chunks)
        # The reader stops at the end mark, which need not be the end of the body.
        if _END.search(whole):
            self._record["ended"] = "complete"
        # What no single chunk shows, because it is cut in two, the whole text does.
        if (cleaned := self._clean(whole)) != whole:
            self._chunks[:] = [(self._chunks[-1][0], cleaned)]
        self._recorder.add(self._request, self._record)
