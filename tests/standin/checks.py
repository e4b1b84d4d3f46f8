"""Checks of a request: key, api-version, model, extra fields.

Each check returns the reply that refuses, or None.
"""

from collections.abc import Mapping
from typing import Any

from tests.standin.calls import Route
from tests.standin.faults import refuse
from tests.standin.replies import Reply, openai_error

KEY = "Kq7xWz3vRt9mBn5c"
TOKEN = "Zp4hYx8wLd2sVn6r"  # an Entra ID token, as far as this server goes
API_VERSION = "2024-05-01-preview"
PLAIN = "stand-in-plain"
REASONING = "stand-in-reasoning"
DEPLOYMENTS = ("stand-in-chat", PLAIN, REASONING)

STANDARD = frozenset(
    (
        *("messages", "model", "frequency_penalty", "presence_penalty", "temperature", "top_p"),
        *("max_tokens", "seed", "stop", "stream", "response_format", "tools", "tool_choice"),
    )
)
"""The fields that the specification of the models route has; all others are extra there."""
FIRST_CLASS = STANDARD | frozenset(
    (
        *("audio", "function_call", "functions", "logit_bias", "logprobs", "metadata", "n"),
        *("max_completion_tokens", "modalities", "parallel_tool_calls", "prediction", "store"),
        *("reasoning_effort", "stream_options", "top_logprobs", "user", "user_security_context"),
    )
)
"""The fields that the v1 route has; any other is an error there."""


def match_key(headers: Mapping[str, str]) -> str:
    """Return the credential that was sent, or ""."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return headers.get("api-key") or (token.strip() if scheme.lower() == "bearer" else "")


def check_key(headers: Mapping[str, str]) -> Reply | None:
    """Accept a key in either header, a token only as ``Authorization: Bearer``."""
    bearer = headers.get("authorization", "").casefold().startswith("bearer ")
    accepted = (KEY, TOKEN) if bearer and "api-key" not in headers else (KEY,)
    return None if match_key(headers) in accepted else refuse("wrong-key")


def check_version(route: Route, version: str | None) -> Reply | None:
    """Accept one api-version on the models route, any or none on v1."""
    return None if route == "v1" or version == API_VERSION else refuse("wrong-route")


def check_json(body: Any) -> Reply | None:
    """Accept a JSON object only."""
    if isinstance(body, dict):
        return None
    return openai_error("We could not parse the JSON body of your request.", None, None)


def model_of(route: Route, headers: Mapping[str, str], body: Mapping[str, Any]) -> str:
    """Return the model that is asked for, or ""; the models route also reads a header."""
    named = body.get("model")
    if not named and route == "models":
        named = headers.get("x-ms-model-mesh-model-name")
    return named if isinstance(named, str) else ""


def check_model(route: Route, model: str, upstream: str = "") -> Reply | None:
    """Accept known models; the models route ignores upper and lower case.

    ``upstream`` is the name of the model that the stand-in asks, if there is one.
    """
    known = (*DEPLOYMENTS, upstream) if upstream else DEPLOYMENTS
    if route == "v1":
        return None if model in known else refuse("no-deployment")
    if not model:
        return refuse("no-model")
    folded = [name.lower() for name in known]
    return None if model.lower() in folded else refuse("unknown-model", model=model)


def check_extra(route: Route, headers: Mapping[str, str], body: dict[str, Any]) -> Reply | None:
    """Refuse fields that the route does not have; `drop` removes them from ``body``."""
    if route == "v1":
        unknown = sorted(set(body) - FIRST_CLASS)
        if not unknown:
            return None
        plural = "s" if len(unknown) > 1 else ""
        return refuse("unrecognized-argument", s=plural, names=", ".join(unknown))
    option = headers.get("extra-parameters", "error")
    extra = [name for name in body if name not in STANDARD]
    if option not in ("error", "drop", "pass-through"):
        return refuse("extra-header-value", value=option)
    if option == "error" and extra:
        return refuse("extra-not-allowed", names=str(extra))
    if option == "drop":
        for name in extra:
            del body[name]
    return None


def check_plain(route: Route, model: str, body: Mapping[str, Any]) -> Reply | None:
    """Refuse formats of the answer and, on v1, system messages for the plain model."""
    if model.lower() != PLAIN:
        return None
    kind = (body.get("response_format") or {}).get("type", "text")
    if kind != "text" and route == "models":
        return refuse("parameter-not-supported", value=kind)
    if kind != "text":
        words = f"'response_format' of type '{kind}' is not supported with this model."
        return openai_error(words, "unsupported_value", "response_format")
    roles = [message["role"] for message in body["messages"]]
    if route == "v1" and "system" in roles:
        where = f"messages[{roles.index('system')}].role"
        words = f"Unsupported value: '{where}' does not support 'system' with this model."
        return openai_error(words, "unsupported_value", where)
    return None


FIXED = {"temperature": 1, "top_p": 1, "presence_penalty": 0, "frequency_penalty": 0}
"""The only values that the reasoning model accepts."""


def check_reasoning(model: str, body: Mapping[str, Any]) -> Reply | None:
    """Refuse parameters that the reasoning model lacks, in OpenAI's words on either route."""
    if model.lower() != REASONING:
        return None
    if body.get("max_tokens") is not None:
        return refuse("unsupported-parameter")
    for name, only in FIXED.items():
        value = body.get(name)
        if value is not None and value != only:
            words = (
                f"Unsupported value: '{name}' does not support {value} with this model. Only the"
                f" default ({only}) value is supported."
            )
            return openai_error(words, "unsupported_value", name)
    return None
