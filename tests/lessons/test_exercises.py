"""Each exercise accepts its solution and refuses wrong answers."""

from contextlib import suppress
from typing import Any

import pytest

from helpers import ConfigurationError
from helpers.exercises import CASES, HINTS, check, hint
from helpers.lessons import LESSONS
from tests.lessons.solutions import SOLUTIONS, Answer
from tests.lessons.wrong_answers import WRONG
from tests.notebooks import files

each_exercise = pytest.mark.parametrize("lesson", CASES)


def boom(given: Any) -> Any:
    raise LookupError("boom")


def stub(lesson: str) -> Answer:
    """The function as it stands in the notebook, before a reader's turn."""
    (nb,) = (files.read(one.notebook) for one in LESSONS if one.id == lesson)
    (cell,) = (c for c in nb.cells if "# your turn" in c.source)
    lines = "\n".join(c.source for c in nb.cells if c.cell_type == "code").splitlines()
    names: dict[str, Any] = {}
    exec("\n".join(line for line in lines if line.startswith("import ")), names)
    exec(cell.source.partition("print(check(")[0], names)
    answer: Answer = names[SOLUTIONS[lesson].__name__]
    return answer


def test_every_lesson_has_an_exercise_a_hint_and_wrong_answers() -> None:
    ids = [lesson.id for lesson in LESSONS]
    assert [*CASES] == [*HINTS] == [*WRONG] == [*SOLUTIONS] == ids


@each_exercise
def test_the_solution_is_right(lesson: str) -> None:
    assert check(lesson, SOLUTIONS[lesson]).startswith("Right: ")


@each_exercise
def test_what_stands_in_the_notebook_is_not_yet_right(lesson: str) -> None:
    assert check(lesson, stub(lesson)).startswith("Not yet: ")


@each_exercise
def test_an_error_of_an_answer_is_reported(lesson: str) -> None:
    said = check(lesson, boom)
    assert said.startswith("Not yet: for ") and " raises LookupError:\nboom\n" in said


@pytest.mark.parametrize(
    ("lesson", "answer"),
    [
        pytest.param(lesson, answer, id=f"{lesson}: {name}")
        for lesson, answers in WRONG.items()
        for name, answer in answers.items()
    ],
)
def test_a_wrong_answer_is_refused(lesson: str, answer: Answer) -> None:
    assert check(lesson, answer).startswith("Not yet: ")


@each_exercise
def test_an_answer_that_changes_its_argument_changes_no_case(lesson: str) -> None:
    def clear(given: Any) -> None:
        for spoil in (lambda: given.clear(), lambda: given.raw.clear()):
            with suppress(AttributeError):
                spoil()

    check(lesson, clear)
    assert check(lesson, SOLUTIONS[lesson]).startswith("Right: ")


class Yes:
    """Equal to everything."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


@each_exercise
@pytest.mark.parametrize(
    "answer",
    [lambda _: Yes(), lambda _: None, lambda _: [], lambda _: {}, lambda a: a, lambda: None, 5],
    ids=["equal to all", "None", "[]", "{}", "the argument", "no argument", "no function"],
)
def test_junk_is_refused(lesson: str, answer: Any) -> None:
    assert check(lesson, answer).startswith("Not yet: ")


def test_a_verdict_says_what_was_given_what_came_and_what_should_have() -> None:
    verdict = check("01-basic-call", lambda _: False)
    assert "for one cut by max_tokens, <lambda> gives False, not True" in verdict
    assert "hint('01-basic-call')" in verdict


@pytest.mark.parametrize("name", ["99-none", "1", "", "01-basic-call.ipynb", None, []])
@pytest.mark.parametrize("act", [lambda name: check(name, boom), hint], ids=["check", "hint"])
def test_an_unknown_exercise_is_told_with_the_names_of_all(act: Any, name: Any) -> None:
    with pytest.raises(ConfigurationError) as failure:
        act(name)
    told = " ".join(str(failure.value).split())
    assert told.startswith(f"There is no exercise {name!r}. What to do: use one of 00-start-here,")
    assert all(lesson.id in told for lesson in LESSONS)
