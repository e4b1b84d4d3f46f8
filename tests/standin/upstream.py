"""What no script answers can be answered by a model: any server that speaks the protocol.

The stand-in stays the service: routes, key, headers, annotations and faults are its own. Only the
words, their log probabilities and the counts of tokens come from the upstream server.
"""

import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field, replace

import httpx

from tests.standin.answers import Answer, Choice
from tests.standin.calls import Call, Json, digest, picture_urls
from tests.standin.families import shape_of
from tests.standin.faults import refuse
from tests.standin.replies import RefusedError, openai_error

PASSED_ON = (
    *("messages", "max_tokens", "max_completion_tokens", "temperature", "top_p", "stop", "seed"),
    *("frequency_penalty", "presence_penalty", "response_format", "logit_bias", "logprobs"),
    "top_logprobs",
)
"""The fields of a request that the upstream server is sent; what is null is left out."""

TEMPERATURE = 0.5
"""Where a request names neither it nor ``top_p``. At 1, a model this small writes no sentences."""

TIMEOUT = httpx.Timeout(10, read=300)
"""Seconds. A small model reads a long prompt at 90 tokens a second before its first word."""


@dataclass
class Draft:
    """A choice while it is written."""

    text: str = ""
    finish_reason: str = "stop"
    logs: list[Json] = field(default_factory=list)
    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True)
class Upstream:
    """A server of the v1 route: its ``endpoint``, the ``model`` to name, its ``key`` if any."""

    endpoint: str
    model: str
    key: str = field(default="", repr=False)

    def check(self, call: Call) -> None:
        """Refuse what a small model can't do, in OpenAI's words.

        llama.cpp ignores tools without a word and says of a picture that the server failed.
        """
        if any(map(picture_urls, call.messages)):
            words = "Invalid content type. image_url is only supported by certain models."
            raise openai_error(words, None, "messages")
        if call.may_call:
            raise openai_error("tools is not supported in this model.", None, "tools")

    async def complete(self, answer: Answer) -> Answer:
        """Return ``answer`` with what the model writes. Raises ``RefusedError``."""
        drafts = drafts_for(answer.call)
        try:
            async for _ in self.pieces(answer.call, drafts):
                pass
        except httpx.HTTPError:
            raise refuse("503-always") from None
        return self._written(answer, drafts)

    async def chunks(self, answer: Answer) -> AsyncIterator[Json]:
        """Yield the chunks of a stream in the shape of the route, each as soon as it has come.

        The first one comes with the model's first piece. Raises ``RefusedError`` before it, and
        ``httpx.HTTPError`` after it.
        """
        drafts = drafts_for(answer.call)
        shape = shape_of(self._written(answer, drafts))
        waiting = list(shape.opening())
        async with aclosing(self.pieces(answer.call, drafts)) as pieces:
            async for at, text, logs in pieces:
                for chunk in (*waiting, shape.text(at, text, logs or None)):
                    yield chunk
                waiting = []
        shape.answer = self._written(answer, drafts)
        for chunk in (*waiting, *shape.closing()):
            yield chunk

    def _written(self, answer: Answer, drafts: list[Draft]) -> Answer:
        choices = [Choice(one.text, one.finish_reason, logs=one.logs or None) for one in drafts]
        return replace(
            answer,
            model=self.model,
            choices=tuple(choices),
            prompt_tokens=max(one.prompt_tokens for one in drafts),
            completion_tokens=sum(one.completion_tokens for one in drafts),
            first_ms=0,
            pace_ms=0,
        )

    async def pieces(
        self, call: Call, drafts: list[Draft]
    ) -> AsyncIterator[tuple[int, str, list[Json]]]:
        """Yield each piece: of which choice, its text, its log probabilities."""
        top = call.body.get("top_logprobs") or 0
        async with aclosing(self.sent(call)) as answers:
            async for first, sent in answers:
                if counted := sent.get("usage"):
                    drafts[first].prompt_tokens = counted["prompt_tokens"]
                    drafts[first].completion_tokens = counted["completion_tokens"]
                for choice in sent["choices"]:
                    at = first + choice["index"]
                    draft, message = drafts[at], choice.get("message") or choice["delta"]
                    draft.finish_reason = choice.get("finish_reason") or draft.finish_reason
                    logs = tokens_of(choice.get("logprobs"), top)
                    text = message.get("content") or ""
                    draft.text += text
                    draft.logs += logs
                    if text:
                        yield at, text, logs

    async def sent(self, call: Call) -> AsyncIterator[tuple[int, Json]]:
        """Yield the JSON that the model sends, with the number of the first choice in it.

        The choices come one after the other: llama.cpp writes one at a time.
        """
        for at in range(len(drafts_for(call))):
            async with aclosing(self._chunks(self._request(call, at))) as chunks:
                async for chunk in chunks:
                    yield at, chunk

    def _request(self, call: Call, at: int) -> Json:
        """Return the body that asks for the choice ``at``."""
        body = {name: call.body[name] for name in PASSED_ON if call.body.get(name) is not None}
        if at or "seed" not in body:
            # Asked again in a new stand-in the words are the same, asked again in this one they
            # differ. Seeds far apart: those of neighbours are no fair sample.
            asked = call.asked if "seed" not in body else 0
            body["seed"] = int(digest(call.body, asked, at)[:7], 16)
        if "temperature" not in body and "top_p" not in body:
            body["temperature"] = TEMPERATURE
        body |= {"model": self.model, "stream": True, "stream_options": {"include_usage": True}}
        return body

    async def _chunks(self, body: Json) -> AsyncIterator[Json]:
        """Yield the JSON of each event of the upstream server's stream."""
        headers = {"authorization": f"Bearer {self.key}"} if self.key else {}
        # A client for each request: llama.cpp closes the connection after a stream.
        async with httpx.AsyncClient(trust_env=False, timeout=TIMEOUT, headers=headers) as client:
            asked = client.build_request("POST", f"{self.endpoint}/chat/completions", json=body)
            try:
                response = await client.send(asked, stream=True)
                if response.status_code != 200:
                    raise translate_error(response.status_code, await response.aread())
            except httpx.HTTPError:
                raise refuse("503-always") from None
            async with aclosing(response.aiter_lines()) as lines:
                async for line in lines:
                    if line.startswith("data: {"):
                        sent = json.loads(line.removeprefix("data: "))
                        if "error" in sent:
                            raise httpx.RemoteProtocolError(str(sent["error"]))
                        yield sent


