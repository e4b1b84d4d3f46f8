"""The catalogue of the lessons, read from ``lessons.toml``."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from helpers.client.errors import ConfigurationError

ROOT = Path(__file__).resolve().parent.parent
"""The repository: the folder that holds ``notebooks/``, ``helpers/`` and ``tests/``."""


@dataclass(frozen=True)
class Lesson:
    """One numbered notebook.

    ``id`` is the name of its file without the suffix, ``minutes`` the time that a reader needs,
    ``mirrors`` the section of Microsoft's article that it follows. ``small_model`` (what the small
    model answers), ``scripted`` (what scripts answer all the same) and ``deployment`` (what a
    deployment adds) are cells of the README's table. ``hint`` says how to begin the exercise.
    """

    id: str
    title: str
    minutes: int
    mirrors: str
    summary: str
    small_model: str = ""
    scripted: str = ""
    deployment: str = ""
    hint: str = ""

    @property
    def notebook(self) -> Path:
        """The path of the notebook."""
        return ROOT / "notebooks" / f"{self.id}.ipynb"

    def cassette(self, route: str) -> Path:
        """Return the path of the lesson's recordings for ``route`` (``models`` or ``v1``)."""
        return ROOT / "tests" / "cassettes" / route / f"{self.id}.json"


def _read() -> tuple[Lesson, ...]:
    text = Path(__file__).with_name("lessons.toml").read_text(encoding="utf-8")
    return tuple(Lesson(**facts) for facts in tomllib.loads(text)["lesson"])


LESSONS = _read()


def find_lesson(name: str) -> Lesson:
    """Return the lesson of this name, number, or path of its notebook.

    Raise ``ConfigurationError`` if no lesson has it.
    """
    path = Path(PureWindowsPath(name).as_posix())  # both kinds of slashes, on every system
    wanted = path.name.removesuffix(".ipynb")
    for lesson in LESSONS:
        number = lesson.id.split("-")[0]
        is_named = wanted == lesson.id or (wanted.isdecimal() and int(wanted) == int(number))
        # Another notebook of the same name, such as an executed one, is no lesson.
        is_other = len(path.parts) > 1 and path.exists() and not path.samefile(lesson.notebook)
        if is_named and not is_other:
            return lesson
    ids = ", ".join(lesson.id for lesson in LESSONS)
    raise ConfigurationError(f"There is no lesson {name!r}.", advice=f"use one of {ids}.")


def select_lessons(names: Sequence[str]) -> list[Lesson]:
    """Return the lessons of these names, in lesson order; all of them without names."""
    wanted = {find_lesson(name) for name in names}
    return [lesson for lesson in LESSONS if lesson in wanted or not names]
