"""Make an answer from a script: choose the text, cut it where the request says, count tokens."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tests.standin.calls import Call
from tests.standin.deployments import DEPLOYMENTS, Family, find
from tests.standin.faults import Fault
from tests.standin.logprobs import Doubts
from tests.standin.replies import as_bytes
from tests.standin.scripts import FIRST_MS, PACE_MS, Script, ToolCall
from tests.standin.tokens import count, image_tokens, pieces, prompt_tokens

THOUGHTS = "The question is: {ask} A short answer is enough, and nothing has to be looked up."
"""What a model that shows its reasoning is said to have thought."""
HIDDEN = {"minimal": 0, "low": 64, "medium": 128, "high": 256}
"""Tokens of a reasoning that is not shown, by effort; counts of it come in multiples of 64."""


@dataclass(frozen=True)
class Choice:
    """One of the choices of an answer.

    ``reasoning`` is the text of the reasoning where the family shows it, ``hidden`` the number of
    tokens of a reasoning that nobody sees.
    """

    text: str
    finish_reason: str
    tool_calls: tuple[ToolCall, ...] = ()
    logs: dict[str, Any] | None = None  # a model's; without them the script's doubts make some
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
    """An answer before it takes the shape of its ``family``.

    ``dated``: the answer names the dated version of the model. ``top`` is how many alternatives
    each piece's log probability comes with (None: no log probabilities), ``doubts`` which pieces
    are unsure, ``usage_wanted`` whether a stream was asked to end with the usage. ``after_tool``:
    the request ends with a tool's answer. ``completion_tokens`` has the reasoning in it.
    """

    family: Family
    model: str
    id: str
    choices: tuple[Choice, ...]
    prompt_tokens: int
    completion_tokens: int
    top: int | None
    usage_wanted: bool
    dated: bool = False
    image_tokens: int = 0
    reasoning_tokens: int = 0
    after_tool: bool = False
    filter_ran: bool = True
    first_ms: float = FIRST_MS
    pace_ms: float = PACE_MS
    cut_after: int | None = None
    doubts: Doubts = field(default_factory=dict)

    @property
    def first_piece_ms(self) -> float:
        """Milliseconds until the first piece is sent, after a reasoning that is not shown."""
        return self.first_ms + self.pace_ms * sum(choice.hidden for choice in self.choices)

    @property
    def whole_ms(self) -> float:
        """Milliseconds until an answer in one part is sent: as long as its stream takes."""
        return self.first_ms + self.pace_ms * max(0, self.completion_tokens - 1)


def compose(call: Call, script: Script | None, fault: Fault | None) -> Answer:
    """Return the answer of ``script`` (None: the fallback), changed as ``fault`` says."""
    family = family_of(call, script)
    choices = tuple(spoil(choice, fault) for choice in choose(call, script, family))
    if fault and fault.name == "no-choices":
        choices = ()
    body = call.body
    reasoning = sum(choice.reasoning_tokens for choice in choices)
    return Answer(
        family=family,
        model=call.model,
        id=call.id,
        choices=choices,
        prompt_tokens=prompt_tokens(body),
        completion_tokens=reasoning + sum(choice.tokens for choice in choices),
        top=(body.get("top_logprobs") or 0) if body.get("logprobs") else None,
        usage_wanted=bool((body.get("stream_options") or {}).get("include_usage")),
        dated=family == "gpt" and call.model in DEPLOYMENTS,
        image_tokens=image_tokens(body),
        reasoning_tokens=reasoning,
        after_tool=call.messages[-1]["role"] == "tool",
        filter_ran=not (fault and fault.name == "filter-down"),
        first_ms=script.first_ms if script else FIRST_MS,
        pace_ms=script.pace_ms if script else PACE_MS,
        cut_after=script.cut_after if script else None,
        doubts=script.doubts if script else {},
    )


def family_of(call: Call, script: Script | None) -> Family:
    """Return the deployment's family; a script may say that OpenAI's models answer, not grok."""
    family = find(call.model).family(call.route)
    return "gpt" if family == "grok" and script and script.by_gpt else family


def choose(call: Call, script: Script | None, family: Family) -> Iterator[Choice]:
    """Yield as many choices as the request's ``n`` asks for."""
    texts: Sequence[str] = script.answer if script else ()
    made = script.calls_for(call) if script else ()
    filtered_after = script.filtered_after if script else None
    for at in range(call.body.get("n") or 1):
        if texts:
            text = texts[variant(call.body, call.asked + at, at) % len(texts)]
        else:
            text = "" if made else fallback(call)
        if made:
            choice = Choice(text, tool_finish(call, family), made)
        else:
            choice = cut(text, call.body, filtered_after)
        if find(call.model).reasons:
            shown = script.thoughts if script else ""
            choice = think(choice, call, family, shown or THOUGHTS.format(ask=call.ask[:80]))
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


def variant(body: dict[str, Any], turn: int, at: int) -> int:
    """Return which of several answers to give: by the seed, else the next one each time."""
    seed = body.get("seed")
    return turn if seed is None else int(seed) + at


def tool_finish(call: Call, family: Family) -> str:
    """Return the reason: OpenAI's models say "stop" if the request named the function to call."""
    return "stop" if family == "gpt" and call.named_tool else "tool_calls"


def fallback(call: Call) -> str:
    """Return the answer to a question without a script."""
    words = (
        "This is the stand-in endpoint. No model is here, only scripts, and it has no script for"
        f" this question: {call.ask[:200]}"
    )
    return as_bytes({"stand_in": words}).decode() if call.wants_json else words


def cut(text: str, body: dict[str, Any], filtered_after: int | None) -> Choice:
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


def spoil(choice: Choice, fault: Fault | None) -> Choice:
    """Return ``choice`` with its text or finish reason changed as ``fault`` says."""
    match fault.name if fault else None:
        case "unknown-finish-reason":
            return replace(choice, finish_reason="model_length")
        case "filtered-output":
            return Choice("".join(pieces(choice.text)[:5]), "content_filter")
        case "filtered-output-emptied":
            return replace(choice, text="")
    return choice
