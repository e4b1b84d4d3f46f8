"""Write what is generated from ``helpers/lessons.toml``: ``python -m tests.notebooks.pages``.

That is the navigation bar under the title of each notebook, the table of lessons in the README, and
the table of what works on the small model, in the README and in lesson 00. A test fails if one of
them is out of date.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell
from tabulate import tabulate

from helpers.lessons import LESSONS, ROOT, Lesson
from tests.notebooks import files

README = ROOT / "README.md"
ALL, ON_MODEL = "lessons", "small model"
"""The names of the tables, as in the marks ``<!-- lessons -->`` and ``<!-- /lessons -->``."""
NAVIGATION = "navigation"
MADE = "<!-- navigation: made by python -m tests.notebooks.pages -->"


def main() -> None:
    """Write every page that is out of date, and print its name."""
    for path, text in pages().items():
        if path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8", newline="\n")
            print(f"{path.relative_to(ROOT).as_posix()}: written")


def pages() -> dict[Path, str]:
    """Return what each page should hold, by its path."""
    made = {}
    befores, afters = (None, *LESSONS[:-1]), (*LESSONS[1:], None)
    for before, lesson, after in zip(befores, LESSONS, afters, strict=True):
        nb = files.read(lesson.notebook)
        set_bar(nb, bar(before, after))
        if before is None:
            set_table(nb, ON_MODEL, model_table(LESSONS, "."))
        files.normalise(nb)
        made[lesson.notebook] = files.text_of(nb)
    readme = with_table(README.read_text(encoding="utf-8"), ALL, table(LESSONS))
    made[README] = with_table(readme, ON_MODEL, model_table(LESSONS, "notebooks"))
    return made


def bar(before: Lesson | None, after: Lesson | None) -> str:
    """Return the links to the lessons before and after a lesson, and to the table of them all."""
    links = [
        f"[← {before.title}]({before.notebook.name})" if before else "",
        "[Contents](../README.md)",
        f"[{after.title}\u00a0→]({after.notebook.name})" if after else "",
    ]
    return f"{MADE}\n" + " · ".join(link for link in links if link)


def set_bar(nb: NotebookNode, source: str) -> None:
    """Put the bar under the title cell, and remove the old one."""
    nb.cells = [c for c in nb.cells if NAVIGATION not in c.metadata.get("tags", [])]
    nb.cells.insert(1, new_markdown_cell(source, metadata={"tags": [NAVIGATION]}))


def table(lessons: tuple[Lesson, ...]) -> str:
    """Return the lessons as a Markdown table."""
    head = ("Lesson", "What it teaches", "Section of the article", "Minutes")
    rows = [
        (
            f"[{lesson.id[:2]} {lesson.title}](notebooks/{lesson.notebook.name})",
            lesson.summary,
            lesson.mirrors,
            str(lesson.minutes),
        )
        for lesson in lessons
    ]
    return markdown(head, rows)


def model_table(lessons: tuple[Lesson, ...], folder: str) -> str:
    """Return what works on the small model; ``folder`` is where the links find the notebooks."""
    head = ("Lesson", "The small model writes", "Scripts answer", "A deployment adds")
    rows = [
        (
            f"[{lesson.id[:2]}]({folder}/{lesson.notebook.name})".replace("(./", "("),
            lesson.small_model,
            lesson.scripted,
            lesson.deployment,
        )
        for lesson in lessons
    ]
    return markdown(head, rows)


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    cells = [[text.replace("|", "\\|") for text in row] for row in rows]
    return tabulate(cells, headers=head, tablefmt="github", disable_numparse=True)


def set_table(nb: NotebookNode, name: str, made: str) -> None:
    """Put a table between its marks, in the cell that has them. Raises ``ValueError`` without."""
    (cell,) = (one for one in nb.cells if f"<!-- {name} -->" in one.source)
    cell.source = with_table(cell.source, name, made)


def with_table(text: str, name: str, made: str) -> str:
    """Return ``text`` with the table between its marks. Raises ``ValueError`` without marks."""
    head, start, rest = text.partition(f"<!-- {name} -->")
    _, end, tail = rest.partition(f"<!-- /{name} -->")
    if not (start and end):
        raise ValueError(f"There must be the marks {name} and /{name}, in this order.")
    return f"{head}{start}\n\n{made}\n\n{end}{tail}"


if __name__ == "__main__":
    main()
