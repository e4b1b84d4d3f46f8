"""What both clients send, when they close what they opened, and what their errors say."""

import pickle
from typing import Any

import httpx
import pytest

from helpers import (
    ChatError,
    RateLimitError,
    ServiceConnectionError,
    StreamInterruptedError,
    UserMessage,
)
from helpers.client.responses import ChatCompletions
from helpers.tools import ToolLoopError
from tests.fakes import ASK, COMPLETION, MODELS, Chunks, answer, client, leaked, service_of
from tests.sync_and_async import both

pytestmark = both


def test_a_call_is_posted_as_json_to_its_route() -> None:
    asked = client()
    assert asked.complete([UserMessage("Grüße")], temperature=0).content == "Hi!"
    (request,) = service_of(asked).requests
    url = f"{MODELS}/chat/completions?api-version=2024-05-01-preview"
    assert (request.method, str(request.url)) == ("POST", url)
    assert request.headers["content-type"] == "application/json"
    assert request.headers["accept"] == "application/json"
    assert service_of(asked).body == {
        "messages": [{"role": "user", "content": "Grüße"}],
        "model": "my-deployment",
        "temperature": 0,
    }


def test_the_client_shows_neither_its_endpoint_nor_its_key(way: str) -> None:
    shown = repr(client())
    name = {"sync": "ChatCompletionsClient", "async": "AsyncChatCompletionsClient"}[way]
    assert shown == f"{name}(route='models', model='my-deployment')"
    assert not leaked(shown)


def test_a_timeout_is_for_the_next_bytes_and_a_connection_has_15_s() -> None:
    seen: list[Any] = []

    def note(request: httpx.Request) -> httpx.Response:
        seen.append(request.extensions["timeout"])
        return httpx.Response(200, json=COMPLETION)

    for timeout in (120.0, 5.0):
        client(transport=httpx.MockTransport(note), timeout=timeout).complete(ASK)
    assert [(given["connect"], given["read"]) for given in seen] == [(15.0, 120.0), (5.0, 5.0)]


def test_on_wait_is_called_before_each_pause(slept: list[Any]) -> None:
    asked = client(
        answer(429, "", retry_after="7"), httpx.ConnectError("x"), answer(),
        on_wait=lambda seconds, reason: slept.append((seconds, type(reason))),
        max_sleep=7.5,
    )  # fmt: skip
    asked.complete(ASK)
    (seconds, kind), paused, (later, second_kind), paused_later = slept
    assert (seconds, kind, paused) == (7.0, RateLimitError, 7.0)
    assert (later, second_kind) == (paused_later, ServiceConnectionError)


class Closing(httpx.MockTransport):
    closed = ""

    def close(self) -> None:
        self.closed = "sync"

    async def aclose(self) -> None:
        self.closed = "async"


def test_leaving_the_block_closes_the_connections(way: str) -> None:
    transport = Closing(lambda request: httpx.Response(200, json=COMPLETION))
    with client(transport=transport) as asked:
        asked.complete(ASK)
        assert not transport.closed
    assert transport.closed == way


ENDS = [b", []}", KeyboardInterrupt(), httpx.ReadTimeout("slow"), OSError()]


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("end", ENDS, ids=repr)
def test_an_answer_is_closed_however_its_body_ends(status: int, end: Any) -> None:
    body = Chunks(b'{"choices":', end)
    with pytest.raises((KeyboardInterrupt, ChatError, OSError)) as failure:
        client(answer(status, body), max_retries=0).complete(ASK)
    assert (body.read, body.closed) == (2, True), failure


ID = "7f9c1e52-0000-4000-8000-2b3c4d5e6f70"


def test_an_error_says_what_happened_in_whose_words_and_what_to_do() -> None:
    error = {"code": "Bad", "message": "Say \x1b[31mred\x1b[0m \u202eesrever"}
    asked = client(answer(400, {"error": error}, retry_after="9", x_request_id=ID))
    with pytest.raises(ChatError) as raised:
        asked.complete(ASK)
    failure = raised.value
    assert failure.request_id == ID
    assert str(failure).splitlines() == [
        "The service refused a parameter or a message. (HTTP 400)",
        # Its words control no terminal.
        r"The service says: Say \u001b[31mred\u001b[0m \u202eesrever [Bad]",
        "It asks you to wait 9 s.",
        f"Request id: {ID}",
        f"What to do: {failure.advice}",
    ]


def test_an_error_goes_to_another_process_whole() -> None:
    stream = StreamInterruptedError("Cut", partial=ChatCompletions({"id": "a"}), words="w")
    stream.add_note("seen twice")
    with pytest.raises(ChatError) as raised:
        client(answer(429, "Wait", retry_after="9"), max_retries=0).complete(ASK)
    for error in raised.value, stream, ToolLoopError("Loop", [1, 2]):
        copy = pickle.loads(pickle.dumps(error))
        assert (type(copy), str(copy), copy.args) == (type(error), str(error), error.args)
        # In any order: tblib, which distributed brings along, changes how an error is pickled.
        assert repr(sorted(vars(copy).items())) == repr(sorted(vars(error).items()))
        assert len(vars(copy)) >= 8
