"""What is measured: the clients, each asked as its documentation says.

Each is imported where it is used, because a process that measures one must not hold the others.
"""

import json
import random
import string
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

MODEL = "stand-in-chat"
MESSAGES = [
    {"role": "system", "content": "You are a helpful assistant."},
    {"role": "user", "content": "How many languages are in the world?"},
]
KEY = "".join(random.Random(84).choices(string.ascii_letters + string.digits, k=84))
"""As long as the keys that the service gives out: masking takes longer, the longer a key is."""

OURS, RETIRED, VENDOR = "ours", "azure-ai-inference", "openai"
VENDOR_AIOHTTP = "openai with aiohttp"
HTTPX = "httpx"


def calling(name: str, url: str) -> Callable[[], str]:
    """A function that asks once and gives the text of the answer."""
    client = _client(name, url)
    if name == OURS:
        return lambda: client.complete(MESSAGES).content
    if name == RETIRED:
        return lambda: client.complete(messages=MESSAGES).choices[0].message.content
    create = client.chat.completions.create
    return lambda: create(model=MODEL, messages=MESSAGES).choices[0].message.content


def streaming(name: str, url: str) -> Callable[[], Iterator[str]]:
    """A function that asks for a stream and gives the text of each update."""

    def ours() -> Iterator[str]:
        with client.stream(MESSAGES) as stream:
            for update in stream:
                yield update.content

    def sdk() -> Iterator[str]:
        with ask(model=MODEL, messages=MESSAGES, stream=True) as stream:
            for update in stream:
                yield (update.choices[0].delta.content or "") if update.choices else ""

    def httpx() -> Iterator[str]:
        body = {"model": MODEL, "messages": MESSAGES, "stream": True}
        with client.stream("POST", "/chat/completions", json=body) as response:
            for line in response.iter_lines():
                data = line.removeprefix("data: ")
                if data and data != "[DONE]":
                    choices = json.loads(data)["choices"]
                    yield (choices[0]["delta"].get("content") or "") if choices else ""

    client = _client(name, url)
    if name in (RETIRED, VENDOR):
        ask = client.complete if name == RETIRED else client.chat.completions.create
        return sdk
    return ours if name == OURS else httpx


def awaiting(
    name: str, url: str
) -> tuple[Callable[[], Awaitable[str]], Callable[[], Awaitable[None]]]:
    """A function that asks once, to be awaited, and one that closes its client."""
    if name == OURS:
        from azure.core.credentials import AzureKeyCredential

        from helpers import AsyncChatCompletionsClient

        ours = AsyncChatCompletionsClient(f"{url}/openai/v1", AzureKeyCredential(KEY), MODEL)

        async def ask_ours() -> str:
            return (await ours.complete(MESSAGES)).content

        return ask_ours, ours.close
    if name == RETIRED:
        from azure.ai.inference.aio import ChatCompletionsClient
        from azure.core.credentials import AzureKeyCredential

        retired = ChatCompletionsClient(f"{url}/models", AzureKeyCredential(KEY), model=MODEL)

        async def ask_retired() -> str:
            answer: Any = await retired.complete(messages=MESSAGES)
            return str(answer.choices[0].message.content)

        return ask_retired, retired.close

    from openai import AsyncOpenAI, DefaultAioHttpClient

    http = DefaultAioHttpClient() if name == VENDOR_AIOHTTP else None
    vendor = AsyncOpenAI(base_url=f"{url}/openai/v1", api_key=KEY, http_client=http)
    create: Any = vendor.chat.completions.create

    async def ask_vendor() -> str:
        answer = await create(model=MODEL, messages=MESSAGES)
        return str(answer.choices[0].message.content)

    return ask_vendor, vendor.close


def _client(name: str, url: str) -> Any:
    if name == OURS:
        from azure.core.credentials import AzureKeyCredential

        from helpers import ChatCompletionsClient

        return ChatCompletionsClient(f"{url}/openai/v1", AzureKeyCredential(KEY), MODEL)
    if name == RETIRED:
        from azure.ai.inference import ChatCompletionsClient as RetiredClient
        from azure.core.credentials import AzureKeyCredential

        return RetiredClient(f"{url}/models", AzureKeyCredential(KEY), model=MODEL)
    if name == VENDOR:
        from openai import OpenAI

        return OpenAI(base_url=f"{url}/openai/v1", api_key=KEY)

    import httpx

    return httpx.Client(base_url=f"{url}/openai/v1", headers={"api-key": KEY}, trust_env=False)
