"""The JSON of an answer, as each route sends it (on v1: as OpenAI's models do)."""

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from tests.standin.answers import Answer, Choice
from tests.standin.calls import digest
from tests.standin.checks import DEPLOYMENTS
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
    """Return the answer in one part."""
    body: Json = {
        "choices": [shaped_choice(answer, at, one) for at, one in enumerate(answer.choices)],
        **head(answer, "chat.completion"),
        "usage": usage(answer),
    }
    return body | {"prompt_filter_results": prompt_filter()} if answer.annotated else body


def has_piece(sent: Json) -> bool:
    """Return whether a chunk brings a piece of a text or of a call."""
    deltas = [choice.get("delta", {}) for choice in sent["choices"]]
    return any(delta.get("content") or delta.get("tool_calls") for delta in deltas)


def head(answer: Answer, kind: str) -> Json:
    """Return the fields that an answer and each of its chunks have."""
    common = {"created": CREATED, "id": identity(answer), "model": answer.model, "object": kind}
    if answer.route == "v1":
        dated = DATED if answer.model in DEPLOYMENTS else ""
        common |= {"model": answer.model + dated, "system_fingerprint": FINGERPRINT}
    return common


def identity(answer: Answer) -> str:
    """Return the id in the style of the route."""
    return answer.id[:32] if answer.route == "models" else f"chatcmpl-{answer.id[:29]}"


def usage(answer: Answer) -> Json:
    """Return the tokens of prompt and completion, and their sum."""
    counted: Json = {
        "completion_tokens": answer.completion_tokens,
        "prompt_tokens": answer.prompt_tokens,
        "total_tokens": answer.prompt_tokens + answer.completion_tokens,
    }
    if answer.route == "models":
        return counted
    parts = ("accepted_prediction_tokens", "audio_tokens", "reasoning_tokens",
             "rejected_prediction_tokens")  # fmt: skip
    return counted | {
        "completion_tokens_details": dict.fromkeys(parts, 0),
        "prompt_tokens_details": {"audio_tokens": 0, "cached_tokens": 0},
    }


def shaped_choice(answer: Answer, at: int, choice: Choice) -> Json:
    """Return one alternative, in one part, with what the content filter says about it."""
    calls = [shaped_call(answer, call, number) for number, call in enumerate(choice.tool_calls)]
    logs = choice.logs or text_logprobs(choice.text, answer.top, answer.doubts)
    judged = verdict(answer, choice.finish_reason)
    if answer.route == "models":
        message = {"content": choice.text, "role": "assistant", "tool_calls": calls or None}
        shaped = {"finish_reason": choice.finish_reason, "index": at, "message": message, **judged}
        return shaped if logs is None else shaped | {"logprobs": logs}
    text = None if calls and not choice.text else choice.text
    message = {"content": text, "refusal": None, "role": "assistant"}
    return {
        **judged,
        "finish_reason": choice.finish_reason,
        "index": at,
        "logprobs": logs,
        "message": message | {"tool_calls": calls} if calls else message,
    }


def shaped_call(answer: Answer, call: ToolCall, number: int, *, openai: bool = False) -> Json:
    """Return a call in the shape of the route; ``openai``: in OpenAI's shape on either route."""
    ident = digest(answer.id, number)
    if openai or answer.route == "v1":
        made: Json = {"arguments": call.arguments, "name": call.name}
        return {"function": made, "id": f"call_{ident[:24]}", "type": "function"}
    made = {"arguments": call.arguments, "call_id": None, "name": call.name}
    return {"function": made, "id": ident[:9], "type": "function"}


def chunks(answer: Answer) -> Iterator[Json]:
    """Yield the chunks of a stream: its opening, pieces, its end."""
    yield from opening_chunks(answer)
    for at, piece, spot in interleaved(answer):
        logs = piece_logprobs(piece, spot, answer.top, answer.doubts)
        yield chunk(answer, at, {"content": piece}, logs=logs)
    yield from closing_chunks(answer)


