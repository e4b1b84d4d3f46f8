"""Check an answer to the exercise of a lesson, or show a hint or a solution.

The hints are in ``lessons.toml``, the solutions in ``solutions.py``.

An answer is a function that has to do what the solution does. Either ``check`` calls both with each
of the ``CASES`` below, or they ask a model: then the answer has to send the requests that the
solution sends. The solution is run first, with the client of the lesson, so it is recorded and
replayed as the rest of the lesson is. The answer gets the same replies. A request that differs is
not sent.
"""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from copy import deepcopy
from functools import partial
from textwrap import fill
from typing import Any, TypeVar

import httpx

from helpers.client.client import ChatCompletionsClient
from helpers.client.errors import ConfigurationError
from helpers.client.messages import JSON
from helpers.client.redaction import map_strings
from helpers.client.responses import ChatCompletions
from helpers.lessons import LESSONS
from helpers.recordings.replay import differences, to_recorded
from helpers.solutions import SOLUTIONS

T = TypeVar("T")

_HOST = "https://my-resource.services.ai.azure.com"
_QUESTION = {"role": "user", "content": "When does the next train leave?"}
_BODY = {"model": "my-deployment", "messages": [_QUESTION]}
_TOOL = {
    "type": "function",
    "function": {"name": "next_train", "parameters": {"type": "object", "properties": {}}},
}


def _ended(finish_reason: str, text: str) -> ChatCompletions:
    choice = {"finish_reason": finish_reason, "message": {"content": text}}
    return ChatCompletions({"choices": [choice]})


def _thinker(needed: int, text: str = "", reason: str = "length") -> Callable[[int], Any]:
    """Return a model that thinks up ``needed`` tokens, then says how many it was allowed.

    With fewer it ends for ``reason``, with ``text``.
    """

    def ask(budget: int) -> ChatCompletions:
        if budget > 1600:
            raise ValueError(f"a budget of {budget} is more than 1600")
        return _ended("stop", f"with {budget}") if budget > needed else _ended(reason, text)

    return ask


CASES: dict[str, dict[str, Any]] = {
    "00-start-here": {
        "the article's form": f"{_HOST}/models",
        "its successor": "https://my-resource.openai.azure.com/openai/v1",
        "the same with a slash at the end": f"{_HOST}/openai/v1/",
        "a resource with no route": _HOST,
        "a resource named models": "https://models.services.ai.azure.com",
    },
    "03-parameters": {
        "a temperature that is too high": {"temperature": 1.5},
        "one below zero": {"temperature": -0.5},
        "one that fits": {"temperature": 0.2},
        "a penalty far below zero": {"frequency_penalty": -3},
        "a penalty that is too high": {"presence_penalty": 2.5},
        "a top_p that is too high": {"top_p": 1.2},
        "options without such a range": {"seed": 42, "stop": ["."], "max_tokens": 500},
        "a temperature that is None": {"temperature": None},
    },
    "04-json-mode": {
        "an object": _ended("stop", '{"answer": "seven"}'),
        "an empty object": _ended("stop", "{}"),
        "an answer that was cut": _ended("length", '{"answer": "sev'),
        "one cut by the filter, yet whole": _ended("content_filter", '{"answer": "seven"}'),
        "JSON inside a sentence": _ended("stop", 'Here: {"answer": "seven"}'),
        "a list": _ended("stop", '["seven"]'),
        "a number": _ended("stop", "7"),
        "an answer without text": _ended("stop", ""),
        "an answer without any choice": ChatCompletions({"choices": []}),
    },
    "09-moving-to-v1": {
        "a question alone": _BODY,
        "a limit with the older name": {**_BODY, "max_tokens": 100},
        "a limit with the newer name": {**_BODY, "max_completion_tokens": 100},
        "a parameter that keeps its name": {**_BODY, "temperature": 0},
        "a tool": {**_BODY, "tools": [_TOOL]},
    },
    "10-reasoning-models": {
        "a model that hardly thinks": _thinker(20),
        "one that needs 150 tokens to think": _thinker(150),
        "one that needs 1500": _thinker(1500),
        "one that never ends": _thinker(9999),
        "an answer that was cut in the middle": _thinker(500, "Three ho"),
        "one that the filter has emptied": _thinker(9999, reason="content_filter"),
    },
}
"""What an answer that asks no model is called with, by what that is."""

HINTS = {lesson.id: lesson.hint for lesson in LESSONS}


def check(lesson: str, answer: Callable[..., Any], *given: Any) -> str:
    """Try ``answer`` on the exercise of ``lesson``; return a text with Right or Not yet first.

    ``given`` is what an answer that asks a model is called with: the client of the lesson, and
    whatever else it needs. Raise ``ConfigurationError`` for a lesson without an exercise, or
    without the client that it needs, and nothing that the answer raises.
    """
    name = getattr(answer, "__name__", "your answer")
    solve = _of_lesson(SOLUTIONS, lesson)
    if cases := CASES.get(lesson):
        problem = _try_cases(cases, solve, answer, name)
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


def _try_cases(
    cases: Mapping[str, Any], solve: Callable[..., Any], answer: Callable[..., Any], name: str
) -> str:
    """Return what is wrong with ``answer`` in the first case that it fails; empty if nothing is."""
    for given, argument in cases.items():
        expected = solve(deepcopy(argument))  # an answer may change its argument
        if problem := _problem(answer, deepcopy(argument), expected=expected):
            return f"for {given}, {name} {problem}"
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
    if lesson in table:
        return table[lesson]
    raise ConfigurationError(
        f"There is no exercise {lesson!r}.", advice=f"use one of {', '.join(table)}."
    )
