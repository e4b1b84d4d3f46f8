"""What no script answers can be answered by a model: any server that speaks the protocol.

The stand-in stays the service: routes, key, headers, annotations and faults are its own. Only the
words, their log probabilities and the counts of tokens come from the upstream server.
"""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

import httpx

from tests.standin.answers import Answer, Choice
from tests.standin.calls import Call, digest, picture_names
from tests.standin.families import shape_of
from tests.standin.faults import refuse
from tests.standin.replies import Reply, openai_error
from tests.standin.shapes import Json

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


class RefusedError(Exception):
    """The upstream server gave no answer; ``reply`` says so as the service would."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply)
        self.reply = reply


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

    def refusal(self, call: Call) -> Reply | None:
        """Return the reply to what a small model can't do, in OpenAI's words, or None.

        llama.cpp ignores tools without a word and says of a picture that the server failed.
        """
        if any(map(picture_names, call.messages)):
            words = "Invalid content type. image_url is only supported by certain models."
            return openai_error(words, None, "messages")
        if call.may_call:
            return openai_error("tools is not supported in this model.", None, "tools")
        return None

    async def complete(self, call: Call, answer: Answer) -> Answer:
        """Return ``answer`` with what the model writes. Raises ``RefusedError``."""
        drafts = [Draft() for _ in range(call.body.get("n") or 1)]
        try:
            async for _ in self.pieces(call, drafts):
                pass
        except httpx.HTTPError:
            raise RefusedError(refuse("503-always")) from None
        return self._answer(answer, drafts)

    async def chunks(self, call: Call, answer: Answer) -> AsyncIterator[Json]:
        """Yield the chunks of a stream in the shape of the route, each as soon as it has come.

        The first one comes with the model's first piece. Raises ``RefusedError`` before it, and
        ``httpx.HTTPError`` after it.
        """
        drafts = [Draft() for _ in range(call.body.get("n") or 1)]
        shape = shape_of(self._answer(answer, drafts))
        has_begun = False
        async with aclosing(self.pieces(call, drafts)) as pieces:
            async for at, text, logs in pieces:
                if not has_begun:
                    has_begun = True
                    for opening in shape.opening():
                        yield opening
                yield shape.text(at, text, logprobs(logs))
        if not has_begun:  # the model had nothing to say
            for opening in shape.opening():
                yield opening
        shape.answer = self._answer(answer, drafts)
        for closing in shape.closing():
            yield closing

    def _answer(self, answer: Answer, drafts: Sequence[Draft]) -> Answer:
        choices = tuple(
            Choice(one.text, one.finish_reason, logs=logprobs(one.logs)) for one in drafts
        )
        return replace(
            answer,
            model=self.model,
            dated=False,
            reasoning_tokens=0,
            choices=choices,
            prompt_tokens=max((one.prompt_tokens for one in drafts), default=0),
            completion_tokens=sum(one.completion_tokens for one in drafts),
            first_ms=0,
            pace_ms=0,
        )

    async def pieces(
        self, call: Call, drafts: list[Draft]
    ) -> AsyncIterator[tuple[int, str, list[Json]]]:
        """Yield each piece: of which choice, its text, its log probabilities.

        The choices come one after the other: llama.cpp writes one at a time.
        """
        for at, draft in enumerate(drafts):
            async with aclosing(self._chunks(self._request(call, at))) as chunks:
                async for sent in chunks:
                    if counted := sent.get("usage"):
                        draft.prompt_tokens = counted["prompt_tokens"]
                        draft.completion_tokens = counted["completion_tokens"]
                    for choice in sent["choices"]:
                        draft.finish_reason = choice.get("finish_reason") or draft.finish_reason
                        logs = tokens_of(choice.get("logprobs"), call.body.get("top_logprobs") or 0)
                        text = choice["delta"].get("content") or ""
                        draft.text += text
                        draft.logs += logs
                        if text:
                            yield at, text, logs

    def _request(self, call: Call, at: int) -> Json:
        """Return the body that asks for the choice ``at``."""
        body = {name: call.body[name] for name in PASSED_ON if call.body.get(name) is not None}
        if at or "seed" not in body:
            # Asked again in a new stand-in the words are the same, asked again in this one they
            # differ. Seeds far apart: those of neighbours are no fair sample.
            body["seed"] = int(
                digest(call.body, call.asked if "seed" not in body else 0, at)[:7], 16
            )
        if "temperature" not in body and "top_p" not in body:
            body["temperature"] = TEMPERATURE
        return body | {
            "model": self.model,
            "stream": True,
            "stream_options": {"include_usage": True},
        }

    async def _chunks(self, body: Json) -> AsyncIterator[Json]:
        """Yield the JSON of each event of the upstream server's stream."""
        headers = {"authorization": f"Bearer {self.key}"} if self.key else {}
        # A client for each request: llama.cpp closes the connection after a stream.
        async with httpx.AsyncClient(trust_env=False, timeout=TIMEOUT, headers=headers) as client:
            asked = client.build_request("POST", f"{self.endpoint}/chat/completions", json=body)
            try:
                response = await client.send(asked, stream=True)
                if response.status_code != 200:
                    raise RefusedError(
                        translate_error(response.status_code, await response.aread())
                    )
            except httpx.HTTPError:
                raise RefusedError(refuse("503-always")) from None
            async with aclosing(response.aiter_lines()) as lines:
                async for line in lines:
                    if line.startswith("data: {"):
                        sent = json.loads(line.removeprefix("data: "))
                        if "error" in sent:
                            raise httpx.RemoteProtocolError(str(sent["error"]))
                        yield sent


def translate_error(status: int, body: bytes) -> Reply:
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


def logprobs(tokens: list[Json]) -> Json | None:
    """Return ``tokens`` as the value of a choice's ``logprobs``."""
    return {"content": tokens, "refusal": None} if tokens else None


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
