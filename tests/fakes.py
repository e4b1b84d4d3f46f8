"""Fakes of the network and of a credential, and the client that uses them."""

import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import chain
from types import SimpleNamespace
from typing import Any, cast

import httpx
from azure.core.credentials import AzureKeyCredential

from helpers import AsyncChatCompletionsClient, ChatCompletionsClient
from helpers.client.retry import OnWait
from helpers.client.streaming import EventReader
from tests.sync_and_async import Awaited, awaits

MODELS = "https://my-resource.services.ai.azure.com/models"
V1 = "https://my-resource.openai.azure.com/openai/v1"
KEY = "kQ4f9Zq7Lw2Xs8Rb6Tn1Vd3Hj5Gy0Cm"
ASK = [{"role": "user", "content": "Hello"}]
COMPLETION = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1736389070,
    "model": "some-model-2411",
    "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hi!"}}
    ],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
}

Answer = Callable[[], httpx.Response] | Exception


class Chunks(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that arrives in ``pieces``; an exception among them is raised in its turn."""

    def __init__(self, *pieces: bytes | BaseException) -> None:
        self.pieces, self.read, self.closed = pieces, 0, False

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.pieces:
            self.read += 1
            if isinstance(piece, BaseException):
                raise piece
            yield piece

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece

    def close(self) -> None:
        self.closed = True

    async def aclose(self) -> None:
        self.close()


class Service(httpx.MockTransport):
    """A transport that returns ``answers`` in order, then the last one again."""

    def __init__(self, *answers: Answer) -> None:
        super().__init__(self._answer)
        self.answers = answers
        self.requests: list[httpx.Request] = []

    def _answer(self, request: httpx.Request) -> httpx.Response:
        # A copy of the headers, because the client changes them from one attempt to the next.
        kept = httpx.Request("POST", request.url, headers=request.headers, content=request.content)
        self.requests.append(kept)
        answer = self.answers[min(len(self.requests), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer()

    @property
    def body(self) -> Any:
        """Return the JSON that was sent last."""
        return json.loads(self.requests[-1].content)


def answer(status: int = 200, body: Any = COMPLETION, **headers: str) -> Answer:
    """Return what makes an answer anew each time, of JSON, text, bytes or ``Chunks``."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}

    def make() -> httpx.Response:
        if isinstance(body, httpx.SyncByteStream | httpx.AsyncByteStream):
            return httpx.Response(status, headers=sent, stream=body)
        if isinstance(body, str | bytes):
            return httpx.Response(status, headers=sent, content=body)
        return httpx.Response(status, headers=sent, json=body)

    return make


def streamed(*pieces: bytes | str | Exception) -> Answer:
    """Return what makes a stream that arrives in ``pieces``."""
    chunks = (piece.encode() if isinstance(piece, str) else piece for piece in pieces)
    return answer(body=Chunks(*chunks), content_type="text/event-stream; charset=utf-8")


def event(**fields: Any) -> str:
    """Return one event on the wire."""
    return f"data: {json.dumps(fields, ensure_ascii=False)}\n\n"


def piece(content: str | None = None, finish: str | None = None, **choice: Any) -> str:
    """Return an event with a piece of text, or the end."""
    delta = {} if content is None else {"content": content}
    return event(choices=[{"index": 0, "delta": delta, "finish_reason": finish, **choice}])


DONE = "data: [DONE]\n\n"


def read_events(*chunks: bytes) -> list[tuple[str, str]]:
    """Return names and data of the events in a body that arrives in ``chunks``."""
    response = httpx.Response(200, stream=Chunks(*chunks), default_encoding="utf-8-sig")
    reader = EventReader()
    fed = chain.from_iterable(map(reader.feed, response.iter_text()))
    return [(event.name, event.data) for event in chain(fed, reader.end())]


def client(*answers: Answer, endpoint: str = MODELS, **options: Any) -> ChatCompletionsClient:
    """Return a client that gets ``answers`` and never sleeps; ``service_of`` has its requests.

    It is the async client in the second run of a test for both (see ``tests.sync_and_async``).
    """
    credential = options.pop("credential", AzureKeyCredential(KEY))
    options = {"transport": Service(*answers or (answer(),)), "max_sleep": 0.0, **options}
    if awaits():
        inner = AsyncChatCompletionsClient(endpoint, credential, "my-deployment", **options)
        return cast(ChatCompletionsClient, Awaited(inner))
    return ChatCompletionsClient(endpoint, credential, "my-deployment", **options)


def noting(waits: list[float]) -> OnWait:
    """Return an ``on_wait`` that appends the seconds to ``waits``."""
    return lambda seconds, _: waits.append(seconds)


def service_of(asked: ChatCompletionsClient) -> Service:
    """Return the ``Service`` that is the transport of a client."""
    assert isinstance(asked.transport, Service)
    return asked.transport


class Tokens:
    """A TokenCredential that returns or raises ``token``; ``scopes`` are those it was asked for."""

    def __init__(self, token: str | Exception = KEY) -> None:
        self.token, self.scopes = token, list[str]()

    def get_token(self, *scopes: str, **_: Any) -> Any:
        self.scopes += scopes
        if isinstance(self.token, Exception):
            raise self.token
        return SimpleNamespace(token=self.token, expires_on=0)


class AsyncTokens(Tokens):
    """The same, to be awaited, as in azure.identity.aio."""

    async def get_token(self, *scopes: str, **options: Any) -> Any:
        return super().get_token(*scopes, **options)


def unwrapped(error: BaseException) -> str:
    """Return the text of an error with its wrapped lines joined."""
    return str(error).replace("\n  ", " ")


_ESCAPE = re.compile(r"\\+u00([0-9a-f]{2})|%(?:25)*([2-7][0-9a-f])", re.IGNORECASE)


def unescaped(text: str) -> str:
    """Return ``text`` with JSON escapes and percent-encoding undone, at any depth."""
    text = _ESCAPE.sub(lambda found: chr(int(found[1] or found[2], 16)), text)
    return text.replace("\\", "")


def leaked(*texts: object, secret: str = KEY) -> list[str]:
    """Return those of ``texts`` that hold ``secret`` whole, plain or escaped."""
    shown = [f"{text} {text!r}" for text in texts]
    return [text for text in shown if secret in text or secret in unescaped(text)]
