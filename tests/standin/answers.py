"""Make an answer from a script: choose the text, cut it where the request says, count tokens."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from tests.standin.calls import Call, Json, digest
from tests.standin.deployments import DEPLOYMENTS, Family, find
from tests.standin.replies import as_bytes
from tests.standin.scripts import Script, ToolCall
from tests.standin.tokens import count, pieces, prompt_tokens

Doubts = Mapping[str, Mapping[str, float]]
OTHERS = (" the", " a", " and", ",", " it", ".")
"""Pieces that are offered as alternatives."""
THOUGHTS = "The question is: {ask} A short answer is enough, and nothing has to be looked up."
"""What a model that shows its reasoning is said to have thought."""
HIDDEN = {"minimal": 0, "low": 64, "medium": 128, "high": 256}
"""Tokens of a reasoning that is not shown, by effort; counts of it come in multiples of 64."""


@dataclass(frozen=True)
class Choice:
    """One of the choices of an answer.

    ``logs`` are the log probabilities of its pieces, if they were asked for. ``reasoning`` is the
    text of the reasoning where the family shows it, ``hidden`` the number of tokens of a reasoning
    that nobody sees.
    """

    text: str
    finish_reason: str
    tool_calls: tuple[ToolCall, ...] = ()
    logs: list[Json] | None = None
    reasoning: str = ""
    hidden: int = 0

    @property
    def tokens(self) -> int:
        """The number of tokens of the text and of the calls."""
        calls = sum(count(call.name) + count(call.arguments) for call in self.tool_calls)
        return count(self.text) + calls

    @property
    def reasoning_tokens(self) -> int:
        """The number of tokens of the reasoning, seen or not."""
        return self.hidden + count(self.reasoning)


@dataclass(frozen=True)
class Answer:
    """The answer of ``model`` to ``call``, before it takes the shape of its ``family``.

    ``completion_tokens`` has the reasoning in it. The times are milliseconds (see ``scripts``).
    """

    call: Call
    family: Family
    model: str
    choices: tuple[Choice, ...]
    prompt_tokens: int
    completion_tokens: int
    first_ms: float
    pace_ms: float
    filter_ran: bool = True

    @property
    def is_dated(self) -> bool:
        """Whether it names the dated version of the model, not the deployment."""
        return self.family == "gpt" and self.model in DEPLOYMENTS

    @property
    def reasoning_tokens(self) -> int:
        """The number of tokens of the reasoning of all choices."""
        return sum(choice.reasoning_tokens for choice in self.choices)

    @property
    def follows_tool(self) -> bool:
        """Whether the request ends with a tool's answer."""
        return bool(self.call.messages[-1]["role"] == "tool")

    @property
    def usage_wanted(self) -> bool:
        """Whether a stream was asked to end with the usage."""
        return bool((self.call.body.get("stream_options") or {}).get("include_usage"))

    @property
    def first_piece_ms(self) -> float:
        """Milliseconds until the first piece is sent, after a reasoning that is not shown."""
        return self.first_ms + self.pace_ms * sum(choice.hidden for choice in self.choices)

    @property
    def whole_ms(self) -> float:
        """Milliseconds until an answer in one part is sent: as long as its stream takes."""
        return self.first_ms + self.pace_ms * max(0, self.completion_tokens - 1)


def compose(call: Call, script: Script, fault: str) -> Answer:
    """Return the answer of ``script``, changed as the fault of this name says."""
    family = find(call.model).family(call.route)
    if family == "grok" and script.by_gpt:
        family = "gpt"
    choices = [spoil(choice, fault) for choice in choose(call, script, family)]
    if call.body.get("logprobs"):
        top = call.body.get("top_logprobs") or 0
        choices = [replace(c, logs=logprobs(c.text, top, script.doubts)) for c in choices]
    return Answer(
        call=call,
        family=family,
        model=call.model,
        choices=tuple(choices),
        prompt_tokens=prompt_tokens(call.body),
        completion_tokens=sum(choice.reasoning_tokens + choice.tokens for choice in choices),
        first_ms=script.first_ms,
        pace_ms=script.pace_ms,
        filter_ran=fault != "filter-down",
    )


