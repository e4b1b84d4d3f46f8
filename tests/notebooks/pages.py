"""Write what is generated from ``helpers/lessons.toml``: ``python -m tests.notebooks.pages``.

That is the navigation bar under the title of each notebook, and the table of lessons in the
README. A test fails if one of them is out of date.
"""

from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell
from tabulate import tabulate

from helpers.lessons import LESSONS, ROOT, Lesson
from tests.notebooks import files

README = ROOT / "README.md"
START, END = "<!-- lessons -->", "<!-- /lessons -->"
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
        set_bar(nb, bar(before, lesson, after))
        files.normalise(nb)
        made[lesson.notebook] = files.text_of(nb)
    made[README] = with_table(README.read_text(encoding="utf-8"), table(LESSONS))
    return made


def bar(before: Lesson | None, lesson: Lesson, after: Lesson | None) -> str:
    """Return the links to the lessons before and after ``lesson``, and to the contents."""
    start = LESSONS[0]
    contents = "../README.md" if lesson == start else start.notebook.name
    links = [
        f"[← {before.title}]({before.notebook.name})" if before else "",
        f"[Contents]({contents})",
        f"[{after.title} →]({after.notebook.name})" if after else "",
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
    cells = [[text.replace("|", "\\|") for text in row] for row in rows]
    return tabulate(cells, headers=head, tablefmt="github", disable_numparse=True)


def with_table(readme: str, lessons: str) -> str:
    """Return the README with the table between its marks. Raises ``ValueError`` without marks."""
    head, start, rest = readme.partition(START)
    _, end, tail = rest.partition(END)
    if not (start and end):
        raise ValueError(f"README.md needs the marks {START} and {END}, in this order.")
    return f"{head}{START}\n\n{lessons}\n\n{END}{tail}"


if __name__ == "__main__":
    main()
