"""Each exercise accepts its solution and refuses wrong answers."""

import gzip
import json
from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from functools import cache
from typing import Any
from unittest.mock import patch

import httpx
import pytest

from helpers import ChatCompletionsClient, ConfigurationError, UserMessage, solutions
from helpers.client.adapter import ParameterAdapter
from helpers.client.routes import ROUTES, RouteName
from helpers.commands.notebooks import environment
from helpers.exercises import CASES, HINTS, check, hint, solution
from helpers.lessons import LESSONS
from helpers.solutions import SOLUTIONS
from tests.fakes import COMPLETION, Service, answer, client
from tests.fakes import Answer as Reply
from tests.lessons.cells import run_cells
from tests.lessons.wrong_answers import WRONG

ASKING = [lesson for lesson in SOLUTIONS if lesson not in CASES]
"""The lessons whose exercise asks a model."""
each_exercise = pytest.mark.parametrize("lesson", SOLUTIONS)
ASK = {"role": "user", "content": "When does the next train leave?"}
TOOL = {
    "type": "function",
    "name": "next_train",
    "parameters": {"type": "object", "properties": {}},
}
GIVEN_BY_SOLUTION: dict[str, list[Any]] = {
    "00-start-here": ["models", "v1", "v1", None, None],
    "03-parameters": [
        *({"temperature": 1}, {"temperature": 0}, {"temperature": 0.2}),
        *({"frequency_penalty": -2}, {"presence_penalty": 2}, {"top_p": 1}),
        *({"seed": 42, "stop": ["."], "max_tokens": 500}, {"temperature": None}),
    ],
    "04-json-mode": [{"answer": "seven"}, {}, *[None] * 7],
    "09-moving-to-v1": [
        {"model": "my-deployment", "input": [ASK], **more}
        for more in ({}, *[{"max_output_tokens": 100}] * 2, {"temperature": 0}, {"tools": [TOOL]})
    ],
    "10-reasoning-models": ["with 100", "with 200", "with 1600", None, "Three ho", ""],
}
"""What the solution gives in each case: ``check`` compares an answer with that."""


def boom(*given: Any) -> Any:
    raise LookupError("boom")


class Reached(Exception):
    """The lesson has come to its exercise."""


@cache
def given_to(lesson: str, route: RouteName = ROUTES[0]) -> tuple[Any, ...]:
    """Run a lesson up to its exercise; return what it gives ``check`` beside the answer."""
    (notebook,) = (one.notebook for one in LESSONS if one.id == lesson)
    with (
        environment(TUTORIAL_ROUTE=route, TUTORIAL_HEADLESS="1"),
        patch("helpers.exercises.check", side_effect=Reached) as called,
        suppress(Reached),
    ):
        run_cells(notebook)
    named, stub, *given = called.call_args.args
    assert (named, stub.__name__) == (lesson, SOLUTIONS[lesson].__name__)
    return tuple(given)


def test_every_lesson_has_an_exercise_a_hint_and_wrong_answers() -> None:
    ids = [lesson.id for lesson in LESSONS]
    assert [*WRONG] == [*SOLUTIONS] == ids
    assert all(HINTS.values())
    assert set(CASES) < set(ids)
    assert len(ASKING) >= len(ids) / 2


def shown(lesson: str, right: str = "", wrong: str = "") -> Callable[..., Any]:
    """Return the function that ``solution`` shows, with ``right`` in it replaced by ``wrong``."""
    code = solution(lesson)
    assert right in code
    names = dict(vars(solutions))
    exec(code.replace(right, wrong) if right else code, names)
    answer: Callable[..., Any] = names[SOLUTIONS[lesson].__name__]
    return answer


@each_exercise
@pytest.mark.parametrize("route", ROUTES)
def test_the_solution_that_is_shown_is_right(lesson: str, route: RouteName) -> None:
    assert check(lesson, shown(lesson), *given_to(lesson, route)).startswith("Right: ")


@pytest.mark.parametrize("lesson", CASES)
def test_the_solution_gives_what_it_should_in_each_case(lesson: str) -> None:
    def clear(given: Any) -> None:
        for spoil in (lambda: given.clear(), lambda: given.raw.clear()):
            with suppress(AttributeError):
                spoil()

    check(lesson, clear)  # an answer that changes its argument changes no case
    cases = deepcopy(CASES[lesson])
    assert [SOLUTIONS[lesson](given) for given in cases.values()] == GIVEN_BY_SOLUTION[lesson]


@pytest.mark.parametrize(
    ("lesson", "right", "wrong"),
    [(lesson, *change) for lesson, changes in WRONG.items() for change in changes],
)
def test_a_wrong_answer_is_refused(lesson: str, right: str, wrong: str) -> None:
    assert check(lesson, shown(lesson, right, wrong), *given_to(lesson)).startswith("Not yet: ")


