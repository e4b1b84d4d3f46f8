"""Every way in which the service says no, word for word as services do: they do not agree.

A function here makes one reply; ``checks`` uses some when a request is wrong, and ``faults`` gives
each a name, so that a test or a lesson can ask for it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Reply:
    """A whole HTTP answer. ``breaks``: "" or where the connection ends: "before" or "inside"."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    reason: str | None = None
    breaks: str = ""


def as_bytes(value: Any) -> bytes:
    """``value`` as compact JSON. A lone surrogate, which UTF-8 cannot hold, becomes an escape."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", errors="backslashreplace")


def answer(status: int, value: Any, reason: str | None = None, **headers: str) -> Reply:
    """A reply with a JSON body; ``x_ms_error_code="..."`` is the header ``x-ms-error-code``."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, as_bytes(value), named, reason=reason)


def text(status: int, body: str, content_type: str = "text/plain; charset=utf-8") -> Reply:
    """A reply with any other body."""
    return Reply(status, body.encode(), content_type=content_type)


def error(status: int, code: object, message: str, /, **more: Any) -> Reply:
    """The most frequent shape: ``{"error": {"code", "message", ...}}``."""
    return answer(status, {"error": {"code": code, "message": message, **more}})


def openai_error(message: str, code: str | None, param: str | None, status: int = 400) -> Reply:
    """The shape of OpenAI's own errors, which the v1 route uses."""
    said = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return answer(status, {"error": said})


# --- Who are you? ---------------------------------------------------------------------------------
WRONG_KEY = (
    "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a"
    " valid key for an active subscription and use a correct regional API endpoint for your"
    " resource."
)
WRONG_AUDIENCE = (
    "Unauthorized. Access token is missing, invalid, audience is incorrect"
    " (https://cognitiveservices.azure.com/ or https://ai.azure.com/), or have expired."
)


def wrong_key() -> Reply:
    """The key is not one of this resource."""
    said = {"code": "401", "message": WRONG_KEY}
    return answer(401, {"error": said}, reason="PermissionDenied")


def wrong_key_serverless() -> Reply:
    """The same from a serverless endpoint: a flat body."""
    message = "Auth token validation failed. Please provide a valid key or a valid AAD token"
    body = {"statusCode": 401, "message": message}
    return answer(401, body, x_ms_error_reason="Invalid JWT.")


def wrong_audience() -> Reply:
    """A token for another audience."""
    return answer(401, {"statusCode": 401, "message": WRONG_AUDIENCE})


def echo_key(key: str) -> Reply:
    """A careless service repeats the credential that it was sent."""
    return openai_error(f"Incorrect API key provided: {key}.", "invalid_api_key", None, 401)


# --- Where to? ------------------------------------------------------------------------------------
def no_resource() -> Reply:
    """A wrong path, or an api-version that is not served: no telling which."""
    return error(404, "404", "Resource not found")


def unknown_model(model: str) -> Reply:
    """The models route has no deployment of this name."""
    said = {"code": "unknown_model", "message": f"Unknown model: {model}", "details": None}
    return answer(400, {"error": said}, x_ms_error_code="unknown_model")


def unknown_model_as_text(model: str) -> Reply:
    """The same, as another front door says it: 404, JSON that is declared to be plain text."""
    words = f"Unknown model: {model}"
    said = {"code": "unknown_model", "message": words, "details": words}
    return text(404, json.dumps({"error": said}))


def no_model() -> Reply:
    """The models route needs to know which model."""
    words = (
        "No model specified in request. Please provide a model name in the request body or as a"
        " x-ms-model-mesh-model-name header."
    )
    said = {"code": "no_model_name", "message": words, "details": words}
    return answer(400, {"error": said}, x_ms_error_code="no_model_name")


def no_deployment() -> Reply:
    """The v1 route has no deployment of this name."""
    words = (
        "The API deployment for this resource does not exist. If you created the deployment"
        " within the last 5 minutes, please wait a moment and try again."
    )
    return error(404, "DeploymentNotFound", words)


# --- What do you want? ----------------------------------------------------------------------------
def extra_not_allowed(names: list[str]) -> Reply:
    """The models route found fields that its specification does not have."""
    words = (
        f"Extra parameters {names} are not allowed when extra-parameters is not set or set to be"
        " 'error'. Set extra-parameters to 'pass-through' to pass to the model."
    )
    return answer(400, {"detail": words})


def extra_header_value(value: str) -> Reply:
    """The header extra-parameters has three values, and this is none of them."""
    expected = "expected options are ['error', 'drop', 'pass-through']"
    return answer(400, {"detail": f"Unexpected EXTRA_PARAMETERS option {value}, {expected}"})


