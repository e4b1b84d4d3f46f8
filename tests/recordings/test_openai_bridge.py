"""The ``openai`` SDK asks whom the client of a lesson asks: live, while recording, and replayed."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from azure.core.credentials import AzureKeyCredential

from helpers import ChatCompletionsClient, ConfigurationError, NoRecordingError
from helpers.client.routes import route_for
from helpers.client.transport import NetworkTransport
from helpers.recordings.openai_bridge import async_http_client, http_client
from helpers.recordings.record import RecordingTransport
from helpers.recordings.replay import ReplayTransport
from tests.fakes import ASK, KEY, Service, Tokens, answer, client, service_of
from tests.standin import StandIn
from tests.standin.asking import TOOLS

MODEL = "stand-in-chat"


class Sdk:
    """The sync SDK, or the async one behind the same methods."""

    def __init__(self, asked: ChatCompletionsClient, way: str, **options: Any) -> None:
        options = {"base_url": asked.endpoint, "api_key": "unused", "max_retries": 0, **options}
        self.is_async = way == "async"
        make: Any = openai.AsyncOpenAI if self.is_async else openai.OpenAI
        bridge: Any = async_http_client if self.is_async else http_client
        self.sdk = make(http_client=bridge(asked), **options)

    def complete(self, **options: Any) -> Any:
        """The answer: the choice, or all chunks of a stream."""
        body: Any = {"model": MODEL, "messages": ASK, **options}
        return self._waited(lambda: self.sdk.chat.completions.create(**body))

    def models(self) -> list[str]:
        """The names that ``GET .../models`` lists."""
        return [model.id for model in self._waited(lambda: self.sdk.models.list())]

    def _waited(self, call: Any) -> Any:
        if not self.is_async:
            got = call()
            return list(got) if isinstance(got, openai.Stream) else got

        async def wait() -> Any:
            got = await call()
            return [one async for one in got] if hasattr(got, "__aiter__") else got

        return asyncio.run(wait())


def recorder(path: Path, inner: httpx.BaseTransport) -> RecordingTransport:
    facts = {"route": "v1", "api_version": None, "model": MODEL}
    return RecordingTransport(path, inner, "01-basic-call", facts, into=path)


def text_of(chunks: list[Any]) -> str:
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    return "".join(delta.content or "" for delta in deltas)


def test_what_is_recorded_is_replayed(standin: StandIn, path: Path, way: str) -> None:
    def ask(transport: httpx.BaseTransport) -> list[Any]:
        key = AzureKeyCredential(standin.key)
        sdk = Sdk(ChatCompletionsClient(standin.v1, key, MODEL, transport=transport), way)
        plain = sdk.complete()
        weather: Any = [{"role": "user", "content": "Is it warm in Oslo?"}]
        called = sdk.complete(messages=weather, tools=TOOLS).choices[0].message.tool_calls
        with pytest.raises(openai.NotFoundError) as failure:
            sdk.complete(model="none")
        said = str(failure.value.message)
        return [plain, text_of(sdk.complete(stream=True)), called, said]

    recorded = ask(recorder(path, NetworkTransport(route_for(standin.v1))))
    plain, streamed, (call,), said = recorded
    assert plain.choices[0].message.content == streamed
    assert call.function.name == "get_temperature"
    assert "deployment" in said
    seen = len(standin.requests)
    assert ask(ReplayTransport(path)) == recorded
    assert len(standin.requests) == seen
    assert standin.key not in path.read_text(encoding="utf-8")


def test_it_takes_get_and_any_path(path: Path, way: str) -> None:
    listed = {"object": "list", "data": [{"id": "a", "object": "model"}, {"id": "b"}]}
    recording = recorder(path, Service(answer(body=listed)))
    assert Sdk(client(transport=recording), way).models() == ["a", "b"]
    player = ReplayTransport(path)
    assert Sdk(client(transport=player), way).models() == ["a", "b"]
    assert (player.requests[0]["method"], player.requests[0]["body"]) == ("GET", {})


def test_what_was_not_recorded_is_told_in_the_words_of_the_lesson(path: Path, way: str) -> None:
    service = Service(answer())
    Sdk(client(transport=recorder(path, service)), way).complete()
    with pytest.raises(NoRecordingError, match="yours is not among them"):
        Sdk(client(transport=ReplayTransport(path)), way, max_retries=2).complete(seed=1)
    assert len(service.requests) == 1


@pytest.mark.parametrize(
    ("trouble", "raised"),
    [
        (httpx.ReadTimeout("slow"), openai.APITimeoutError),
        (httpx.ConnectError("down"), openai.APIConnectionError),
        (answer(429, {"error": {"message": "Too many."}}), openai.RateLimitError),
        (answer(400, {"error": {"message": "No."}}), openai.BadRequestError),
    ],
)
def test_its_errors_are_its_own(trouble: Any, raised: type[Exception], way: str) -> None:
    with pytest.raises(raised):
        Sdk(client(transport=Service(trouble)), way).complete()


@pytest.mark.parametrize(
    ("credential", "sent"),
    [
        (AzureKeyCredential(KEY), {"api-key": KEY}),
        (Tokens("token"), {"authorization": "Bearer token"}),
    ],
)
def test_the_credential_is_the_one_of_the_lesson(credential: Any, sent: Any, way: str) -> None:
    asked = client(credential=credential)
    Sdk(asked, way, api_key="of the SDK").complete()
    headers = service_of(asked).requests[0].headers
    names = ("api-key", "authorization")
    assert {name: headers[name] for name in names if name in headers} == sent


@pytest.mark.parametrize("url", ["https://other.example/models", "http://{host}/models"])
def test_no_other_host_gets_the_credential(url: str, way: str) -> None:
    asked = client()
    base_url = url.format(host=httpx.URL(asked.endpoint).host)
    with pytest.raises(ConfigurationError, match="Nothing was sent"):
        Sdk(asked, way, base_url=base_url).complete()
    assert not service_of(asked).requests
