"""One call as it may be shown: what is kept, what is masked, what is left out."""

from dataclasses import FrozenInstanceError
from typing import Any

import httpx
import pytest
from azure.core.credentials import AzureKeyCredential

from helpers import ChatError
from helpers.client.exchange import KEPT_RESPONSE_HEADERS, MASK, Exchange, redactor
from tests.fakes import ASK, COMPLETION, KEY, MODELS, V1, Tokens, answer, client, leaked


def exchange_of(*, endpoint: str = MODELS, credential: Any = None, **headers: str) -> Exchange:
    credential = credential or AzureKeyCredential(KEY)
    asked = client(answer(200, COMPLETION, **headers), endpoint=endpoint, credential=credential)
    exchange = asked.complete(ASK, temperature=0).exchange
    assert exchange is not None
    return exchange


def test_it_holds_the_call_as_it_went_over_the_wire() -> None:
    exchange = exchange_of(x_request_id="r1")
    assert exchange.method == "POST"
    assert exchange.request_body == {"messages": ASK, "model": "my-deployment", "temperature": 0}
    assert (exchange.status, exchange.reason, exchange.response_body) == (200, "OK", COMPLETION)
    assert exchange.response_headers == {"content-type": "application/json", "x-request-id": "r1"}
    assert exchange.elapsed > 0


@pytest.mark.parametrize(
    ("endpoint", "target"),
    [
        (MODELS, "/models/chat/completions?api-version=2024-05-01-preview"),
        (V1, "/openai/v1/chat/completions"),
    ],
    ids=["models", "v1"],
)
def test_it_names_no_host(endpoint: str, target: str) -> None:
    exchange = exchange_of(endpoint=endpoint)
    assert exchange.target == target
    assert "my-resource" not in repr(exchange)


@pytest.mark.parametrize(
    ("endpoint", "credential", "name", "shown"),
    [
        (MODELS, AzureKeyCredential(KEY), "api-key", MASK),
        ("https://api.example.com/v1", AzureKeyCredential(KEY), "authorization", f"Bearer {MASK}"),
        (MODELS, Tokens(), "authorization", f"Bearer {MASK}"),
    ],
    ids=["key", "key as Bearer", "token"],
)
def test_the_credential_is_masked(endpoint: str, credential: Any, name: str, shown: str) -> None:
    exchange = exchange_of(endpoint=endpoint, credential=credential)
    assert exchange.request_headers == {
        "content-type": "application/json", "accept": "application/json", name: shown,
    }  # fmt: skip
    assert not leaked(exchange)


def test_only_known_headers_are_kept() -> None:
    known = {name.replace("-", "_"): "1" for name in KEPT_RESPONSE_HEADERS}
    sent = {**known, "set_cookie": "a=b", "x_ms_region": "West", "server": "x", "location": "y"}
    assert exchange_of(**sent).response_headers.keys() == set(KEPT_RESPONSE_HEADERS)


def test_the_extra_parameters_header_is_kept() -> None:
    exchange = client().complete(ASK, top_k=1).exchange
    assert exchange is not None
    assert exchange.request_headers["extra-parameters"] == "pass-through"


BODIES: dict[str, tuple[Any, Any]] = {
    "JSON": ({"error": {"a": [1, 2.5, None, True]}}, {"error": {"a": [1, 2.5, None, True]}}),
    "JSON text": (b'"oh"', "oh"),
    "text": ("oh", "oh"),
    "empty": ("", ""),
    "half": (b'{"a": ', '{"a": '),
    "not utf-8": (b"\xff", "\ufffd"),
}


@pytest.mark.parametrize(("body", "kept"), BODIES.values(), ids=BODIES)
def test_the_body_of_a_failure_is_kept(body: Any, kept: Any) -> None:
    with pytest.raises(ChatError) as failure:
        client(answer(400, body)).complete(ASK)
    assert failure.value.exchange is not None
    assert failure.value.exchange.response_body == kept


def test_a_key_in_the_reason_is_masked() -> None:
    told = httpx.Response(401, extensions={"reason_phrase": f"No {KEY}".encode()})
    with pytest.raises(ChatError) as failure:
        client(lambda: told).complete(ASK)
    assert failure.value.exchange is not None
    assert failure.value.exchange.reason == f"No {MASK}"


def test_it_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        exchange_of().status = 500  # type: ignore[misc]


def scrub(text: str, *, key: str = KEY) -> str:
    return redactor(httpx.Request("POST", MODELS, headers={"api-key": key}))(text)


SCRUBBED = {
    "nothing of it": ("Hello", "Hello"),
    "whole": (f"a {KEY} b", f"a {MASK} b"),
    "six of it": (f"a {KEY[3:9]} b", f"a {MASK} b"),
    "five of it": (f"a {KEY[3:8]} b", f"a {KEY[3:8]} b"),
    "twice": (f"{KEY[:9]} {KEY}", f"{MASK} {MASK}"),
    "two parts that touch": (f"{KEY[:7]}{KEY[20:27]}", MASK),
    "shorter than any part": ("abc", "abc"),
    "empty": ("", ""),
}


@pytest.mark.parametrize(("text", "shown"), SCRUBBED.values(), ids=SCRUBBED)
def test_every_part_of_a_key_is_masked(text: str, shown: str) -> None:
    assert scrub(text) == shown


def test_a_key_of_digits_spoils_no_number() -> None:
    body = {"choices": [{"message": {"content": "123456789"}}], "created": 1234567890}
    credential = AzureKeyCredential("1234567890")
    completion = client(answer(body=body), credential=credential).complete(ASK)
    assert completion.exchange is not None
    kept = completion.exchange.response_body
    assert (kept["choices"][0]["message"]["content"], kept["created"]) == (MASK, 1234567890)
