"""Run lessons from start to end with no one at the screen: ``python -m helpers run``."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tabulate import tabulate
from tqdm import tqdm  # type: ignore[import-untyped]

from helpers.lessons import LESSONS, Lesson

CELL_TIMEOUT = 60
"""Seconds that a cell may take. Without a limit, papermill waits forever for a stuck kernel."""


def select_lessons(names: Sequence[str]) -> list[Lesson]:
    """Return the lessons of these names or numbers, in lesson order; all of them without names.

    Raise ``LookupError`` for a name that no lesson has.
    """
    known = {name: lesson for lesson in LESSONS for name in (lesson.id, lesson.id.split("-")[0])}
    if missing := [name for name in names if name not in known]:
        ids = ", ".join(lesson.id for lesson in LESSONS)
        raise LookupError(f"There is no lesson {missing[0]!r}. The lessons are: {ids}.")
    wanted = {known[name] for name in names}
    return [lesson for lesson in LESSONS if lesson in wanted or not names]


def run_lessons(lessons: Sequence[Lesson], folder: Path) -> int:
    """Run ``lessons`` into ``folder`` and print a table of results; return 1 if one failed."""
    rows, failures = [], []
    for lesson in (bar := tqdm(lessons, unit="lesson")):
        bar.set_description(lesson.id)
        started, result = time.perf_counter(), "ok"
        try:
            execute(lesson.notebook, folder / f"{lesson.id}.ipynb")
        except Exception as reason:  # run the other lessons all the same
            # papermill's error has the class name and the message of the cell's error.
            name = getattr(reason, "ename", type(reason).__name__)
            failures.append(f"{lesson.id}: {name}: {getattr(reason, 'evalue', reason)}")
            result = "failed"
        rows.append([lesson.id, result, time.perf_counter() - started])
    print(tabulate(rows, headers=["lesson", "result", "seconds"], floatfmt=".1f"))
    print(*failures, f"The executed notebooks are in {folder.resolve()}", sep="\n")
    return 1 if failures else 0


def execute(source: Path, target: Path) -> None:
    """Run the notebook ``source`` and write it with its outputs to ``target``.

    The kernel works in the folder of ``source``, as in JupyterLab. Raise
    ``papermill.PapermillExecutionError`` if a cell fails; ``target`` then shows where.
    """
    import papermill  # type: ignore[import-untyped]  # the import takes one or two seconds

    target.parent.mkdir(parents=True, exist_ok=True)
    # A terminal in JupyterLab sets it; a kernel that inherits it takes the run for interactive.
    with environment(JPY_SESSION_NAME=None):
        papermill.execute_notebook(
            source.resolve(),
            target.resolve(),
            cwd=source.resolve().parent,
            kernel_name="python3",
            progress_bar=False,
            execution_timeout=CELL_TIMEOUT,
            request_save_on_cell_execute=False,  # saving twice a cell takes half of the time
            store_widget_state=False,  # GitHub refuses notebooks with half a state
            coalesce_streams=True,
            # Hides the warning about TCP without encryption: the kernel listens on loopback only.
            extra_arguments=["--log-level=ERROR"],
        )


@contextmanager
def environment(**variables: str | None) -> Iterator[None]:
    """Set environment variables (None: unset them) until the block ends."""
    before = {name: os.environ[name] for name in variables if name in os.environ}
    try:
        for name, value in variables.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        yield
    finally:
        for name in variables:
            os.environ.pop(name, None)
        os.environ.update(before)
