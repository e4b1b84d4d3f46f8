"""One family of errors: each says what happened, in the service's words, and what to do next.

Services report the same failure in many shapes: ``{"error": {...}}``, a flat
``{"statusCode": 401}``, ``{"detail": [...]}``, JSON inside a string, plain text, a proxy's HTML
page, or nothing. ``service_words`` reads them all.
"""

import contextlib
import json
import re
from textwrap import TextWrapper
from typing import Any

from helpers.client.exchange import Exchange
from helpers.client.responses import ChatCompletions
from helpers.client.text import sanitize

MAX_WORDS = 600
"""Characters of the service's words that an error repeats."""

# Outputs of a notebook are not wrapped everywhere, and never between words.
_WRAP = TextWrapper(100, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


class ChatError(Exception):
    """The base class of every error that this package raises.

    ``message`` says what happened; ``words`` and ``code`` are the service's own; ``status`` is the
    HTTP status (None without an answer); ``retry_after`` the seconds that the service asks to wait;
    ``request_id`` what its support will ask for; ``advice`` what to do next; ``exchange`` the HTTP
    call with its credential masked.
    """

    summary = "The call failed."
    advice = "look at the service's words above."

    def __init__(
        self,
        message: str = "",
        *,
        status: int | None = None,
        code: str | None = None,
        words: str = "",
        retry_after: float | None = None,
        advice: str = "",
        exchange: Exchange | None = None,
    ) -> None:
        self.message = message or self.summary
        self.status, self.code, self.words = status, code, words
        self.retry_after = retry_after
        self.advice = advice or self.advice
        self.exchange = exchange
        self.request_id = exchange.request_id if exchange else None
        super().__init__(self.message)

    def __reduce__(self) -> tuple[Any, ...]:  # some subclasses can't be made of a message alone
        return Exception.__new__, (type(self), *self.args), vars(self)

    def __str__(self) -> str:
        lines = [self.message + (f" (HTTP {self.status})" if self.status else "")]
        if self.words or self.code:
            code = f" [{self.code}]" if self.code else ""
            lines.append(f"The service says: {self.words or '(nothing)'}{code}")
        if self.retry_after is not None:
            lines.append(f"It asks you to wait {self.retry_after:g} s.")
        if self.request_id:
            lines.append(f"Request id: {self.request_id}")
        lines.append(f"What to do: {self.advice}")
        # The service's words could hold control characters for the terminal.
        return "\n".join(_WRAP.fill(line) for line in sanitize("\n".join(lines)).split("\n"))


class ConfigurationError(ChatError):
    """An endpoint, a credential or a setting can't work; nothing was sent."""

    summary = "The settings can't work."
    advice = "correct the setting that is named above."


class BadParameterError(ChatError):
    """A parameter or message is wrong: found before sending, or by the service (400, 413, 422)."""

    summary = "The service refused a parameter or a message."
    advice = (
        "correct the parameter that is named, or leave it out: models differ in what they take."
    )


class AuthenticationError(ChatError):
    """The key or token was refused (401, 403)."""

    summary = "The service refused the credential."
    advice = (
        "check that the key belongs to this endpoint (AZURE_INFERENCE_CREDENTIAL), or, with Entra "
        "ID, that you have the role Cognitive Services User; a new role takes about five minutes."
    )


class ModelNotFoundError(ChatError):
    """No such model, deployment or route (404, or 400 ``unknown_model``)."""

    summary = "The service knows no such model."
    advice = "check AZURE_INFERENCE_MODEL: it is the name of your deployment."


class ContentFilterError(ChatError):
    """The content filter refused the prompt (400 ``content_filter``)."""

    summary = "The content filter refused the prompt."
    advice = "say it in other words; the filter looks at the whole conversation."


class RateLimitError(ChatError):
    """Too many requests or tokens in too short a time (429)."""

    summary = "The service is being asked too much at once."
    advice = "wait, then send the request again; send fewer at a time, or raise the quota."


class ServiceError(ChatError):
    """The service failed (5xx), or its answer is no chat completion (a proxy's page, say)."""

    summary = "The service did not give a usable answer."
    advice = "try again later; if it goes on, report the request id to the service's support."


class ServiceConnectionError(ChatError):
    """No answer came: connection refused, host not found, time-out, or connection closed."""

    summary = "The service could not be reached."
    advice = "check the endpoint's host name, your network and your proxy, then try again."


class StreamInterruptedError(ChatError):
    """A stream ended too early. ``partial`` is the answer as far as it had arrived."""

    summary = "The stream broke before the answer was complete."
    advice = "use the partial answer (`.partial`), or ask again: a stream can't be resumed."

    def __init__(self, message: str = "", *, partial: ChatCompletions, **facts: Any) -> None:
        super().__init__(message, **facts)
        self.partial = partial

    def __str__(self) -> str:
        return f"{super().__str__()}\nReceived so far: {len(self.partial.content)} characters."


class RecordingError(ChatError):
    """A recording is missing or can't be read."""

    summary = "The recording can't be used."
    advice = "get the file again from the repository, or record it anew."


class NoRecordingError(RecordingError):
    """The request was not recorded; a replay never uses the network."""

    summary = "No recording answers this request."

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows of this error: its text, and no frames of this package."""
        return f"{type(self).__name__}: {self}".split("\n")


def error_for(exchange: Exchange, retry_after: float | None, max_wait: float) -> ChatError:
    """Return the error for an HTTP status other than 2xx.

    The service's code decides its class first, then the status. ``retry_after`` is the wait that
    the service asks for in seconds; above ``max_wait`` the message says that it is too long.
    """
    status = exchange.status
    words, code = service_words(exchange.response_body)
    code = code or exchange.response_headers.get("x-ms-error-code")
    kind: type[ChatError] = ServiceError
    advice = ""
    if code == "content_filter" or "content safety setting" in words:
        kind = ContentFilterError
    elif code in _NO_SUCH_MODEL or status == 404:
        kind = ModelNotFoundError
        if code not in _NO_SUCH_MODEL:
            advice = (
                "check the path of the endpoint (/models or /openai/v1) and the model's name: the "
                "service answers the same to a wrong path, api-version or deployment."
            )
    elif status in (401, 403):
        kind = AuthenticationError
    elif status == 429:
        kind = RateLimitError
    elif 400 <= status < 500 and status != 408:
        kind = BadParameterError
    message = kind.summary
    if retry_after is not None and retry_after > max_wait:
        message += f" The wait that it asks for is longer than the {max_wait:g} s allowed here."
    return kind(
        message,
        status=status,
        code=code,
        words=words,
        retry_after=retry_after,
        advice=advice,
        exchange=exchange,
    )


def service_words(body: Any) -> tuple[str, str | None]:
    """Return the message and the code in an error body of any known shape.

    ``body`` is the parsed JSON, or the text where it was no JSON.
    """
    try:
        return _words(body)
    except RecursionError:  # nested too deeply to be read
        return "", None


def _words(body: Any) -> tuple[str, str | None]:
    if isinstance(body, str):
        if not body.lstrip().startswith("<"):
            return _clip(body), None
        title = re.search(r"<title[^>]*>(.*?)</title>", body[:10_000], re.DOTALL | re.IGNORECASE)
        return f"an HTML page: {_clip(title[1]) if title else 'without a title'}", None
    if isinstance(body, list):
        return _clip("; ".join(filter(None, (_words(item)[0] for item in body)))), None
    if not isinstance(body, dict):
        return "", None
    inner = body["error"] if isinstance(body.get("error"), dict) else body
    codes = (inner.get(name) for name in ("code", "type", "statusCode"))
    code = next((_clip(str(value)) for value in codes if value), None)
    found: list[str] = []
    for key in ("message", "msg", "detail", "details", "error", "status"):
        value = inner.get(key)
        if isinstance(value, str) and value.lstrip().startswith(("{", "[")):
            # Mistral puts JSON inside a string
            with contextlib.suppress(ValueError, RecursionError):
                value = json.loads(value)
        words = _words(value)[0]
        if words and words not in found and (key != "status" or not found):
            found.append(words)
    place = inner.get("loc")
    if isinstance(place, list):  # pydantic's way to say which field
        found.insert(0, ".".join(map(str, place)))
    return _clip(": ".join(found).replace(".: ", ": ")), code


_NO_SUCH_MODEL = ("unknown_model", "no_model_name", "DeploymentNotFound", "model_not_found")


def _clip(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= MAX_WORDS else text[:MAX_WORDS] + " …"
