"""An httpx transport that sends requests to the network and records what comes back."""

import json
import re
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import httpx

from helpers.client.errors import RecordingError
from helpers.client.exchange import kept_headers
from helpers.client.messages import JSON
from helpers.client.redaction import (
    MASK,
    TextFilter,
    body_from,
    credential_filter,
    escaped_pattern,
    map_strings,
)
from helpers.client.transport import NetworkTransport
from helpers.recordings.cassette import LIVE, load, save
from helpers.recordings.replay import replayed, to_recorded, without_pictures

_END = re.compile(r"^data: ?\[DONE\]", re.MULTILINE)


class RecordingTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Send requests on to ``inner``; after every exchange write all of them to the file ``into``.

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
        into: Path,
    ) -> None:
        self._into, self._inner = into, inner
        self._lock = threading.Lock()
        self._recording: JSON = {"lesson": lesson, "provenance": provenance, "exchanges": []}
        self._earlier: list[JSON] = []
        with suppress(RecordingError):  # no earlier recording, or a damaged one
            for exchange in load(path)["exchanges"]:
                if "x-provoked" in exchange["response"]["headers"]:
                    self._earlier.append(exchange)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request``. Its answer is recorded when the caller has read and closed it."""
        body = _RecordedBody(self, request)
        response = self._inner.handle_request(request)
        if kept := self._provoked_failure(request, response):
            response.close()
            return kept
        return body.answer(response)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Do the same as ``handle_request``."""
        body = _RecordedBody(self, request)
        response = await self._inner.handle_async_request(request)
        if kept := self._provoked_failure(request, response):
            await response.aclose()
            return kept
        return body.answer(response)

    def _provoked_failure(
        self, request: httpx.Request, response: httpx.Response
    ) -> httpx.Response | None:
        """Return and record a provoked failure of the old recording, if ``response`` is live.

        A live service can't be made to fail as the stand-in does on request.
        """
        if "x-answered-by" in response.headers:  # the stand-in itself
            return None
        wanted = to_recorded(request)
        any_model = {"model": wanted["body"].get("model")}
        for earlier in self._earlier:
            asked = earlier["request"]
            if {**asked, "body": asked["body"] | any_model} == wanted:
                self._earlier.remove(earlier)
                self.add(request, earlier["response"])
                return replayed(earlier["response"])
        return None

    def add(self, request: httpx.Request, record: JSON) -> None:
        """Add one exchange and write the file."""
        with self._lock:
            exchanges = self._recording["exchanges"]
            asked = to_recorded(request)
            asked["body"] = map_strings(asked["body"], recording_filter(request))
            exchanges.append({"request": asked, "response": record})
            provenance: JSON = self._recording["provenance"]
            headers = [exchange["response"]["headers"] for exchange in exchanges]
            provenance["answered_by"] = Counter(one.get("x-answered-by", LIVE) for one in headers)
            provenance["recorded"] = str(datetime.now(UTC).date())
            save(self._into, self._recording)

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()

    async def aclose(self) -> None:
        """Do the same as ``close``."""
        await self._inner.aclose()


