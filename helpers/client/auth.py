"""Put a key or an Entra ID token on a request.

The credentials of azure-core are recognized by their methods, so that it need not be imported.
azure-identity caches tokens until shortly before they expire, so each attempt may ask for one.
"""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

import httpx

from helpers.client.error_bodies import read_error
from helpers.client.errors import AuthenticationError, ConfigurationError
from helpers.client.redaction import MASK, Secret
from helpers.client.routes import Route

if TYPE_CHECKING:
    from azure.core.credentials import AzureKeyCredential, TokenCredential
    from azure.core.credentials_async import AsyncTokenCredential

    Credential = AzureKeyCredential | TokenCredential | AsyncTokenCredential


_OWN_NETWORK = (
    "For a server in your own network that needs no credential, leave the credential out and pass "
    "allow_http=True (TUTORIAL_ALLOW_HTTP=1 in the lessons)."
)
_TOKEN = re.compile(r"(?=[\w-]*[a-z])(?=[\w-]*[A-Z])(?=[\w-]*\d)[\w-]{20,}")
"""Matches parts of tokens and similar secrets in the words of a credential's error."""


def check_credential(credential: Credential | None, route: Route, *, allow_http: bool) -> None:
    """Raise ``ConfigurationError`` for a credential that would fail or leak.

    ``allow_http`` allows another machine to be asked over plain http, without a credential.
    """
    is_plain = route.endpoint.scheme != "https" and not route.is_loopback
    if credential is None:
        if route.is_loopback or (is_plain and allow_http):
            return
        raise ConfigurationError(
            "There is no credential, and the endpoint is not on this machine.",
            advice=_OWN_NETWORK
            if is_plain
            else "pass an AzureKeyCredential, or a TokenCredential: DefaultAzureCredential(), say.",
        )
    if is_plain:
        raise ConfigurationError(
            "The endpoint is plain http on another machine: anyone on the way could read the "
            "credential. Nothing was sent.",
            advice=f"use the https:// form of the endpoint. {_OWN_NETWORK}",
        )
    if hasattr(credential, "get_token"):
        _ = route.scope  # raises for a cloud that is not known
        return
    if not isinstance(getattr(credential, "key", None), str):
        raise ConfigurationError(
            f"A {type(credential).__name__} is no credential.",
            advice="pass an AzureKeyCredential or a TokenCredential, not the bare key.",
        )
    if not isinstance(_usable(credential.key), Secret):
        raise ConfigurationError(
            "The key holds a character that no key has (a space, a line end, an accent?).",
            advice="copy the key again, whole and without quotes.",
        )


def authorize(request: httpx.Request, credential: Credential | None, route: Route) -> None:
    """Set the header with the key or a token, in place of that of an earlier attempt.

    Raises ``AuthenticationError`` if the credential gives no token, or none that a header can hold.
    """
    if credential is None:
        return
    get_token: Any = getattr(credential, "get_token", None)
    if get_token is None:
        _set_header(request, _usable(getattr(credential, "key", None)), bearer=route.bearer_key)
        return
    try:
        if inspect.iscoroutinefunction(get_token):
            raise TypeError("it has to be awaited: use it with an AsyncChatCompletionsClient")
        token = _usable(get_token(route.scope).token)
    except Exception as reason:  # a credential is a plug-in: it may raise anything
        token = _no_token(reason)
    _set_header(request, token, bearer=True)


async def async_authorize(
    request: httpx.Request, credential: Credential | None, route: Route
) -> None:
    """Do what ``authorize`` does, and await the token; a blocking credential runs in a thread."""
    import asyncio  # imported late: sync programs need not load it

    get_token: Any = getattr(credential, "get_token", None)
    if get_token is None:
        authorize(request, credential, route)
    elif not inspect.iscoroutinefunction(get_token):
        await asyncio.to_thread(authorize, request, credential, route)
    else:
        try:
            token = _usable((await get_token(route.scope)).token)
        except Exception as reason:
            token = _no_token(reason)
        _set_header(request, token, bearer=True)


def _set_header(
    request: httpx.Request, secret: Secret | AuthenticationError, *, bearer: bool
) -> None:
    if isinstance(secret, AuthenticationError):
        raise secret
    new = {"authorization": Secret(f"Bearer {secret}")} if bearer else {"api-key": secret}
    request.headers = _HiddenHeaders(dict(request.headers.items()) | new)


class _HiddenHeaders(httpx.Headers):
    """Headers whose ``repr`` shows no value: verbose tracebacks print local variables."""

    def __repr__(self) -> str:
        return f"Headers({list(self)})"


def _no_token(reason: Exception) -> AuthenticationError:
    words = _TOKEN.sub(MASK, str(reason)[:2_000])
    return AuthenticationError(
        f"No Entra ID token could be had: {type(reason).__name__}.",
        words=read_error(words).words,
        advice="sign in (az login, say), or set AZURE_INFERENCE_CREDENTIAL to use a key.",
    )


def _usable(secret: object) -> Secret | AuthenticationError:
    """Return ``secret`` hidden from tracebacks, or the error if no header can hold it."""
    fits = isinstance(secret, str) and secret.isascii() and secret.isprintable()
    if fits and secret and " " not in str(secret):
        return Secret(secret)
    return AuthenticationError(  # the network library's own error would show it
        "The credential gave a key or token that no header can carry. Nothing was sent.",
        advice="correct the credential: a key or token has no spaces and no line ends.",
    )
