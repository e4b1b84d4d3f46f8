"""Files of recordings: how they are laid out, refused if damaged, and replaced whole or not."""

import json
import os
import shutil
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from helpers import RecordingError
from helpers.client.routes import ROUTES
from helpers.recordings.cassette import load, partial_path, replace_recordings, save
from helpers.recordings.replay import ReplayTransport
from tests.recordings.calls import FACTS, LESSON, recording_in, write


class Killed(BaseException):
    """The process ends here: nothing that is done afterwards has an effect."""


def generations(cassettes: Path) -> set[str]:
    """Return of which generations the recordings are, each of them whole."""
    loaded = [load(cassettes / route / f"{LESSON}.json") for route in ROUTES]
    return {kept["request"]["model"] for recording in loaded for kept in recording["exchanges"]}


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
        again = Path(shutil.copytree(cassettes, tmp_path / f"{operation} again"))
        outcomes += generations(cassettes)
        # Whatever is left of it disturbs no later replacement.
        replace_recordings(LESSON, write(tmp_path / "newer", "newer"), again)
        assert generations(again) == {"newer"}
    assert len(outcomes) == operation, "one generation each time"
    assert outcomes == sorted(outcomes, reverse=True)  # old, then new
    assert set(outcomes) == {"old", "new"}


def test_routes_that_were_not_recorded_stay(tmp_path: Path) -> None:
    cassettes, new = write(tmp_path / "old", "old"), write(tmp_path / "new", "new")
    (new / "models" / f"{LESSON}.json").unlink()
    assert replace_recordings("02-streaming", new, cassettes) == []
    replaced = replace_recordings(LESSON, new, cassettes)
    assert replaced == [cassettes / "v1" / f"{LESSON}.json"]
    assert generations(cassettes) == {"old", "new"}


def test_a_replacement_leaves_nothing_beside(tmp_path: Path) -> None:
    cassettes, new = write(tmp_path / "old", "old"), write(tmp_path / "new", "new")
    partial_path(cassettes / "v1" / f"{LESSON}.json").write_text("by hand", encoding="utf-8")
    replace_recordings(LESSON, new, cassettes)
    assert not list(cassettes.rglob("*.new"))


@pytest.mark.parametrize("broken", ["pathlib.Path.write_bytes", "os.replace"])
def test_a_write_that_fails_leaves_the_old_file(
    path: Path, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(path, {"a": "old"})
    monkeypatch.setattr(broken, Mock(side_effect=OSError("No space left on device")))
    with pytest.raises(OSError, match="No space"):
        save(path, {"a": "new"})
    assert recording_in(path) == {"a": "old"}


@pytest.mark.parametrize("texts", [["[ 1, ", " ]"], ["[\n 1,\n ", "\n]"], ['[1, "', '"]']])
def test_no_text_is_changed_by_how_the_file_is_laid_out(path: Path, texts: list[str]) -> None:
    save(path, {"texts": texts, "stream": [[1.5, text] for text in texts]})
    assert recording_in(path) == {"texts": texts, "stream": [[1.5, text] for text in texts]}


def shaped(**response: Any) -> dict[str, Any]:
    """Return a recording of one answer, which has ``response`` in it."""
    answer = {"status": 200, "headers": {}, "ms": 1, **response}
    exchange = {"request": {"method": "POST"}, "response": answer}
    return {"provenance": FACTS, "exchanges": [exchange]}


DAMAGED: dict[str, Any] = {
    "truncated": json.dumps(shaped())[:90],
    "nested without end": "[" * 100_000,
    "no date": {"provenance": {k: v for k, v in FACTS.items() if k != "recorded"},
                "exchanges": []},
    "counts that are none": {"provenance": {**FACTS, "answered_by": {"live": "1"}},
                             "exchanges": []},
    "no response": {"provenance": FACTS, "exchanges": [{"request": {}}]},
    "a request of another shape": shaped() | {
        "exchanges": [{"request": "a", "response": shaped()["exchanges"][0]["response"]}]},
    "status a text": shaped(status="200"),
    "headers a number": shaped(headers=5),
    "a chunk null": shaped(stream=[[1, None]]),
    "a time without end": shaped(stream=[[1e400, "data: a"]]),
    "a text that is none": shaped(text=5),
    "a duration that is none": shaped(ms="soon"),
}  # fmt: skip


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_named_without_a_path_of_this_machine(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    refused(path, "The recording cassettes/models/01-basic-call.json can't be read")


def test_a_missing_file_and_a_folder_are_named_so_too(path: Path) -> None:
    refused(path, "There is no recording cassettes/models/01-basic-call.json")
    path.mkdir(parents=True)
    refused(path, "The recording cassettes/models/01-basic-call.json can't be read")


def refused(path: Path, words: str) -> None:
    """Assert that a file is refused with these words."""
    with pytest.raises(RecordingError, match=words) as failure:
        ReplayTransport(path)
    told = str(failure.value)
    assert "What to do: get the file again" in told
    assert str(path.parent.parent.parent) not in told