def extra_refused(name: str, value: Any) -> Reply:
    """The fields were passed through, and the model wants none of them: JSON inside a string."""
    detail: dict[str, Any] = {"type": "extra_forbidden", "loc": ["body", name]}
    detail |= {"msg": "Extra inputs are not permitted", "input": value}
    words = json.dumps({"detail": [detail]}, separators=(",", ":"))
    return answer(
        422,
        {"error": {"code": "Invalid input", "message": words, "status": 422}},
        ms_azureml_model_error_reason="model_error",
        ms_azureml_model_error_statuscode="422",
    )


def unrecognized(names: list[str]) -> Reply:
    """The v1 route found fields that it does not know."""
    plural = "s" if len(names) > 1 else ""
    words = f"Unrecognized request argument{plural} supplied: {', '.join(names)}"
    return openai_error(words, "unrecognized_request_argument", None)


def invalid_input(where: list[str | int], words: str, value: Any) -> Reply:
    """The models route found a wrong value."""
    detail = {"type": "value_error", "loc": ["body", *where], "msg": words, "input": value}
    return error(422, "Invalid input", "invalid input error", status=422, details=[detail])


def invalid_value(where: list[str | int], words: str) -> Reply:
    """The v1 route found a wrong value."""
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where)[1:]
    return openai_error(f"Invalid value for '{path}': {words}", "invalid_value", path)


def not_supported(where: str, value: Any) -> Reply:
    """The documented shape for a value that this model does not take: `detail` is an object."""
    return answer(
        422,
        {
            "status": 422,
            "code": "parameter_not_supported",
            "detail": {"loc": ["body", where], "input": value},
            "message": "One of the parameters contain invalid values.",
        },
    )


def no_max_tokens() -> Reply:
    """A reasoning model counts its thinking too, and so wants another field."""
    words = "Unsupported parameter: 'max_tokens' is not supported with this model."
    words += " Use 'max_completion_tokens' instead."
    return openai_error(words, "unsupported_parameter", "max_tokens")


def json_not_asked_for() -> Reply:
    """OpenAI's models take JSON mode only if a message asks for JSON too."""
    words = "'messages' must contain the word 'json' in some form, to use 'response_format' of type"
    return openai_error(f"{words} 'json_object'.", None, "messages")


def not_json() -> Reply:
    """The body of the request is not JSON."""
    return openai_error("We could not parse the JSON body of your request.", None, None)


# --- Not that. Not now. ---------------------------------------------------------------------------
FILTERED = (
    "The response was filtered due to the prompt triggering Microsoft's content management policy."
    " Please modify your prompt and retry."
)
FILTER_VERDICT = {
    "hate": {"filtered": False, "severity": "safe"},
    "jailbreak": {"filtered": False, "detected": False},
    "self_harm": {"filtered": False, "severity": "safe"},
    "sexual": {"filtered": False, "severity": "safe"},
    "violence": {"filtered": True, "severity": "medium"},
}


def content_filter(details: bool) -> Reply:
    """The question was filtered; with ``details`` it says by which category, as OpenAI's do."""
    said: dict[str, Any] = {"message": FILTERED, "type": None, "param": "prompt"}
    said |= {"code": "content_filter", "status": 400}
    if details:
        said["innererror"] = {
            "code": "ResponsibleAIPolicyViolation",
            "content_filter_result": FILTER_VERDICT,
        }
    return answer(400, {"error": said})


def rate_limited(words: str, **headers: str) -> Reply:
    """Too many tokens a minute; ``words`` end the message, ``headers`` say how long to wait."""
    message = (
        "Requests to the ChatCompletions_Create operation have exceeded token rate limit of your"
        f" current AIServices S0 pricing tier.{words}"
    )
    return answer(429, {"error": {"code": "429", "message": message}}, **headers)


def failed(status: int) -> Reply:
    """The service itself is in trouble."""
    code, words = {
        408: ("Timeout", "The operation was timeout."),
        500: ("InternalServerError", "The server had an error processing your request."),
        502: ("BadGateway", "The gateway got no valid answer from the model."),
        503: ("ServiceUnavailable", "The service is temporarily unable to process your request."),
    }[status]
    return error(status, code, words)


PROXY_PAGE = """<!DOCTYPE html>
<html><head><title>{title}</title></head>
<body><h1>{title}</h1><p>Your request was stopped by the proxy of this network.</p></body></html>
"""


def proxy_page(status: int) -> Reply:
    """Something between you and the service answered."""
    title = "502 Bad Gateway" if status == 502 else "Sign in to continue"
    return text(status, PROXY_PAGE.format(title=title), "text/html; charset=utf-8")
