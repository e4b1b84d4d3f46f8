"""``tests/record.py``: the lessons, recorded again from the stand-in, are the committed ones."""

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from helpers import ChatCompletionsClient, connect, lessons
from helpers.client.routes import ROUTES, RouteName
from helpers.lessons import LESSONS, ROOT, Lesson
from helpers.local_model import LocalModelError
from helpers.recordings.cassette import save
from helpers.recordings.replay import match_key
from tests.lessons.cells import run_cells
from tests.notebooks import files
from tests.record import (
    OtherWordsError,
    asks_model,
    check_words,
    record_all,
    recording,
    small_model,
)
from tests.recordings.calls import FACTS
from tests.standin.played import PlayedModel, by_model


def timeless(path: Path) -> Any:
    """Return a recording without dates and times, each stream in one piece.

    Calls that are made at the same time are recorded in any order, so the exchanges are sorted by
    their requests. Where the lesson left a stream early, the text that had arrived by then depends
    on the network: only its first event is kept.
    """
    recorded = json.loads(path.read_text(encoding="utf-8"))
    del recorded["provenance"]["recorded"]
    for exchange in recorded["exchanges"]:
        response = exchange["response"]
        del response["ms"]
        if "stream" in response:
            text = "".join(text for _, text in response["stream"])
            response["stream"] = text[:2000] if response["ended"] == "left" else text
    recorded["exchanges"].sort(key=lambda exchange: match_key(exchange["request"]))
    return recorded


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which recordings are written instead of the committed ones."""
    monkeypatch.setenv("TUTORIAL_RECORDINGS", str(tmp_path))
    # What the stand-in asks to wait is recorded, but not waited for.
    hasty = partial(ChatCompletionsClient, max_sleep=0.0)
    monkeypatch.setattr(connect, "ChatCompletionsClient", hasty)
    return tmp_path


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.id)
def test_recording_again_changes_nothing_but_times(
    lesson: Lesson, route: RouteName, elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    committed = lesson.cassette(route)
    if '"live":' in committed.read_text(encoding="utf-8"):
        pytest.skip("the lesson shows answers of a live deployment")
    other = lesson.cassette("models" if route == "v1" else "v1")
    played = PlayedModel(committed, other) if asks_model(lesson) else None
    with recording(route, pace=0, upstream=played):
        run_cells(lesson.notebook)
    assert not played or not any(played.answers.values())
    (again,) = elsewhere.rglob("*.json")  # what a second client asks on the other route is not kept
    assert again == elsewhere / route / committed.name
    file = f"tests/cassettes/{route}/{lesson.id}.json"
    printed = " ".join(capsys.readouterr().out.split())
    assert f" They replace {file} if the whole lesson succeeds." in printed
    assert timeless(again) == timeless(committed)
    assert "127.0.0.1" not in again.read_text(encoding="utf-8")


BY_MODEL = next(lesson for lesson in LESSONS if asks_model(lesson))


def test_other_words_of_the_model_are_told(tmp_path: Path) -> None:
    committed = BY_MODEL.cassette("v1")
    new = tmp_path / committed.name
    recorded = json.loads(committed.read_text(encoding="utf-8"))
    exchange = next(one for one in by_model(recorded["exchanges"]) if "body" in one["response"])

    def check(old: Path) -> None:
        new.write_text(json.dumps(recorded), encoding="utf-8")
        check_words(old, new)

    exchange["response"]["ms"] += 1
    check(committed)
    exchange["response"]["body"]["choices"][0]["message"]["content"] += "!"
    with pytest.raises(OtherWordsError, match=r"for 1 of \d+ requests.*--new-words"):
        check(committed)
    check(tmp_path / "none.json")
    exchange["request"]["body"]["max_tokens"] += 1  # another question
    check(committed)


def test_a_model_that_is_not_installed_is_missed_only_by_a_lesson_that_asks_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("helpers.local_model.is_installed", lambda: False)
    with small_model([LESSONS[0]]) as upstream:
        assert upstream is None
    with pytest.raises(LocalModelError, match="python -m helpers model"), small_model([BY_MODEL]):
        pass


def test_recording_writes_the_recordings_and_the_notebook(copy: Path) -> None:
    """``python -m tests.record`` writes both recordings and the notebook that a replay gives."""
    lesson = LESSONS[0]
    recorded = [copy / lesson.cassette(route).relative_to(ROOT) for route in ROUTES]
    for path in recorded:
        path.unlink()
    notebook = copy / lesson.notebook.relative_to(ROOT)
    old = notebook.read_text(encoding="utf-8").replace("Answers:", "")
    notebook.write_text(old.replace('"tutorial"', '"other"'), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "tests.record", lesson.id],
        cwd=copy,
        env=os.environ | {"PYTHONPATH": str(copy)},
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    provenance, _ = (
        json.loads(path.read_text(encoding="utf-8"))["provenance"] for path in recorded
    )
    nb = files.read(notebook)
    assert nb.metadata.tutorial == {"lesson": lesson.id, "provenance": provenance}
    assert "Answers: recorded" in str(nb.cells)
    files.normalise(nb)
    assert files.text_of(nb) == notebook.read_bytes().decode("utf-8")


@pytest.mark.parametrize("fails", ["record_into at the second route", "replay"])
def test_a_lesson_that_fails_leaves_its_recordings_and_its_notebook(
    fails: str, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def record_into(lesson: Lesson, folder: Path) -> None:
        if "/v1" in os.environ["AZURE_INFERENCE_ENDPOINT"] and fails != "replay":
            raise RuntimeError("out of order")
        save(folder / "models" / f"{lesson.id}.json", {"provenance": FACTS, "exchanges": []})

    def replay(*_: object) -> str:
        raise RuntimeError("out of order")

    monkeypatch.setattr(lessons, "ROOT", copy)
    monkeypatch.setattr("tests.record.record_into", record_into)
    monkeypatch.setattr("tests.record.replay", replay)
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    assert record_all([LESSONS[0]], None, False) == [f"{LESSONS[0].id}: RuntimeError: out of order"]
    assert {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()} == before
