"""The exercise of each lesson: how an answer to it is checked, and a hint.

An answer is a function. Either ``check`` calls it with each of the ``CASES``, or the answer asks a
model: then it has to send the requests that the solution sends. The solution is run first, with the
client of the lesson, so it is recorded and replayed as the rest of the lesson is. The answer gets
the same replies. A request that differs is not sent.
"""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from textwrap import fill
from typing import Any, TypeVar

import httpx

from helpers.client.client import ChatCompletionsClient
from helpers.client.errors import ConfigurationError
from helpers.client.exchange import map_strings
from helpers.client.messages import JSON
from helpers.client.responses import ChatCompletions
from helpers.recordings.replay import differences, to_recorded
from helpers.solutions import SOLUTIONS

T = TypeVar("T")


@dataclass(frozen=True)
class Case:
    """Call the answer with ``argument``, described by ``given``; it should return ``expected``."""

    given: str
    argument: Any
    expected: Any


_HOST = "https://my-resource.services.ai.azure.com"
_WITHOUT_RANGE = {"seed": 42, "stop": ["."], "max_tokens": 500}


def _completion(*choices: JSON, **fields: Any) -> ChatCompletions:
    return ChatCompletions({"choices": list(choices), **fields})


def _ended(finish_reason: str, text: str | None = None) -> ChatCompletions:
    return _completion({"finish_reason": finish_reason, "message": {"content": text}})


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


_ASK = {"role": "user", "content": "When does the next train leave?"}
_FUNCTION = {"name": "next_train", "parameters": {"type": "object", "properties": {}}}