def opening_chunks(answer: Answer) -> Iterator[Json]:
    """Yield what comes before the first piece: the filter's word on the prompt, roles."""
    mesh = answer.route == "models"
    if answer.annotated:
        yield prompt_chunk()
    role: Json = {"content": "", "role": "assistant"}
    if not mesh:
        role = {"content": "", "refusal": None, "role": "assistant"}
    for at, choice in enumerate(answer.choices):
        if mesh or choice.text or not choice.tool_calls:
            yield chunk(answer, at, role, judged=mesh)


def closing_chunks(answer: Answer) -> Iterator[Json]:
    """Yield what comes after the last piece: calls, why it ends, the usage.

    The models route sends the usage in the last of these, unasked, and all calls whole in it,
    without index and type. The v1 route sends calls in fragments, and the usage in a chunk of its
    own if it is asked for.
    """
    mesh = answer.route == "models"
    for at, choice in enumerate(answer.choices):
        end: Json = {"content": ""} if mesh else {}
        if answer.fragments or not mesh:
            for delta in call_deltas(answer, choice):
                yield chunk(answer, at, delta, judged=mesh)
        elif choice.tool_calls:
            calls = [shaped_call(answer, call, nr) for nr, call in enumerate(choice.tool_calls)]
            end["tool_calls"] = [{"function": c["function"], "id": c["id"]} for c in calls]
        last = chunk(answer, at, end, finish=choice.finish_reason)
        is_last = mesh and at == len(answer.choices) - 1
        yield last | {"usage": usage(answer)} if is_last else last
    if answer.usage_wanted if not mesh else not answer.choices:
        yield {"choices": [], **head(answer, "chat.completion.chunk"), "usage": usage(answer)}


def call_deltas(answer: Answer, choice: Choice) -> Iterator[Json]:
    """Yield the calls in fragments: the id and name of each, then its arguments in pieces."""
    role: Json = {} if choice.text else {"content": None, "role": "assistant"}
    for at, call in enumerate(choice.tool_calls):
        begun = shaped_call(answer, call, at, openai=True)
        begun |= {"function": {"arguments": "", "name": call.name}, "index": at}
        yield (role if at == 0 else {}) | {"tool_calls": [begun]}
        for piece in pieces(call.arguments):
            yield {"tool_calls": [{"function": {"arguments": piece}, "index": at}]}


def chunk(
    answer: Answer,
    at: int,
    delta: Json,
    finish: str | None = None,
    logs: Json | None = None,
    judged: bool = True,
) -> Json:
    """Return one chunk. On v1 each says that it has no usage yet, if usage is asked for."""
    choice = {"delta": delta, "finish_reason": finish, "index": at, "logprobs": logs}
    filtered = verdict(answer, finish) if judged else {"content_filter_results": {}}
    choice = choice | filtered if answer.route == "models" else filtered | choice
    shaped = {"choices": [choice], **head(answer, "chat.completion.chunk")}
    no_usage_yet = answer.route == "v1" and answer.usage_wanted
    return shaped | {"usage": None} if no_usage_yet else shaped


def prompt_chunk() -> Json:
    """Return the first chunk of an annotated stream: the content filter's results of the prompt."""
    nameless = {"created": 0, "id": "", "model": "", "object": ""}
    return {"choices": [], **nameless, "prompt_filter_results": prompt_filter()}


def verdict(answer: Answer, finish: str | None) -> Json:
    """Return the content filter's results of a piece of the answer."""
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
    """Return the content filter's results of the prompt, which are never bad."""
    jailbreak = {"filtered": False, "detected": False}
    judged = dict.fromkeys(JUDGED, SAFE) | {"jailbreak": jailbreak}
    return [{"prompt_index": 0, "content_filter_results": judged}]


def interleaved(answer: Answer) -> Iterator[tuple[int, str, int]]:
    """Yield the pieces of all choices in turn: the choice, the piece, its place in the choice."""
    for spot, row in enumerate(zip_longest(*(pieces(choice.text) for choice in answer.choices))):
        for at, piece in enumerate(row):
            if piece is not None:
                yield at, piece, spot
