"""A key or an Entra ID token, as the header that carries it.

A key is an ``azure.core.credentials.AzureKeyCredential``; a token comes from any
``TokenCredential`` (azure-identity has many). Both are told apart by what they can do, so that
azure-core is imported by those who make one and by nobody else. azure-identity keeps tokens until
shortly before they expire, so asking before every request costs nothing.
"""

from __future__ import annotations

import inspect
import re
from functools import partial
from typing import TYPE_CHECKING, Any, TypeGuard

from helpers.client.errors import AuthenticationError, ConfigurationError, service_words
from helpers.client.redaction import MASK, Secret
from helpers.client.routes import Route

if TYPE_CHECKING:
    from azure.core.credentials import AzureKeyCredential, TokenCredential
    from azure.core.credentials_async import AsyncTokenCredential

    Credential = AzureKeyCredential | TokenCredential | AsyncTokenCredential


_TOKEN = re.compile(r"(?=[\w-]*[a-z])(?=[\w-]*[A-Z])(?=[\w-]*\d)[\w-]{20,}")
"""What looks like a part of a token, or like another secret that a plug-in may quote."""


def check_credential(credential: Credential | None, route: Route) -> None:
    """Refuse, before anything is sent, what could only fail or leak.

    Raises ``ConfigurationError`` for a credential over plain http to another machine, for no
    credential to another machine, and for a key that can't stand in a header.
    """
    if credential is None:
        if not route.is_loopback:
            raise ConfigurationError(
                "There is no credential, and the endpoint is not on this machine.",
                advice="pass an AzureKeyCredential, or a TokenCredential such as "
                "DefaultAzureCredential().",
            )
        return
    if route.endpoint.scheme != "https" and not route.is_loopback:
        raise ConfigurationError(
            "The endpoint is plain http on another machine: anyone on the way could read the "
            "credential. Nothing was sent.",
            advice="use the https:// form of the endpoint.",
        )
    if hasattr(credential, "get_token"):
        return
    key = _hidden(getattr(credential, "key", None))
    if not isinstance(key, str):
        raise ConfigurationError(
            f"A {type(credential).__name__} is no credential.",
            advice="pass an AzureKeyCredential or a TokenCredential, not the bare key.",
        )
    if not _fits(key):
        raise ConfigurationError(
            "The key holds a character that no key has (a space, a line end, an accent?).",
            advice="copy the key again, whole and without quotes.",
        )


def auth_headers(credential: Credential | None, route: Route) -> dict[str, str]:
    """The header that carries the key or a token for ``route``.

    Raises ``AuthenticationError`` if no token could be had, or none that a header can carry.
    """
    ask: Any = getattr(credential, "get_token", None)
    if ask is None:
        return _key_header(credential, route)
    try:
        if inspect.iscoroutinefunction(ask):
            raise TypeError("it has to be awaited: use it with an AsyncChatCompletionsClient")
        token = _hidden(ask(route.scope).token)
    except Exception as reason:  # a credential is a plug-in: it may raise anything
        raise _no_token(reason) from None
    return _header(token, bearer=True)


async def async_auth_headers(credential: Credential | None, route: Route) -> dict[str, str]:
    """As ``auth_headers``; a credential that can't be awaited is asked in a thread of its own."""
    import asyncio  # here, as everywhere: those who never await need not load it

    ask: Any = getattr(credential, "get_token", None)
    if ask is None:
        return _key_header(credential, route)
    try:
        if not inspect.iscoroutinefunction(ask):
            ask = partial(asyncio.to_thread, ask)
        token = _hidden((await ask(route.scope)).token)
    except Exception as reason:
        raise _no_token(reason) from None
    return _header(token, bearer=True)


def _key_header(credential: Any, route: Route) -> dict[str, str]:
    if credential is None:
        return {}
    return _header(_hidden(credential.key), bearer=route.bearer_key)


def _header(secret: object, *, bearer: bool) -> dict[str, str]:
    if not _fits(secret):  # found out later, the error of the network library would show it
        raise AuthenticationError(
            "The credential gave a key or token that no header can carry. Nothing was sent.",
            advice="correct the credential: a key or token has no spaces and no line ends.",
        )
    return {"authorization": Secret(f"Bearer {secret}")} if bearer else {"api-key": secret}


def _no_token(reason: Exception) -> AuthenticationError:
    words = _TOKEN.sub(MASK, str(reason)[:2_000])
    return AuthenticationError(
        f"No Entra ID token could be had: {type(reason).__name__}.",
        words=service_words(words)[0],
        advice="sign in (az login, say), or set AZURE_INFERENCE_CREDENTIAL to use a key.",
    )


def _fits(secret: object) -> TypeGuard[str]:
    """Whether ``secret`` can stand in a header; a key that was updated, or a plug-in's token."""
    if not isinstance(secret, str):
        return False
    return secret.isascii() and secret.isprintable() and " " not in secret and secret != ""


def _hidden(secret: object) -> object:
    return Secret(secret) if isinstance(secret, str) else secret
