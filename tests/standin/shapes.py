"""An answer as JSON: as the mesh sends it on the models route, and as OpenAI's models do on v1."""

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from tests.standin.answers import Answer, Choice
from tests.standin.calls import digest
from tests.standin.logprobs import piece_logprobs, text_logprobs
from tests.standin.scripts import ToolCall
from tests.standin.tokens import pieces

# The first second of 2026 (UTC), always: whoever records anew gets files that differ in nothing but
# the times of arrival.
CREATED = 1_767_225_600
DATED = "-2026-01-01"
"""On v1 the reply names the dated version of the model, not the deployment that was asked for."""

FINGERPRINT = "fp_standin"
SAFE = {"filtered": False, "severity": "safe"}
CAUGHT = {"filtered": True, "severity": "medium"}
JUDGED = ("hate", "self_harm", "sexual", "violence")
FILTER_DOWN = {
    "error": {"code": "content_filter_error", "message": "The contents are not filtered"}
}

Json = dict[str, Any]


def completion(answer: Answer) -> Json:
    """The answer in one part."""
    mesh = answer.route == "models"
    body: Json = {
        "choices": [
            (mesh_choice if mesh else openai_choice)(answer, at, choice)
            for at, choice in enumerate(answer.choices)
        ],
        **head(answer, "chat.completion"),
        "usage": usage(answer),
    }
    return body | {"prompt_filter_results": prompt_filter()} if answer.annotated else body


def chunks(answer: Answer) -> Iterator[Json]:
    """The answer as the chunks of a stream, one piece in each."""
    return mesh_chunks(answer) if answer.route == "models" else openai_chunks(answer)


def has_piece(chunk: Json) -> bool:
    """Whether a chunk brings a piece of a text or of a call."""
    deltas = [choice.get("delta", {}) for choice in chunk["choices"]]
    return any(delta.get("content") or delta.get("tool_calls") for delta in deltas)


def head(answer: Answer, kind: str) -> Json:
    """The fields that an answer and each of its chunks have."""
    common = {"created": CREATED, "id": identity(answer), "model": answer.model, "object": kind}
    if answer.route == "v1":
        common |= {"model": answer.model + DATED, "system_fingerprint": FINGERPRINT}
    return common


def identity(answer: Answer) -> str:
    """The id in the style of the route."""
    return answer.id[:32] if answer.route == "models" else f"chatcmpl-{answer.id[:29]}"


def usage(answer: Answer) -> Json:
    """The tokens of prompt and completion, and their sum."""
    counted: Json = {
        "completion_tokens": answer.completion_tokens,
        "prompt_tokens": answer.prompt_tokens,
        "total_tokens": answer.prompt_tokens + answer.completion_tokens,
    }
    if answer.route == "models":
        return counted
    parts = dict.fromkeys(("accepted_prediction_tokens", "audio_tokens", "reasoning_tokens"), 0) | {
        "rejected_prediction_tokens": 0
    }
    prompt_parts = {"audio_tokens": 0, "cached_tokens": 0}
    return counted | {"completion_tokens_details": parts, "prompt_tokens_details": prompt_parts}


# --- The models route -----------------------------------------------------------------------------
def mesh_choice(answer: Answer, at: int, choice: Choice) -> Json:
    """One alternative, in one part."""
    calls = [mesh_call(answer, call, number) for number, call in enumerate(choice.tool_calls)]
    message = {"content": choice.text, "role": "assistant", "tool_calls": calls or None}
    shaped = {"finish_reason": choice.finish_reason, "index": at, "message": message}
    shaped |= verdict(answer, choice.finish_reason)
    logs = text_logprobs(choice.text, answer.top, answer.doubts)
    return shaped if logs is None else shaped | {"logprobs": logs}


def mesh_call(answer: Answer, call: ToolCall, number: int) -> Json:
    """A call; its id has nine characters."""
    made = {"arguments": call.arguments, "call_id": None, "name": call.name}
    return {"function": made, "id": digest(answer.id, number)[:9], "type": "function"}


def mesh_chunks(answer: Answer) -> Iterator[Json]:
    """First the role, then pieces; the last chunk says why it ends and brings the usage.

    All calls come whole in one chunk, which is the last one, without index and type; only where the
    script wants fragments they come as OpenAI's models send them.
    """
    if answer.annotated:
        yield prompt_chunk()
    for at in range(len(answer.choices)):
        yield mesh_chunk(answer, at, {"content": "", "role": "assistant"})
    for at, piece, spot in interleaved(answer):
        yield mesh_chunk(
            answer,
            at,
            {"content": piece},
            logs=piece_logprobs(piece, spot, answer.top, answer.doubts),
        )
    for at, choice in enumerate(answer.choices):
        delta: Json = {"content": ""}
        if answer.fragments:
            for fragment in call_deltas(answer, choice):
                yield mesh_chunk(answer, at, fragment)
        elif choice.tool_calls:
            calls = [mesh_call(answer, call, nr) for nr, call in enumerate(choice.tool_calls)]
            delta["tool_calls"] = [{"function": c["function"], "id": c["id"]} for c in calls]
        last = mesh_chunk(answer, at, delta, finish=choice.finish_reason)
        yield last | {"usage": usage(answer)} if at == len(answer.choices) - 1 else last
    if not answer.choices:
        yield {"choices": [], **head(answer, "chat.completion.chunk"), "usage": usage(answer)}


