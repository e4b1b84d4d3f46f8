"""The shapes of the families: gpt, grok, kimi, oss, mistral."""

from collections.abc import Iterator

from tests.standin import verdicts
from tests.standin.answers import Answer, Choice
from tests.standin.calls import Json, digest
from tests.standin.deployments import Family
from tests.standin.scripts import ToolCall
from tests.standin.shapes import CREATED, Shape, as_uuid
from tests.standin.tokens import image_tokens, pieces

DATED = "-2026-01-01"
"""OpenAI's models answer under their dated name, not that of the deployment."""


class Gpt(Shape):
    """OpenAI's models, the same on both routes."""

    def head(self, kind: str) -> Json:
        dated = DATED if self.answer.is_dated else ""
        return {
            "created": CREATED,
            "id": f"chatcmpl-{self.answer.call.id[:29]}",
            "model": self.answer.model + dated,
            "object": kind,
            "service_tier": "default",
            "system_fingerprint": None,
        }

    def usage(self) -> Json:
        return super().usage() | {
            "completion_tokens_details": {
                "accepted_prediction_tokens": 0,
                "audio_tokens": 0,
                "reasoning_tokens": self.answer.reasoning_tokens,
                "rejected_prediction_tokens": 0,
            },
            "prompt_tokens_details": {"audio_tokens": 0, "cached_tokens": 0},
        }

    def latency(self) -> Json:
        """Return milliseconds as the service sends them, made of the times of the script."""
        first, last = round(self.answer.first_piece_ms), round(self.answer.whole_ms)
        times = {"tbt_ms": round(self.answer.pace_ms), "ttft_ms": first, "ttlt_ms": last}
        both = {f"{who}_{name}": ms for who in ("engine", "service") for name, ms in times.items()}
        rest = {"pre_inference_ms": 0, "total_duration_ms": last, "user_visible_ttft_ms": first}
        return both | rest

    def completion(self) -> Json:
        sent = super().completion()
        sent["usage"] |= {"latency_checkpoint": self.latency()}
        sent["prompt_filter_results"] = verdicts.prompt_filter(self.answer)
        return dict(sorted(sent.items()))

    def choice(self, at: int, choice: Choice, calls: list[Json], logs: Json | None) -> Json:
        text = None if calls else choice.text
        message = {"annotations": [], "content": text, "refusal": None, "role": "assistant"}
        return {
            **verdicts.whole(self.answer, "tool_calls" if calls else choice.finish_reason),
            "finish_reason": choice.finish_reason,
            "index": at,
            "logprobs": logs,
            "message": message | {"tool_calls": calls} if calls else message,
        }

    def part(self, at: int, delta: Json, finish: str | None, logs: Json | None) -> Json:
        results = verdicts.part(self.answer, delta.get("content") or "", finish)
        return results | super().part(at, delta, finish, logs)

    def chunk(
        self, at: int, delta: Json, finish: str | None = None, logs: Json | None = None
    ) -> Json:
        sent = super().chunk(at, delta, finish, logs)
        # Letters of a chance length, so that the size of a chunk does not tell that of its text.
        length = 3 + len(delta.get("content") or "") % 8
        sent["obfuscation"] = digest(self.answer.call.id, delta)[:length]
        return sent | {"usage": None} if self.answer.usage_wanted else sent

    def opening(self) -> Iterator[Json]:
        yield verdicts.prompt_chunk(self.answer)
        for at, choice in enumerate(self.answer.choices):
            if not choice.tool_calls:
                yield self.chunk(at, {"content": "", "refusal": None, "role": "assistant"})

    def call_deltas(self, choice: Choice) -> Iterator[Json]:
        """Yield the calls in fragments: the id and name of each, then its arguments in pieces."""
        role: Json = {"content": None, "role": "assistant"}
        for at, call in enumerate(choice.tool_calls):
            begun = self.call(call, at)
            begun |= {"function": {"arguments": "", "name": call.name}, "index": at}
            yield (role if at == 0 else {}) | {"tool_calls": [begun]}
            for piece in pieces(call.arguments):
                yield {"tool_calls": [{"function": {"arguments": piece}, "index": at}]}

    def usage_chunk(self) -> Json:
        return super().usage_chunk() | {"latency_checkpoint": self.latency()}


