"""Record the lessons anew: ``python -m tests.record [LESSON ...] [--live]``.

Each lesson is run once for each route against a fresh stand-in endpoint, which gives its
recordings, and then replayed, which gives the notebook that is committed. With ``--live`` the
answers come from the endpoint that the environment names (AZURE_INFERENCE_ENDPOINT and the rest),
on the one route that it has.
"""

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import tests.quick_start  # noqa: F401  (first: before anything imports nbformat)

# isort: split
from papermill import PapermillExecutionError
from tqdm import tqdm

from helpers.client.routes import ROUTES, RouteName
from helpers.commands.run import environment, select_lessons
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
        except PapermillExecutionError as failure:
            failed.append(f"{lesson.id}: {failure.ename}: {failure.evalue}")
    if failed:
        raise SystemExit(
            "\n".join(["Some lessons failed; their notebooks are as before.", *failed])
        )


def record(lesson: Lesson, *, live: bool = False) -> None:
    """Write the recordings of ``lesson`` anew, then its notebook."""
    before = {route: _written(lesson, route) for route in ROUTES}
    for route in (None,) if live else ROUTES:
        with tempfile.TemporaryDirectory() as folder, recording(route):
            files.execute(lesson.notebook, Path(folder) / lesson.notebook.name)
    routes = [route for route in ROUTES if _written(lesson, route) != before[route]]
    if not routes:
        raise SystemExit(f"{lesson.id} asked nothing: there is nothing to record.")
    replay(lesson, routes[0])


def replay(lesson: Lesson, route: RouteName) -> None:
    """Run ``lesson`` from its recording and write its notebook."""
    with (
        tempfile.TemporaryDirectory() as folder,
        environment(TUTORIAL_MODE="replay", TUTORIAL_ROUTE=route),
    ):
        nb = files.execute(lesson.notebook, Path(folder) / lesson.notebook.name)
    provenance = load(lesson.cassette(route))["provenance"]
    nb.metadata["tutorial"] = {"lesson": lesson.id, "provenance": provenance}
    files.write(lesson.notebook, nb)


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


def _written(lesson: Lesson, route: RouteName) -> int | None:
    """Return when the recording was written, or None if there is none."""
    path = lesson.cassette(route)
    return path.stat().st_mtime_ns if path.exists() else None


if __name__ == "__main__":
    main()