def choose(call: Call, script: Script, family: Family) -> Iterator[Choice]:
    """Yield as many choices as the request's ``n`` asks for."""
    made = script.calls_for(call)
    for _ in range(call.body.get("n") or 1):
        if made:
            # OpenAI's models say "stop" if the request named the function to call.
            reason = "stop" if family == "gpt" and call.named_tool else "tool_calls"
            choice = Choice("", reason, made)
        else:
            choice = cut(script.answer or fallback(call), call.body, script.filtered_after)
        if find(call.model).reasons:
            shown = script.thoughts or THOUGHTS.format(ask=call.ask[:80])
            choice = think(choice, call, family, shown)
        yield choice


def think(choice: Choice, call: Call, family: Family, shown: str) -> Choice:
    """Return ``choice`` with a reasoning before it, for which the limit of tokens holds too.

    ``shown`` is its text, where the family shows one.
    """
    effort = call.body.get("reasoning_effort") or "medium"
    if find(call.model).think_tags:
        return cut(f"<think>\n{shown}\n</think>\n\n{choice.text}", call.body, None)
    if family in ("gpt", "grok"):
        thought = replace(choice, hidden=HIDDEN.get(effort, HIDDEN["medium"]))
    else:
        thought = replace(choice, reasoning=shown)
    limit = call.body.get("max_completion_tokens") or call.body.get("max_tokens")
    if limit is None or thought.reasoning_tokens + choice.tokens <= limit:
        return thought
    left = limit - thought.reasoning_tokens
    if left > 0:
        text = "".join(pieces(choice.text)[:left])
        return replace(thought, text=text, tool_calls=(), finish_reason="length")
    reasoning = "".join(pieces(thought.reasoning)[:limit])
    return Choice("", "length", reasoning=reasoning, hidden=min(thought.hidden, limit))


def fallback(call: Call) -> str:
    """Return the answer to a question without a script."""
    words = (
        "This is the stand-in endpoint. No model is here, only scripts, and it has no script for"
        f" this question: {call.ask[:200]}"
    )
    return as_bytes({"stand_in": words}).decode() if call.wants_json else words


def cut(text: str, body: Json, filtered_after: int | None) -> Choice:
    """Cut ``text`` at the first stop text, the limit of tokens or where the content filter acts."""
    stop = body.get("stop") or ()
    ends = [text.find(part) for part in ([stop] if isinstance(stop, str) else stop)]
    text = text[: min((at for at in ends if at >= 0), default=None)]
    limits = [
        (filtered_after, "content_filter"),
        (body.get("max_tokens"), "length"),
        (body.get("max_completion_tokens"), "length"),
    ]
    reason, cuts = "stop", pieces(text)
    for limit, why in limits:
        if limit is not None and len(cuts) > limit:
            reason, cuts = why, cuts[:limit]
    return Choice("".join(cuts), reason)


def spoil(choice: Choice, fault: str) -> Choice:
    """Return ``choice`` with its text or finish reason changed as ``fault`` says."""
    match fault:
        case "unknown-finish-reason":
            return replace(choice, finish_reason="model_length")
        case "filtered-output":
            return Choice("".join(pieces(choice.text)[:5]), "content_filter")
        case "filtered-output-emptied":
            return replace(choice, text="")
    return choice


def logprobs(text: str, top: int, doubts: Doubts) -> list[Json]:
    """Return invented log probabilities in OpenAI's shape, the same for the same text.

    Pieces have probabilities above 0.9, except those in ``doubts``: for each of these the script
    gives its probability and those of alternatives. Each comes with ``top`` of them at most.
    """
    return [logprob(piece, spot, top, doubts) for spot, piece in enumerate(pieces(text))]


def logprob(piece: str, spot: int, top: int, doubts: Doubts) -> Json:
    """Return a piece with its log probability and at most ``top`` alternatives."""
    sure = 0.91 + 0.089 * int(digest(piece, spot)[:8], 16) / 0xFFFFFFFF
    chances = dict(doubts.get(piece, {piece: sure}))
    others = [other for other in OTHERS if other not in chances]
    first, left = int(digest(spot)[:8], 16), 1 - sum(chances.values())
    for rank in range(1, min(top - len(chances), len(others)) + 1):
        # Each gets half of what is left, so that all chances together stay below 1.
        chances[others[(first + rank) % len(others)]] = left * 0.5**rank
    ranked = sorted(chances.items(), key=lambda known: -known[1])[:top]
    return token(piece, chances[piece]) | {"top_logprobs": [token(*known) for known in ranked]}


def token(piece: str, chance: float) -> Json:
    """Return a piece, the logarithm of its probability, and its bytes."""
    raw = piece.encode("utf-8", errors="replace")
    return {"token": piece, "logprob": round(math.log(chance), 6), "bytes": list(raw)}
