"""Record the lessons anew: ``python -m tests.record [LESSON ...] [--new-words]``.

Each lesson is run once for each route against a fresh stand-in endpoint, which gives its
recordings, and then replayed, which gives the notebook that is committed. The recordings of both
routes and the notebook stay as they are unless all of that succeeds.

Where a script says ``by = "model"``, the small model on this machine is started behind the
stand-in. Recorded again on one machine it writes the same words. Where it writes others, a lesson
stays as it is unless ``--new-words`` is given.

``python -m helpers record`` records your own deployment.
"""

import argparse
import tempfile
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tqdm import tqdm

from helpers.client.errors import ConfigurationError, RecordingError
from helpers.client.routes import ROUTES, RouteName
from helpers.commands.files import write
from helpers.commands.notebooks import INTERRUPTED, environment, failure_text
from helpers.commands.record import (
    discard_shipped,
    record_into,
    recorded_routes,
    replace,
    replay,
)
from helpers.lessons import Lesson, select_lessons
from helpers.local_model import LocalModelError, LocalModelServer
from helpers.recordings.cassette import load
from helpers.recordings.replay import match_key
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
    keep = "replace recordings in which the small model wrote other words"
    parser.add_argument("--new-words", action="store_true", help=keep)
    options = parser.parse_args()
    try:
        lessons = select_lessons(options.lessons)
    except ConfigurationError as unknown:
        parser.error(str(unknown))
    try:
        with small_model(lessons) as upstream:
            failed = record_all(lessons, upstream, options.new_words)
    except LocalModelError as missing:
        raise SystemExit(str(missing)) from None
    if failed:
        told = "Some lessons failed; their recordings and notebooks are as before."
        raise SystemExit("\n".join([told, *failed]))


def record_all(lessons: Sequence[Lesson], upstream: Upstream | None, new_words: bool) -> list[str]:
    """Record ``lessons``; return what went wrong, a line for each lesson that failed."""
    failed = []
    for lesson in (bar := tqdm(lessons, unit="lesson")):
        bar.set_description(lesson.id)
        try:
            record(lesson, upstream, new_words=new_words)
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


def record(lesson: Lesson, upstream: Upstream | None, *, new_words: bool = False) -> None:
    """Write the recordings of ``lesson`` anew, then its notebook; or, if anything fails, neither.

    Raise ``LookupError`` for a lesson that asks nothing, ``OtherWordsError`` where the model wrote
    other words than before, unless there may be ``new_words``.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as made:
        folder = Path(made)
        for route in ROUTES:
            with recording(route, upstream=upstream if asks_model(lesson) else None):
                record_into(lesson, folder)
        for route in recorded_routes(lesson, folder) if not new_words else ():
            check_words(lesson.cassette(route), folder / route / f"{lesson.id}.json")
        write(folder / lesson.notebook.name, replay(lesson, folder))
        replace(lesson, folder)
        discard_shipped(lesson)  # what was recorded here is what is shipped


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


@contextmanager
def recording(
    route: RouteName, pace: float = 1.0, upstream: Upstream | None = None
) -> Iterator[None]:
    """Set the environment to record from a new stand-in; ``upstream`` is the model behind it."""
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