@each_exercise
def test_an_error_of_an_answer_is_reported(lesson: str) -> None:
    said = check(lesson, boom, *given_to(lesson))
    assert said.startswith("Not yet: ") and " raises LookupError:\nboom\n" in said


class Yes:
    """Equal to everything."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


@each_exercise
@pytest.mark.parametrize(
    "answer",
    [lambda *_: Yes(), lambda *_: None, lambda a, *_: a, 5],
    ids=["equal to all", "None", "the argument", "no function"],
)
def test_junk_is_refused(lesson: str, answer: Any) -> None:
    assert check(lesson, answer, *given_to(lesson)).startswith("Not yet: ")


@pytest.mark.parametrize("lesson", ASKING)
def test_an_exercise_that_asks_needs_the_client(lesson: str) -> None:
    for given in ((), ("client",)):
        with pytest.raises(ConfigurationError, match="give check the client of the lesson"):
            check(lesson, boom, *given)


@each_exercise
def test_hint_and_solution_are_to_be_asked_for(lesson: str) -> None:
    (notebook,) = (one.notebook for one in LESSONS if one.id == lesson)
    page = notebook.read_text(encoding="utf-8")
    assert f'# print(exercises.hint(\\"{lesson}\\"))' in page
    assert f'# print(exercises.solution(\\"{lesson}\\"))' in page
    assert hint(lesson)[:40] not in page


class Asking:
    """An exercise with one question, on a service that gives prepared answers."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: Reply) -> None:
        monkeypatch.setitem(SOLUTIONS, "new", self.solve)
        self.service = Service(*answers)
        self.client = client(transport=self.service)

    def solve(self, client: ChatCompletionsClient, **options: Any) -> str:
        return client.complete([UserMessage("Hi?")], temperature=0, **options).content

    def check(self, answer: Callable[[ChatCompletionsClient], Any]) -> str:
        return check("new", answer, self.client)


def test_an_answer_can_not_hide_that_its_request_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    asking = Asking(monkeypatch, answer())
    right = asking.solve(client(transport=Service(answer())))

    def ask(client: ChatCompletionsClient) -> str:
        with pytest.raises(LookupError, match="seed: expected nothing, yours 7"):
            asking.solve(client, seed=7)
        return right

    assert "seed: expected nothing, yours 7" in asking.check(ask)


def test_every_request_has_to_be_sent_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    asking = Asking(monkeypatch, answer(), answer())
    right = asking.solve(client(transport=Service(answer())))
    assert "after 0 of 1 requests, <lambda> gives what it should." in asking.check(lambda _: right)
    twice = asking.check(lambda client: asking.solve(client) and asking.solve(client))
    assert twice.startswith("Not yet: <lambda> sends more requests than the solution (1).")


def test_a_number_may_be_written_in_another_way(monkeypatch: pytest.MonkeyPatch) -> None:
    asking = Asking(monkeypatch, answer())
    same = asking.check(lambda c: c.complete([UserMessage("Hi?")], temperature=0.0).content)
    assert same.startswith("Right: ")


def test_a_compressed_answer_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    body = gzip.compress(json.dumps(COMPLETION).encode())
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    asking = Asking(monkeypatch, lambda: httpx.Response(200, headers=headers, content=body))
    assert asking.check(asking.solve).startswith("Right: ")


def test_a_retry_of_the_solution_is_no_request_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    asking = Asking(monkeypatch, answer(429, {"error": {"message": "Too many."}}), answer())
    asking.client = client(transport=asking.service, max_sleep=0)
    assert asking.check(asking.solve).startswith("Right: ")
    assert len(asking.service.requests) == 2


def test_what_the_client_leaves_out_by_then_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    error = {"code": "unsupported_value", "param": "temperature", "message": "Not supported."}
    asking = Asking(monkeypatch, answer(400, {"error": error}), answer())
    asking.client = client(transport=asking.service, adapter=ParameterAdapter(lambda text: None))
    assert asking.check(asking.solve).startswith("Right: ")
    assert "temperature" not in asking.service.body


def test_a_model_that_refuses_the_solution_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    asking = Asking(monkeypatch, answer(400, {"error": {"message": "No temperature."}}))
    said = asking.check(asking.solve)
    assert said.startswith("Not yet: the solution fails with this client: BadParameterError:")
    assert "No temperature." in said


@pytest.mark.parametrize("name", ["99-none", "1", None])
@pytest.mark.parametrize(
    "act", [lambda name: check(name, boom), hint, solution], ids=["check", "hint", "solution"]
)
def test_an_unknown_exercise_is_told_with_the_names_of_all(act: Any, name: Any) -> None:
    with pytest.raises(ConfigurationError) as failure:
        act(name)
    told = " ".join(str(failure.value).split())
    assert told.startswith(f"There is no exercise {name!r}. What to do: use one of 00-start-here,")
    assert all(lesson.id in told for lesson in LESSONS)
