"""A recording that is interrupted is the old one or the new one on all routes, never another."""

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from helpers import ChatError
from helpers.client.routes import ROUTES
from helpers.lessons import ROOT
from helpers.recordings.cassette import beside, load, replace_recordings, save
from helpers.recordings.record import RecordingTransport
from tests.fakes import ASK, Answer, Service, answer, client, piece, streamed
from tests.recordings.tapes import FACTS, LESSON, write


class Killed(BaseException):
    """The process ends here: nothing that is done afterwards has an effect."""


def generations(cassettes: Path) -> set[str]:
    """Return of which generations the recordings are, each of them whole."""
    loaded = [load(cassettes / route / f"{LESSON}.json") for route in ROUTES]
    return {kept["request"]["model"] for tape in loaded for kept in tape["exchanges"]}


OPERATIONS = [
    *((os, name) for name in ("mkdir", "rename", "replace", "unlink", "rmdir")),
    (shutil, "copy"),
]


def killed_at(patch: pytest.MonkeyPatch, operation: int) -> None:
    """Let the process be killed at the ``operation``th change of the file system."""
    made = count()

    def counted(real: Any) -> Any:
        def call(source: Any, *rest: Any, **options: Any) -> Any:
            if next(made) < operation:
                return real(source, *rest, **options)
            if real is copy:  # it is killed in the middle of the file
                target = Path(rest[0]) / Path(source).name
                target.write_bytes(Path(source).read_bytes()[:20])
            raise Killed

        return call

    copy = shutil.copy
    for module, name in OPERATIONS:
        patch.setattr(module, name, counted(getattr(module, name)))


def test_a_replacement_that_is_killed_at_any_step_is_the_old_or_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = write(tmp_path / "new", "new")
    outcomes = []
    for operation in count():
        cassettes = write(tmp_path / str(operation), "old")
        with monkeypatch.context() as patch, suppress(Killed):
            killed_at(patch, operation)
            replace_recordings(LESSON, new, cassettes)
            break
        (outcome,) = generations(cassettes)
        outcomes.append(outcome)
        # Whatever is left of it disturbs no later replacement.
        replace_recordings(LESSON, write(tmp_path / "newer", "newer"), cassettes)
        assert generations(cassettes) == {"newer"}
    assert outcomes == sorted(outcomes, reverse=True)  # old, then new
    assert set(outcomes) == {"old", "new"}


def test_a_process_that_is_killed_while_a_load_finishes_is_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for operation in range(6):
        cassettes = write(tmp_path / str(operation), "old")
        write(cassettes / f"{LESSON}.complete.new", "new")  # as a killed process leaves it
        with monkeypatch.context() as patch, suppress(Killed):
            killed_at(patch, operation)
            generations(cassettes)
        assert generations(cassettes) == {"new"}


def test_routes_that_were_not_recorded_stay(tmp_path: Path) -> None:
    cassettes, new = write(tmp_path / "old", "old"), write(tmp_path / "new", "new")
    (new / "models" / f"{LESSON}.json").unlink()
    assert replace_recordings("02-streaming", new, cassettes) == []
    replaced = replace_recordings(LESSON, new, cassettes)
    assert replaced == [cassettes / "v1" / f"{LESSON}.json"]
    assert generations(cassettes) == {"old", "new"}


def test_a_replacement_leaves_nothing_beside(tmp_path: Path) -> None:
    cassettes, new = write(tmp_path / "old", "old"), write(tmp_path / "new", "new")
    beside(cassettes / "v1" / f"{LESSON}.json").write_text("by hand", encoding="utf-8")
    replace_recordings(LESSON, new, cassettes)
    assert not list(cassettes.rglob("*.new"))


REPLACE_FOR_EVER = """
import sys, tempfile
from itertools import count
from pathlib import Path
from helpers.recordings.cassette import replace_recordings
from tests.recordings.tapes import LESSON, write
for generation in count(int(sys.argv[2])):
    with tempfile.TemporaryDirectory() as folder:
        replace_recordings(LESSON, write(Path(folder), str(generation)), Path(sys.argv[1]))
    print(generation, flush=True)
"""


def test_a_process_that_is_killed_at_any_moment_leaves_the_old_or_the_new_one(
    tmp_path: Path,
) -> None:
    chance, generation = random.Random(8), 0
    for _ in range(20):
        process = subprocess.Popen(
            [sys.executable, "-c", REPLACE_FOR_EVER, str(tmp_path), str(generation + 1)],
            stdout=subprocess.PIPE,
            encoding="utf-8",
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        assert process.stdout
        told = [int(process.stdout.readline())]  # from here on there is something to lose
        with suppress(subprocess.TimeoutExpired):
            process.wait(chance.random() / 10)
        process.kill()  # SIGKILL; on Windows it is terminated
        told += map(int, process.stdout.read().split())
        process.wait()
        (found,) = generations(tmp_path)
        generation = int(found)
        assert generation in (told[-1], told[-1] + 1)


class Interrupted(httpx.SyncByteStream):
    """A body in the middle of which Ctrl-C is pressed."""

    def __iter__(self) -> Iterator[bytes]:
        yield b'{"choices'
        raise KeyboardInterrupt


FAILING: dict[str, list[Answer]] = {
    "a wrong key": [answer(401, {"error": {"message": "no"}})],
    "a server that ends in the middle": [answer(), httpx.ConnectError("refused")],
    "Ctrl-C": [answer(), answer(body=Interrupted())],
    "a stream that breaks": [streamed(piece("H"), httpx.ReadError("cut"))],
    "less than the lesson asks": [answer()],
}


@pytest.mark.parametrize("answers", FAILING.values(), ids=FAILING)
def test_recording_never_touches_the_recording_itself(path: Path, answers: list[Answer]) -> None:
    save(path, {"provenance": FACTS, "exchanges": [1, 2, 3]})
    before = path.read_bytes()
    recorder = RecordingTransport(path, Service(*answers), LESSON, dict(FACTS))
    with (
        suppress(ChatError, KeyboardInterrupt, TypeError),
        client(transport=recorder, max_retries=0) as asked,
    ):
        for _ in answers:
            asked.complete(ASK)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) in ([path], [path, beside(path)], [beside(path), path])
    if beside(path).exists():
        assert json.loads(beside(path).read_text(encoding="utf-8"))["lesson"] == LESSON
