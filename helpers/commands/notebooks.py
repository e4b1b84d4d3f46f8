"""Execute a notebook with no one at the screen."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from helpers.client.errors import ConfigurationError
from helpers.client.redaction import one_line
from helpers.connect import current_mode
from helpers.lessons import LESSONS

CELL_TIMEOUTS = {"replay": 60, "live": 600, "record": 600}
"""Seconds that a cell may take. Without a limit, papermill waits forever for a stuck kernel."""
CHANGED = 3
"""The exit code if something differs from what it is compared with."""
INTERRUPTED = 130
"""The exit code of a program that Ctrl-C ended: 128 and the number of SIGINT, as shells have it."""


def check_folder(folder: Path) -> None:
    """Make the folder for the executed notebooks. Raise ``ConfigurationError`` if it can't be.

    It can't be the folder of the lessons either, because they would be overwritten.
    """
    why = "the lessons are there"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
        if not folder.samefile(LESSONS[0].notebook.parent):
            return
    except OSError as reason:
        why = str(reason.strerror)
    raise ConfigurationError(
        f"The notebooks can't be written to {folder}: {why}.", advice="name another folder."
    )


def execute(
    source: Path, cell_timeout: int | None = None, parameters: Mapping[str, Any] | None = None
) -> tuple[str, Exception | None]:
    """Run the notebook ``source``. Return it with its outputs, and the error that ended it, if any.

    The kernel works in the folder of ``source``, as in JupyterLab. A cell may take
    ``cell_timeout`` seconds (None: as long as suits the mode). The error has a note that names the
    cell: ``failure_text`` returns both. The text is empty if no kernel started.
    """
    import nbformat
    import papermill  # type: ignore[import-untyped]  # the import takes one or two seconds

    notebooks: list[Any] = []  # the outputs are added while it runs
    cells: list[str] = []
    failure: Exception | None = None
    run = partial(
        papermill.execute_notebook,
        source.resolve(),
        None,  # no file: nothing half done is ever on the disk, and no key that a cell shows
        dict(parameters or {}),
        cwd=source.resolve().parent,
        kernel_name="python3",
        progress_bar=False,
        execution_timeout=cell_timeout or CELL_TIMEOUTS[current_mode()],
        store_widget_state=False,  # GitHub refuses notebooks with half a state
        shutdown_kernel="immediate",  # nothing is left to do; taking it down takes 0.3 s
        coalesce_streams=True,
        # The first hides the warning about TCP without encryption (the kernel listens on loopback
        # only), and what a kernel says that Ctrl-C ends within a cell. With the second nothing is
        # added to the history of what the reader typed into IPython.
        extra_arguments=["--log-level=CRITICAL", "--HistoryManager.enabled=False"],
        on_notebook_start=lambda notebook: notebooks.append(notebook),
        on_cell_execute=lambda cell, cell_index: cells.append(cell["source"]),
    )
    try:
        # A terminal in JupyterLab sets it; a kernel that inherits it takes the run for interactive.
        with environment(JPY_SESSION_NAME=None):
            try:
                run()
            except RuntimeError:
                if cells:
                    raise
                # A kernel is told its ports before it opens them. It dies if another process, such
                # as that of another lesson, was faster. Its second try has ports of its own.
                run()
    except Exception as reason:
        if cells:
            reason.add_note(f"In [{len(cells)}]: {one_line(cells[-1], 60)}")
        failure = reason
    text = nbformat.writes(notebooks[-1]) if notebooks else ""  # type: ignore[no-untyped-call]
    return text, failure


def failure_text(reason: Exception) -> str:
    """Return the class and the message of what ended a run, and the cell."""
    # papermill's error has those of the cell's error.
    name = getattr(reason, "ename", type(reason).__name__)
    text = f"{name}: {getattr(reason, 'evalue', reason)}"
    return "\n  ".join([text, *getattr(reason, "__notes__", ())])


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
