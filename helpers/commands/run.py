"""Run lessons from start to end with no one at the screen: ``python -m helpers run``."""

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path, PureWindowsPath

from tabulate import tabulate
from tqdm import tqdm  # type: ignore[import-untyped]

from helpers.connect import current_mode
from helpers.lessons import LESSONS, Lesson
from helpers.recordings.cassette import replace_recordings

CELL_TIMEOUTS = {"replay": 60, "live": 600, "record": 600}
"""Seconds that a cell may take. Without a limit, papermill waits forever for a stuck kernel."""
INTERRUPTED = 130
"""The exit code of a program that Ctrl-C ended: 128 and the number of SIGINT, as shells have it."""


def select_lessons(names: Sequence[str]) -> list[Lesson]:
    """Return the lessons of these names, in lesson order; all of them without names.

    A name is that of a lesson, its number, or a path of its notebook. Raise ``LookupError`` for a
    name that no lesson has.
    """
    wanted = {_select(name) for name in names}
    return [lesson for lesson in LESSONS if lesson in wanted or not names]


def _select(name: str) -> Lesson:
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
    raise LookupError(f"There is no lesson {name!r}. The lessons are: {ids}.")


def check_folder(folder: Path) -> None:
    """Make the folder for the executed notebooks. Raise ``OSError`` with a sentence if it can't be.

    It can't be the folder of the lessons either, because they would be overwritten.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as reason:
        why = "it is a file" if folder.is_file() else reason.strerror
        raise OSError(f"The notebooks can't be written to {folder}: {why}.") from None
    if any(folder.samefile(lesson.notebook.parent) for lesson in LESSONS):
        raise OSError(f"The notebooks can't be written to {folder}: the lessons are there.")


def run_lessons(lessons: Sequence[Lesson], folder: Path, cell_timeout: int | None = None) -> int:
    """Run ``lessons`` into ``folder`` and print a table of results; return the exit code.

    It is 1 if a lesson failed and 130 after Ctrl-C. In record mode each lesson that succeeds
    replaces its recording.
    """
    is_recording = current_mode() == "record"
    rows, notes, written, code = [], [], 0, 0
    for lesson in (bar := tqdm(lessons, unit="lesson")):
        bar.set_description(lesson.id)
        target = folder / f"{lesson.id}.ipynb"
        started, result = time.perf_counter(), "ok"
        try:
            target.unlink(missing_ok=True)  # of an earlier run
            with new_recordings(lesson) if is_recording else nullcontext() as recordings:
                execute(lesson.notebook, target, cell_timeout)
                if recordings and any(recordings.rglob("*.json")):
                    result = "recorded"
        except KeyboardInterrupt:
            result, code = "stopped", INTERRUPTED
            notes.append(f"Stopped by Ctrl-C in {lesson.id}.")
        except Exception as reason:  # run the other lessons all the same
            result, code = "failed", 1
            notes.append(f"{lesson.id}: {failure_text(reason)}")
        rows.append([lesson.id, result, time.perf_counter() - started])
        written += target.exists()
        if code == INTERRUPTED:
            break
    bar.close()
    print(tabulate(rows, headers=["lesson", "result", "seconds"], floatfmt=".1f"))
    if is_recording:
        notes.append("Lessons that are `recorded` have new recordings; all others are as before.")
    if written:
        notes.append(f"The executed notebooks are in {folder.resolve()}")
    print(*notes, sep="\n")
    return code


def failure_text(reason: Exception) -> str:
    """Return the class and the message of what ended a run."""
    # papermill's error has those of the cell's error.
    name = getattr(reason, "ename", type(reason).__name__)
    return f"{name}: {getattr(reason, 'evalue', reason)}"


@contextmanager
def new_recordings(lesson: Lesson) -> Iterator[Path]:
    """Record, and replay, in a folder of its own until the block ends.

    If the block succeeds, what was recorded replaces the recordings of ``lesson``.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        with environment(TUTORIAL_RECORDINGS=folder):
            yield Path(folder)
        replace_recordings(lesson.id, Path(folder), lesson.cassette("v1").parent.parent)


def execute(source: Path, target: Path, cell_timeout: int | None = None) -> None:
    """Run the notebook ``source`` and write it with its outputs to ``target``.

    The kernel works in the folder of ``source``, as in JupyterLab. A cell may take
    ``cell_timeout`` seconds (None: as long as suits the mode). Raise
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
            execution_timeout=cell_timeout or CELL_TIMEOUTS[current_mode()],
            request_save_on_cell_execute=False,  # saving twice a cell takes half of the time
            store_widget_state=False,  # GitHub refuses notebooks with half a state
            coalesce_streams=True,
            # Hides the warning about TCP without encryption (the kernel listens on loopback only),
            # and what a kernel says that Ctrl-C ends within a cell.
            extra_arguments=["--log-level=CRITICAL"],
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
