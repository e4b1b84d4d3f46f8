"""The exchange of a call: what is kept, masked and left out."""

import json
import time
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from azure.core.credentials import AzureKeyCredential

from helpers import ChatError
from helpers.client.exchange import KEPT_RESPONSE_HEADERS, Exchange
from helpers.client.redaction import MASK, credential_filter
from tests.fakes import ASK, COMPLETION, KEY, MODELS, answer, client


def exchange_of(*, endpoint: str = MODELS, credential: Any = None, **headers: str) -> Exchange:
    credential = credential or AzureKeyCredential(KEY)
    asked = client(answer(200, COMPLETION, **headers), endpoint=endpoint, credential=credential)
    exchange = asked.complete(ASK, temperature=0).exchange
    assert exchange is not None
    return exchange


def test_it_holds_the_call_as_it_went_over_the_wire() -> None:
    exchange = exchange_of(x_request_id="r1")
    target = "/models/chat/completions?api-version=2024-05-01-preview"
    assert (exchange.method, exchange.target) == ("POST", target)
    assert exchange.request_body == {"messages": ASK, "model": "my-deployment", "temperature": 0}
    assert (exchange.status, exchange.reason, exchange.response_body) == (200, "OK", COMPLETION)
    assert exchange.response_headers == {"content-type": "application/json", "x-request-id": "r1"}
    assert exchange.elapsed > 0


def test_only_known_headers_are_kept() -> None:
    known = {name.replace("-", "_"): "1" for name in KEPT_RESPONSE_HEADERS}
    sent = {**known, "set_cookie": "a=b", "x_ms_region": "West", "server": "x", "location": "y"}
    assert exchange_of(**sent).response_headers.keys() == set(KEPT_RESPONSE_HEADERS)


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


def redact(text: str, *, key: str = KEY) -> str:
    return credential_filter(httpx.Request("POST", MODELS, headers={"api-key": key}))(text)


def in_url(text: str, form: str = "%{:02X}") -> str:
    """Return ``text`` with each character percent-encoded."""
    return "".join(form.format(ord(c)) for c in text)


ODD = r"a+b/c\d=e%f&\"g~h"
"""A key of characters that have an escaped form of their own."""
REDACTED = {
    "empty": ("", ""),
    "whole": (f"a {KEY} b", f"a {MASK} b"),
    "after a line end": (f"50%\n{KEY}", f"50%\n{MASK}"),
    "after an escaped line end": (rf"50%\n{KEY}", rf"50%\n{MASK}"),
    "a part of it": (f"a {KEY[:-1]} b", f"a {KEY[:-1]} b"),
    "percent-encoded": (f"?key={in_url(KEY)}&b", f"?key={MASK}&b"),
    "percent-encoded twice": (in_url(KEY, "%25{:02x}"), MASK),
}
TWICE = json.dumps(json.dumps(ODD))
FORMS = {
    "plain": ODD,
    "quoted": quote(ODD),
    "quoted wholly, twice": quote(quote(ODD, safe=""), safe=""),
    "JSON with escaped slashes": json.dumps(ODD)[1:-1].replace("/", r"\/"),
    "JSON in JSON in JSON": json.dumps(TWICE)[1:-1].strip('\\"'),
    "quoted in JSON": json.dumps(quote(ODD))[1:-1],
}


@pytest.mark.parametrize(("text", "shown"), REDACTED.values(), ids=REDACTED)
def test_a_key_is_masked_as_a_whole(text: str, shown: str) -> None:
    assert redact(text) == shown


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_every_form_of_an_odd_key_is_masked(text: str) -> None:
    assert redact(f"({text})", key=ODD) == f"({MASK})"


def test_a_placeholder_damages_no_text() -> None:
    assert redact('{"required": true}', key="sk-no-key-required") == '{"required": true}'
    assert redact("7letter", key="7letter") == "7letter"
    assert redact("8letters", key="8letters") == MASK


@pytest.mark.parametrize(
    "text", ["\\" * 50_000, "%25" * 300_000, KEY[:-1] * 30_000, r"50% of \"it\"\n" * 60_000]
)
def test_long_texts_take_linear_time(text: str) -> None:
    started = time.process_time()
    assert redact(text[: len(text) // 10]) == text[: len(text) // 10]
    tenth = time.process_time()
    assert redact(text) == text
    assert time.process_time() - tenth < 40 * (tenth - started) + 0.1  # 100 if it were quadratic


def test_a_key_in_the_request_is_masked_too() -> None:
    exchange = client().complete([{"role": "user", "content": f"Is {in_url(KEY)} a key?"}]).exchange
    assert exchange is not None
    assert exchange.request_body["messages"][0]["content"] == f"Is {MASK} a key?"


def test_a_key_of_digits_spoils_no_number() -> None:
    body = {"choices": [{"message": {"content": "1234567890"}}], "created": 1234567890}
    credential = AzureKeyCredential("1234567890")
    completion = client(answer(body=body), credential=credential).complete(ASK)
    assert completion.exchange is not None
    kept = completion.exchange.response_body
    assert (kept["choices"][0]["message"]["content"], kept["created"]) == (MASK, 1234567890)
