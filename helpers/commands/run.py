"""Run a notebook from start to end with no one at the screen, through papermill."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from helpers.lessons import LESSONS, Lesson

CELL_TIMEOUT = 60
"""Seconds that one cell may take before the run fails; without a limit a stuck kernel waits on."""


def execute(source: Path, target: Path, parameters: dict[str, Any] | None = None) -> None:
    """Run the notebook ``source`` and write it with its outputs to ``target``.

    The kernel works in the folder of ``source``, as JupyterLab's does. ``parameters`` replace
    values of the cell tagged ``parameters``; papermill stores them in clear, so never pass a key.
    Raises ``papermill.PapermillExecutionError`` if a cell fails; ``target`` then shows where.
    """
    # Takes a second or two: only those who run a notebook pay for it.
    import papermill  # type: ignore[import-untyped]

    target.parent.mkdir(parents=True, exist_ok=True)
    # Set by JupyterLab, and inherited by a command that is started there: it would tell the
    # notebook that someone looks at it, and the outputs would not be those of a headless run.
    with environment(JPY_SESSION_NAME=None):
        papermill.execute_notebook(
            source.resolve(),
            target.resolve(),
            parameters=parameters,
            cwd=source.resolve().parent,
            kernel_name="python3",
            progress_bar=False,
            execution_timeout=CELL_TIMEOUT,
            request_save_on_cell_execute=False,  # writes it all anew twice a cell: half of the time
            store_widget_state=False,  # GitHub refuses notebooks with half a state
            coalesce_streams=True,
            # Keeps the kernel's "running over TCP without encryption" out of the terminal: it
            # listens on the loopback interface only.
            extra_arguments=["--log-level=ERROR"],
        )


def chosen(names: Sequence[str]) -> list[Lesson]:
    """The lessons of these names or numbers, in lesson order; all of them if there are none.

    Raises ``LookupError`` for a name that no lesson has.
    """
    known = {name: lesson for lesson in LESSONS for name in (lesson.id, lesson.id.split("-")[0])}
    if missing := [name for name in names if name not in known]:
        ids = ", ".join(lesson.id for lesson in LESSONS)
        raise LookupError(f"There is no lesson {missing[0]!r}. The lessons are: {ids}.")
    wanted = {known[name] for name in names}
    return [lesson for lesson in LESSONS if lesson in wanted or not names]


@contextmanager
def environment(**variables: str | None) -> Iterator[None]:
    """Set environment variables, or with None unset them, until the block ends."""
    before = {name: os.environ.get(name) for name in variables}
    try:
        _set(variables)
        yield
    finally:
        _set(before)


def _set(variables: dict[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
