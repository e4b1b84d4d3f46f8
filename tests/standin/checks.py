"""Checks of a request: key, api-version, model, fields. Each raises ``RefusedError``.

``fields.json`` says in JSON Schema which values are right.
"""

import json
from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from tests.standin.calls import Json, Route
from tests.standin.deployments import Deployment, find
from tests.standin.faults import refuse
from tests.standin.replies import RefusedError, error, openai_error

KEY = "Kq7xWz3vRt9mBn5c"
API_VERSION = "2024-05-01-preview"

_CONTENT = json.loads(Path(__file__).with_name("fields.json").read_text(encoding="utf-8"))
NAMES: dict[str, list[str]] = _CONTENT["names"]
SCHEMAS: dict[str, Any] = _CONTENT["$defs"]
# The fields that the specification of the models route has; all others are extra there.
STANDARD = frozenset(NAMES["models"])
# The fields that the v1 route has; any other is an error there.
FIRST_CLASS = STANDARD | frozenset(NAMES["v1"])


def check_key(headers: Mapping[str, str]) -> None:
    """Accept the key in a header of its own, or as a token (``Authorization: Bearer``)."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    if headers.get("api-key", bearer) != KEY:
        raise refuse("wrong-key")


def check_access(route: Route, version: str | None, body: Any, known: Set[str]) -> None:
    """Accept a JSON object that names one of the ``known`` models, which is not retired.

    The models route takes one api-version, v1 any or none.
    """
    if route == "models" and version != API_VERSION:
        raise refuse("wrong-route")
    if not isinstance(body, dict):
        raise openai_error("We could not parse the JSON body of your request.", None, None)
    model = str(body.get("model") or "")
    if model not in known:
        if route == "v1":
            raise refuse("no-deployment")
        raise refuse("unknown-model", model=model) if model else refuse("no-model")
    if find(model).gone:
        raise refuse("gone")


def check_extra(
    route: Route, deployment: Deployment, headers: Mapping[str, str], body: Json
) -> None:
    """Refuse fields that the route or the model does not have; `drop` removes them from ``body``.

    Without a header the models route passes them on, as the live one was seen to do.
    """
    extra = [name for name in body if name not in STANDARD]
    if route == "models":
        option = headers.get("extra-parameters", "pass-through")
        if option not in ("error", "drop", "pass-through"):
            raise refuse("extra-header-value", value=option)
        if option == "error" and extra:
            raise refuse("extra-not-allowed", names=str(extra))
        if option == "drop":
            for name in extra:
                del body[name]
            extra = []
    if deployment.strict:
        for name in extra:
            if name != "reasoning_effort":
                raise refuse("guide-lines", name=name)
    elif route == "v1" and (unknown := sorted(set(body) - FIRST_CLASS)):
        plural = "s" if len(unknown) > 1 else ""
        raise refuse("unrecognized-argument", s=plural, names=", ".join(unknown))


def check_values(schema: str, body: Mapping[str, Any]) -> None:
    """Refuse the first wrong value, in the words of the models route or of OpenAI."""
    validator = Draft202012Validator({"$ref": f"#/$defs/{schema}", "$defs": SCHEMAS})
    if (wrong := next(validator.iter_errors(body), None)) is None:
        return
    missing = [wrong.message.split("'")[1]] if wrong.validator == "required" else []
    if schema == "models":
        where = ["body", *wrong.absolute_path, *missing]
        detail = {"type": "value_error", "loc": where, "msg": wrong.message}
        detail["input"] = wrong.instance
        raise RefusedError(
            error(422, "Invalid input", "invalid input error", status=422, details=[detail])
        )
    path = ".".join([wrong.json_path, *missing]).removeprefix("$.")
    raise openai_error(f"Invalid value for '{path}': {wrong.message}", "invalid_value", path)


def check_fields(route: Route, body: Mapping[str, Any]) -> None:
    """Refuse the first wrong value, and JSON that no message asks for."""
    check_values(route, body)
    wants_json = (body.get("response_format") or {}).get("type") == "json_object"
    if route == "v1" and wants_json and "json" not in str(body["messages"]).lower():
        raise refuse("json-not-asked-for")


def check_plain(route: Route, deployment: Deployment, body: Json) -> None:
    """Refuse formats of the answer for the plain model."""
    kind = (body.get("response_format") or {}).get("type", "text")
    if not deployment.plain or kind == "text":
        return
    if route == "models":
        raise refuse("parameter-not-supported", value=kind)
    words = f"'response_format' of type '{kind}' is not supported with this model."
    raise openai_error(words, "unsupported_value", "response_format")


FIXED = {"temperature": 1, "top_p": 1, "presence_penalty": 0, "frequency_penalty": 0}
"""The only values that OpenAI's reasoning models accept."""


def check_reasoning(deployment: Deployment, body: Json) -> None:
    """Refuse what OpenAI's reasoning models lack, in their words on either route."""
    if not deployment.fixed:
        return
    if body.get("max_tokens") is not None:
        raise refuse("unsupported-parameter")
    for name, only in FIXED.items():
        value = body.get(name)
        if value is not None and value != only:
            words = f"Unsupported value: '{name}' does not support {value} with this model."
            words += f" Only the default ({only}) value is supported."
            raise openai_error(words, "unsupported_value", name)
    for name in ("stop", "logit_bias"):
        if body.get(name) is not None:
            words = f"Unsupported parameter: '{name}' is not supported with this model."
            raise openai_error(words, "unsupported_parameter", name)
    if body.get("logprobs") or body.get("top_logprobs") is not None:
        raise refuse("logprobs-refused")
    roles = [message["role"] for message in body["messages"]]
    if "system" in roles and "developer" in roles:
        where = f"messages[{roles.index('developer')}].role"
        words = f"Invalid value for '{where}': 'system' and 'developer' can't both be used."
        raise openai_error(words, "invalid_value", where)
    both = body.get("reasoning_effort") and body.get("tools")
    if both and not deployment.effort_and_tools:
        raise refuse("tools-with-effort", model=str(body.get("model")))
