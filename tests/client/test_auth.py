"""Keys and tokens: the headers that carry them, and which are refused."""

from typing import Any

import httpx
import pytest
from azure.core.credentials import AzureKeyCredential

from helpers import AuthenticationError, ConfigurationError
from tests.fakes import (
    ASK,
    COMPLETION,
    KEY,
    MODELS,
    V1,
    AsyncTokens,
    Tokens,
    answer,
    client,
    leaked,
    service_of,
)  # fmt: skip
from tests.sync_and_async import both, once

pytestmark = both

TOKENS = {"sync": Tokens, "async": AsyncTokens}
SERVERLESS = "https://my-model.eastus.models.ai.azure.com"
LAN = "http://models.home.arpa:8000/v1"


# Which route takes which of the two headers is tested with the routes.
@pytest.mark.parametrize(
    ("endpoint", "sent"),
    [(MODELS, {"api-key": KEY}), (SERVERLESS, {"authorization": f"Bearer {KEY}"})],
    ids=["models", "serverless"],
)
def test_a_key_goes_out_in_the_header_of_its_route(endpoint: str, sent: dict[str, str]) -> None:
    asked = client(endpoint=endpoint)
    asked.complete(ASK)
    (request,) = service_of(asked).requests
    headers = dict(request.headers).items()
    assert {name: v for name, v in headers if name in ("api-key", "authorization")} == sent


def test_a_token_is_fetched_for_each_attempt(way: str) -> None:
    tokens = TOKENS[way]()
    asked = client(answer(503, ""), answer(), endpoint=V1, credential=tokens)
    assert tokens.scopes == []
    asked.complete(ASK)
    assert tokens.scopes == ["https://ai.azure.com/.default"] * 2
    sent = [r.headers["authorization"] for r in service_of(asked).requests]
    assert sent == [f"Bearer {KEY}"] * 2


@pytest.mark.parametrize(
    "token", [f"{KEY}\n", f"{KEY}é", "", None, KEY.encode(), RuntimeError(f"az login {KEY}")]
)
def test_a_bad_token_is_not_sent_and_not_shown(token: Any, way: str) -> None:
    asked = client(credential=TOKENS[way](token))
    with pytest.raises(AuthenticationError) as failure:
        asked.complete(ASK)
    assert not leaked(failure.value)
    assert service_of(asked).requests == []
    if isinstance(token, Exception):
        assert "RuntimeError" in str(failure.value)
        assert "az login" in failure.value.words


def test_the_repr_of_the_headers_shows_no_value_of_them() -> None:
    shown: list[str] = []

    def answer_to(request: httpx.Request) -> httpx.Response:
        shown.append(repr(request.headers))
        return httpx.Response(200, json=COMPLETION)

    client(transport=httpx.MockTransport(answer_to)).complete(ASK)
    assert "api-key" in shown[0] and not leaked(*shown)


@once
def test_a_credential_to_be_awaited_is_refused_by_the_sync_client() -> None:
    asked = client(credential=AsyncTokens())
    with pytest.raises(AuthenticationError, match="AsyncChatCompletionsClient"):
        asked.complete(ASK)
    assert service_of(asked).requests == []


@pytest.mark.parametrize("credential", [AzureKeyCredential(KEY), Tokens(), None])
def test_this_machine_may_be_asked_over_http(credential: Any) -> None:
    asked = client(endpoint="http://127.0.0.1:8000/v1", credential=credential)
    assert asked.complete(ASK).content == "Hi!"
    sent = service_of(asked).requests[0].headers.keys() & {"api-key", "authorization"}
    assert bool(sent) == (credential is not None)


def test_another_machine_is_asked_over_http_knowingly_and_without_a_credential() -> None:
    asked = client(endpoint=LAN, credential=None, allow_http=True)
    assert asked.complete(ASK).content == "Hi!"
    assert asked.with_options(timeout=1).credential_kind == "none"
    for credential in (AzureKeyCredential(KEY), Tokens()):
        with pytest.raises(ConfigurationError, match="plain http"):
            client(endpoint=LAN, credential=credential, allow_http=True)
    with pytest.raises(ConfigurationError, match=r"(?s)There is no credential.*ALLOW_HTTP=1"):
        client(endpoint=LAN, credential=None)
    with pytest.raises(ConfigurationError, match="There is no credential"):
        client(endpoint=MODELS, credential=None, allow_http=True)


def test_a_token_for_a_cloud_that_is_not_known_is_refused_before_it_is_asked_for() -> None:
    tokens, china = Tokens(), "https://r.openai.azure.cn/openai/v1"
    with pytest.raises(ConfigurationError, match=r"\.azure\.cn"):
        client(endpoint=china, credential=tokens)
    assert tokens.scopes == []
    assert client(endpoint=china).complete(ASK).content == "Hi!"


@pytest.mark.parametrize("key", [f"{KEY}\nx", f"{KEY}é", ""], ids=["line end", "accent", "empty"])
def test_a_bad_key_is_refused_and_not_shown_nor_sent(key: str) -> None:
    credential = AzureKeyCredential(KEY)
    asked = client(credential=credential)
    credential._key = key  # its own `update` takes no empty key
    with pytest.raises(AuthenticationError) as later:
        asked.complete(ASK)
    with pytest.raises(ConfigurationError) as at_once:
        client(credential=credential)
    with pytest.raises(ConfigurationError) as bare:
        client(credential=key)
    assert not leaked(later.value, at_once.value, bare.value)
    assert service_of(asked).requests == []