def mesh_chunk(
    answer: Answer, at: int, delta: Json, finish: str | None = None, logs: Json | None = None
) -> Json:
    """One chunk."""
    choice = {"delta": delta, "finish_reason": finish, "index": at, "logprobs": logs}
    choice |= verdict(answer, finish)
    return {"choices": [choice], **head(answer, "chat.completion.chunk")}


# --- The v1 route ---------------------------------------------------------------------------------
def openai_choice(answer: Answer, at: int, choice: Choice) -> Json:
    """One alternative, in one part, with what the content filter says about it."""
    calls = [openai_call(answer, call, nr) for nr, call in enumerate(choice.tool_calls)]
    text = None if calls and not choice.text else choice.text
    message: Json = {"content": text, "refusal": None, "role": "assistant"}
    return {
        **verdict(answer, choice.finish_reason),
        "finish_reason": choice.finish_reason,
        "index": at,
        "logprobs": text_logprobs(choice.text, answer.top, answer.doubts),
        "message": message | {"tool_calls": calls} if calls else message,
    }


def openai_call(answer: Answer, call: ToolCall, number: int) -> Json:
    """A call."""
    made = {"arguments": call.arguments, "name": call.name}
    return {"function": made, "id": f"call_{digest(answer.id, number)[:24]}", "type": "function"}


def openai_chunks(answer: Answer) -> Iterator[Json]:
    """First the filter's word on the prompt, then role, pieces, end; the usage only if wanted."""
    yield prompt_chunk()
    for at, choice in enumerate(answer.choices):
        if not choice.tool_calls or choice.text:
            delta = {"content": "", "refusal": None, "role": "assistant"}
            yield openai_chunk(answer, at, delta, judged=False)
    for at, piece, spot in interleaved(answer):
        yield openai_chunk(
            answer,
            at,
            {"content": piece},
            logs=piece_logprobs(piece, spot, answer.top, answer.doubts),
        )
    for at, choice in enumerate(answer.choices):
        for delta in call_deltas(answer, choice):
            yield openai_chunk(answer, at, delta, judged=False)
        yield openai_chunk(answer, at, {}, finish=choice.finish_reason)
    if answer.usage_wanted:
        yield {"choices": [], **head(answer, "chat.completion.chunk"), "usage": usage(answer)}


def call_deltas(answer: Answer, choice: Choice) -> Iterator[Json]:
    """A call comes in fragments: first its id and name, then its arguments, piece by piece."""
    role: Json = {} if choice.text else {"content": None, "role": "assistant"}
    for at, call in enumerate(choice.tool_calls):
        begun = openai_call(answer, call, at) | {"function": {"arguments": "", "name": call.name}}
        yield (role if at == 0 else {}) | {"tool_calls": [begun | {"index": at}]}
        for piece in pieces(call.arguments):
            yield {"tool_calls": [{"function": {"arguments": piece}, "index": at}]}


def openai_chunk(
    answer: Answer,
    at: int,
    delta: Json,
    finish: str | None = None,
    logs: Json | None = None,
    judged: bool = True,
) -> Json:
    """One chunk. Where usage is wanted, each chunk says that it has none yet."""
    choice = {
        **(verdict(answer, finish) if judged else {"content_filter_results": {}}),
        "delta": delta,
        "finish_reason": finish,
        "index": at,
        "logprobs": logs,
    }
    chunk = {"choices": [choice], **head(answer, "chat.completion.chunk")}
    return chunk | {"usage": None} if answer.usage_wanted else chunk


def prompt_chunk() -> Json:
    """The first chunk of an annotated stream: what the content filter says about the question."""
    nameless = {"created": 0, "id": "", "model": "", "object": ""}
    return {"choices": [], **nameless, "prompt_filter_results": prompt_filter()}


def verdict(answer: Answer, finish: str | None) -> Json:
    """What the content filter says about a piece of the answer."""
    if not answer.annotated:
        return {}
    if not answer.filter_ran:
        return {"content_filter_result": FILTER_DOWN}
    judged = dict.fromkeys(JUDGED, SAFE)
    return {
        "content_filter_results": judged
        | ({"violence": CAUGHT} if finish == "content_filter" else {})
    }


def prompt_filter() -> list[Json]:
    """What the content filter says about the question: nothing."""
    jailbreak = {"filtered": False, "detected": False}
    judged = dict.fromkeys(JUDGED, SAFE) | {"jailbreak": jailbreak}
    return [{"prompt_index": 0, "content_filter_results": judged}]


# --- Both -----------------------------------------------------------------------------------------
def interleaved(answer: Answer) -> Iterator[tuple[int, str, int]]:
    """The pieces of all alternatives in turn: which alternative, the piece, its place there."""
    for spot, row in enumerate(zip_longest(*(pieces(choice.text) for choice in answer.choices))):
        for at, piece in enumerate(row):
            if piece is not None:
                yield at, piece, spot
