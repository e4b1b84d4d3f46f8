"""One family of errors: each says what happened, in the service's words, and what to do next."""

import math
import re
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from helpers.client.error_bodies import read_error
from helpers.client.exchange import Exchange
from helpers.client.redaction import sanitize
from helpers.client.responses import ChatCompletions


class ChatError(Exception):
    """The base class of every error that this package raises.

    ``message`` says what happened, ``advice`` what to do next; ``words`` and ``code`` are the
    service's own; ``status`` is the HTTP status (None without an answer), ``retry_after`` the
    seconds that the service asks to wait, ``request_id`` what its support will ask for.
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
        return sanitize("\n".join(lines))


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
    """No such model, deployment or route (404, 405, ``unknown_model``), or one retired (410)."""

    summary = "The service knows no such model."
    advice = (
        "check AZURE_INFERENCE_MODEL, or the model that the call names: it is the name of your "
        "deployment."
    )


class ContentFilterError(ChatError):
    """The content filter refused the prompt, whatever code and status the service gives it."""

    summary = "The content filter refused the prompt."
    advice = "say it in other words; the filter looks at the whole conversation."


class RateLimitError(ChatError):
    """Too many requests or tokens in too short a time (429), or no credit left (402)."""

    summary = "The service is being asked too much at once."
    advice = "wait, then send the request again; send fewer at a time, or raise the quota."


class ServiceError(ChatError):
    """The service or its model failed (5xx, 424), or its answer is no chat completion."""

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


class _Rule(NamedTuple):
    """What an error is if its status, and its code and words with a space between them, match."""

    kind: type[ChatError]
    statuses: Collection[int]
    pattern: str = ""
    message: str = ""
    advice: str = ""


_4XX, _ANY = range(400, 500), range(1000)
_RETIRED = (
    "The model is gone: it, or its deployment, was retired.",
    "deploy a model that is still offered, and set AZURE_INFERENCE_MODEL to its name.",
)
_RULES = (  # the first that fits
    _Rule(ModelNotFoundError, (410,), "", *_RETIRED),
    _Rule(ModelNotFoundError, (400, 404),
          r"^model_decommissioned |\b(model|deployment)\b[^.]{0,80}\b"
          "(retired|decommissioned|deprecated|no longer available)", *_RETIRED),
    _Rule(ModelNotFoundError, _4XX,
          "^(unknown_model|no_model_name|DeploymentNotFound|model_not_found) |"
          "Could not find an existing deployment|Invalid model name"),
    _Rule(ModelNotFoundError, (404, 405), "", "The service knows no such path, or no such model.",
          "check the path of the endpoint (/models or /openai/v1) and the model's name: the "
          "service answers the same to a wrong path, api-version or deployment."),
    _Rule(AuthenticationError, (403,), "temporarily blocked",
          "The service has blocked this resource.",
          "ask the owner of the resource, or the service's support; another key does not help."),
    _Rule(AuthenticationError, (403,),
          r"virtual network|firewall|\bvnet|public (network )?access|private (endpoint|link)|"
          r"\bip (address|rule)|network security perimeter|an HTML page",
          "The service refuses calls from this network.",
          "call from a network that the resource allows (its private endpoint, a VPN), or have its "
          "firewall changed; another key does not help."),
    _Rule(AuthenticationError, (401, 403)),
    _Rule(AuthenticationError, (400,), "^no_db_connection "),  # litellm's proxy without a database
    _Rule(RateLimitError, (402,), "", "The account has no credit left.",
          "top up the account of this key, or use another one."),
    _Rule(RateLimitError, (429,)),
    _Rule(ServiceError, (408, 504), "", "The service waited too long for the model.",
          "ask for fewer tokens, or send a shorter prompt, then try again."),
    _Rule(ServiceError, (424,), "", "The model failed, not the service in front of it.",
          "look at the service's words above; try again later, or ask another deployment."),
    _Rule(BadParameterError, _ANY, "image input is not supported",  # llama.cpp's status is 500
          "The model takes no pictures.",
          "leave the pictures out, or use a model that takes them."),
    _Rule(BadParameterError, _4XX,
          "context[_ ](length|window|size)|tokens_limit_reached|input tokens exceed|"
          "prompt is too long",
          "The conversation is too long for the model.",
          "leave out earlier messages or shorten them, or ask for fewer tokens: prompt and answer "
          "share the model's context."),
    _Rule(BadParameterError, (413,), "", "The request is too large for the service.",
          "send less: fewer messages, shorter texts, smaller pictures."),
    _Rule(BadParameterError, _4XX),
    _Rule(ServiceError, _ANY),
)  # fmt: skip


def error_for(
    exchange: Exchange,
    retry_after: float | None = None,
    max_retry_after: float = math.inf,
    rules: Iterable[_Rule] = _RULES,
) -> ChatError:
    """Return the error that ``exchange`` is; ``max_retry_after`` is that of the client."""
    body = read_error(exchange.response_body, exchange.response_headers.get("x-ms-error-code"))
    text = f"{body.code or ''} {body.words}"
    if body.is_filter_refusal:
        rules = (_Rule(ContentFilterError, _ANY),)
    rule = next(
        rule
        for rule in rules
        if exchange.status in rule.statuses and re.search(rule.pattern, text, re.IGNORECASE)
    )
    message = rule.message or rule.kind.summary
    if retry_after is not None and retry_after > max_retry_after:
        limit = f"{max_retry_after:g} s"
        message += f" The wait that it asks for is longer than the {limit} allowed here."
    return rule.kind(
        message,
        status=exchange.status,
        code=body.code,
        words=body.words,
        retry_after=retry_after,
        advice=rule.advice,
        exchange=exchange,
    )


def unusable_answer(exchange: Exchange, message: str, advice: str) -> ChatError:
    """Return the error for a 2xx answer that is not what was asked for."""
    return error_for(exchange, rules=(_Rule(ServiceError, _ANY, "", message, advice),))
