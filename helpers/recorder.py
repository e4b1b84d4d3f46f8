"""Record: a transport that sends on to the network and writes down what comes back."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from helpers.cassettes import asked, cleaner, key_of, load, save
from helpers.errors import RecordingError
from helpers.exchanges import Change, body_from, kept
from helpers.messages import JSON
from helpers.player import replayed

_END = re.compile(r"^data: ?\[DONE\]", re.MULTILINE)


class Recorder(httpx.BaseTransport):
    """Sends requests on to ``inner`` and writes what comes back, after every exchange.

    A chunk of a stream is handed on before the next one is read. A stream that the caller leaves
    early is stored as far as it was read.

    Some failures can't be provoked on a live deployment: a rate limit, a broken line. The stand-in
    marks what it provokes (header ``x-provoked``). When somebody else answers such a request, its
    earlier recording is kept and given instead, and the provenance counts it.
    """

    def __init__(
        self, path: Path, inner: httpx.BaseTransport, lesson: str, provenance: JSON
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
        started = time.perf_counter()
        request.headers["accept-encoding"] = "identity"
        response = self._inner.handle_request(request)
        earlier = self._provoked.get(_any_model(asked(request)))
        if earlier and response.headers.get("x-answered-by") != "stand-in":
            response.close()
            kept_answer = earlier.pop(0)
            self.add(request, kept_answer)
            return replayed(kept_answer)

        def now() -> float:
            return round((time.perf_counter() - started) * 1000, 1)

        clean = cleaner(request)
        headers = kept(response.headers, clean)
        record: JSON = {"status": response.status_code, "headers": headers, "ms": now()}
        if "event-stream" in response.headers.get("content-type", ""):
            source: Any = {"stream": _Tee(self, request, response, record, now, clean)}
        else:
            with closing(response):
                source = {"content": response.read()}
            record["ms"] = now()
            body = body_from(response.text, clean)
            record["text" if isinstance(body, str) else "body"] = body
            self.add(request, record)

        def elapsed() -> float:
            last: float = record["stream"][-1][0] if record.get("stream") else record["ms"]
            return last / 1000

        clock = {"elapsed": elapsed}
        return httpx.Response(response.status_code, headers=headers, extensions=clock, **source)

    def add(self, request: httpx.Request, record: JSON) -> None:
        """Add one exchange and write the file, all of it or nothing."""
        with self._lock:
            exchanges = self._tape["exchanges"]
            exchanges.append({"request": asked(request), "response": record})
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


def _any_model(request: JSON) -> str:
    """What two requests have in common if they differ in the model at most."""
    return key_of(request | {"body": request["body"] | {"model": None}})


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

    def __iter__(self) -> Iterator[bytes]:
        try:
            for text in self._response.iter_text():
                self._record["stream"].append([self._now(), self._clean(text)])
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