def drafts_for(call: Call) -> list[Draft]:
    """Return an empty draft for each choice that is asked for."""
    return [Draft() for _ in range(call.body.get("n") or 1)]


def translate_error(status: int, body: bytes) -> RefusedError:
    """Return the upstream server's error as the service words it."""
    try:
        error = json.loads(body)["error"]
        message = str(error["message"])
    except (ValueError, KeyError, TypeError):
        return refuse("503-always")
    if error.get("type") == "exceed_context_size_error":
        words = (
            f"This model's maximum context length is {error['n_ctx']} tokens. However, your"
            f" messages resulted in {error['n_prompt_tokens']} tokens. Please reduce the length"
            " of the messages."
        )
        return openai_error(words, "context_length_exceeded", "messages")
    return openai_error(message, None, None) if status < 500 else refuse("503-always")


def tokens_of(sent: Json | None, top: int) -> list[Json]:
    """Return llama.cpp's log probabilities in OpenAI's shape.

    Left out are the ids, alternatives beyond ``top``, and tokens without text: llama.cpp reports
    the end of the text as one.
    """

    def shaped(token: Json) -> Json:
        logprob = round(token["logprob"], 6)
        return {"token": token["token"], "logprob": logprob, "bytes": token["bytes"]}

    return [
        shaped(token) | {"top_logprobs": [shaped(one) for one in token["top_logprobs"][:top]]}
        for token in (sent or {}).get("content") or ()
        if token["token"]
    ]
