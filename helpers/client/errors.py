"""One family of errors: each says what happened, in the service's words, and what to do next."""

import re
from textwrap import TextWrapper
from typing import Any

from helpers.client.error_bodies import is_filter_refusal, service_words
from helpers.client.exchange import Exchange
from helpers.client.responses import ChatCompletions
from helpers.client.text import sanitize

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
    """No such model, deployment or route (404, 400 ``unknown_model``), or one retired (410)."""

    summary = "The service knows no such model."
    advice = "check AZURE_INFERENCE_MODEL: it is the name of your deployment."


class ContentFilterError(ChatError):
    """The content filter refused the prompt, whatever code and status the service gives it."""

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


class ServiceTimeoutError(ServiceConnectionError):
    """The request was sent, and the answer did not come in time. The service may bill it."""

    summary = "No answer within the time allowed."
    advice = (
        "a slow model may need longer: set `timeout` (seconds; TUTORIAL_TIMEOUT in the lessons) "
        "to more, or ask for a shorter answer, or for a stream."
    )


class StreamInterruptedError(ChatError):
    """A stream ended too early. ``partial`` is the answer as far as it had arrived."""

    summary = "The stream broke before the answer was complete."
    advice = "use the partial answer (`.partial`), or ask again: a stream can't be resumed."

    def __init__(self, message: str = "", *, partial: ChatCompletions, **facts: Any) -> None:
        super().__init__(message, **facts)
        self.partial = partial

    def __str__(self) -> str:
        return f"{super().__str__()}\nReceived so far: {len(self.partial.content)} characters."


class StreamFilteredError(StreamInterruptedError, ContentFilterError):
    """The content filter refused the prompt, or stopped the answer, by an error in the stream."""

    summary = "The content filter stopped the stream."
    advice = ContentFilterError.advice


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
    words, code = service_words(exchange.response_body)
    code = code or exchange.response_headers.get("x-ms-error-code")
    kind, message, advice = _classify(exchange.status, words, code or "")
    if is_filter_refusal(words, code, exchange.response_body):
        kind, message, advice = ContentFilterError, "", ""
    message = message or kind.summary
    if retry_after is not None and retry_after > max_wait:
        message += f" The wait that it asks for is longer than the {max_wait:g} s allowed here."
    return kind(
        message,
        status=exchange.status,
        code=code,
        words=words,
        retry_after=retry_after,
        advice=advice,
        exchange=exchange,
    )


def unusable_answer(exchange: Exchange, message: str, advice: str) -> ChatError:
    """Return the error for a 2xx answer that is not what was asked for.

    A gateway may answer 200 with the body of a filter's refusal: then it is that.
    """
    words, code = service_words(exchange.response_body)
    kind: type[ChatError] = ServiceError
    if is_filter_refusal(words, code, exchange.response_body):
        kind, message, advice = ContentFilterError, "", ""
    return kind(
        message, status=exchange.status, code=code, words=words, advice=advice, exchange=exchange
    )


_Told = tuple[type[ChatError], str, str]
"""The class of an error, its message and advice; empty ones are those of the class."""

_NO_SUCH_MODEL = ("unknown_model", "no_model_name", "DeploymentNotFound", "model_not_found")
_NO_MATCH = "Could not find an existing deployment"
_GONE = re.compile(
    r"\b(?:model|deployment)\b[^.]{0,80}\b"
    r"(?:retired|decommissioned|deprecated|no longer available)",
    re.IGNORECASE,
)
_TOO_LONG = re.compile(
    r"context[_ ](?:length|window|size)|tokens_limit_reached|"
    r"input tokens exceed|prompt is too long",
    re.IGNORECASE,
)
_NETWORK = re.compile(
    r"virtual network|firewall|\bvnet|public (?:network )?access|private (?:endpoint|link)|"
    r"\bip (?:address|rule)|network security perimeter|an HTML page",
    re.IGNORECASE,
)


def _classify(status: int, words: str, code: str) -> _Told:
    said = f"{code} {words}"
    if status == 410 or code == "model_decommissioned":
        return _RETIRED
    if status in (400, 404) and _GONE.search(words):
        return _RETIRED
    if code in _NO_SUCH_MODEL or _NO_MATCH in words:
        return ModelNotFoundError, "", ""
    if status == 404:
        return ModelNotFoundError, "", _OTHER_REASONS
    if status == 403 and "temporarily blocked" in words:
        return AuthenticationError, "The service has blocked this resource.", _BLOCKED
    if status == 403 and _NETWORK.search(words):
        return AuthenticationError, "The service refuses calls from this network.", _FROM_ELSEWHERE
    if status in (401, 403):
        return AuthenticationError, "", ""
    if status == 429:
        return RateLimitError, "", ""
    if status in (408, 504):
        return ServiceError, "The service waited too long for the model.", _SHORTER_ANSWER
    if not 400 <= status < 500:
        return ServiceError, "", ""
    if _TOO_LONG.search(said):
        return BadParameterError, "The conversation is too long for the model.", _SHORTER_PROMPT
    if status == 413:
        return BadParameterError, "The request is too large for the service.", _LESS
    return BadParameterError, "", ""


_RETIRED: _Told = (
    ModelNotFoundError,
    "The model is gone: it, or its deployment, was retired.",
    "deploy a model that is still offered, and set AZURE_INFERENCE_MODEL to its name.",
)
_OTHER_REASONS = (
    "check the path of the endpoint (/models or /openai/v1) and the model's name: the "
    "service answers the same to a wrong path, api-version or deployment."
)
_BLOCKED = "ask the owner of the resource, or the service's support; another key does not help."
_FROM_ELSEWHERE = (
    "call from a network that the resource allows (its private endpoint, a VPN), or have its "
    "firewall changed; another key does not help."
)
_SHORTER_ANSWER = "ask for fewer tokens, or send a shorter prompt, then try again."
_SHORTER_PROMPT = (
    "leave out earlier messages or shorten them, or ask for fewer tokens: prompt and answer "
    "share the model's context."
)
_LESS = "send less: fewer messages, shorter texts, smaller pictures."
