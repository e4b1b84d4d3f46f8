"""What the content filter says about a prompt and an answer."""

from tests.standin.answers import Answer
from tests.standin.calls import Json, digest

SAFE = {"filtered": False, "severity": "safe"}
CAUGHT = {"filtered": True, "severity": "medium"}
UNDETECTED = {"detected": False, "filtered": False}
JUDGED = ("hate", "self_harm", "sexual", "violence")
PROTECTED = ("protected_material_code", "protected_material_text")
PROMPT = {
    "hate": SAFE,
    "jailbreak": UNDETECTED,
    "self_harm": SAFE,
    "sexual": SAFE,
    "violence": SAFE,
}
ANSWER = {"hate": SAFE, **dict.fromkeys(PROTECTED, UNDETECTED), **dict.fromkeys(JUDGED[1:], SAFE)}
FILTER_DOWN = {
    "error": {"code": "content_filter_error", "message": "The contents are not filtered"}
}
NAMELESS = {"created": 0, "id": "", "model": "", "object": ""}
"""The head of a chunk that the filter sends by itself."""


def prompt_filter(answer: Answer) -> list[Json]:
    """Return the results of the prompt, which are never bad; none after a tool's answer."""
    return [{"prompt_index": 0, "content_filter_results": {} if answer.follows_tool else PROMPT}]


def prompt_chunk(answer: Answer) -> Json:
    """Return the first chunk of a stream: the results of the prompt."""
    return {"choices": [], **NAMELESS, "prompt_filter_results": prompt_filter(answer)}


def whole(answer: Answer, finish: str | None) -> Json:
    """Return the results of an answer in one part; there are none of tool calls."""
    if not answer.filter_ran:
        return {"content_filter_result": FILTER_DOWN}
    caught = {"violence": CAUGHT} if finish == "content_filter" else {}
    return {"content_filter_results": {} if finish == "tool_calls" else ANSWER | caught}


def part(answer: Answer, piece: str, finish: str | None) -> Json:
    """Return the results of a chunk.

    Most chunks have none, three in ten one of the protected materials. The last one has them all if
    the filter ended the answer.
    """
    if not answer.filter_ran or finish == "content_filter":
        return whole(answer, finish)
    chance = int(digest(answer.call.id, piece)[:4], 16) % 100 if piece else 99
    found = PROTECTED[:1] if chance < 29 else PROTECTED[1:] if chance < 30 else ()
    return {"content_filter_results": dict.fromkeys(found, UNDETECTED)}
