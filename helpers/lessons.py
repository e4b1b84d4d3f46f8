"""The catalogue of the lessons, read from ``lessons.toml``."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The repository: the folder that holds ``notebooks/``, ``helpers/`` and ``tests/``."""


@dataclass(frozen=True)
class Lesson:
    """One numbered notebook.

    ``id`` is the name of its file without the suffix, ``minutes`` the time that a reader needs,
    ``mirrors`` the section of Microsoft's article that it follows, ``hint`` how to begin its
    exercise. The three before that are cells of the README's table: what the small model answers,
    what stays scripted, what a deployment adds.
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