class Grok(Shape):
    """xAI's models: what the models route sends by default. Each call comes whole, in one delta."""

    def head(self, kind: str) -> Json:
        return {
            "id": as_uuid(self.answer.call.id),
            "object": kind,
            "created": CREATED,
            "model": self.answer.model,
        }

    def usage(self) -> Json:
        """Return the usage: here the reasoning is in the sum, but not in the completion."""
        answer = self.answer
        pictures = image_tokens(answer.call.body)
        return {
            "prompt_tokens": answer.prompt_tokens,
            "completion_tokens": answer.completion_tokens - answer.reasoning_tokens,
            "total_tokens": answer.prompt_tokens + answer.completion_tokens,
            "audio_prompt_tokens": 0,
            "prompt_tokens_details": {
                "cached_tokens": 0,
                "audio_tokens": 0,
                "text_tokens": answer.prompt_tokens - pictures,
                "image_tokens": pictures,
            },
            "completion_tokens_details": {
                "reasoning_tokens": answer.reasoning_tokens,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
            "num_sources_used": 0,
        }

    def completion(self) -> Json:
        sent = super().completion() | {"prompt_filter_results": None}
        order = ("id", "model", "choices", "usage", "created", "object", "prompt_filter_results")
        return {name: sent[name] for name in order}

    def call(self, call: ToolCall, number: int) -> Json:
        return {
            "id": f"call_{int(self.call_id(number)[:12], 16) % 10**8:08}",
            "function": {"name": call.name, "arguments": call.arguments},
            "index": number,
            "type": "function",
        }

    def choice(self, at: int, choice: Choice, calls: list[Json], logs: Json | None) -> Json:
        message: Json = {"role": "assistant", "content": choice.text}
        if calls:
            message["tool_calls"] = calls
        shaped = {"index": at, "message": message, "finish_reason": choice.finish_reason}
        return shaped if logs is None else shaped | {"logprobs": logs}

    def part(self, at: int, delta: Json, finish: str | None, logs: Json | None) -> Json:
        """Only the last one has a finish reason, only the first delta a role."""
        role = {"role": "assistant"} if finish is None and self.begins(at) else {}
        choice: Json = {"index": at, "delta": delta | role}
        if finish:
            choice["finish_reason"] = finish
        return choice | {"logprobs": logs} if logs else choice

    def usage_chunk(self) -> Json:
        return self.sent([]) | {"usage": self.usage() | {"cost_in_usd_ticks": 0}}

    def sent(self, choices: list[Json]) -> Json:
        more = {"system_fingerprint": "fp_standin", "service_tier": "default"}
        return {**self.head("chat.completion.chunk"), "choices": choices, **more}


class Kimi(Shape):
    """Moonshot's models: the reasoning stands beside the text; keys without a value are null."""

    thoughts = "reasoning_content"
    """The name of the field that holds the reasoning."""

    def usage(self) -> Json:
        """Return the usage, which counts no reasoning, although there is some."""
        more = {"audio_prompt_tokens": 0, "prompt_tokens_details": None, "reasoning_tokens": 0}
        return super().usage() | more

    def completion(self) -> Json:
        return super().completion() | {"prompt_filter_results": verdicts.prompt_filter(self.answer)}

    def choice(self, at: int, choice: Choice, calls: list[Json], logs: Json | None) -> Json:
        message = {
            "content": choice.text or None,
            "role": "assistant",
            "tool_calls": calls or None,
            self.thoughts: choice.reasoning or None,
        }
        return {
            **verdicts.whole(self.answer, choice.finish_reason),
            "finish_reason": choice.finish_reason,
            "index": at,
            "logprobs": logs,
            "message": message,
            "stop_reason": None,
        }

    def part(self, at: int, delta: Json, finish: str | None, logs: Json | None) -> Json:
        empty = dict.fromkeys(("content", self.thoughts, "role", "tool_calls"))
        role = {"role": "assistant"} if self.begins(at) else {}
        return {
            **verdicts.part(self.answer, delta.get("content") or "", finish),
            **super().part(at, empty | role | delta, finish, logs),
            "matched_stop": 163586 if finish else None,  # the number of a token that ends a text
        }

    def sent(self, choices: list[Json]) -> Json:
        return super().sent(choices) | {"usage": None}

    def opening(self) -> Iterator[Json]:
        yield verdicts.prompt_chunk(self.answer)

    def thought(self, piece: str) -> Json:
        return {self.thoughts: piece}


class Oss(Kimi):
    """OpenAI's open models as Groq and vLLM serve them: the reasoning has another name."""

    thoughts = "reasoning"

    def usage(self) -> Json:
        """Return the usage, which counts the reasoning in the completion."""
        details = {"reasoning_tokens": self.answer.reasoning_tokens}
        return super().usage() | {"completion_tokens_details": details}


class Mistral(Shape):
    """Mistral's models on a serverless endpoint of January 2025.

    The usage comes in the last chunk unasked. A reasoning is an item of the content.
    """

    usage_apart = False

    def choice(self, at: int, choice: Choice, calls: list[Json], logs: Json | None) -> Json:
        content: str | list[Json] = choice.text
        if choice.reasoning:
            content = [thinking(choice.reasoning, closed=True)]
            content += [{"type": "text", "text": choice.text}] if choice.text else []
        message = {"content": content, "role": "assistant", "tool_calls": calls or None}
        shaped = {"finish_reason": choice.finish_reason, "index": at, "message": message}
        return shaped if logs is None else shaped | {"logprobs": logs}

    def opening(self) -> Iterator[Json]:
        for at in range(len(self.answer.choices)):
            yield self.chunk(at, {"content": "", "role": "assistant"})

    def thought(self, piece: str) -> Json:
        return {"content": [thinking(piece)]}

    def last(self, at: int, choice: Choice) -> Json:
        sent = self.chunk(at, {"content": ""}, finish=choice.finish_reason)
        is_last = at == len(self.answer.choices) - 1
        return sent | {"usage": self.usage()} if is_last else sent


def thinking(text: str, *, closed: bool = False) -> Json:
    """Return a reasoning, or a piece of it, as an item of a content."""
    parts = [{"type": "text", "text": text}]
    return {"type": "thinking", "thinking": parts, "closed": closed}


SHAPES: dict[Family, type[Shape]] = {
    "gpt": Gpt,
    "grok": Grok,
    "kimi": Kimi,
    "oss": Oss,
    "mistral": Mistral,
}


def shape_of(answer: Answer) -> Shape:
    """Return ``answer`` in the shape of its family."""
    return SHAPES[answer.family](answer)
