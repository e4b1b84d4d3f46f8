"""Write what is generated from ``helpers/lessons.toml``: ``python -m tests.notebooks.pages``.

That is the navigation bar under the title of each notebook, the table of lessons in the README, and
the table of what works on the small model, in the README and in lesson 00. A test fails if one of
them is out of date.
"""

from collections.abc import Callable
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
            (cell,) = (one for one in nb.cells if f"<!-- {ON_MODEL} -->" in one.source)
            cell.source = with_table(cell.source, ON_MODEL, model_table(""))
        files.normalise(nb)
        made[lesson.notebook] = files.text_of(nb)
    readme = with_table(README.read_text(encoding="utf-8"), ALL, lessons_table())
    made[README] = with_table(readme, ON_MODEL, model_table("notebooks/"))
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


def lessons_table() -> str:
    """Return the lessons as a Markdown table."""
    return table(
        {
            "Lesson": lambda one: f"[{one.id[:2]} {one.title}](notebooks/{one.notebook.name})",
            "What it teaches": lambda one: one.summary,
            "Section of the article": lambda one: one.mirrors,
            "Minutes": lambda one: str(one.minutes),
        }
    )


def model_table(folder: str) -> str:
    """Return what works on the small model; in ``folder`` the links find the notebooks."""
    return table(
        {
            "Lesson": lambda one: f"[{one.id[:2]}]({folder}{one.notebook.name})",
            "The small model writes": lambda one: one.small_model,
            "Scripts answer": lambda one: one.scripted,
            "A deployment adds": lambda one: one.deployment,
        }
    )


def table(columns: dict[str, Callable[[Lesson], str]]) -> str:
    """Return a Markdown table with a row for each lesson."""
    rows = [[cell(one).replace("|", "\\|") for cell in columns.values()] for one in LESSONS]
    return tabulate(rows, headers=list(columns), tablefmt="github", disable_numparse=True)


def with_table(text: str, name: str, made: str) -> str:
    """Return ``text`` with the table between its marks. Raises ``ValueError`` without marks."""
    head, start, rest = text.partition(f"<!-- {name} -->")
    _, end, tail = rest.partition(f"<!-- /{name} -->")
    if not (start and end):
        raise ValueError(f"There must be the marks {name} and /{name}, in this order.")
    return f"{head}{start}\n\n{made}\n\n{end}{tail}"


if __name__ == "__main__":
    main()
