"""Checks of a request: key, api-version, model, extra fields.

Each check returns the reply that refuses, or None.
"""

from collections.abc import Mapping
from typing import Any

from tests.standin.calls import Route
from tests.standin.deployments import DEPLOYMENTS, Deployment
from tests.standin.faults import FAULTS, refuse
from tests.standin.fields import NAMES
from tests.standin.replies import Reply, as_bytes, openai_error

KEY = "Kq7xWz3vRt9mBn5c"
TOKEN = "Zp4hYx8wLd2sVn6r"  # an Entra ID token, as far as this server goes
API_VERSION = "2024-05-01-preview"

# The fields that the specification of the models route has; all others are extra there.
STANDARD = frozenset(NAMES["models"])
# The fields that the v1 route has; any other is an error there.
FIRST_CLASS = STANDARD | frozenset(NAMES["v1"])


def match_key(headers: Mapping[str, str]) -> str:
    """Return the credential that was sent, or ""."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return headers.get("api-key") or (token.strip() if scheme.lower() == "bearer" else "")


def check_key(headers: Mapping[str, str]) -> Reply | None:
    """Accept a key in either header, and a token as ``Authorization: Bearer``."""
    accepted = (KEY,) if "api-key" in headers else (KEY, TOKEN)
    return None if match_key(headers) in accepted else refuse("wrong-key")


def check_version(route: Route, version: str | None) -> Reply | None:
    """Accept one api-version on the models route, any or none on v1."""
    return None if route == "v1" or version == API_VERSION else refuse("wrong-route")


def check_json(body: Any) -> Reply | None:
    """Accept a JSON object only."""
    if isinstance(body, dict):
        return None
    return openai_error("We could not parse the JSON body of your request.", None, None)


def model_of(body: Mapping[str, Any]) -> str:
    """Return the model that is asked for, or ""."""
    named = body.get("model")
    return named if isinstance(named, str) else ""


def check_model(route: Route, model: str, upstream: str = "") -> Reply | None:
    """Accept known models; the models route ignores upper and lower case.

    ``upstream`` is the name of the model that the stand-in asks, if there is one.
    """
    known = {name for name in (*DEPLOYMENTS, upstream) if name}
    if route == "v1":
        return None if model in known else refuse("no-deployment")
    if not model:
        return refuse("no-model")
    folded = {name.lower() for name in known}
    return None if model.lower() in folded else refuse("unknown-model", model=model)


def check_gone(deployment: Deployment) -> Reply | None:
    """Refuse calls of a retired model."""
    return refuse("gone") if deployment.gone else None


def check_extra(
    route: Route, deployment: Deployment, headers: Mapping[str, str], body: dict[str, Any]
) -> Reply | None:
    """Refuse fields that the route or the model does not have; `drop` removes them from ``body``.

    Without a header the models route passes them on, as the live one was seen to do.
    """
    extra = [name for name in body if name not in STANDARD]
    if route == "models":
        option = headers.get("extra-parameters", "pass-through")
        if option not in ("error", "drop", "pass-through"):
            return refuse("extra-header-value", value=option)
        if option == "error" and extra:
            return refuse("extra-not-allowed", names=str(extra))
        if option == "drop":
            for name in extra:
                del body[name]
            extra = []
    if deployment.strict:
        return refuse_strictly(extra, body)
    unknown = sorted(set(body) - FIRST_CLASS)
    if route == "models" or not unknown:
        return None
    plural = "s" if len(unknown) > 1 else ""
    return refuse("unrecognized-argument", s=plural, names=", ".join(unknown))


def refuse_strictly(extra: list[str], body: Mapping[str, Any]) -> Reply | None:
    """Refuse the fields ``extra`` as Mistral's models do, with the lines of the front door."""
    extra = [name for name in extra if name != "reasoning_effort"]
    if not extra:
        return None
    words = {"type": "extra_forbidden", "msg": "Extra inputs are not permitted"}
    detail = [words | {"loc": ["body", name], "input": body[name]} for name in extra]
    lines = (FAULTS["guide-lines"].body or "").partition("\n")[2]
    return Reply(422, as_bytes({"detail": detail}) + b"\n" + lines.encode())


def check_plain(route: Route, deployment: Deployment, body: Mapping[str, Any]) -> Reply | None:
    """Refuse formats of the answer for the plain model."""
    if not deployment.plain:
        return None
    kind = (body.get("response_format") or {}).get("type", "text")
    if kind != "text" and route == "models":
        return refuse("parameter-not-supported", value=kind)
    if kind != "text":
        words = f"'response_format' of type '{kind}' is not supported with this model."
        return openai_error(words, "unsupported_value", "response_format")
    return None


FIXED = {"temperature": 1, "top_p": 1, "presence_penalty": 0, "frequency_penalty": 0}
"""The only values that OpenAI's reasoning models accept."""


def check_reasoning(deployment: Deployment, body: Mapping[str, Any]) -> Reply | None:
    """Refuse what OpenAI's reasoning models lack, in their words on either route."""
    if not deployment.fixed:
        return None
    if body.get("max_tokens") is not None:
        return refuse("unsupported-parameter")
    for name, only in FIXED.items():
        value = body.get(name)
        if value is not None and value != only:
            words = f"Unsupported value: '{name}' does not support {value} with this model."
            words += f" Only the default ({only}) value is supported."
            return openai_error(words, "unsupported_value", name)
    for name in ("stop", "logit_bias"):
        if body.get(name) is not None:
            words = f"Unsupported parameter: '{name}' is not supported with this model."
            return openai_error(words, "unsupported_parameter", name)
    if body.get("logprobs") or body.get("top_logprobs") is not None:
        return refuse("logprobs-refused")
    roles = [message["role"] for message in body["messages"]]
    if "system" in roles and "developer" in roles:
        where = f"messages[{roles.index('developer')}].role"
        words = f"Invalid value for '{where}': 'system' and 'developer' can't both be used."
        return openai_error(words, "invalid_value", where)
    both = body.get("reasoning_effort") and body.get("tools")
    if both and not deployment.effort_and_tools:
        return refuse("tools-with-effort", model=str(body.get("model")))
    return None