class _RecordedBody(httpx.SyncByteStream, httpx.AsyncByteStream):
    """The body of one answer: hands every chunk on at once, and records it when it is closed."""

    def __init__(self, recorder: RecordingTransport, request: httpx.Request) -> None:
        self._recorder, self._request = recorder, request
        self._started = time.perf_counter()
        self._chunks: list[tuple[float, str]] = []
        self._ended = "left"
        request.headers["accept-encoding"] = "identity"

    def answer(self, response: httpx.Response) -> httpx.Response:
        """Return what the client gets in place of ``response``, with this as its body."""
        response.encoding = "utf-8"  # what JSON and event streams are, whatever a header says
        self._response, self._first_ms = response, self._ms()
        self._clean = recording_filter(self._request)
        self._headers = headers = kept_headers(response.headers, self._clean)
        clock = {"elapsed": lambda: self._now / 1000}
        return httpx.Response(response.status_code, headers=headers, stream=self, extensions=clock)

    def __iter__(self) -> Iterator[bytes]:
        with self._until_end():
            for text in self._response.iter_text():
                yield self._add_chunk(text)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with self._until_end():
            async for text in self._response.aiter_text():
                yield self._add_chunk(text)

    def close(self) -> None:
        self._response.close()
        self._save()

    async def aclose(self) -> None:
        await self._response.aclose()
        self._save()

    def _ms(self) -> float:
        """Return, and keep in ``_now``, the milliseconds since the request was sent."""
        self._now = round((time.perf_counter() - self._started) * 1000, 1)
        return self._now

    def _add_chunk(self, text: str) -> bytes:
        self._chunks.append((self._ms(), text))
        return text.encode()

    @contextmanager
    def _until_end(self) -> Iterator[None]:
        """Keep how the body that is read in this context ended, unless the caller left it."""
        try:
            yield
            self._ended = "complete"
        except httpx.RequestError:
            self._ended = "cut"
            raise

    def _save(self) -> None:
        """Record a stream as far as it was read, and any other body if it was read whole."""
        whole = "".join(text for _, text in self._chunks)
        record: JSON = {"status": self._response.status_code, "headers": self._headers}
        if "event-stream" in self._headers.get("content-type", "").lower():
            chunks = [(at, self._clean(text)) for at, text in self._chunks]
            # What no single chunk shows, because it is cut in two, the whole text does.
            if (cleaned := self._clean(whole)) != "".join(text for _, text in chunks):
                chunks = [(self._now, cleaned)]
            # The reader stops at the end mark, which need not be the end of the body.
            ended = "complete" if _END.search(whole) else self._ended
            record |= {"ms": self._first_ms, "stream": chunks, "ended": ended}
        elif self._ended == "complete":
            body = body_from(whole, self._clean)
            record |= {"ms": self._now, "text" if isinstance(body, str) else "body": body}
        else:
            return
        self._recorder.add(self._request, record)


_AZURE = re.compile(r"([^.]+)\..*\bazure(?:\.com|\.us|\.cn|-api\.net)", re.IGNORECASE)
_PROTOCOL_WORDS = (
    "api", "arguments", "assistant", "chat", "choices", "code", "completions", "content", "data",
    "delta", "error", "false", "finish_reason", "function", "id", "index", "message", "messages",
    "model", "models", "name", "null", "object", "openai", "role", "status", "stop", "system",
    "text", "tool", "true", "type", "url", "usage", "user", "v1", "www",
)  # fmt: skip
"""Words that are never masked alone, because field names and URLs of every answer hold them."""
# A letter before a name makes it part of a word, unless it ends an escape: \n, \u003c, %2F, %252F.
_WORD_START = (
    r"(?:(?<![^\W_])(?<!-)|(?<=\\[bfnrt])|(?<=\\u[\da-f]{4})|(?<=%[\da-f]{2})|(?<=%25[\da-f]{2}))"
)
_WORD_END = r"(?!-|[^\W_])"
_HOST_START, _COLON = "|".join(map(escaped_pattern, ("//", "@"))), escaped_pattern(":")


def recording_filter(request: httpx.Request) -> TextFilter:
    """Return a function that takes pictures, credential, host and Azure resource out of a text.

    A host is masked in any case, also JSON-escaped or percent-encoded. One without a dot, such as
    ``localhost``, is a word too, and is masked only after ``//`` or ``@`` and before a port. Of the
    labels of a host only the name of an Azure resource is masked alone, where it is a whole word.
    """
    scrub, hosts = credential_filter(request), _host_pattern(request)

    def clean(text: str) -> str:
        text = without_pictures(text)  # an error may repeat what it refuses
        return hosts.sub(rf"\g<kept>{MASK}", scrub(text))

    return clean


def _host_pattern(request: httpx.Request) -> re.Pattern[str]:
    """Return a pattern for what is to be masked. What its group ``kept`` matches, stays."""
    host, idna = request.url.host.rstrip("."), request.url.raw_host.decode("ascii").rstrip(".")
    # The last two differ from the first beyond ASCII only.
    names = dict.fromkeys((host, idna, quote(host, safe=":"), json.dumps(host)[1:-1]))
    name = f"(?:{'|'.join(map(escaped_pattern, names))})"
    pattern = rf"(?P<kept>){name}"
    if "." not in host and ":" not in host:
        before_port = rf"{_WORD_START}{name}(?={_COLON}\d)"
        pattern = rf"(?P<kept>{_HOST_START}){name}{_WORD_END}|{before_port}"
    if resource := _AZURE.fullmatch(host):
        model = json.loads(request.content or b"{}").get("model")
        if resource[1].lower() not in (*_PROTOCOL_WORDS, str(model).lower()):
            pattern += f"|{_WORD_START}{escaped_pattern(resource[1])}{_WORD_END}"
    return re.compile(pattern, re.IGNORECASE)
