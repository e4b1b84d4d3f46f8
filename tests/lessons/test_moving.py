"""The table of names that move: its lines do what they say. Lesson 09 runs those that ask."""

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
from tests.fakes import (
    ASK,
    COMPLETION,
    DONE,
    KEY,
    V1,
    Service,
    Tokens,
    answer,
    client,
    event,
    piece,
    streamed,
)
from tests.notebooks import files

LESSON = next(lesson for lesson in LESSONS if lesson.id == "09-moving-to-v1")
DEPLOYMENT = "stand-in-chat"
NAMES: dict[str, Any] = {
    **{"ENDPOINT": V1, "KEY": KEY, "DEPLOYMENT": DEPLOYMENT, "messages": ASK},
    **{"SCOPE": "https://ai.azure.com/.default", "credential": Tokens(), "schema": {}},
    "body": {"model": DEPLOYMENT, "messages": ASK, "temperature": 0.2},
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
    with client(streamed(event(), DONE)).stream(ASK) as stream:
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


def execute(line: str, *, is_async: bool, **names: Any) -> dict[str, Any]:
    """Execute a line of the table; return the names that it leaves."""
    line = line.strip().replace("= client.", "= await client.") if is_async else line.strip()
    names = NAMES | names
    code = compile(line, "line", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    if (outcome := eval(code, names)) is not None:
        asyncio.run(outcome)
    return names


@pytest.mark.parametrize("name", CHATS)
def test_the_lines_of_a_row_that_asks_send_the_same_and_read_the_answer(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    is_async = name.startswith("aio.")
    # A chunk of the content filter has no choice, or a choice without a delta.
    chunks = [event(choices=[]), event(choices=[{"index": 0, "delta": None}]), piece("Hi!"), DONE]
    service = Service(streamed(*chunks) if name.endswith("(stream)") else answer())
    make: Any = AsyncChatCompletionsClient if is_async else ChatCompletionsClient
    make_sdk: Any = openai.AsyncOpenAI if is_async else openai.OpenAI
    make_http: Any = httpx.AsyncClient if is_async else httpx.Client
    asking = make(V1, AzureKeyCredential(KEY), DEPLOYMENT, transport=service)
    sdk = make_sdk(base_url=V1, api_key=KEY, http_client=make_http(transport=service))
    for line, one in (ROWS[name].helpers, asking), (ROWS[name].openai, sdk):
        if line:
            left = execute(line, is_async=is_async, client=one)
            text = capsys.readouterr().out
            if "completion" in left:
                text = left["completion"].choices[0].message.content
            assert text == "Hi!"
    bodies = [json.loads(request.content) for request in service.requests]
    for body in bodies:
        body.pop("stream_options", None)  # the helper asks for the usage of a stream too
    assert bodies[0] == bodies[-1]


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
