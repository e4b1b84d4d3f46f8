"""A small service that can do all that ``check`` asks for; each capability can be switched off."""

import json
from collections.abc import Collection
from typing import Any

import httpx

from helpers.commands.check_probes import SEA

LIMITS = ("max_tokens", "max_completion_tokens")
FIELDS = {
    **{name: (name,) for name in (*LIMITS, "temperature", "top_p")},
    **{name: (name,) for name in ("presence_penalty", "frequency_penalty", "stop", "seed", "n")},
    "usage in a stream": ("stream_options",),
    "reasoning_effort": ("reasoning_effort",),
    "JSON mode": ("response_format",),
    "structured output": ("response_format",),
    "logprobs": ("logprobs", "top_logprobs"),
    "tools: required": ("tool_choice",),
    "tools: named": ("tool_choice",),
    "tools: none": ("tool_choice",),
    **{f"tools: {name}": ("tools",) for name in ("auto", "parallel", "streamed")},
    "tools with reasoning_effort": ("tools",),
    "extra-parameters: pass-through": ("made_up_parameter",),
    "limit of tokens": ("max_tokens",),
}
"""The fields of a request that make up a capability; without any, refusing it refuses all."""


class FakeService(httpx.MockTransport):
    """Answers on both routes. ``refuses`` (in ``words``) and ``ignores`` name rows."""

    def __init__(
        self,
        refuses: Collection[str] = (),
        ignores: Collection[str] = (),
        words: str = "This is not supported.",
    ) -> None:
        super().__init__(self._answer)
        self.refuses, self.ignores, self.words = refuses, ignores, words
        self.count = 0

    def _answer(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        policy = "" if self._ignores("extra-parameters: error") else "error"
        self.count += 1
        for name in self.refuses:
            if not FIELDS.get(name) or any(field in body for field in FIELDS[name]):
                return refused(self.words)
        if request.headers.get("extra-parameters") == policy and "made_up_parameter" in body:
            return refused("Extra parameters ['made_up_parameter'] are not allowed")
        if max(body.get(one, 0) for one in LIMITS) > 1e6 and not self._ignores("limit of tokens"):
            return refused("max_tokens is too large. This model supports at most 16384 tokens.")
        for name in self.ignores:
            for field in FIELDS.get(name, ()):
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
        choices = [choice] * body.get("n", 1)
        left = {} if self._ignores("rate-limit headers") else {"x-ratelimit-remaining-tokens": "9"}
        return httpx.Response(200, headers=left, json={"choices": choices, "usage": used})

    def _stream(self, body: dict[str, Any]) -> httpx.Response:
        message, reason, used = self._message(body)
        pieces = list(message["content"] or "")
        pieces = ["".join(pieces)] if self._ignores("streaming") else pieces
        deltas: list[dict[str, Any]] = [{"content": piece} for piece in pieces]
        calls = [call | {"index": at} for at, call in enumerate(message.get("tool_calls", ()))]
        deltas += [{"tool_calls": calls}] * bool(calls)
        events = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
        events += [{"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}]
        if body.get("stream_options"):
            events.append({"choices": [], "usage": used})
        lines = [json.dumps(one) for one in events] + ["[DONE]"] * (not self._ignores("[DONE]"))
        text = "".join(f"data: {line}\n\n" for line in lines)
        kind = {"content-type": "text/event-stream"}
        return httpx.Response(200, headers=kind, stream=httpx.ByteStream(text.encode()))

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
    return httpx.Response(400, json={"error": {"code": "invalid_request", "message": words}})
