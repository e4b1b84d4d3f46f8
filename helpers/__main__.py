"""The command line: ``python -m helpers run`` runs the lessons and says how they went."""

import argparse
import sys
import time
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path

from tabulate import tabulate
from tqdm import tqdm  # type: ignore[import-untyped]

from helpers.client.routes import ROUTES
from helpers.commands.run import chosen, environment, execute
from helpers.lessons import Lesson


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks for and return the exit code."""
    if isinstance(sys.stdout, TextIOWrapper):  # a Windows pipe may not know every character
        sys.stdout.reconfigure(errors="backslashreplace")
    parser = argparse.ArgumentParser(prog="python -m helpers", description="The lessons.")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser(
        "run", help="run lessons from start to end", description="Run lessons from start to end."
    )
    run.add_argument(
        "lessons", nargs="*", metavar="LESSON", help="a name or a number (all lessons if none)"
    )
    run.add_argument(
        "--to",
        type=Path,
        default=Path("executed"),
        metavar="FOLDER",
        help="folder for the executed notebooks (%(default)s)",
    )
    run.add_argument("--route", choices=ROUTES, help="the route whose recordings are replayed")
    options = parser.parse_args(arguments)
    try:
        lessons = chosen(options.lessons)
    except LookupError as unknown:
        run.error(str(unknown.args[0]))  # exits with 2
    route = {"TUTORIAL_ROUTE": options.route} if options.route else {}
    with environment(**route):
        return run_lessons(lessons, options.to)


def run_lessons(lessons: Sequence[Lesson], folder: Path) -> int:
    """Run ``lessons`` into ``folder``, print a table of results; 1 if any failed, else 0."""
    rows, failures = [], []
    for lesson in (bar := tqdm(lessons, unit="lesson")):
        bar.set_description(lesson.id)
        started = time.perf_counter()
        failure = failure_of(lesson, folder)
        rows.append([lesson.id, "failed" if failure else "ok", time.perf_counter() - started])
        failures += [f"{lesson.id}: {failure}"] if failure else []
    print(tabulate(rows, headers=["lesson", "result", "seconds"], floatfmt=".1f"))
    print(*failures, f"The executed notebooks are in {folder.resolve()}", sep="\n")
    return 1 if failures else 0


def failure_of(lesson: Lesson, folder: Path) -> str:
    """Run one lesson; what went wrong, in words, or an empty string."""
    try:
        execute(lesson.notebook, folder / f"{lesson.id}.ipynb")
    except Exception as reason:  # whatever it is, the other lessons still have their turn
        # papermill's error carries the error of the cell: its class name and message.
        name = getattr(reason, "ename", type(reason).__name__)
        return f"{name}: {getattr(reason, 'evalue', reason)}"
    return ""


if __name__ == "__main__":
    raise SystemExit(main())
