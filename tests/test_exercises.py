"""The check of each exercise: it accepts the solution, and refuses what is wrong, in words."""

import ast
import json
from collections.abc import Callable
from importlib import import_module
from types import FunctionType
from typing import Any

import pytest

from helpers.exercises import CASES, HINTS, check, hint
from helpers.lessons import LESSONS

Answer = Callable[[Any], Any]


def solution(lesson: str) -> Answer:
    module = import_module(f"tests.solutions.l{lesson.replace('-', '_')}")
    (found,) = (f for f in vars(module).values() if isinstance(f, FunctionType))
    return found


def stub(lesson: str) -> Answer:
    """The function that the notebook holds for the reader to change."""
    path = next(facts.notebook for facts in LESSONS if facts.id == lesson)
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = next("".join(c["source"]) for c in reversed(cells) if "check(" in "".join(c["source"]))
    tree = ast.parse(code)
    tree.body = [part for part in tree.body if isinstance(part, ast.FunctionDef)]
    found: dict[str, Any] = {}
    exec(compile(tree, path.name, "exec"), found)
    return next(f for f in found.values() if isinstance(f, FunctionType))


def raising(_: Any) -> Any:
    raise ZeroDivisionError("division by zero")


@pytest.mark.parametrize("lesson", CASES)
def test_the_solution_is_right(lesson: str) -> None:
    assert check(lesson, solution(lesson)).startswith("Right: ")


@pytest.mark.parametrize("lesson", CASES)
def test_the_stub_is_not_right_yet(lesson: str) -> None:
    verdict = check(lesson, stub(lesson))
    assert verdict.startswith("Not yet: ")


@pytest.mark.parametrize("lesson", CASES)
def test_the_stub_and_the_solution_have_one_name(lesson: str) -> None:
    assert stub(lesson).__name__ == solution(lesson).__name__


@pytest.mark.parametrize("lesson", CASES)
def test_an_answer_that_raises_is_told_what_it_raised(lesson: str) -> None:
    verdict = check(lesson, raising)
    assert verdict.startswith("Not yet: raising raises ZeroDivisionError: division by zero")
    assert CASES[lesson][0].given in verdict


JUNK = [None, True, False, 0, 1, 0.5, "", "models", "v1", "stop", [], {}, object(), NotImplemented]


@pytest.mark.parametrize("lesson", CASES)
@pytest.mark.parametrize("junk", JUNK, ids=[str(n) for n in range(len(JUNK))])
def test_one_answer_to_everything_is_refused(lesson: str, junk: Any) -> None:
    assert check(lesson, lambda _: junk).startswith("Not yet: ")


class Yes:
    """Equal to everything."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize("lesson", CASES)
@pytest.mark.parametrize(
    "answer",
    [lambda _: Yes(), lambda a: a, lambda: None, 5, None],
    ids=["equal to all", "the argument", "no argument", "5", "None"],
)
def test_what_is_no_answer_is_refused(lesson: str, answer: Any) -> None:
    assert check(lesson, answer).startswith("Not yet: ")


NEAR: dict[str, dict[str, Answer]] = {
    "00-start-here": {
        "anywhere": lambda e: "models" if "models" in e else "v1" if "/openai/v1" in e else None,
        "no slash at the end": lambda e: (
            "models" if e.endswith("/models") else "v1" if e.endswith("/v1") else None
        ),
        "by host": lambda e: "v1" if ".openai." in e else "models",
        "models or not": lambda e: "models" if e.rstrip("/").endswith("/models") else "v1",
        "a text for none": lambda e: solution("00-start-here")(e) or "None",
    },
    "01-basic-call": {
        "only the cap": lambda c: c.finish_reason == "length",
        "only the filter": lambda c: c.finish_reason == "content_filter",
        "anything but stop": lambda c: c.finish_reason != "stop",
        "any reason": lambda c: bool(c.finish_reason),
        "the other way round": lambda c: not solution("01-basic-call")(c),
        "1 for true": lambda c: int(solution("01-basic-call")(c)),
        "the first choice": lambda c: c.choices[0].finish_reason in ("length", "content_filter"),
    },
    "02-streaming": {
        "the first update": lambda us: us[0].elapsed if us[0].content else None,
        "the last text": lambda us: max((u.elapsed for u in us if u.content), default=None),
        "any choice": lambda us: next((u.elapsed for u in us if u.choices), None),
        "0 for none": lambda us: next((u.elapsed for u in us if u.content), 0.0),
        "no none": lambda us: next(u.elapsed for u in us if u.content),
        "a text": lambda us: str(solution("02-streaming")(us)),
        "the text itself": lambda us: next((u.content for u in us if u.content), None),
    },
}


@pytest.mark.parametrize(
    ("lesson", "answer"),
    [pytest.param(n, f, id=f"{n}-{why}") for n, near in NEAR.items() for why, f in near.items()],
)
def test_a_near_miss_is_refused(lesson: str, answer: Answer) -> None:
    assert check(lesson, answer).startswith("Not yet: ")


def test_each_lesson_with_an_exercise_has_near_misses_and_a_hint() -> None:
    assert NEAR.keys() == CASES.keys() == HINTS.keys()
    assert CASES.keys() <= {facts.id for facts in LESSONS}
    assert all(len(hint(lesson)) > 40 for lesson in CASES)


def test_a_verdict_says_what_was_given_what_came_and_what_should_have() -> None:
    verdict = check("01-basic-call", lambda _: False)
    assert "for one cut by max_tokens, <lambda> gives False, not True" in verdict
    assert "hint('01-basic-call')" in verdict


def test_an_unknown_lesson_has_no_exercise() -> None:
    with pytest.raises(KeyError):
        check("99-none", raising)
