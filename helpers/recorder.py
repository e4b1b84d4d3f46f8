"""Record: a transport that sends on to the network and writes down what comes back."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx

from helpers.cassettes import asked, cleaner, save
from helpers.exchanges import Change, body_from, kept
from helpers.messages import JSON

_END = re.compile(r"^data: ?\[DONE\]", re.MULTILINE)


class Recorder(httpx.BaseTransport):
    """Sends requests on to ``inner`` and writes what comes back, after every exchange.

    A chunk of a stream is handed on before the next one is read. A stream that the caller leaves
    early is stored as far as it was read.
    """

    def __init__(
        self, path: Path, inner: httpx.BaseTransport, lesson: str, provenance: JSON
    ) -> None:
        self._path, self._inner = path, inner
        self._lock = threading.Lock()
        self._tape: JSON = {"lesson": lesson, "provenance": provenance, "exchanges": []}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer of the network, as it will be replayed."""
        started = time.perf_counter()
        request.headers["accept-encoding"] = "identity"
        response = self._inner.handle_request(request)

        def now() -> float:
            return round((time.perf_counter() - started) * 1000, 1)

        clean = cleaner(request)
        headers = kept(response.headers, clean)
        record: JSON = {"status": response.status_code, "headers": headers, "ms": now()}
        clock = {"elapsed": lambda: record["ms"] / 1000}
        if "event-stream" in response.headers.get("content-type", ""):
            tee = _Tee(self, request, response, record, now, clean)
            clock = {"elapsed": lambda: tee.last / 1000}
            return httpx.Response(
                response.status_code, headers=record["headers"], stream=tee, extensions=clock
            )
        content = response.read()
        response.close()
        record["ms"] = now()
        body = body_from(response.text, clean)
        record["text" if isinstance(body, str) else "body"] = body
        self.add(request, record)
        return httpx.Response(
            response.status_code, headers=record["headers"], content=content, extensions=clock
        )

    def add(self, request: httpx.Request, record: JSON) -> None:
        """Add one exchange and write the file, all of it or nothing."""
        with self._lock:
            exchanges = self._tape["exchanges"]
            exchanges.append({"request": asked(request), "response": record})
            scripted = [e["response"]["headers"].get("x-answered-by") for e in exchanges]
            by = "stand-in" if set(scripted) == {"stand-in"} else "live"
            self._tape["provenance"] |= {
                "answered_by": by,
                "recorded": str(datetime.now(UTC).date()),
            }
            save(self._path, self._tape)

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


class _Tee(httpx.SyncByteStream):
    """Hands every chunk on at once, and has the recorder save them when the stream is closed."""

    def __init__(
        self,
        recorder: Recorder,
        request: httpx.Request,
        response: httpx.Response,
        record: JSON,
        now: Callable[[], float],
        clean: Change,
    ) -> None:
        self._recorder, self._request, self._response = recorder, request, response
        self._record, self._now, self._clean = record, now, clean
        self._record |= {"stream": [], "ended": "left"}
        self.last: float = record["ms"]

    def __iter__(self) -> Iterator[bytes]:
        try:
            for text in self._response.iter_text():
                self.last = self._now()
                self._record["stream"].append([self.last, self._clean(text)])
                yield text.encode()
        except httpx.RequestError:
            self._record["ended"] = "cut"
            raise
        self._record["ended"] = "complete"

    def close(self) -> None:
        self._response.close()
        # The reader stops at the end mark, which need not be the end of the body.
        if _END.search("".join(text for _, text in self._record["stream"])):
            self._record["ended"] = "complete"
        self._recorder.add(self._request, self._record)
