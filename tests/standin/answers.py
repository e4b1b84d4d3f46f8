"""Make an answer from a script: choose the text, cut it where the request says, count tokens."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tests.standin.calls import Call, Route
from tests.standin.faults import Fault
from tests.standin.logprobs import Doubts
from tests.standin.replies import as_bytes
from tests.standin.scripts import FIRST_MS, PACE_MS, Script, ToolCall
from tests.standin.tokens import count, pieces, prompt_tokens


@dataclass(frozen=True)
class Choice:
    """One of the choices of an answer."""

    text: str
    finish_reason: str
    tool_calls: tuple[ToolCall, ...] = ()
    logs: dict[str, Any] | None = None  # a model's; without them the script's doubts make some

    @property
    def tokens(self) -> int:
        """The number of tokens of the text and of the calls."""
        calls = sum(count(call.name) + count(call.arguments) for call in self.tool_calls)
        return count(self.text) + calls


@dataclass(frozen=True)
class Answer:
    """An answer before it takes the shape of its route.

    ``top`` is how many alternatives each piece's log probability comes with (None: no log
    probabilities), ``doubts`` which pieces are unsure, ``usage_wanted`` whether a stream is to end
    with the usage on the v1 route, ``annotated`` whether the content filter's word comes with it.
    """

    route: Route
    model: str
    id: str
    choices: tuple[Choice, ...]
    prompt_tokens: int
    completion_tokens: int
    top: int | None
    usage_wanted: bool
    annotated: bool
    filter_ran: bool = True
    first_ms: float = FIRST_MS
    pace_ms: float = PACE_MS
    cut_after: int | None = None
    doubts: Doubts = field(default_factory=dict)
    fragments: bool = False

    @property
    def whole_ms(self) -> float:
        """Milliseconds until an answer in one part is sent: as long as its stream takes."""
        return self.first_ms + self.pace_ms * max(0, self.completion_tokens - 1)


def compose(call: Call, script: Script | None, fault: Fault | None) -> Answer:
    """Return the answer of ``script`` (None: the fallback), changed as ``fault`` says."""
    choices = tuple(spoil(choice, fault) for choice in choose(call, script))
    if fault and fault.name == "no-choices":
        choices = ()
    body = call.body
    return Answer(
        route=call.route,
        model=call.model,
        id=call.id,
        choices=choices,
        prompt_tokens=prompt_tokens(body),
        completion_tokens=sum(choice.tokens for choice in choices),
        top=(body.get("top_logprobs") or 0) if body.get("logprobs") else None,
        usage_wanted=bool((body.get("stream_options") or {}).get("include_usage")),
        annotated=call.route == "v1" or bool(script and script.annotated),
        filter_ran=not (fault and fault.name == "filter-down"),
        first_ms=script.first_ms if script else FIRST_MS,
        pace_ms=script.pace_ms if script else PACE_MS,
        cut_after=script.cut_after if script else None,
        doubts=script.doubts if script else {},
        fragments=bool(script and script.fragments),
    )


def choose(call: Call, script: Script | None) -> Iterator[Choice]:
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
            yield Choice(text, tool_finish(call), made)
        else:
            yield cut(text, call.body, filtered_after)


def variant(body: dict[str, Any], turn: int, at: int) -> int:
    """Return which of several answers to give: by the seed, else the next one each time."""
    seed = body.get("seed")
    return turn if seed is None else int(seed) + at


def tool_finish(call: Call) -> str:
    """Return the reason: on v1 it is "stop" if the request named the function to call."""
    return "stop" if call.route == "v1" and call.named_tool else "tool_calls"


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
