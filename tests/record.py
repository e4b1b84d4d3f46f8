"""Record the lessons anew: ``python -m tests.record [LESSON ...] [--new-words] [--live]``.

Each lesson is run once for each route against a fresh stand-in endpoint, which gives its
recordings, and then replayed, which gives the notebook that is committed. The recordings of both
routes and the notebook stay as they are unless all of that succeeds.

Where a script says ``by = "model"``, the small model on this machine is started behind the
stand-in. Recorded again on one machine it writes the same words. Where it writes others, a lesson
stays as it is unless ``--new-words`` is given.

With ``--live`` the answers come from the endpoint that the environment names
(AZURE_INFERENCE_ENDPOINT and the rest), on the one route that it has.
"""

import argparse
import os
import tempfile
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from tqdm import tqdm

from helpers.client.errors import RecordingError
from helpers.client.routes import ROUTES, RouteName
from helpers.commands.run import (
    INTERRUPTED,
    environment,
    failure_text,
    new_recordings,
    select_lessons,
)
from helpers.lessons import Lesson
from helpers.local_model import LocalModelError, LocalModelServer
from helpers.recordings.cassette import load, match_key
from tests.notebooks import files
from tests.standin import StandIn
from tests.standin.played import by_model, pieces_of
from tests.standin.scripts import SCRIPTS
from tests.standin.upstream import Upstream

MODEL = "stand-in-chat"


class OtherWordsError(Exception):
    """The model wrote other words than those that are recorded."""


def main() -> None:
    """Record what the command line asks for; exit with 1 if a lesson failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.record", description=__doc__)
    parser.add_argument("lessons", nargs="*", metavar="LESSON", help="a name or a number")
    parser.add_argument("--live", action="store_true", help="record your own deployment")
    keep = "replace recordings in which the small model wrote other words"
    parser.add_argument("--new-words", action="store_true", help=keep)
    options = parser.parse_args()
    try:
        lessons = select_lessons(options.lessons)
    except LookupError as unknown:
        parser.error(str(unknown.args[0]))
    try:
        with small_model([] if options.live else lessons) as upstream:
            failed = record_all(lessons, upstream, options.live, options.new_words)
    except LocalModelError as missing:
        raise SystemExit(str(missing)) from None
    if failed:
        told = "Some lessons failed; their recordings and notebooks are as before."
        raise SystemExit("\n".join([told, *failed]))


def record_all(
    lessons: Sequence[Lesson], upstream: Upstream | None, live: bool, new_words: bool
) -> list[str]:
    """Record ``lessons``; return what went wrong, a line for each lesson that failed."""
    failed = []
    for lesson in (bar := tqdm(lessons, unit="lesson")):
        bar.set_description(lesson.id)
        try:
            record(lesson, upstream, live=live, new_words=new_words)
        except Exception as reason:  # record the other lessons all the same
            failed.append(f"{lesson.id}: {failure_text(reason)}")
        except KeyboardInterrupt:
            bar.close()
            print(f"Stopped by Ctrl-C in {lesson.id}; its recordings and notebook are as before.")
            raise SystemExit(INTERRUPTED) from None
    return failed


def asks_model(lesson: Lesson) -> bool:
    """Return whether a script of ``lesson`` leaves the answer to a model."""
    text = (SCRIPTS / f"{lesson.id}.toml").read_text(encoding="utf-8")
    return any("by" in script for script in tomllib.loads(text).get("script", []))


@contextmanager
def small_model(lessons: Sequence[Lesson]) -> Iterator[Upstream | None]:
    """Run the small model if one of ``lessons`` asks it. Raises ``LocalModelError``."""
    if not any(map(asks_model, lessons)):
        yield None
        return
    with LocalModelServer() as server:
        yield Upstream(server.endpoint, server.model, server.key)


def record(
    lesson: Lesson, upstream: Upstream | None, *, live: bool = False, new_words: bool = False
) -> None:
    """Write the recordings of ``lesson`` anew, then its notebook; or, if anything fails, neither.

    Raise ``LookupError`` for a lesson that asks nothing, ``OtherWordsError`` where the model wrote
    other words than before, unless there may be ``new_words``.
    """
    with new_recordings(lesson) as folder:
        for route in (None,) if live else ROUTES:
            behind = upstream if not live and asks_model(lesson) else None
            with tempfile.TemporaryDirectory() as executed, recording(route, upstream=behind):
                files.execute(lesson.notebook, Path(executed) / lesson.notebook.name)
        routes = [route for route in ROUTES if (folder / route / f"{lesson.id}.json").exists()]
        if not routes:
            raise LookupError("it asked nothing, so there is nothing to record")
        if not live and not new_words:
            for route in routes:
                check_words(lesson.cassette(route), folder / route / f"{lesson.id}.json")
        nb = replay(lesson, routes[0], folder)
    new = lesson.notebook.with_suffix(".ipynb.new")
    files.write(new, nb)
    os.replace(new, lesson.notebook)


def check_words(old: Path, new: Path) -> None:
    """Raise ``OtherWordsError`` if a model answered a request of both recordings differently."""
    try:
        before = words_of(old)
    except RecordingError:  # none, or a damaged one
        return
    after = words_of(new)
    asked = [key for key in after if key in before]
    other = [
        key for key in asked if any(a != b for a, b in zip(after[key], before[key], strict=False))
    ]
    if other:
        raise OtherWordsError(
            f"the small model wrote other words than those recorded for {len(other)} of "
            f"{len(asked)} requests, the first: {other[0][:200]} (--new-words keeps them)"
        )


def words_of(recording: Path) -> dict[str, list[Any]]:
    """Return what a model wrote, in order, for each request of ``recording``."""
    found: dict[str, list[Any]] = defaultdict(list)
    for exchange in by_model(load(recording)["exchanges"]):
        pieces = pieces_of(exchange["response"])
        # How much of a stream had come when the lesson left it depends on the network.
        has_left = exchange["response"].get("ended") == "left"
        found[match_key(exchange["request"])].append(pieces[:5] if has_left else pieces)
    return found


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
def recording(
    route: RouteName | None, pace: float = 1.0, upstream: Upstream | None = None
) -> Iterator[None]:
    """Set the environment to record from a new stand-in, or live if ``route`` is None.

    ``upstream`` is the model behind the stand-in.
    """
    if route is None:
        with environment(TUTORIAL_MODE="record"):
            yield
        return
    with (
        StandIn(pace=pace, upstream=upstream) as server,
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