CASES: dict[str, tuple[Case, ...]] = {
    "00-start-here": (
        Case("the article's form", f"{_HOST}/models", "models"),
        Case("its successor", "https://my-resource.openai.azure.com/openai/v1", "v1"),
        Case("the same with a slash at the end", f"{_HOST}/openai/v1/", "v1"),
        Case("a resource with no route", _HOST, None),
        Case("a resource named models", "https://models.services.ai.azure.com", None),
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
    "01-basic-call": "The second request holds three messages: the first question, the model's "
    "message (`first.message`), and the second question. An answer is cut off if its "
    "`finish_reason` is `length` or `content_filter`.",
    "02-streaming": "Add each `update.content` to a text, and count it if it is not empty. When "
    "the text ends in a full stop (`text.endswith('.')`), append the pair to the list, and start "
    "with an empty text. After the loop the text may hold a rest.",
    "03-parameters": "Make a dict of the ranges, such as {'temperature': (0, 1)}, with four names. "
    "`min(max(value, low), high)` moves a number into a range. Mind None, and build a new dict.",
    "04-json-mode": "First compare the `finish_reason` with `stop`. Then `json.loads`, and "
    "`except json.JSONDecodeError`. Last ask `isinstance(..., dict)`.",
    "05-extra-parameters": "Of the two `top_logprobs` of an entry, the other one is that whose "
    "`token` differs. `exp` of a `logprob` is a probability: compare that of the other token with "
    "half of that of the entry.",
    "06-tools": "Go through `asking.message.tool_calls`, all of them. For each one append a "
    "message: `tools.answer(call)` if `call.function.name` is `next_train`, else "
    "`ToolMessage('The person said no.', tool_call_id=call.id)`.",
    "07-content-safety": "Put the call into `try`, and take the `ContentFilterError` in place of "
    "the completion. `filter_results(outcome).values()` gives a dictionary for the prompt and one "
    "for the answer. Go through the `.items()` of each, collect the names whose verdict is "
    "`.filtered` in a set, and `sorted` makes a list of it.",
    "08-images": "`prepare(path, 512)` makes the picture smaller, and `picture.item('low')` is the "
    "item with a detail. What a picture costs is in `completion.usage.prompt_tokens`.",
    "09-moving-to-v1": "Make a dict of old and new names; `messages` and `input` are one pair. "
    "`{names.get(name, name): value for name, value in body.items()}` renames. Then, if there are "
    "tools, make a flat dict of each: its type, and all that its `function` holds.",
    "10-reasoning-models": "A loop over (100, 200, 400, 800, 1600) asks at most five times. Return "
    "the content as soon as there is one, or the `finish_reason` is not `length`. After the loop "
    "there was nothing: return None.",
}


def check(lesson: str, answer: Callable[..., Any], *given: Any) -> str:
    """Try ``answer`` on the exercise of ``lesson``; return a text with Right or Not yet first.

    ``given`` is what an answer that asks a model is called with: the client of the lesson, and
    whatever else it needs. Raise ``ConfigurationError`` for a lesson without an exercise, or
    without the client that it needs, and nothing that the answer raises.
    """
    name = getattr(answer, "__name__", "your answer")
    solve = _of_lesson(SOLUTIONS, lesson)
    if cases := CASES.get(lesson):
        problem = _try_cases(cases, answer, name)
        right = f"{name} passes all {len(cases)} cases."
    elif given and isinstance(given[0], ChatCompletionsClient):
        problem = _try_requests(solve, answer, name, *given)
        right = f"{name} sends what it should, and gives what it should."
    else:
        raise ConfigurationError(
            f"The exercise {lesson!r} asks a model.", advice="give check the client of the lesson."
        )
    if problem:
        return f"Not yet: {problem}\nFor a hint, run: print(exercises.hint({lesson!r}))"
    return f"Right: {right}"


def hint(lesson: str) -> str:
    """Return how to begin the exercise of ``lesson``.

    Raise ``ConfigurationError`` for a lesson without an exercise.
    """
    return fill(_of_lesson(HINTS, lesson), 90, break_long_words=False, break_on_hyphens=False)


def solution(lesson: str) -> str:
    """Return the code of a solution to the exercise of ``lesson``.

    Raise ``ConfigurationError`` for a lesson without an exercise.
    """
    return inspect.getsource(_of_lesson(SOLUTIONS, lesson))


def _try_cases(cases: Sequence[Case], answer: Callable[..., Any], name: str) -> str:
    """Return what is wrong with ``answer`` in the first case that it fails; empty if nothing is."""
    for case in cases:
        given = deepcopy(case.argument)  # an answer may change its argument
        if problem := _problem(answer, given, expected=case.expected):
            return f"for {case.given}, {name} {problem}"
    return ""


def _try_requests(
    solve: Callable[..., Any],
    answer: Callable[..., Any],
    name: str,
    client: ChatCompletionsClient,
    *given: Any,
) -> str:
    """Return how ``answer`` differs from the solution in request or result; empty if it doesn't."""
    asked: list[tuple[JSON, httpx.Response]] = []

    def send(request: httpx.Request) -> httpx.Response:
        response = client.transport.handle_request(request)
        with closing(response):
            response.read()
        asked.append((to_recorded(request), response))
        return response

    try:
        expected = solve(client.with_options(transport=httpx.MockTransport(send)), *given)
    except Exception as failure:  # a live model may refuse, or not answer what was asked
        return f"the solution fails with this client: {type(failure).__name__}:\n{failure}"
    replies = _Replies(asked, name)
    problem = _problem(answer, client.with_options(transport=replies), *given, expected=expected)
    if replies.problem:
        return replies.problem
    if replies.left and not problem:
        problem = "gives what it should. Send the others too, with the client that it is given."
    done = len(asked) - len(replies.left)
    return problem and f"after {done} of {len(asked)} requests, {name} {problem}"


class _Replies(httpx.BaseTransport):
    """Answer the requests of the solution, in their order, and raise ``LookupError`` for others.

    ``left`` holds those that have not come yet, ``problem`` says what was wrong with another.
    """

    def __init__(self, asked: Sequence[tuple[JSON, httpx.Response]], name: str) -> None:
        self.left, self.problem = list(asked), ""
        self._total, self._name = len(asked), name

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        sent = to_recorded(request)
        # The client may know by now what the model has refused in the solution.
        while len(self.left) > 1 and self.left[0][0] != sent and self.left[0][1].is_error:
            del self.left[0]
        if self.left and self.left[0][0] == sent:
            reply = self.left.pop(0)[1]  # it is read already, and the client needs a new one
            headers = {k: v for k, v in reply.headers.items() if k != "content-encoding"}
            return httpx.Response(reply.status_code, headers=headers, content=reply.content)
        self.problem = f"{self._name} sends more requests than the solution ({self._total})."
        if self.left:
            number = self._total - len(self.left) + 1
            wanted, sent = (map_strings(one, _shorten_hash) for one in (self.left[0][0], sent))
            differing = differences(wanted, sent, ("expected", "yours"))
            told = [f"request {number} of {self._name} differs, so it was not sent:", *differing]
            self.problem = "\n".join(told)
        raise LookupError(self.problem)


_shorten_hash = partial(
    re.compile(r"data:([\w/]+);base64,\((\d+ characters), SHA-256 (\w{8})\w+\)").sub, r"\1, \2, \3…"
)
"""Shortens what a recording keeps of a picture. JupyterLab would make a link of a data URL."""


def _problem(answer: Callable[..., Any], *given: Any, expected: Any) -> str:
    """Return what ``answer`` does with ``given``, in words; empty if it returns ``expected``."""
    try:
        got = answer(*given)
    except Exception as reason:
        return f"raises {type(reason).__name__}:\n{reason}"
    if type(got) is type(expected) and got == expected:
        return ""
    return f"gives {got!r}, not {expected!r}."


def _of_lesson(table: Mapping[str, T], lesson: str) -> T:
    with suppress(KeyError, TypeError):  # TypeError: it can't be hashed
        return table[lesson]
    raise ConfigurationError(
        f"There is no exercise {lesson!r}.", advice=f"use one of {', '.join(table)}."
    )
