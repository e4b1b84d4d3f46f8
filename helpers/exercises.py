"""The exercise of each lesson: cases on which an answer is tried, and a hint. No model is needed.

An answer is a function. ``check`` calls it with each case, and says in words what went wrong first.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from textwrap import fill
from typing import Any, TypeVar

from helpers.client.errors import ConfigurationError, ContentFilterError
from helpers.client.exchange import Exchange
from helpers.client.messages import JSON
from helpers.client.responses import ChatCompletions, StreamingChatCompletionsUpdate

T = TypeVar("T")


@dataclass(frozen=True)
class Case:
    """Call the answer with ``argument``, described by ``given``; it should return ``expected``."""

    given: str
    argument: Any
    expected: Any


_HOST = "https://my-resource.services.ai.azure.com"
_WITHOUT_RANGE = {"seed": 42, "stop": ["."], "max_tokens": 500}
_ASK = {"role": "user", "content": "When is the next train?"}


def _completion(*choices: JSON, **fields: Any) -> ChatCompletions:
    return ChatCompletions({"choices": list(choices), **fields})


def _ended(finish_reason: str, text: str | None = None) -> ChatCompletions:
    return _completion({"finish_reason": finish_reason, "message": {"content": text}})


def _updates(*pieces: tuple[float, str | None]) -> list[StreamingChatCompletionsUpdate]:
    """Return updates from the elapsed seconds and the text of each; None: it has no choice."""
    return [
        StreamingChatCompletionsUpdate(
            {"choices": [] if text is None else [{"delta": {"content": text}}]}, elapsed
        )
        for elapsed, text in pieces
    ]


def _tokens(*known: tuple[str, float], other: float = -10) -> list[JSON]:
    """Return tokens as in ``logprobs``; ``other`` is the logprob of an alternative to each."""
    tokens = [{"token": text, "logprob": logprob} for text, logprob in known]
    return [one | {"top_logprobs": [one, {"token": " else", "logprob": other}]} for one in tokens]


_MILD, _SEVERE = {"filtered": False, "severity": "low"}, {"filtered": True, "severity": "high"}
_HARMLESS, _ATTACK = {"filtered": False, "detected": True}, {"filtered": True, "detected": True}


def _filter(**verdicts: JSON) -> JSON:
    return {"content_filter_results": verdicts}


def _refusal(**verdicts: JSON) -> ContentFilterError:
    error = {"code": "content_filter"} | ({"innererror": _filter(**verdicts)} if verdicts else {})
    exchange = Exchange("POST", "", {}, {}, 400, "Bad Request", {}, {"error": error}, 0.2)
    return ContentFilterError(exchange=exchange)


def _calls(*ids: str) -> JSON:
    made = {"name": "next_train", "arguments": "{}"}
    calls = [{"id": name, "type": "function", "function": dict(made)} for name in ids]
    return {"role": "assistant", "tool_calls": calls}


def _result(call_id: str) -> JSON:
    return {"role": "tool", "tool_call_id": call_id, "content": "{}"}


def _thinker(needed: int, text: str = "", reason: str = "length") -> Callable[[int], Any]:
    """Return a model that thinks up ``needed`` tokens, then says how many it was allowed.

    With fewer it ends for ``reason``, with ``text``.
    """

    def ask(budget: int) -> ChatCompletions:
        if budget > 1600:
            raise ValueError(f"a budget of {budget} is more than 1600")
        return _ended("stop", f"with {budget}") if budget > needed else _ended(reason, text)

    return ask


def _body(**fields: Any) -> JSON:
    return {"model": "my-deployment", **fields}


_FUNCTION = {"name": "next_train", "parameters": {"type": "object", "properties": {}}}
_ROUND = [_ASK, _calls("a"), _result("a")]

CASES: dict[str, tuple[Case, ...]] = {
    "00-start-here": (
        Case("the article's form", f"{_HOST}/models", "models"),
        Case("its successor", "https://my-resource.openai.azure.com/openai/v1", "v1"),
        Case("the same with a slash at the end", f"{_HOST}/openai/v1/", "v1"),
        Case("a resource with no route", _HOST, None),
        Case("a resource named models", "https://models.services.ai.azure.com", None),
    ),
    "01-basic-call": (
        Case("a finished answer", _ended("stop"), False),
        Case("one cut by max_tokens", _ended("length"), True),
        Case("one cut by the content filter", _ended("content_filter"), True),
        Case("one that calls a tool", _ended("tool_calls"), False),
        Case("an answer without any choice", _completion(), False),
    ),
    "02-streaming": (
        Case("text from the second update on", _updates((0.3, ""), (0.5, "Hi"), (0.6, "!")), 0.5),
        Case("text at once", _updates((0.2, "Hello")), 0.2),
        Case("a first update without a choice", _updates((0.1, None), (0.4, "Yes")), 0.4),
        Case("no text at all", _updates((0.3, "")), None),
    ),
    "03-parameters": (
        Case("a temperature that is too high", {"temperature": 1.5}, {"temperature": 1}),
        Case("one below zero", {"temperature": -0.5}, {"temperature": 0}),
        Case("one that fits", {"temperature": 0.2}, {"temperature": 0.2}),
        Case("a penalty far below zero", {"frequency_penalty": -3}, {"frequency_penalty": -2}),
        Case("a penalty that is too high", {"presence_penalty": 2.5}, {"presence_penalty": 2}),
        Case("a top_p that is too high", {"top_p": 1.2}, {"top_p": 1}),
        Case("options without such a range", _WITHOUT_RANGE, _WITHOUT_RANGE),
        Case("a temperature that is None", {"temperature": None}, {"temperature": None}),
    ),
    "04-json-mode": (
        Case("an object", _ended("stop", '{"answer": "seven"}'), {"answer": "seven"}),
        Case("an empty object", _ended("stop", "{}"), {}),
        Case("an answer that was cut", _ended("length", '{"answer": "sev'), None),
        Case(
            "one cut by the filter, yet whole",
            _ended("content_filter", '{"answer": "seven"}'),
            None,
        ),
        Case("JSON inside a sentence", _ended("stop", 'Here: {"answer": "seven"}'), None),
        Case("a list", _ended("stop", '["seven"]'), None),
        Case("a number", _ended("stop", "7"), None),
        Case("an answer without text", _ended("stop", ""), None),
        Case("an answer without any choice", _completion(), None),
    ),
    "05-extra-parameters": (
        Case("a doubt in the middle", _tokens((" a", -0.1), (" b", -2.5), (" c", -0.3)), " b"),
        Case("a doubt at the start", _tokens(("So", -1.2), (" it", -0.9), (" is", 0.0)), "So"),
        Case("alternatives less likely still", _tokens(("x", -1.0), ("y", -0.2), other=-9.0), "x"),
        Case("a single token, which is certain", _tokens(("Yes", 0.0)), "Yes"),
        Case("no token at all", _tokens(), None),
    ),
    "06-tools": (
        Case("a question alone", [_ASK], []),
        Case("a call at the end", [_ASK, _calls("a")], ["a"]),
        Case("a call with its answer", _ROUND, []),
        Case("two calls, one answered", [_ASK, _calls("a", "b"), _result("a")], ["b"]),
        Case("three calls, one answered", [_ASK, _calls("c", "b", "a"), _result("a")], ["c", "b"]),
        Case("two rounds", [*_ROUND, _calls("b", "c"), _result("c")], ["b"]),
        Case("a conversation that ends in words", [*_ROUND, {"role": "assistant"}], []),
    ),
    "07-content-safety": (
        Case("a refused prompt", _refusal(hate=_MILD, violence=_SEVERE), ["violence"]),
        Case(
            "two reasons", _refusal(violence=_SEVERE, jailbreak=_ATTACK), ["jailbreak", "violence"]
        ),
        Case("a refusal without details", _refusal(), []),
        Case("an error before anything was sent", ContentFilterError(), []),
        Case("an answer that was cut", _completion(_filter(self_harm=_SEVERE)), ["self_harm"]),
        Case(
            "a category filtered in prompt and answer",
            _completion(_filter(hate=_SEVERE), prompt_filter_results=[_filter(hate=_SEVERE)]),
            ["hate"],
        ),
        Case("nothing filtered", _completion(_filter(hate=_MILD, jailbreak=_HARMLESS)), []),
        Case("an answer without verdicts", _ended("stop"), []),
    ),
    "08-images": (
        Case("a photo on its side", (4096, 3072), (1024, 768)),
        Case("a photo held upright", (3072, 4096), (768, 1024)),
        Case("a small picture", (640, 480), (640, 480)),
        Case("a very long picture", (10240, 4), (1024, 1)),
    ),
    "09-moving-to-v1": (
        Case("a question alone", _body(messages=[_ASK]), _body(input=[_ASK])),
        Case(
            "a limit with the older name",
            _body(messages=[_ASK], max_tokens=100),
            _body(input=[_ASK], max_output_tokens=100),
        ),
        Case(
            "a limit with the newer name",
            _body(messages=[_ASK], max_completion_tokens=100),
            _body(input=[_ASK], max_output_tokens=100),
        ),
        Case(
            "a parameter that keeps its name",
            _body(messages=[_ASK], temperature=0),
            _body(input=[_ASK], temperature=0),
        ),
        Case(
            "a tool",
            _body(messages=[_ASK], tools=[{"type": "function", "function": _FUNCTION}]),
            _body(input=[_ASK], tools=[{"type": "function", **_FUNCTION}]),
        ),
    ),
    "10-reasoning-models": (
        Case("a model that hardly thinks", _thinker(20), "with 100"),
        Case("one that needs 150 tokens to think", _thinker(150), "with 200"),
        Case("one that needs 1500", _thinker(1500), "with 1600"),
        Case("one that never ends", _thinker(9999), None),
        Case("an answer that was cut in the middle", _thinker(500, "Three ho"), "Three ho"),
        Case("one that the filter has emptied", _thinker(9999, reason="content_filter"), ""),
    ),
}

HINTS = {
    "00-start-here": "`endpoint.rstrip('/')` takes a slash off the end, and `.endswith(...)` "
    "looks at the end of a text. The host name does not matter.",
    "01-basic-call": "Compare `completion.finish_reason` with the two words that mean "
    "that something is missing: `length` and `content_filter`.",
    "02-streaming": "Go through the updates in order, and return the `elapsed` of the first one "
    "whose `content` is not empty. After the loop there was none.",
    "03-parameters": "Make a dict of the ranges, such as {'temperature': (0, 1)}, with four names. "
    "`min(max(value, low), high)` moves a number into a range. Mind None, and build a new dict.",
    "04-json-mode": "First compare the `finish_reason` with `stop`. Then `json.loads`, and "
    "`except json.JSONDecodeError`. Last ask `isinstance(..., dict)`.",
    "05-extra-parameters": "`min(tokens, key=...)` finds the token with the lowest value. A "
    "logprob can be compared as it is, without `exp`. Look first whether the list is empty.",
    "06-tools": "Collect the ids of all calls, message by message. Then collect the "
    "`tool_call_id` of each message whose role is tool, and keep the ids that are not among them.",
    "07-content-safety": "`filter_results(outcome).values()` gives a dictionary for the prompt and "
    "one for the answer. Go through the `.items()` of each, collect the names whose verdict is "
    "`.filtered` in a set, and `sorted` makes a list of it.",
    "08-images": "Divide 1024 by the longer side, and take 1 if that is more. Multiply both sides "
    "by it. `round` makes whole numbers, and `max(1, ...)` keeps a side from becoming 0.",
    "09-moving-to-v1": "Make a dict of old and new names; `messages` and `input` are one pair. "
    "`{names.get(name, name): value for name, value in body.items()}` renames. Then, if there are "
    "tools, make a flat dict of each: its type, and all that its `function` holds.",
    "10-reasoning-models": "A loop over (100, 200, 400, 800, 1600) asks at most five times. Return "
    "the content as soon as there is one, or the `finish_reason` is not `length`. After the loop "
    "there was nothing: return None.",
}


def check(lesson: str, answer: Callable[[Any], Any]) -> str:
    """Try ``answer`` on the cases of ``lesson``; return a sentence with Right or Not yet first.

    Raise ``ConfigurationError`` for a lesson without an exercise, and nothing that the answer
    raises.
    """
    name = getattr(answer, "__name__", "your answer")
    cases = _of_lesson(CASES, lesson)
    for case in cases:
        try:
            got = answer(deepcopy(case.argument))  # an answer may change its argument
        except Exception as reason:
            did = f"raises {type(reason).__name__}:\n{reason}"
        else:
            if type(got) is type(case.expected) and got == case.expected:
                continue
            did = f"gives {got!r}, not {case.expected!r}."
        return f"Not yet: for {case.given}, {name} {did}\nFor a hint, run: hint({lesson!r})"
    return f"Right: {name} passes all {len(cases)} cases."


def hint(lesson: str) -> str:
    """Return how to begin the exercise of ``lesson``.

    Raise ``ConfigurationError`` for a lesson without an exercise.
    """
    return fill(_of_lesson(HINTS, lesson), 90, break_long_words=False, break_on_hyphens=False)


def _of_lesson(table: Mapping[str, T], lesson: str) -> T:
    with suppress(KeyError, TypeError):  # TypeError: it can't be hashed
        return table[lesson]
    raise ConfigurationError(
        f"There is no exercise {lesson!r}.", advice=f"use one of {', '.join(table)}."
    )
