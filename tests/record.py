"""Record the lessons anew: ``python -m tests.record [LESSON ...] [--live]``.

Each lesson is run once for each route against a fresh stand-in endpoint, which gives its
recordings, and then replayed, which gives the notebook that is committed. The recordings of both
routes and the notebook stay as they are unless all of that succeeds. With ``--live`` the
answers come from the endpoint that the environment names (AZURE_INFERENCE_ENDPOINT and the rest),
on the one route that it has.
"""

import argparse
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nbformat import NotebookNode
from tqdm import tqdm

from helpers.client.routes import ROUTES, RouteName
from helpers.commands.run import (
    INTERRUPTED,
    environment,
    failure_text,
    new_recordings,
    select_lessons,
)
from helpers.lessons import Lesson
from helpers.recordings.cassette import load
from tests.notebooks import files
from tests.standin import StandIn

MODEL = "stand-in-chat"


def main() -> None:
    """Record what the command line asks for; exit with 1 if a lesson failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.record", description=__doc__)
    parser.add_argument("lessons", nargs="*", metavar="LESSON", help="a name or a number")
    parser.add_argument("--live", action="store_true", help="record your own deployment")
    options = parser.parse_args()
    try:
        lessons = select_lessons(options.lessons)
    except LookupError as unknown:
        parser.error(str(unknown.args[0]))
    failed = []
    for lesson in (bar := tqdm(lessons, unit="lesson")):
        bar.set_description(lesson.id)
        try:
            record(lesson, live=options.live)
        except Exception as reason:  # record the other lessons all the same
            failed.append(f"{lesson.id}: {failure_text(reason)}")
        except KeyboardInterrupt:
            bar.close()
            print(f"Stopped by Ctrl-C in {lesson.id}; its recordings and notebook are as before.")
            raise SystemExit(INTERRUPTED) from None
    if failed:
        told = "Some lessons failed; their recordings and notebooks are as before."
        raise SystemExit("\n".join([told, *failed]))


def record(lesson: Lesson, *, live: bool = False) -> None:
    """Write the recordings of ``lesson`` anew, then its notebook; or, if anything fails, neither.

    Raise ``LookupError`` for a lesson that asks nothing.
    """
    with new_recordings(lesson) as folder:
        for route in (None,) if live else ROUTES:
            with tempfile.TemporaryDirectory() as executed, recording(route):
                files.execute(lesson.notebook, Path(executed) / lesson.notebook.name)
        routes = [route for route in ROUTES if (folder / route / f"{lesson.id}.json").exists()]
        if not routes:
            raise LookupError("it asked nothing, so there is nothing to record")
        nb = replay(lesson, routes[0], folder)
    new = lesson.notebook.with_suffix(".ipynb.new")
    files.write(new, nb)
    os.replace(new, lesson.notebook)


def replay(lesson: Lesson, route: RouteName, recordings: Path) -> NotebookNode:
    """Return the notebook that a run of ``lesson`` from its recording gives."""
    with (
        tempfile.TemporaryDirectory() as folder,
        environment(TUTORIAL_MODE="replay", TUTORIAL_ROUTE=route),
    ):
        nb = files.execute(lesson.notebook, Path(folder) / lesson.notebook.name)
    provenance = load(recordings / route / f"{lesson.id}.json")["provenance"]
    nb.metadata["tutorial"] = {"lesson": lesson.id, "provenance": provenance}
    return nb


@contextmanager
def recording(route: RouteName | None, pace: float = 1.0) -> Iterator[None]:
    """Set the environment to record from a new stand-in, or live if ``route`` is None."""
    if route is None:
        with environment(TUTORIAL_MODE="record"):
            yield
        return
    with (
        StandIn(pace=pace) as server,
        environment(
            TUTORIAL_MODE="record",
            TUTORIAL_ROUTE="",  # the URL tells it
            AZURE_INFERENCE_ENDPOINT=getattr(server, route),
            AZURE_INFERENCE_CREDENTIAL=server.key,
            AZURE_INFERENCE_MODEL=MODEL,
        ),
    ):
        yield


if __name__ == "__main__":
    main()
