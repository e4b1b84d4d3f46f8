"""A small service that can do all that ``check`` asks for; each capability can be switched off."""

import json
from collections.abc import Collection, Mapping
from typing import Any

import httpx

from helpers.commands.check_probes import PROBES, SEA
from tests.fakes import DONE, answer, event, piece, streamed

LIMITS = ("max_tokens", "max_completion_tokens")
FIELDS = {
    probe.name: [
        name
        for name, value in probe.requests[0].items()
        if value is not None and name not in ("messages", "extra_parameters")
        and (name not in probe.requests[-1] or probe.requests[0] == probe.requests[-1])
    ]
    for probe in PROBES
}  # fmt: skip
"""The fields of a request that make up a capability; without any, refusing it refuses all."""


class FakeService(httpx.MockTransport):
    """Answers on both routes. ``refuses`` (in ``words``) and ``ignores`` name rows.

    ``raises`` has errors by the name of a field of the request.
    """

    def __init__(
        self,
        refuses: Collection[str] = (),
        ignores: Collection[str] = (),
        words: str = "This is not supported.",
        raises: Mapping[str, BaseException] | None = None,
    ) -> None:
        super().__init__(self._answer)
        self.refuses, self.ignores, self.words = refuses, ignores, words
        self.raises, self.count = raises or {}, 0

    def _answer(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        policy = "" if self._ignores("extra-parameters: error") else "error"
        self.count += 1
        for name in self.raises.keys() & body.keys():
            raise self.raises[name]
        for name in self.refuses:
            if not FIELDS[name] or any(field in body for field in FIELDS[name]):
                return refused(self.words)
        if request.headers.get("extra-parameters") == policy and "made_up_parameter" in body:
            return refused("Extra parameters ['made_up_parameter'] are not allowed")
        if max(body.get(one, 0) for one in LIMITS) > 1e6 and not self._ignores("limit of tokens"):
            return refused("max_tokens is too large. This model supports at most 16384 tokens.")
        for name in self.ignores:
            for field in FIELDS[name]:
                body.pop(field, None)
        return self._stream(body) if body.get("stream") else self._whole(body)

    def _ignores(self, name: str) -> bool:
        return name in self.ignores

    def _whole(self, body: dict[str, Any]) -> httpx.Response:
        message, reason, used = self._message(body)
        choice = {"index": 0, "finish_reason": reason, "message": message}
        if body.get("logprobs"):
            choice["logprobs"] = {"content": [{"token": "a", "top_logprobs": [{}, {}]}]}
        if not self._ignores("content filter"):
            choice["content_filter_results"] = {"hate": {"filtered": False}}
        left = {} if self._ignores("rate-limit headers") else {"x_ratelimit_remaining_tokens": "9"}
        return answer(200, {"choices": [choice] * body.get("n", 1), "usage": used}, **left)()

    def _stream(self, body: dict[str, Any]) -> httpx.Response:
        message, reason, used = self._message(body)
        text = message["content"] or ""
        calls = [call | {"index": at} for at, call in enumerate(message.get("tool_calls", ()))]
        events = list(map(piece, [text] if self._ignores("streaming") else text))
        events.append(piece(finish=reason, delta={"tool_calls": calls} if calls else {}))
        events += [event(choices=[], usage=used)] * bool(body.get("stream_options"))
        events += [DONE] * (not self._ignores("[DONE]"))
        return streamed(*events)()

    def _message(self, body: dict[str, Any]) -> tuple[dict[str, Any], str, dict[str, Any]]:
        """Return the message, the finish reason and the usage."""
        text, reason = self._text(body), "stop"
        limit = body.get("max_tokens", body.get("max_completion_tokens", 1000))
        tokens = text.split(" ")
        if len(tokens) > limit:
            text, reason = " ".join(tokens[:limit]), "length"
        for end in body.get("stop", ()):
            text = text.partition(end)[0]
        used: dict[str, Any] = {"prompt_tokens": 10, "completion_tokens": min(limit, len(tokens))}
        used["total_tokens"] = 10 + used["completion_tokens"]
        if not self._ignores("cached tokens"):
            used["prompt_tokens_details"] = {"cached_tokens": 1024 * (self.count > 1)}
        message: dict[str, Any] = {"role": "assistant", "content": text}
        if body.get("reasoning_effort"):
            message["reasoning_content"] = "17 times 23 ..."
            used["completion_tokens_details"] = {"reasoning_tokens": 3}
        if names := called(body):
            message["content"], reason = None, "tool_calls"
            message["tool_calls"] = [call(name, number) for number, name in enumerate(names)]
        return message, reason, used

    def _text(self, body: dict[str, Any]) -> str:
        """Return the text of the answer to the last message."""
        roles = [f"{message['role']} role" for message in body["messages"]]
        last = body["messages"][-1]["content"]
        if {"system role", "developer role"} & {role for role in roles if not self._ignores(role)}:
            return "Banana"
        if len(roles) > 1:
            return "Hello!" if self._ignores("several turns") else "Ada."
        if isinstance(last, list):
            seen = {"picture: data URL": "Red", "picture: URL": "Python", "pictures: two": "blue"}
            return " ".join(text for name, text in seen.items() if not self._ignores(name)) or "?"
        if body.get("response_format"):
            return '{"name": "Oslo", "country": "Norway"}'
        if last == SEA:
            settings = [body.get(one) for one in ("presence_penalty", "frequency_penalty")]
            chosen = {"temperature", "top_p", "seed"} & body.keys()
            return f"The sea is wide {settings} {'' if chosen else self.count}"
        return "1, 2, 3, 4, 5, 6, 7, 8, 9"


def called(body: dict[str, Any]) -> list[str]:
    """Return the functions that are called: of a question about the weather, or if one must be."""
    choice = body.get("tool_choice", "auto")
    if not body.get("tools") or choice == "none":
        return []
    if isinstance(choice, dict):
        return [choice["function"]["name"]]
    asked = str(body["messages"][-1]["content"])
    return ["get_weather"] * (asked.count("Oslo") + asked.count("Paris") or choice == "required")


def call(name: str, number: int) -> dict[str, Any]:
    function = {"name": name, "arguments": '{"city": "Oslo"}'}
    return {"id": f"call{number}", "type": "function", "function": function}


def refused(words: str) -> httpx.Response:
    return answer(400, {"error": {"code": "invalid_request", "message": words}})()
