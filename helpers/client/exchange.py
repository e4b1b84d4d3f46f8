"""The record of an HTTP call, fit to be shown and stored: its credential is masked.

It names no host, and only listed headers are kept, because an unknown one could hold anything. The
answer itself stays as it was sent.
"""

from dataclasses import dataclass
from typing import Any, Self

import httpx

from helpers.client.redaction import MASK, TextFilter, body_from, credential_filter

KEPT_REQUEST_HEADERS = ("content-type", "accept", "extra-parameters")
KEPT_RESPONSE_HEADERS = (
    "content-type", "retry-after", "retry-after-ms", "x-ms-error-code",
    "x-request-id", "apim-request-id", "x-ratelimit-remaining-requests",
    "x-ratelimit-remaining-tokens", "x-answered-by", "x-provoked",
)  # fmt: skip


@dataclass(frozen=True)
class Exchange:
    """One HTTP call as it went over the wire.

    ``target`` is path and query; header names are in lower case; ``response_body`` is a JSON value,
    text if the answer was not JSON, or None for a stream; ``elapsed`` is in seconds.
    """

    method: str
    target: str
    request_headers: dict[str, str]
    request_body: Any
    status: int
    reason: str
    response_headers: dict[str, str]
    response_body: Any
    elapsed: float

    @classmethod
    def from_response(cls, response: httpx.Response, stream_elapsed: float | None = None) -> Self:
        """Return the exchange of ``response``; a stream took ``stream_elapsed`` seconds."""
        request = response.request
        sent = {n: value for n, value in request.headers.items() if n in KEPT_REQUEST_HEADERS}
        for name, shown in (("api-key", MASK), ("authorization", f"Bearer {MASK}")):
            if name in request.headers:
                sent[name] = shown
        redact = credential_filter(request)
        return cls(
            method=request.method,
            target=request.url.raw_path.decode("ascii"),
            request_headers=sent,
            request_body=body_from(request.content.decode(), redact),
            status=response.status_code,
            reason=response.reason_phrase,
            response_headers=kept_headers(response.headers, redact),
            response_body=body_from(_text(response), redact) if stream_elapsed is None else None,
            elapsed=response.extensions["elapsed"]() if stream_elapsed is None else stream_elapsed,
        )

    @property
    def request_id(self) -> str | None:
        """Return the service's id of this call, or None."""
        headers = self.response_headers
        return headers.get("apim-request-id") or headers.get("x-request-id") or None


def _text(response: httpx.Response) -> str:
    try:
        return response.text
    except httpx.ResponseNotRead:  # the body of an error broke off
        return ""


def kept_headers(headers: httpx.Headers, change: TextFilter) -> dict[str, str]:
    """Return the allow-listed response headers, with ``change`` applied to their values."""
    sent = dict(headers.items())  # looking for one at a time reads all of them each time
    return {name: change(sent[name]) for name in KEPT_RESPONSE_HEADERS if name in sent}
