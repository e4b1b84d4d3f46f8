"""A key or an Entra ID token, as the header that carries it.

A key is an ``azure.core.credentials.AzureKeyCredential``; a token comes from any
``TokenCredential`` (azure-identity has many). Both are told apart by what they can do, so that
azure-core is imported by those who make one and by nobody else. azure-identity keeps tokens until
shortly before they expire, so asking before every request costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from helpers.errors import AuthenticationError, ConfigurationError, service_words
from helpers.routes import Route

if TYPE_CHECKING:
    from azure.core.credentials import AzureKeyCredential, TokenCredential

    Credential = AzureKeyCredential | TokenCredential


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
    key = getattr(credential, "key", None)
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
    if credential is None:
        return {}
    is_token = hasattr(credential, "get_token")
    secret = _token(credential, route) if is_token else cast("AzureKeyCredential", credential).key
    if not _fits(secret):  # found out later, the error of the network library would show it
        raise AuthenticationError(
            "The credential gave a key or token that no header can carry. Nothing was sent.",
            advice="correct the credential: a key or token has no spaces and no line ends.",
        )
    if is_token or route.bearer_key:
        return {"authorization": f"Bearer {secret}"}
    return {"api-key": secret}


def _token(credential: Credential, route: Route) -> str:
    try:
        return cast("TokenCredential", credential).get_token(route.scope).token
    except Exception as reason:  # a credential is a plug-in: it may raise anything
        raise AuthenticationError(
            f"No Entra ID token could be had: {type(reason).__name__}.",
            words=service_words(str(reason))[0],
            advice="sign in (az login, say), or set AZURE_INFERENCE_CREDENTIAL to use a key.",
        ) from None


def _fits(secret: object) -> bool:
    """Whether ``secret`` can stand in a header; a key that was updated, or a plug-in's token."""
    if not isinstance(secret, str):
        return False
    return secret.isascii() and secret.isprintable() and " " not in secret and secret != ""
