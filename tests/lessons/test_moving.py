"""The table of names that move: its lines do what they say, on the recording of lesson 09."""

import ast
import asyncio
import json
import re
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import openai
import pytest
from azure.core.credentials import AzureKeyCredential
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from helpers import (
    AsyncChatCompletionsClient,
    ChatCompletions,
    ChatCompletionsClient,
    ChatError,
    StreamingChatCompletionsUpdate,
)
from helpers.lessons import LESSONS, ROOT
from helpers.moving import PARTS, SDK
from helpers.recordings.openai_bridge import async_http_client, http_client
from helpers.recordings.replay import ReplayTransport
from tests.fakes import COMPLETION, DONE, V1, Tokens, client, event, piece, streamed
from tests.notebooks import files

LESSON = next(lesson for lesson in LESSONS if lesson.id == "09-moving-to-v1")
DEPLOYMENT = "stand-in-chat"
MESSAGES = [{"role": "user", "content": "Which colour has the sky at noon? Answer as JSON."}]
NAMES: dict[str, Any] = {
    **{"ENDPOINT": V1, "KEY": "not-a-key", "DEPLOYMENT": DEPLOYMENT, "messages": MESSAGES},
    **{"SCOPE": "https://ai.azure.com/.default", "credential": Tokens(), "schema": {}},
    "body": {"model": DEPLOYMENT, "messages": MESSAGES, "temperature": 0.2},
}
"""What the lines use, as the comment at the top of the table lists it."""
ROWS = {
    name.removeprefix(f"{SDK}."): row for rows in PARTS.values() for row in rows for name in row.old
}


def names_of(part: str) -> list[str]:
    return [name.removeprefix(f"{SDK}.") for row in PARTS[part] for name in row.old]


CHATS = [name for name, row in ROWS.items() if ".chat.completions.create(" in row.openai]


def ours() -> dict[str, Any]:
    """Answers of this client, under the names that the lines use."""
    with client(streamed(event(), DONE)).stream(MESSAGES) as stream:
        list(stream)
    completion = ChatCompletions(COMPLETION)
    update = StreamingChatCompletionsUpdate({"choices": [{"delta": {"content": "Hi"}}]})
    key = {"AzureKeyCredential": AzureKeyCredential}
    return {"stream": stream, "completion": completion, "update": update, **key}


def theirs() -> dict[str, Any]:
    """Answers of openai."""
    chunk = {**COMPLETION, "object": "chat.completion.chunk"}
    chunk["choices"] = [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": None}]
    vectors = SimpleNamespace(data=[SimpleNamespace(embedding=[0.5])])
    return {
        **{"OpenAI": openai.OpenAI, "stream": None, "vectors": vectors},
        "completion": ChatCompletion.model_validate(COMPLETION),
        "update": ChatCompletionChunk.model_validate(chunk),
    }


class Replay(ReplayTransport):
    """Answers from the recording of the lesson, and keeps the bodies that were sent."""

    def __init__(self) -> None:
        super().__init__(LESSON.cassette("v1"))
        self.sent: list[dict[str, Any]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(json.loads(request.content))
        return super().handle_request(request)


class Listener(httpx.MockTransport):
    """Answers any chat completion, and keeps the bodies but for the usage of streams."""

    def __init__(self) -> None:
        super().__init__(self.answer)
        self.sent: list[dict[str, Any]] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        body.pop("stream_options", None)
        self.sent.append(body)
        if "stream" not in body:
            return httpx.Response(200, json=COMPLETION)
        kind = {"content-type": "text/event-stream"}
        return httpx.Response(200, headers=kind, text=piece("Hi!", "stop") + DONE)


def execute(line: str, *, is_async: bool, **names: Any) -> dict[str, Any]:
    """Execute a line of the table; return the names that it leaves."""
    line = line.strip().replace("= client.", "= await client.") if is_async else line.strip()
    names = NAMES | names
    code = compile(line, "line", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    if (outcome := eval(code, names)) is not None:
        asyncio.run(outcome)
    return names


@pytest.mark.parametrize("name", CHATS)
def test_openai_executes_a_row_that_asks_and_this_client_sends_the_same(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    is_async = name.startswith("aio.")
    make: Any = AsyncChatCompletionsClient if is_async else ChatCompletionsClient
    make_sdk: Any = openai.AsyncOpenAI if is_async else openai.OpenAI
    key, replay, service = AzureKeyCredential("not-a-key"), Replay(), Listener()
    bridge = async_http_client if is_async else http_client
    asking = make(V1, key, DEPLOYMENT, transport=replay)
    sdk = make_sdk(base_url=V1, api_key="unused", http_client=bridge(asking), max_retries=0)
    left = execute(ROWS[name].openai, is_async=is_async, client=sdk)
    text = capsys.readouterr().out
    if "completion" in left:
        text = left["completion"].choices[0].message.content
    assert text == '{"sky": "blue"}'
    if ROWS[name].helpers:
        asking = make(V1, key, DEPLOYMENT, transport=service)
        execute(ROWS[name].helpers, is_async=is_async, client=asking)
        assert service.sent == replay.sent


@pytest.mark.parametrize("name", [name for name in CHATS if name.endswith("(stream)")])
def test_a_stream_row_of_openai_skips_a_chunk_without_a_choice_or_a_delta(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    is_async = name.startswith("aio.")
    text = event(choices=[]) + event(choices=[{"index": 0, "delta": None}]) + piece("Hi!") + DONE
    kind = {"content-type": "text/event-stream"}
    service = httpx.MockTransport(lambda _: httpx.Response(200, headers=kind, text=text))
    make_sdk: Any = openai.AsyncOpenAI if is_async else openai.OpenAI
    make: Any = httpx.AsyncClient if is_async else httpx.Client
    sdk = make_sdk(base_url=V1, api_key="unused", http_client=make(transport=service))
    execute(ROWS[name].openai, is_async=is_async, client=sdk)
    assert capsys.readouterr().out == "Hi!"


def test_the_lesson_has_a_cell_for_each_row_that_asks() -> None:
    code = "\n".join(c.source for c in files.read(LESSON.notebook).cells if c.cell_type == "code")
    assert len(CHATS) == 16
    for name in CHATS:
        (call,) = re.findall(r"create\(\s*(.*?)\s*\)(?:\n|:|$)", ROWS[name].openai, re.DOTALL)
        changed = call.removeprefix("model=DEPLOYMENT, messages=messages").removeprefix(", ")
        keyword, _, value = changed.partition("=")
        assert changed in code or f'{{"{keyword}": {value}}}' in code, name


OBJECTS = [
    name for part in ("clients", "messages", "formats", "answers") for name in names_of(part)
]


@pytest.mark.parametrize("name", OBJECTS)
def test_an_object_row_can_be_constructed(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "images" / "languages.png", "cat.png")
    row = ROWS[name]
    for line, needed, names in (
        (row.helpers, row.helpers_import, ours()),
        (row.openai, row.openai_import, theirs()),
    ):
        exec(needed, names)
        if line:
            exec(line.strip(), NAMES | names)


@pytest.mark.parametrize("name", names_of("errors"))
def test_the_errors_of_a_row_are_those_of_the_libraries(name: str) -> None:
    row = ROWS[name]
    for line, needed, base in (
        (row.helpers, row.helpers_import, ChatError),
        (row.openai, row.openai_import, openai.APIError),
    ):
        names: dict[str, Any] = {}
        exec(needed, names)
        if found := re.fullmatch(r"except (.+) as error:", line):
            assert issubclass(eval(found[1], names), base)
