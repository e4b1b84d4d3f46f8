"""An httpx transport that answers from a recording, never from the network."""

import asyncio
import json
import re
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from difflib import SequenceMatcher
from hashlib import sha256
from pathlib import Path

import httpx

from helpers.client.errors import NoRecordingError, RecordingError
from helpers.client.messages import JSON
from helpers.client.redaction import one_line
from helpers.recordings.cassette import leaves, load

MAX_REPLAY_SECONDS = 2.0
"""Seconds: a stream that took longer is replayed at a faster pace."""
GO_LIVE = (
    "undo the change to see the recorded answer again, or go live: set AZURE_INFERENCE_ENDPOINT, "
    "AZURE_INFERENCE_CREDENTIAL and AZURE_INFERENCE_MODEL (lesson 00 shows how)."
)


class ReplayTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answer the sync or the async client from the recording in ``path``.

    A request matches by method, path, body and ``extra-parameters`` header. The same request again
    gets its recorded answers in order, and after the last one starts again at the first: a cell
    that shows chance, or a failure and its end, shows it however often it is run. ``pace`` replays
    streams at the recorded pace, in at most 2 s.
    Raise ``RecordingError`` if the file is missing or damaged.
    """

    def __init__(self, path: Path, *, pace: bool = False) -> None:
        self.recording = load(path)
        self._pace = pace
        self._lock = threading.Lock()
        self._played: Counter[str] = Counter()
        self._exchanges: dict[str, list[JSON]] = {}  # those with the same request, by its key
        for exchange in self.recording["exchanges"]:
            self._exchanges.setdefault(match_key(exchange["request"]), []).append(exchange)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the next recorded answer. Raise ``NoRecordingError`` if there is none."""
        wanted = to_recorded(request)
        key = match_key(wanted)
        if key not in self._exchanges:
            raise self._miss(wanted)
        exchanges = self._exchanges[key]
        with self._lock:
            exchange = exchanges[self._played[key] % len(exchanges)]
            self._played[key] += 1
        return replayed(exchange["response"], pace=self._pace)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Do the same as ``handle_request``."""
        return self.handle_request(request)

    @property
    def requests(self) -> list[JSON]:
        """Each recorded request once, in order: ``method``, ``path``, ``headers``, ``body``."""
        return [same[0]["request"] for same in self._exchanges.values()]

    def can_answer(self, request: httpx.Request) -> bool:
        """Return whether ``request`` has a recorded answer."""
        return match_key(to_recorded(request)) in self._exchanges

    def unplayed(self) -> list[str]:
        """Return the match keys of requests that came less often than they were recorded."""
        return [key for key, same in self._exchanges.items() if self._played[key] < len(same)]

    def _miss(self, wanted: JSON) -> NoRecordingError:
        count, route = len(self._exchanges), self.recording["provenance"]["route"]
        lines = [
            f"Lesson {self.recording.get('lesson')} (route {route}) has answers to {count} "
            f"recorded question{'s' * (count != 1)}; yours is not among them."
        ]
        if self._exchanges:
            key = match_key(wanted)
            near = max(
                self.requests, key=lambda r: SequenceMatcher(None, match_key(r), key).ratio()
            )
            lines += ["The nearest one differs in:", *differences(near, wanted)]
        return NoRecordingError("\n".join(lines), advice=GO_LIVE)


def replayed(answer: JSON, *, pace: bool = False) -> httpx.Response:
    """Return a recorded answer as an HTTP response."""
    stream = _Stream(answer, pace=pace)
    clock = {"elapsed": stream.elapsed}
    headers = answer["headers"]
    return httpx.Response(answer["status"], headers=headers, stream=stream, extensions=clock)


class _Stream(httpx.SyncByteStream, httpx.AsyncByteStream):
    """The chunks of a replayed answer, each with its recorded time. A body is a single one."""

    def __init__(self, answer: JSON, *, pace: bool) -> None:
        body = json.dumps(answer["body"]) if "body" in answer else answer.get("text", "")
        self._now = float(answer["ms"])
        self._chunks: list[tuple[float, str]] = answer.get("stream", [(self._now, body)])
        self._ended = answer.get("ended", "complete")
        last = self._chunks[-1][0] / 1000 if self._chunks else 0.0
        self._scale = (min(1.0, MAX_REPLAY_SECONDS / last) if last else 0.0) if pace else 0.0

    def elapsed(self) -> float:
        """Return the recorded seconds from the request to the last chunk that was read."""
        return self._now / 1000

    def __iter__(self) -> Iterator[bytes]:
        for pause, chunk in self._steps():
            if pause:
                time.sleep(pause)
            yield chunk

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for pause, chunk in self._steps():
            if pause:
                await asyncio.sleep(pause)
            yield chunk

    def _steps(self) -> Iterator[tuple[float, bytes]]:
        """Yield each chunk with the seconds to wait before it; raise if the stream broke off."""
        for at, text in self._chunks:
            pause = max(0.0, at - self._now) / 1000 * self._scale
            self._now = at
            yield pause, text.encode()
        if self._ended == "cut":
            raise httpx.RemoteProtocolError("the connection was cut here when it was recorded")
        if self._ended == "left":
            raise RecordingError(
                "The recording of this stream ends here: the lesson left it early.", advice=GO_LIVE
            )


def to_recorded(request: httpx.Request) -> JSON:
    """Return what a recording keeps of a request; it is matched by all of it."""
    name = "extra-parameters"
    return {
        "method": request.method,
        # Leave out the endpoint's part of the path: like the host, it differs between servers.
        "path": "/" + "/".join(request.url.path.rsplit("/", 2)[-2:]),
        "headers": {name: request.headers[name]} if name in request.headers else {},
        "body": json.loads(without_pictures(request.content.decode()) or "{}"),
    }


def match_key(recorded: JSON) -> str:
    """Return a recorded request as JSON with sorted keys: a replay finds its answers by that."""
    return json.dumps(recorded, sort_keys=True)


_PICTURE = re.compile(r"(data:[\w.+/-]+;base64),([A-Za-z0-9+/=]+)")


def without_pictures(text: str) -> str:
    """Replace the data of each inline picture by its length and SHA-256."""

    def summary(found: re.Match[str]) -> str:
        digest = sha256(found[2].encode()).hexdigest()
        return f"{found[1]},({len(found[2])} characters, SHA-256 {digest})"

    return _PICTURE.sub(summary, text)


def differences(
    recorded: JSON, request: JSON, labels: tuple[str, str] = ("recorded", "now")
) -> Iterator[str]:
    """Yield the first three fields in which two requests differ, in words, with their values."""
    old, new = (
        {
            path.removeprefix("body."): json.dumps(leaf, ensure_ascii=False)
            for path, leaf in leaves(one)
        }
        for one in (recorded, request)
    )
    names = [name for name in {**new, **old} if old.get(name) != new.get(name)]
    for name in names[:3]:
        values = [one_line(fields.get(name, "nothing"), 100) for fields in (old, new)]
        yield f"  {name}: {labels[0]} {values[0]}, {labels[1]} {values[1]}"
