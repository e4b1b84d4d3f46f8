"""The JSON of an answer. ``Shape`` is what the families share; each has a subclass of its own.

``families`` has the subclasses, and ``families.shape_of`` chooses one.
"""

from collections.abc import Iterator
from itertools import zip_longest
from uuid import UUID

from tests.standin.answers import Answer, Choice
from tests.standin.calls import Json, digest
from tests.standin.scripts import ToolCall
from tests.standin.tokens import pieces

# The first second of 2026 (UTC), always: whoever records anew gets files that differ in nothing but
# the times of arrival.
CREATED = 1_767_225_600


class Shape:
    """The JSON of ``answer``: ``completion`` in one part, or ``chunks`` of a stream."""

    usage_apart = True
    """Whether the usage of a stream has a chunk of its own, which is sent if it was asked for."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.begun: set[int] = set()  # the choices of which a delta was sent

    # What the families differ in.

    def head(self, kind: str) -> Json:
        """Return the fields that an answer and each of its chunks have."""
        head = {"created": CREATED, "id": self.answer.call.id[:32], "model": self.answer.model}
        return head | {"object": kind}

    def usage(self) -> Json:
        """Return the tokens of prompt and completion, and their sum."""
        prompt, completion = self.answer.prompt_tokens, self.answer.completion_tokens
        return {
            "completion_tokens": completion,
            "prompt_tokens": prompt,
            "total_tokens": prompt + completion,
        }

    def call(self, call: ToolCall, number: int) -> Json:
        """Return a tool call of an answer in one part."""
        made = {"arguments": call.arguments, "name": call.name}
        return {"function": made, "id": f"call_{self.call_id(number)[:24]}", "type": "function"}

    def choice(self, at: int, choice: Choice, calls: list[Json], logs: Json | None) -> Json:
        """Return one choice of an answer in one part."""
        raise NotImplementedError

    def part(self, at: int, delta: Json, finish: str | None, logs: Json | None) -> Json:
        """Return what a chunk of a stream brings of one choice."""
        return {"delta": delta, "finish_reason": finish, "index": at, "logprobs": logs}

    def chunk(
        self, at: int, delta: Json, finish: str | None = None, logs: Json | None = None
    ) -> Json:
        """Return one chunk of a stream."""
        return self.sent([self.part(at, delta, finish, logs)])

    def sent(self, choices: list[Json]) -> Json:
        """Return a chunk with ``choices``."""
        return {"choices": choices, **self.head("chat.completion.chunk")}

    def opening(self) -> Iterator[Json]:
        """Yield what comes before the first piece."""
        yield from ()

    def thought(self, piece: str) -> Json:
        """Return the delta that brings a piece of the reasoning, where that is shown."""
        raise NotImplementedError

    def text(self, at: int, piece: str, logs: list[Json] | None) -> Json:
        """Return the chunk that brings a piece of the text."""
        return self.chunk(at, {"content": piece}, logs=logprobs(logs))

    def call_deltas(self, choice: Choice) -> Iterator[Json]:
        """Yield the deltas that bring the tool calls."""
        for number, call in enumerate(choice.tool_calls):
            yield {"tool_calls": [self.call(call, number) | {"index": number}]}

    def last(self, at: int, choice: Choice) -> Json:
        """Return the chunk with the finish reason."""
        return self.chunk(at, {}, finish=choice.finish_reason)

    def usage_chunk(self) -> Json:
        """Return the chunk with the usage."""
        return {**self.head("chat.completion.chunk"), "choices": [], "usage": self.usage()}

    # What they share.

    def completion(self) -> Json:
        """Return the answer in one part."""
        choices = []
        for at, one in enumerate(self.answer.choices):
            calls = [self.call(call, number) for number, call in enumerate(one.tool_calls)]
            choices.append(self.choice(at, one, calls, logprobs(one.logs)))
        return {"choices": choices, **self.head("chat.completion"), "usage": self.usage()}

    def chunks(self) -> Iterator[Json]:
        """Yield the chunks of a stream: its opening, pieces, its end."""
        yield from self.opening()
        for at, one in enumerate(self.answer.choices):
            for piece in pieces(one.reasoning):
                yield self.chunk(at, self.thought(piece))
        rows = zip_longest(*(pieces(choice.text) for choice in self.answer.choices))
        for spot, row in enumerate(rows):
            for at, piece in enumerate(row):
                if piece is not None:
                    logs = self.answer.choices[at].logs
                    yield self.text(at, piece, logs and logs[spot : spot + 1])
        yield from self.closing()

    def closing(self) -> Iterator[Json]:
        """Yield what comes after the last piece: calls, why it ends, the usage if it is wanted."""
        for at, choice in enumerate(self.answer.choices):
            for delta in self.call_deltas(choice):
                yield self.chunk(at, delta)
            yield self.last(at, choice)
        if self.usage_apart and self.answer.usage_wanted:
            yield self.usage_chunk()

    def begins(self, at: int) -> bool:
        """Return whether no delta of the choice was sent yet; after this call one was."""
        if at in self.begun:
            return False
        self.begun.add(at)
        return True

    def call_id(self, number: int) -> str:
        """Return 64 hex digits of which the id of a tool call is made."""
        return digest(self.answer.call.id, number)


def logprobs(logs: list[Json] | None) -> Json | None:
    """Return log probabilities as the value of a choice's ``logprobs``."""
    return None if logs is None else {"content": logs, "refusal": None}


def has_piece(sent: Json) -> bool:
    """Return whether a chunk brings a piece of a text, of a reasoning or of a call."""
    deltas = [choice.get("delta", {}) for choice in sent["choices"]]
    names = ("content", "reasoning_content", "reasoning", "tool_calls")
    return any(delta.get(name) for delta in deltas for name in names)


def as_uuid(digits: str) -> str:
    """Return 32 hex digits of ``digits`` in the form of a UUID."""
    return str(UUID(digits[:32]))
