"""The ``openai`` SDK asks whom the client of a lesson asks, with the credential of that client.

``test_record_lessons`` records what it asks in the lessons; nbval replays it.
"""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from azure.core.credentials import AzureKeyCredential

from helpers import ChatCompletionsClient, ConfigurationError, NoRecordingError
from helpers.recordings.openai_bridge import async_http_client, http_client
from helpers.recordings.record import RecordingTransport
from helpers.recordings.replay import ReplayTransport
from tests.fakes import ASK, KEY, Service, Tokens, answer, client, service_of
from tests.recordings.calls import FACTS, LESSON


def make_sdk(asked: ChatCompletionsClient, way: str, **options: Any) -> Any:
    """Return the sync or the async SDK that asks whom ``asked`` asks."""
    options = {"base_url": asked.endpoint, "api_key": "of the SDK", **options}
    if way == "sync":
        return openai.OpenAI(http_client=http_client(asked), **options)
    return openai.AsyncOpenAI(http_client=async_http_client(asked), **options)


def waited(call: Any) -> Any:
    """Return what a call of either SDK gives."""

    async def wait() -> Any:
        return await call

    return asyncio.run(wait()) if hasattr(call, "__await__") else call


def complete(asked: ChatCompletionsClient, way: str, seed: int = 0, **options: Any) -> Any:
    """Ask for a chat completion."""
    chat = make_sdk(asked, way, **options).chat
    return waited(chat.completions.create(model="my-deployment", messages=ASK, seed=seed))


def recorder(path: Path, service: Service) -> RecordingTransport:
    return RecordingTransport(path, service, LESSON, dict(FACTS), into=path)


def test_it_takes_get_and_any_path(path: Path, way: str) -> None:
    listed = {"object": "list", "data": [{"id": "a", "object": "model"}, {"id": "b"}]}
    for transport in (recorder(path, Service(answer(body=listed))), None):
        asked = client(transport=transport or ReplayTransport(path))
        models = waited(make_sdk(asked, way).models.list())
        assert [model.id for model in models.data] == ["a", "b"]
    (request,) = ReplayTransport(path).requests
    assert (request["method"], request["body"]) == ("GET", {})


def test_what_was_not_recorded_is_told_in_the_words_of_the_lesson(path: Path, way: str) -> None:
    complete(client(transport=recorder(path, Service(answer()))), way)
    with pytest.raises(NoRecordingError, match="yours is not among them"):
        complete(client(transport=ReplayTransport(path)), way, seed=1)


@pytest.mark.parametrize(
    ("credential", "sent"),
    [
        (AzureKeyCredential(KEY), {"api-key": KEY}),
        (Tokens("token"), {"authorization": "Bearer token"}),
    ],
)
def test_the_credential_is_the_one_of_the_lesson(credential: Any, sent: Any, way: str) -> None:
    asked = client(credential=credential)
    complete(asked, way)
    headers = service_of(asked).requests[0].headers
    names = ("api-key", "authorization")
    assert {name: headers[name] for name in names if name in headers} == sent


@pytest.mark.parametrize("url", ["https://other.example/models", "http://{host}/models"])
def test_no_other_host_gets_the_credential(url: str, way: str) -> None:
    asked = client()
    base_url = url.format(host=httpx.URL(asked.endpoint).host)
    with pytest.raises(ConfigurationError, match="Nothing was sent"):
        complete(asked, way, base_url=base_url)
    assert not service_of(asked).requests
