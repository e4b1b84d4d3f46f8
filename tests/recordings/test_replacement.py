"""Recordings and notebook are the old or the new ones, whenever they are interrupted."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

import httpx
import pytest

from helpers import ChatError
from helpers.client.routes import ROUTES
from helpers.lessons import ROOT
from helpers.recordings.cassette import beside, load, replace_recordings, save
from helpers.recordings.record import RecordingTransport
from tests.fakes import ASK, Answer, Service, answer, client, piece, streamed
from tests.killed import Killed, killed_at
from tests.recordings.tapes import FACTS, LESSON, made, project


def generations(cassettes: Path) -> set[str]:
    """Return of which generations recordings and notebook are, each of them whole."""
    loaded = [load(cassettes / route / f"{LESSON}.json") for route in ROUTES]
    notebook = (cassettes.parents[1] / "notebooks" / f"{LESSON}.ipynb").read_text(encoding="utf-8")
    assert len(notebook.split()) == 1000
    return {kept["request"]["model"] for tape in loaded for kept in tape["exchanges"]} | {
        *notebook.split()
    }


def test_a_replacement_that_is_killed_at_any_step_is_the_old_or_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = made(tmp_path / "new", "new")
    outcomes = []
    for operation in count():
        cassettes = project(tmp_path / str(operation), "old")
        with monkeypatch.context() as patch, suppress(Killed):
            killed_at(patch, operation)
            replace_recordings(LESSON, new, cassettes)
            break
        (outcome,) = generations(cassettes)
        outcomes.append(outcome)
        # Whatever is left of it disturbs no later replacement.
        replace_recordings(LESSON, made(tmp_path / "newer", "newer"), cassettes)
        assert generations(cassettes) == {"newer"}
    assert outcomes == sorted(outcomes, reverse=True)  # old, then new
    assert set(outcomes) == {"old", "new"}


def test_a_process_that_is_killed_while_a_load_finishes_is_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for operation in range(8):
        cassettes = project(tmp_path / str(operation), "old")
        left = made(cassettes / f"{LESSON}.complete.new", "new")  # as a killed process leaves it
        (left / "notebooks").mkdir()
        (left / f"{LESSON}.ipynb").rename(left / "notebooks" / f"{LESSON}.ipynb")
        with monkeypatch.context() as patch, suppress(Killed):
            killed_at(patch, operation)
            generations(cassettes)
        assert generations(cassettes) == {"new"}


def test_routes_that_were_not_recorded_stay(tmp_path: Path) -> None:
    cassettes, new = project(tmp_path / "old", "old"), made(tmp_path / "new", "new")
    (new / "models" / f"{LESSON}.json").unlink()
    (new / f"{LESSON}.ipynb").unlink()
    assert replace_recordings("02-streaming", new, cassettes) == []
    replaced = replace_recordings(LESSON, new, cassettes)
    assert replaced == [cassettes / "v1" / f"{LESSON}.json"]
    assert generations(cassettes) == {"old", "new"}


def test_a_replacement_leaves_nothing_beside(tmp_path: Path) -> None:
    cassettes, new = project(tmp_path / "old", "old"), made(tmp_path / "new", "new")
    beside(cassettes / "v1" / f"{LESSON}.json").write_text("by hand", encoding="utf-8")
    replace_recordings(LESSON, new, cassettes)
    assert not list((tmp_path / "old").rglob("*.new"))


REPLACE_FOR_EVER = """
import sys, tempfile
from itertools import count
from pathlib import Path
from helpers.recordings.cassette import replace_recordings
from tests.recordings.tapes import LESSON, made
for generation in count(int(sys.argv[2])):
    with tempfile.TemporaryDirectory() as folder:
        replace_recordings(LESSON, made(Path(folder), str(generation)), Path(sys.argv[1]))
    print(generation, flush=True)
"""


def test_a_process_that_is_killed_at_any_moment_leaves_the_old_or_the_new_one(
    tmp_path: Path,
) -> None:
    chance, generation, cassettes = random.Random(8), 0, project(tmp_path, "0")
    for _ in range(20):
        process = subprocess.Popen(
            [sys.executable, "-c", REPLACE_FOR_EVER, str(cassettes), str(generation + 1)],
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
        (found,) = generations(cassettes)
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
