"""The exchange of a call: what is kept, masked and left out."""

import json
import time
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from azure.core.credentials import AzureKeyCredential

from helpers import ChatError
from helpers.client.exchange import KEPT_RESPONSE_HEADERS
from helpers.client.redaction import MASK, credential_filter
from tests.fakes import ASK, COMPLETION, KEY, MODELS, answer, client


def test_only_known_headers_are_kept() -> None:
    known = {name.replace("-", "_"): "1" for name in KEPT_RESPONSE_HEADERS}
    sent = {**known, "set_cookie": "a=b", "x_ms_region": "West", "server": "x", "location": "y"}
    exchange = client(answer(200, COMPLETION, **sent)).complete(ASK).exchange
    assert exchange is not None
    assert exchange.response_headers.keys() == set(KEPT_RESPONSE_HEADERS)


@pytest.mark.parametrize(
    ("body", "kept"),
    [({"a": [2.5, None]}, {"a": [2.5, None]}), (b'"oh"', "oh"), (b'{"a": ', '{"a": '), ("", "")],
    ids=["JSON", "JSON text", "half", "empty"],
)
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
TWICE = json.dumps(json.dumps(ODD))
FORMS = {
    "plain": ODD,
    "quoted": quote(ODD),
    "quoted wholly, twice": quote(quote(ODD, safe=""), safe=""),
    "percent-encoded twice": in_url(ODD, "%25{:02x}"),
    "JSON with escaped slashes": json.dumps(ODD)[1:-1].replace("/", r"\/"),
    "JSON in JSON in JSON": json.dumps(TWICE)[1:-1].strip('\\"'),
    "quoted in JSON": json.dumps(quote(ODD))[1:-1],
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("before", ["50%\n", r"50%\n"], ids=["line end", "escaped line end"])
def test_every_form_of_a_key_is_masked(before: str, text: str) -> None:
    assert redact(f"{before}{text})", key=ODD) == f"{before}{MASK})"


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
